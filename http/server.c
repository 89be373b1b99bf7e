/*
 * CivetWeb as a bare transport: every request goes to the begin_request callback, so none of its
 * own handlers, files, redirects or CORS answers is ever reached; every response is written by
 * this file. One thread serves one connection at a time.
 */
#include "http/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <civetweb.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "http/form.h"
#include "http/guard.h"
#include "http/listen.h"
#include "http/pages.h"
#include "http/response_head.h"

#define WRITE_DEADLINE (3 * NS_PER_SECOND)
#define WRITE_SLICE    ((size_t)256 * 1024) /* smaller ones cost throughput */
#define SMALL_BODY_MAX ((size_t)64 * 1024)
#define HEADERS_MAX    64 /* what CivetWeb keeps */
#define WAITING_MAX    8  /* a quarter of the threads: the others keep answering */
#define COMPLAINT_SIZE 256
#define FORM_DEADLINE  (2 * NS_PER_SECOND)

struct server {
    const struct providers *providers;
    struct mg_context *context;
    int port;
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
       clients may hold for two or three seconds before a scrape has to wait. */
    {"num_threads", "32"},
    {"request_timeout_ms", "2000"}, /* silence while a request is read, or a slice written */
    {"enable_keep_alive", "yes"},
    {"keep_alive_timeout_ms", "1000"}, /* an idle connection holds a thread */
    {"tcp_nodelay", "1"},
    {"listen_backlog", "128"},
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

/* Every header is looked at: a second Content-Length would be the start of a smuggled request. */
static bool has_body(const struct mg_request_info *info)
{
    if (info->num_headers >= HEADERS_MAX)
        return true; /* CivetWeb drops those above: one of them may announce a body */
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, "Transfer-Encoding") == 0)
            return true;
        if (strcasecmp(header->name, "Content-Length") == 0 && strcmp(header->value, "0") != 0)
            return true;
    }
    return false;
}

/* A proxy on this machine makes every client's connection come from a loopback address. */
static bool is_forwarded(const struct mg_connection *connection)
{
    return mg_get_header(connection, "Forwarded") != NULL ||
           mg_get_header(connection, "X-Forwarded-For") != NULL ||
           mg_get_header(connection, "X-Real-IP") != NULL || mg_get_header(connection, "Via") != NULL;
}

/* The one Content-Length of a request that is sent without Transfer-Encoding; otherwise NULL. */
static const char *only_content_length(const struct mg_request_info *info)
{
    const char *length = NULL;

    if (info->num_headers >= HEADERS_MAX)
        return NULL;
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, "Transfer-Encoding") == 0)
            return NULL;
        if (strcasecmp(header->name, "Content-Length") != 0)
            continue;
        if (length != NULL)
            return NULL;
        length = header->value;
    }
    return length;
}

/*
 * Appends `length` bytes of the body. Byte by byte, for CivetWeb starts its time limit anew with
 * every byte of a read; most are in its buffer already. False when they do not come in time.
 */
static bool read_body(struct mg_connection *connection, size_t length, struct strbuf *body)
{
    int64_t deadline = clock_add(clock_now(), FORM_DEADLINE);
    char byte;

    strbuf_reserve(body, length);
    while (length-- > 0) {
        if (clock_now() >= deadline || mg_read(connection, &byte, 1) != 1)
            return false;
        strbuf_append_char(body, byte);
    }
    return !strbuf_failed(body);
}

static void read_form(struct mg_connection *connection, struct page_request *request, struct strbuf *body)
{
    size_t length = form_length(request);

    if (length > 0 && read_body(connection, length, body) && strlen(strbuf_text(body)) == length)
        request->form = strbuf_text(body);
}

static void read_request(const struct mg_connection *connection, const struct mg_request_info *info,
                         struct page_request *request)
{
    *request = (struct page_request){
        .method = info->request_method,
        .path = info->local_uri_raw,
        .query = info->query_string,
        .accept = mg_get_header(connection, "Accept"),
        .accept_encoding = mg_get_header(connection, "Accept-Encoding"),
        .accept_language = mg_get_header(connection, "Accept-Language"),
        .host = mg_get_header(connection, "Host"),
        .origin = mg_get_header(connection, "Origin"),
        .sec_fetch_site = mg_get_header(connection, "Sec-Fetch-Site"),
        .content_type = mg_get_header(connection, "Content-Type"),
        .content_length = only_content_length(info),
        .has_body = has_body(info),
        .from_loopback = guard_is_loopback(info->remote_addr) && !is_forwarded(connection),
    };
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
    read_request(connection, info, &request);
    read_form(connection, &request, &body);
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
    } else {
        log_warn("web server trouble", log_text("reason", message));
    }
    return 1;
}

bool server_global_init(struct error *error)
{
    (void)error;
    mg_init_library(MG_FEATURES_DEFAULT);
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

struct server *server_start(const char *listen, const struct providers *providers, struct error *error)
{
    struct server *server = calloc(1, sizeof(*server));
    struct server *started = NULL;
    struct strbuf canonical;

    strbuf_init(&canonical, 0);
    if (server == NULL) {
        error_set(error, ERROR_NO_MEMORY, "cannot start the web server: out of memory");
        goto out;
    }
    server->providers = providers;
    atomic_init(&server->posts, 0);
    if (!listen_canonical(listen, &canonical, error))
        goto out;
    if (strbuf_failed(&canonical)) {
        error_set(error, ERROR_NO_MEMORY, "cannot start the web server: out of memory");
        goto out;
    }
    server->context = start_civetweb(server, strbuf_text(&canonical));
    if (server->context == NULL || !find_port(server)) {
        error_set(error, ERROR_SYSTEM, "listen: %s", server->complaint);
        goto out;
    }
    started = server;
    server = NULL;
out:
    server_stop(server);
    strbuf_release(&canonical);
    return started;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    if (server->context != NULL)
        mg_stop(server->context);
    free(server);
}
