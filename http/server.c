/*
 * CivetWeb as a bare transport: every request goes to the begin_request callback, so none of its
 * own handlers, files, redirects or CORS answers is ever reached; every response is written by
 * this file. One thread serves one connection at a time.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <civetweb.h>

#include "core/clock.h"
#include "core/complaint.h"
#include "core/log.h"
#include "core/semaphore.h"
#include "core/thread.h"
#include "http/access.h"
#include "http/connections.h"
#include "http/pages.h"
#include "http/response_head.h"
#include "http/server_request.h"
#include "http/tls.h"

#define WRITE_DEADLINE (3 * NS_PER_SECOND)
#define WRITE_SLICE    ((size_t)256 * 1024) /* smaller ones cost throughput */
#define SMALL_BODY_MAX ((size_t)64 * 1024)
#define WAITING_MAX    8  /* refreshes */
#define QUEUE_SIZE     16 /* connections on their way to a thread */
#ifdef CIVETWEB_SYSTEM
#define THREADS 32 /* each starts one more for a response; and nothing limits a client */
#else
#define THREADS 512
#endif
#define CLIENT_CONNECTIONS_MAX (THREADS / 2)
#define NUMBER(n)              #n
#define NUMBER_TEXT(n)         NUMBER(n)
#define COMPLAINT_SIZE         256
#define NO_FILES_PAUSE_MS      50
#define COSTLY_PAGES_AT_ONCE   2

struct server {
    const struct providers *providers;
    struct mount mount;
    struct access *access;
    struct tls *tls; /* NULL: no address asks for TLS */
    struct connections *connections;
    struct complaint crowding; /* of the thread that accepts */
    struct complaint no_files; /* of that thread, too */
    struct mg_context *context;
    int port;
    struct semaphore *turns;        /* to make costly pages */
    atomic_int posts;               /* under way; each may wait for a refresh */
    pthread_t starter;              /* the thread in server_start */
    bool starting;                  /* starter only */
    char complaint[COMPLAINT_SIZE]; /* starter only: the first one CivetWeb made while starting */
};

/*
 * Every option is known to CivetWeb 1.15 and 1.16; an unknown one would make the start fail.
 * linger_timeout_ms stays unset: 0 would cut off the end of normal responses, more would block a
 * thread in close.
 */
static const struct {
    const char *name;
    const char *value;
} fixed_options[] = {
    /* A scraper, a browser and health checks need a handful; the rest is what slow and silent
       clients may hold for a few seconds before a scrape has to wait. */
    {"num_threads", NUMBER_TEXT(THREADS)},
    {"connection_queue", NUMBER_TEXT(QUEUE_SIZE)},
    {"request_timeout_ms", "2000"}, /* silence while a request is read, or a slice written */
    {"enable_keep_alive", "yes"},
    {"keep_alive_timeout_ms", "1000"}, /* an idle connection holds a thread */
    {"tcp_nodelay", "1"},
    {"listen_backlog", "512"},
    {"decode_url", "no"},
    {"enable_auth_domain_check", "no"}, /* it would refuse absolute URIs */
    {"access_control_allow_origin", ""},
    {"access_control_allow_methods", ""},
    {"access_control_allow_headers", ""},
};

#define FIXED_OPTION_COUNT (sizeof(fixed_options) / sizeof(fixed_options[0]))

static bool write_slices(struct mg_connection *connection, const char *bytes, size_t length, int64_t deadline)
{
    while (length > 0) {
        size_t slice = length < WRITE_SLICE ? length : WRITE_SLICE;

        if (clock_now() >= deadline || mg_write(connection, bytes, slice) != (int)slice)
            return false;
        bytes += slice;
        length -= slice;
    }
    return true;
}

/* Head and a small body leave in one packet. */
static bool write_response(struct mg_connection *connection, const struct page_response *response,
                           bool keep_alive, bool head_only)
{
    int64_t deadline = clock_add(clock_now(), WRITE_DEADLINE);
    size_t first = 0;
    struct strbuf head;
    bool written;

    strbuf_init(&head, 0);
    response_head_append(&head, response, keep_alive, clock_unix_ms());
    if (!head_only && response->part_count == 1 && response->length <= SMALL_BODY_MAX) {
        strbuf_append(&head, response->parts[0].bytes, response->length);
        first = 1;
    }
    written = !strbuf_failed(&head) && write_slices(connection, head.data, head.length, deadline);
    for (size_t i = first; i < response->part_count && written && !head_only; i++)
        written = write_slices(connection, response->parts[i].bytes, response->parts[i].length, deadline);
    strbuf_release(&head);
    return written;
}

/* What CivetWeb will decide too, from the same header. */
static bool client_keeps_alive(const struct mg_connection *connection, const struct mg_request_info *info)
{
    const char *option = mg_get_header(connection, "Connection");

    if (option != NULL)
        return strcasestr(option, "keep-alive") != NULL;
    return info->http_version != NULL && strcmp(info->http_version, "1.1") == 0;
}

static void send_response(struct mg_connection *connection, const struct mg_request_info *info,
                          const struct page_response *response)
{
    bool keep_alive = !response->close && client_keeps_alive(connection, info);
    bool head_only = info->request_method != NULL && strcmp(info->request_method, "HEAD") == 0;

    if (!write_response(connection, response, keep_alive, head_only)) {
        log_debug("client did not take the response in time", log_text("client", info->remote_addr));
        keep_alive = false;
    }
    if (!keep_alive)
        mg_disable_connection_keep_alive(connection);
}

static struct server *server_of(const struct mg_connection *connection)
{
    return mg_get_user_data(mg_get_context(connection));
}

#ifdef CIVETWEB_SYSTEM
/*
 * The distribution's library starts its threads with a stack of 100 KiB and has used 87 KiB of it
 * by now. What is left is enough to write a response, not to make one.
 */
struct answer {
    const struct page_request *request;
    const struct providers *providers;
    struct page_response *response;
};

static void *answer_run(void *argument)
{
    struct answer *answer = argument;

    pages_answer(answer->request, answer->providers, answer->response);
    return NULL;
}

static void make_response(const struct page_request *request, const struct providers *providers,
                          struct page_response *response)
{
    struct answer answer = {request, providers, response};
    struct error error;
    pthread_t thread;

    if (!thread_start(&thread, "http-answer", answer_run, &answer, &error)) {
        log_failure(LOG_LEVEL_WARN, "web request not answered", &error);
        pages_unavailable(response);
        return;
    }
    pthread_join(thread, NULL);
}
#else
static void make_response(const struct page_request *request, const struct providers *providers,
                          struct page_response *response)
{
    pages_answer(request, providers, response);
}
#endif

static int on_request(struct mg_connection *connection)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct server *server = server_of(connection);
    struct page_response response;
    struct page_request request;
    struct strbuf body;
    bool is_post;
    int status;

    strbuf_init(&body, 0);
    server_request_read(connection, &server->mount, &request, &body);
    request.access = server->access;
    request.turns = server->turns;
    is_post = strcmp(request.method, "POST") == 0;
    if (is_post)
        request.may_wait = atomic_fetch_add(&server->posts, 1) < WAITING_MAX;
    make_response(&request, server->providers, &response);
    strbuf_release_secret(&body);
    if (is_post)
        atomic_fetch_sub(&server->posts, 1);
    send_response(connection, info, &response);
    status = response.status;
    page_response_release(&response);
    return status;
}

/* A request that CivetWeb could not read; it closes the connection afterwards. */
static int on_unreadable_request(struct mg_connection *connection, int status, const char *message)
{
    struct page_response response = {
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .whole = {.bytes = message, .length = strlen(message)},
    };

    response.parts = &response.whole;
    response.part_count = 1;
    response.length = response.whole.length;
    write_response(connection, &response, false, false);
    return 0;
}

static int on_message(const struct mg_connection *connection, const char *message)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct server *server = server_of(connection);

    if (pthread_equal(pthread_self(), server->starter) && server->starting) {
        if (server->complaint[0] == '\0')
            snprintf(server->complaint, sizeof(server->complaint), "%s", message);
    } else if (info != NULL) {
        log_debug("web client trouble", log_text("client", info->remote_addr), log_text("reason", message));
    } else if (strncasecmp(message, "ssl", 3) == 0) {
        log_debug("TLS handshake failed", log_text("reason", message));
    } else {
        log_warn("web server trouble", log_text("reason", message));
    }
    return 1;
}

#ifndef CIVETWEB_SYSTEM
/* Of cmake/civetweb.patch. The thread that accepts calls the first and the last, the connection's own dismiss. */
void mg_set_admission(int (*admit)(void *user_data, const struct sockaddr *client),
                      void (*dismiss)(void *user_data, const struct sockaddr *client),
                      void (*out_of_files)(void *user_data));

static int admit_client(void *user_data, const struct sockaddr *client)
{
    struct server *server = user_data;
    char address[INET6_ADDRSTRLEN] = "";
    uint64_t repeats;

    if (connections_add(server->connections, client_of_address(client)))
        return 1;
    if (complaint_raise(&server->crowding, 1, clock_now(), &repeats)) {
        getnameinfo(client, sizeof(struct sockaddr_in6), address, sizeof(address), NULL, 0, NI_NUMERICHOST);
        log_warn("too many connections of one client, refusing more", log_text("client", address),
                 log_int("repeats", (int64_t)repeats));
    }
    return 0;
}

static void dismiss_client(void *user_data, const struct sockaddr *client)
{
    struct server *server = user_data;

    connections_remove(server->connections, client_of_address(client));
}

static void wait_for_files(void *user_data)
{
    struct server *server = user_data;
    uint64_t repeats;

    if (complaint_raise(&server->no_files, 1, clock_now(), &repeats))
        log_warn("no file descriptor is left for another web client; raise the limit of open files",
                 log_int("repeats", (int64_t)repeats));
    poll(NULL, 0, NO_FILES_PAUSE_MS);
}
#endif

static int give_tls_context(void **context, void *user_data)
{
    struct server *server = user_data;

    if (*context == NULL && server->tls != NULL)
        *context = tls_context(server->tls);
    return 1; /* CivetWeb neither makes nor frees one */
}

bool server_global_init(struct error *error)
{
    (void)error;
    mg_init_library(MG_FEATURES_DEFAULT);
#ifndef CIVETWEB_SYSTEM
    mg_set_admission(admit_client, dismiss_client, wait_for_files);
#endif
    return true;
}

void server_global_release(void)
{
    mg_exit_library();
}

/* Signals belong to the main thread: the new threads inherit a mask without any. */
static struct mg_context *start_civetweb(struct server *server, const char *listen)
{
    const char *options[2 * FIXED_OPTION_COUNT + 3] = {"listening_ports", listen};
    struct mg_callbacks callbacks = {
        .begin_request = on_request,
        .http_error = on_unreadable_request,
        .log_message = on_message,
        .external_ssl_ctx = give_tls_context,
    };
    struct mg_context *context;
    sigset_t everything;
    sigset_t before;

    for (size_t i = 0; i < FIXED_OPTION_COUNT; i++) {
        options[2 * i + 2] = fixed_options[i].name;
        options[2 * i + 3] = fixed_options[i].value;
    }
    sigfillset(&everything);
    pthread_sigmask(SIG_SETMASK, &everything, &before);
    server->starter = pthread_self();
    server->starting = true;
    context = mg_start(&callbacks, server, options);
    server->starting = false;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return context;
}

static bool find_port(struct server *server)
{
    struct mg_server_port port = {0};

    if (mg_get_server_ports(server->context, 1, &port) < 1)
        return false;
    server->port = port.port;
    return true;
}

/* The settings are the server's from here on, but for the text of the addresses. */
static bool prepare(struct server *server, struct web_settings *settings, struct error *error)
{
    struct tls_identity *identity = settings->identity;
    struct access_rules *rules = settings->rules;

    settings->identity = NULL;
    settings->rules = NULL;
    server->mount = settings->mount;
    server->access = access_new(rules, error);
    if (identity != NULL)
        server->tls = tls_new(identity, error);
    if (server->access == NULL || (identity != NULL && server->tls == NULL))
        return false;
    server->turns = semaphore_new(COSTLY_PAGES_AT_ONCE, THREADS);
    server->connections = connections_new(THREADS + QUEUE_SIZE, CLIENT_CONNECTIONS_MAX);
    if (server->turns == NULL || server->connections == NULL) {
        error_set(error, ERROR_NO_MEMORY, "cannot start the web server: out of memory");
        return false;
    }
    return true;
}

struct server *server_start(const struct web_config *web, const struct providers *providers,
                            struct error *error)
{
    struct web_settings *settings = web_settings_load(web, error);
    struct server *server = NULL;
    struct server *started = NULL;

    if (settings == NULL)
        return NULL;
    server = calloc(1, sizeof(*server));
    if (server == NULL) {
        error_set(error, ERROR_NO_MEMORY, "cannot start the web server: out of memory");
        goto out;
    }
    server->providers = providers;
    atomic_init(&server->posts, 0);
    if (!prepare(server, settings, error))
        goto out;
    server->context = start_civetweb(server, strbuf_text(&settings->listen));
    if (server->context == NULL || !find_port(server)) {
        error_set(error, ERROR_SYSTEM, "listen: %s",
                  server->complaint[0] != '\0' ? server->complaint : "the web server cannot start");
        goto out;
    }
    started = server;
    server = NULL;
out:
    server_stop(server);
    web_settings_free(settings);
    return started;
}

void server_adopt(struct server *server, struct web_settings *settings)
{
    access_replace(server->access, settings->rules);
    settings->rules = NULL;
    if (server->tls != NULL && settings->identity != NULL) {
        tls_replace(server->tls, settings->identity);
        settings->identity = NULL;
    }
    web_settings_free(settings);
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_auth_failures(const struct server *server, uint64_t counts[AUTH_KIND_COUNT])
{
    access_failures(server->access, counts);
}

void server_stop_soon(struct server *server)
{
    if (server == NULL)
        return;
    semaphore_close(server->turns);
    access_close(server->access);
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    if (server->context != NULL) {
        server_stop_soon(server);
        mg_stop(server->context);
    }
    connections_free(server->connections);
    semaphore_free(server->turns);
    tls_free(server->tls);
    access_free(server->access);
    free(server);
}
