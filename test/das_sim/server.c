#include "server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "control.h"
#include "sim.h"
#include "stats.h"

enum { BACKLOG = 1024, IDLE_SECONDS = 3600, BODY_MOST = 1 << 20, HEADERS_MOST = 256 << 10 };

struct server {
    struct sim *sim;
    struct evhttp *http;
    struct evhttp *metadata; /* NULL: not asked for */
    SSL_CTX *tls;            /* NULL: plain */
    struct event *ticker;
    struct event *signals[2];
};

static void send_json(struct evhttp_request *request, int status, json_t *body)
{
    struct evbuffer *out = evbuffer_new();
    char *text = json_dumps(body, JSON_INDENT(2));

    json_decref(body);
    if (out == NULL || text == NULL)
        abort();
    (void)evbuffer_add_printf(out, "%s\n", text);
    free(text);
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
    evhttp_send_reply(request, status, NULL, out);
    evbuffer_free(out);
}

static void refuse(struct server *server, struct evhttp_request *request, int status, const char *why)
{
    server->sim->bad_requests++;
    send_json(request, status, json_pack("{s:s}", "error", why));
}

/* The pages below: false, with the request refused, when the method is another. */
static bool is_method(struct server *server, struct evhttp_request *request, enum evhttp_cmd_type method)
{
    if (evhttp_request_get_command(request) == method)
        return true;
    refuse(server, request, 405, method == EVHTTP_REQ_POST ? "use POST" : "use GET");
    return false;
}

static void on_call(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;

    if (is_method(server, request, EVHTTP_REQ_POST))
        call_receive(server->sim, request);
}

static void on_stats(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    bool with_instances = query != NULL && strstr(query, "instances=1") != NULL;

    if (is_method(server, request, EVHTTP_REQ_GET))
        send_json(request, 200, stats_report(server->sim, with_instances));
}

static void on_reset(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;

    if (!is_method(server, request, EVHTTP_REQ_POST))
        return;
    stats_reset(server->sim);
    send_json(request, 200, json_pack("{s:b}", "reset", 1));
}

static void on_control(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(body);
    struct field_list settings = {0};
    char *why;

    if (!is_method(server, request, EVHTTP_REQ_POST))
        return;
    if ((query != NULL && !field_list_add_encoded(&settings, query, strlen(query))) ||
        (size > 0 && !field_list_add_encoded(&settings, (const char *)evbuffer_pullup(body, -1), size)))
        why = xstrdup("an escape is broken");
    else
        why = control_apply(server->sim, &settings);
    if (why == NULL)
        send_json(request, 200, control_report(server->sim));
    else
        refuse(server, request, 400, why);
    free(why);
    field_list_release(&settings);
}

static void on_other(struct evhttp_request *request, void *argument)
{
    refuse(argument, request, 404, "there is POST /, POST /control, GET /stats, POST /stats/reset");
}

static void on_metadata(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;

    call_receive_at_once(server->sim, request, metadata_answer);
}

/* libevent asks for one bufferevent for each connection it accepts. */
static struct bufferevent *on_accept(struct event_base *base, void *argument)
{
    struct server *server = argument;
    struct bufferevent *bufferevent;

    server->sim->connections++;
    if (server->tls == NULL)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent = bufferevent_openssl_socket_new(base, -1, SSL_new(server->tls), BUFFEREVENT_SSL_ACCEPTING,
                                                 BEV_OPT_CLOSE_ON_FREE);
    if (bufferevent != NULL)
        bufferevent_openssl_set_allow_dirty_shutdown(bufferevent, 1);
    return bufferevent;
}

static void on_signal(evutil_socket_t number, short what, void *argument)
{
    struct server *server = argument;

    (void)number;
    (void)what;
    (void)event_base_loopbreak(server->sim->base);
}

/* Once a second: what nobody asks for must go too, and a reader of the log wants it. */
static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct server *server = argument;
    struct sim *sim = server->sim;
    uint64_t now = clock_us();
    uint64_t lifetime = (uint64_t)sim->options.result_lifetime;

    (void)fd;
    (void)what;
    if (now > lifetime)
        result_store_expire(&sim->results, now - lifetime);
    if (sim->log != NULL)
        (void)fflush(sim->log);
}

static int tls_version(const char *text)
{
    if (strcmp(text, "1.1") == 0)
        return TLS1_1_VERSION;
    if (strcmp(text, "1.2") == 0)
        return TLS1_2_VERSION;
    return strcmp(text, "1.3") == 0 ? TLS1_3_VERSION : 0;
}

static bool setup_tls(struct server *server)
{
    const struct options *options = &server->sim->options;
    int most = tls_version(options->tls_max_version);
    SSL_CTX *tls;

    if (options->tls_cert == NULL)
        return true;
    if (most == 0) {
        (void)fputs("das_sim: --tls-max-version is 1.1, 1.2 or 1.3\n", stderr);
        return false;
    }
    tls = server->tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL)
        return false;
    /* OpenSSL 3 signs nothing for TLS 1.1 above security level 0. */
    if (most == TLS1_1_VERSION && SSL_CTX_set_cipher_list(tls, "DEFAULT:@SECLEVEL=0") != 1)
        return false;
    if (SSL_CTX_set_min_proto_version(tls, most < TLS1_2_VERSION ? most : TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(tls, most) == 1 &&
        SSL_CTX_use_certificate_chain_file(tls, options->tls_cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, options->tls_key, SSL_FILETYPE_PEM) == 1)
        return true;
    ERR_print_errors_fp(stderr);
    return false;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *in = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;

    if (address->ss_family == AF_INET)
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static void say_where(const char *intro, struct evconnlistener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    const struct sockaddr_in *in = (const void *)&address;
    const struct sockaddr_in6 *in6 = (const void *)&address;
    bool is_six;
    char text[INET6_ADDRSTRLEN] = "";

    (void)getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size);
    is_six = address.ss_family == AF_INET6;
    (void)evutil_inet_ntop(address.ss_family,
                           is_six ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, text,
                           sizeof(text));
    (void)printf(is_six ? "das_sim %s://[%s]:%d\n" : "das_sim %s://%s:%d\n", intro, text,
                 ntohs(is_six ? in6->sin6_port : in->sin_port));
    (void)fflush(stdout);
}

/* libevent's parser refuses port 0 and takes an address without a port as meaning it. */
static bool parse_listen(const char *text, struct sockaddr_storage *address, int *size)
{
    char *copy = xstrdup(text);
    size_t length = strlen(copy);
    bool ok;

    *size = sizeof(*address);
    if (length > 2 && strcmp(copy + length - 2, ":0") == 0 && copy[length - 3] != ':')
        copy[length - 2] = '\0';
    ok = evutil_parse_sockaddr_port(copy, (struct sockaddr *)address, size) == 0 && is_loopback(address);
    free(copy);
    return ok;
}

/* The intro of the line that says where: "listening on http". */
static bool setup_listener(struct server *server, struct evhttp *http, const char *text, const char *intro)
{
    struct sockaddr_storage address = {0};
    int size;
    int on = 1;
    struct evconnlistener *listener;

    if (!parse_listen(text, &address, &size)) {
        (void)fprintf(stderr, "das_sim: \"%s\" is not a loopback address like 127.0.0.1:0\n", text);
        return false;
    }
    listener = evconnlistener_new_bind(server->sim->base, NULL, NULL,
                                       LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                       BACKLOG, (struct sockaddr *)&address, size);
    if (listener == NULL || evhttp_bind_listener(http, listener) == NULL) {
        (void)fprintf(stderr, "das_sim: cannot listen on %s\n", text);
        return false;
    }
    /* Inherited by what it accepts: no reply shall wait for a delayed ACK. */
    (void)setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    say_where(intro, listener);
    return true;
}

static bool setup_listeners(struct server *server)
{
    const struct options *options = &server->sim->options;

    return setup_listener(server, server->http, options->listen,
                          server->tls == NULL ? "listening on http" : "listening on https") &&
           (options->imds_listen == NULL ||
            setup_listener(server, server->metadata, options->imds_listen, "metadata on http"));
}

static struct evhttp *new_http(struct server *server)
{
    struct evhttp *http = evhttp_new(server->sim->base);

    if (http == NULL)
        return NULL;
    evhttp_set_timeout(http, IDLE_SECONDS);
    evhttp_set_max_body_size(http, BODY_MOST);
    evhttp_set_max_headers_size(http, HEADERS_MOST);
    return http;
}

static bool setup_metadata(struct server *server)
{
    if (server->sim->options.imds_listen == NULL)
        return true;
    server->metadata = new_http(server);
    if (server->metadata != NULL)
        evhttp_set_gencb(server->metadata, on_metadata, server);
    return server->metadata != NULL;
}

static bool setup_http(struct server *server)
{
    struct evhttp *http = server->http = new_http(server);

    if (http == NULL || !setup_metadata(server))
        return false;
    evhttp_set_bevcb(http, on_accept, server);
    evhttp_set_gencb(http, on_other, server);
    return evhttp_set_cb(http, "/", on_call, server) == 0 &&
           evhttp_set_cb(http, "/control", on_control, server) == 0 &&
           evhttp_set_cb(http, "/stats", on_stats, server) == 0 &&
           evhttp_set_cb(http, "/stats/reset", on_reset, server) == 0;
}

static bool setup_events(struct server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct event_base *base = server->sim->base;
    struct timeval second = {1, 0};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        server->signals[i] = evsignal_new(base, numbers[i], on_signal, server);
        if (server->signals[i] == NULL || evsignal_add(server->signals[i], NULL) != 0)
            return false;
    }
    server->ticker = event_new(base, -1, EV_PERSIST, on_tick, server);
    return server->ticker != NULL && event_add(server->ticker, &second) == 0;
}

/* Epoll alone rounds to milliseconds, which would bunch the arrivals. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void server_release(struct server *server)
{
    call_abandon_all(server->sim);
    for (size_t i = 0; i < 2; i++) {
        if (server->signals[i] != NULL)
            event_free(server->signals[i]);
    }
    if (server->ticker != NULL)
        event_free(server->ticker);
    if (server->http != NULL)
        evhttp_free(server->http);
    if (server->metadata != NULL)
        evhttp_free(server->metadata);
    SSL_CTX_free(server->tls);
    event_base_free(server->sim->base);
    server->sim->base = NULL;
    libevent_global_shutdown();
}

int server_run(struct sim *sim)
{
    struct server server = {.sim = sim};
    int code = 1;

    raise_file_limit();
    sim->base = new_base();
    if (sim->base == NULL)
        return code;
    if (setup_tls(&server) && setup_http(&server) && setup_events(&server) && setup_listeners(&server))
        code = event_base_dispatch(sim->base) == 0 ? 0 : 1;
    server_release(&server);
    return code;
}
