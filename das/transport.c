/*
 * One libcurl easy handle driven by one multi handle of its own. The multi handle keeps the
 * connections; it is used instead of curl_easy_perform because transport_abort() can wake its
 * poll from another thread.
 *
 * One request and no more: when a reused connection turns out to be closed before a single byte
 * of an answer came, libcurl sends the request again on a fresh connection. The server may have
 * taken the first one, and a second one would be counted against the quota without a token. The
 * pre-request callback runs before each sending and stops the second.
 */
#include "das/transport.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "das/endpoint.h"
#include "das/exchange.h"
#include "das/proxy.h"
#include "das/zeroed_memory.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error "libcurl 7.80 or newer is needed (CURLOPT_PREREQFUNCTION)"
#endif

/* Load balancers close idle connections, some after 15 s: older ones are not worth the attempt. */
#define IDLE_CONNECTION_MAX_S 10L
/* A connection is given up at this age, so that changed DNS records are followed. */
#define CONNECTION_LIFETIME_MAX_S 300L
/* The poll also ends by itself, so that a lost wake-up costs this much and no more. */
#define POLL_MAX_MS 1000

struct transport {
    CURL *easy;
    CURLM *multi;
    int64_t connect_timeout;
    int64_t timeout;
    size_t max_response_size;
    unsigned parts;
    char *ca_file;
    atomic_bool aborted;
    char curl_text[CURL_ERROR_SIZE];
};

bool transport_global_init(struct error *error)
{
    const curl_version_info_data *info;

    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, zeroed_free, zeroed_realloc, strdup, calloc) !=
        CURLE_OK) {
        error_set(error, ERROR_SYSTEM, "libcurl cannot start");
        return false;
    }
    info = curl_version_info(CURLVERSION_NOW);
    if ((info->features & CURL_VERSION_SSL) == 0 || (info->features & CURL_VERSION_ASYNCHDNS) == 0) {
        error_set(error, ERROR_SYSTEM, "libcurl %s was built without TLS or without asynchronous DNS",
                  info->version);
        curl_global_cleanup();
        return false;
    }
    return true;
}

void transport_global_release(void)
{
    curl_global_cleanup();
}

static int on_before_request(void *context, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct exchange *exchange = context;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    if (exchange->sent) {
        exchange->resend = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* The options that are the same for every request. */
static bool set_fixed_options(CURL *easy)
{
    static const struct {
        CURLoption option;
        long value;
    } options[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        /* libcurl 7.88.1 frees twice when it cannot store a session; kept connections need none. */
        {CURLOPT_SSL_SESSIONID_CACHE, 0},
        {CURLOPT_TCP_NODELAY, 1},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_MAX_S},
        {CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFETIME_MAX_S},
#if LIBCURL_VERSION_NUM < 0x075500
        {CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS},
#endif
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (curl_easy_setopt(easy, options[i].option, options[i].value) != CURLE_OK)
            return false;
    }
#if LIBCURL_VERSION_NUM >= 0x075500
    if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK)
        return false;
#endif
    return curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "mysql-session-exporter/" PROJECT_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request) == CURLE_OK;
}

bool transport_configure(struct transport *transport, const struct transport_settings *settings)
{
    char *ca_file = strdup(settings->ca_file);

    if (ca_file == NULL)
        return false;
    free(transport->ca_file);
    transport->ca_file = ca_file;
    transport->connect_timeout = settings->connect_timeout;
    transport->timeout = settings->timeout;
    transport->max_response_size = (size_t)settings->max_response_size;
    transport->parts = settings->parts;
    return true;
}

struct transport *transport_new(const struct transport_settings *settings, struct error *error)
{
    struct transport *transport = calloc(1, sizeof(*transport));

    if (transport == NULL)
        goto fail;
    atomic_init(&transport->aborted, false);
    transport->easy = curl_easy_init();
    transport->multi = curl_multi_init();
    if (transport->easy == NULL || transport->multi == NULL || !set_fixed_options(transport->easy) ||
        curl_easy_setopt(transport->easy, CURLOPT_ERRORBUFFER, transport->curl_text) != CURLE_OK ||
        curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK ||
        !transport_configure(transport, settings))
        goto fail;
    return transport;

fail:
    error_set(error, ERROR_NO_MEMORY, "cannot set up libcurl: out of memory, or it lacks an option");
    transport_free(transport);
    return NULL;
}

void transport_free(struct transport *transport)
{
    if (transport == NULL)
        return;
    curl_multi_cleanup(transport->multi);
    curl_easy_cleanup(transport->easy);
    free(transport->ca_file);
    free(transport);
}

void transport_abort(struct transport *transport)
{
    atomic_store(&transport->aborted, true);
    curl_multi_wakeup(transport->multi);
}

static bool append_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/* Frees the list; its lines hold the token. */
static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *node = list; node != NULL; node = node->next)
        explicit_bzero(node->data, strlen(node->data));
    curl_slist_free_all(list);
}

/* NULL when memory runs out. */
static struct curl_slist *build_headers(const struct transport_request *request)
{
    struct curl_slist *list = NULL;
    size_t size = strlen(request->header_lines) + 1;
    char *lines = strdup(request->header_lines);
    char *rest = NULL;
    bool ok = lines != NULL;

    /* What libcurl would add by itself to a POST: only a form has a type. */
    ok = ok && append_header(&list, "Expect:") && append_header(&list, "Accept: application/json") &&
         append_header(&list, request->form != NULL ? "Content-Type: application/x-www-form-urlencoded"
                                                    : "Content-Type:");
    for (char *line = ok ? strtok_r(lines, "\n", &rest) : NULL; ok && line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        ok = append_header(&list, line);
    if (lines != NULL)
        explicit_bzero(lines, size);
    free(lines);
    if (ok)
        return list;
    free_headers(list);
    return NULL;
}

static bool set_method(CURL *easy, const struct transport_request *request)
{
    const char *form = request->form != NULL ? request->form : "";

    /* A GET has to be set after the body, which libcurl takes for a POST. */
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(form)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method == TRANSPORT_PUT ? "PUT" : NULL) ==
               CURLE_OK &&
           (request->method != TRANSPORT_GET || curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK);
}

/* An empty text means none; NULL lets the environment decide. */
static const char *proxy_option(const struct transport_request *request, const struct endpoint *endpoint)
{
    if (endpoint_is_loopback(endpoint))
        return "";
    if (request->proxy == NULL || strcmp(request->proxy, PROXY_OF_ENVIRONMENT) == 0)
        return NULL;
    return request->proxy;
}

static bool set_request_options(struct transport *transport, const struct endpoint *endpoint,
                                const struct curl_slist *headers, struct exchange *exchange)
{
    CURL *easy = transport->easy;
    const struct transport_request *request = exchange->request;
    const char *proxy = proxy_option(request, endpoint);
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool own_ca = transport->ca_file[0] != '\0';

    return curl_easy_setopt(easy, CURLOPT_CAINFO, own_ca ? transport->ca_file : info->cainfo) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CAPATH, own_ca ? NULL : info->capath) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK && set_method(easy, request) &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                            exchange_limit_ms(exchange, transport->connect_timeout)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, exchange_limit_ms(exchange, transport->timeout)) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, proxy) == CURLE_OK &&
           /* The environment's exceptions are not for a proxy that is configured. */
           curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy != NULL ? "" : NULL) == CURLE_OK;
}

static CURLcode transfer_result(CURLM *multi)
{
    CURLcode result = CURLE_FAILED_INIT;
    int left;

    for (CURLMsg *message = curl_multi_info_read(multi, &left); message != NULL;
         message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE)
            result = message->data.result;
    }
    return result;
}

/*
 * The flag is looked at after curl_multi_perform, which in some versions swallows a wake-up that
 * came before it, and before the poll, which a later one ends.
 */
static CURLcode run_transfer(struct transport *transport)
{
    int running = 1;

    for (;;) {
        if (curl_multi_perform(transport->multi, &running) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (running == 0)
            return transfer_result(transport->multi);
        if (atomic_load(&transport->aborted))
            return CURLE_ABORTED_BY_CALLBACK;
        if (curl_multi_poll(transport->multi, NULL, 0, POLL_MAX_MS, NULL) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
    }
}

static CURLcode perform(struct transport *transport)
{
    CURLcode result;

    transport->curl_text[0] = '\0';
    if (atomic_load(&transport->aborted))
        return CURLE_ABORTED_BY_CALLBACK;
    if (curl_multi_add_handle(transport->multi, transport->easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    result = run_transfer(transport);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Else removing the handle would wait for a name lookup that may take many seconds. */
    if (atomic_load(&transport->aborted))
        curl_easy_setopt(transport->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_multi_remove_handle(transport->multi, transport->easy);
    return result;
}

/* What failed, for people, and which key of [das] to look at. */
struct explanation {
    const char *what;
    const char *das_advice; /* "": none; left out for requests to others */
};

static struct explanation explain_timeout(const struct exchange *exchange)
{
    if (exchange->header_bytes > 0)
        return (struct explanation){"the answer was not complete within the time limit",
                                    "; see [das] timeout"};
    if (exchange->sent)
        return (struct explanation){"no answer within the time limit", "; see [das] timeout"};
    return (struct explanation){"no connection within the time limit",
                                "; see [das] connect_timeout and timeout"};
}

static struct explanation explain(CURLcode result, const struct exchange *exchange)
{
    if (exchange->resend)
        return (struct explanation){"the server closed the kept connection without an answer", ""};
    switch (result) {
    case CURLE_ABORTED_BY_CALLBACK:
        return (struct explanation){"stopped because the exporter stops", ""};
    case CURLE_OPERATION_TIMEDOUT:
        return explain_timeout(exchange);
    case CURLE_COULDNT_RESOLVE_HOST:
        return (struct explanation){"the name cannot be resolved", "; check [das] endpoint and DNS"};
    case CURLE_COULDNT_RESOLVE_PROXY:
        return (struct explanation){"the proxy's name cannot be resolved, or its address cannot be read", ""};
    case CURLE_COULDNT_CONNECT:
        return (struct explanation){"cannot connect", "; check [das] endpoint and the network"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return (struct explanation){"the server's TLS certificate is not trusted; if a private authority "
                                    "signed it, set [das] ca_file",
                                    ""};
    case CURLE_SSL_CACERT_BADFILE:
        return (struct explanation){"[das] ca_file, or the system's, cannot be read", ""};
    case CURLE_SSL_CONNECT_ERROR:
        return (struct explanation){"no TLS connection; TLS 1.2 or newer is needed", ""};
    case CURLE_GOT_NOTHING:
        return (struct explanation){"the server closed the connection without an answer", ""};
    case CURLE_PARTIAL_FILE:
        return (struct explanation){"the answer was cut short", ""};
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return (struct explanation){
            exchange->sent ? "the connection broke" : "the connection broke before the request was sent", ""};
    default:
        return (struct explanation){"the request failed", ""};
    }
}

static void set_plain_error(const struct proxy *proxy, CURLcode result, const char *curl_text,
                            const struct explanation *why, const char *host, const struct exchange *exchange,
                            struct error *error)
{
    bool says_proxy = proxy->text[0] != '\0' && !exchange->sent;
    char name[PROXY_NAME_SIZE];

    if (curl_text[0] == '\0' || !proxy_may_be_repeated(proxy))
        curl_text = curl_easy_strerror(result);
    error_set(error, result == CURLE_SSL_CACERT_BADFILE ? ERROR_CONFIG : ERROR_TRANSIENT,
              "%s: %s (%s)%s%s%s%s%s", host, why->what, curl_text,
              exchange->request->is_das ? why->das_advice : "", says_proxy ? "; the proxy in " : "",
              says_proxy ? proxy->source : "", says_proxy ? " is " : "",
              says_proxy ? proxy_name(proxy, name) : "");
}

static void set_transfer_error(const struct transport *transport, CURLcode result,
                               const struct endpoint *endpoint, const struct exchange *exchange,
                               struct error *error)
{
    const char *proxy_text = proxy_option(exchange->request, endpoint);
    const struct proxy proxy = proxy_of(proxy_text, endpoint->scheme);
    struct explanation why = explain(result, exchange);
    long proxy_status = 0;

    curl_easy_getinfo(transport->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (exchange->too_large)
        error_set(error, ERROR_TOO_LARGE,
                  "%s: the answer is larger than allowed (received %zu bytes, kept %zu)%s", endpoint->host,
                  exchange->response->received, exchange->response->body.length,
                  exchange->request->is_das ? "; see [das] max_response_size" : "");
    else if (result == CURLE_OUT_OF_MEMORY || exchange->response->body.failed)
        error_set(error, ERROR_NO_MEMORY, "%s: out of memory during a request", endpoint->host);
    else if (exchange->resend || result == CURLE_ABORTED_BY_CALLBACK)
        error_set(error, ERROR_TRANSIENT, "%s: %s", endpoint->host, why.what);
    else if (!exchange->sent && proxy_status != 0 && proxy_status / 100 != 2)
        proxy_refusal(&proxy, proxy_status, endpoint->host, error);
    else
        set_plain_error(&proxy, result, transport->curl_text, &why, endpoint->host, exchange, error);
}

/*
 * Whether the server cannot count the request any more later on: it was never sent, or something
 * came back. The end of the connection says nothing: a proxy or balancer may still deliver.
 */
static bool is_answered(const struct exchange *exchange)
{
    return !exchange->sent || exchange->header_bytes > 0;
}

static bool exchange_once(struct transport *transport, const struct endpoint *endpoint,
                          struct exchange *exchange, struct error *error)
{
    struct transport_response *response = exchange->response;
    struct curl_slist *headers = build_headers(exchange->request);
    CURLcode result = CURLE_OUT_OF_MEMORY;
    int64_t start = clock_now();

    if (headers != NULL && set_request_options(transport, endpoint, headers, exchange))
        result = perform(transport);
    response->duration = clock_now() - start;
    response->attempted = exchange->sent || (headers != NULL && result != CURLE_ABORTED_BY_CALLBACK);
    response->answered = is_answered(exchange);
    if (exchange->header_bytes > 0)
        curl_easy_getinfo(transport->easy, CURLINFO_RESPONSE_CODE, &response->http_status);
    if (result != CURLE_OK)
        set_transfer_error(transport, result, endpoint, exchange, error);
    curl_easy_setopt(transport->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDS, "");
    free_headers(headers);
    return result == CURLE_OK;
}

static bool is_allowed(const struct transport_request *request, const struct endpoint *endpoint)
{
    return endpoint_is_allowed(endpoint) ||
           (request->plain_http_host != NULL && strcmp(endpoint->scheme, "http") == 0 &&
            strcmp(endpoint->host, request->plain_http_host) == 0);
}

bool transport_send(struct transport *transport, const struct transport_request *request,
                    struct transport_response *response, struct error *error)
{
    struct exchange exchange;
    struct endpoint endpoint;
    struct error plain;
    bool ok = false;

    transport_response_release(response);
    response->attempted = false;
    response->answered = true;
    if (!endpoint_parse(request->url, &endpoint, &plain))
        error_set(error, plain.class, "the URL of the request: %s", plain.message);
    else if (!is_allowed(request, &endpoint))
        error_set(error, ERROR_CONFIG, "%s: not https, and no loopback address: nothing was sent",
                  endpoint.host);
    else if (!exchange_init(&exchange, request, transport->max_response_size, transport->parts, response))
        error_set(error, ERROR_NO_MEMORY, "%s: out of memory before a request", endpoint.host);
    else
        ok = exchange_once(transport, &endpoint, &exchange, error);
    endpoint_release(&endpoint);
    return ok;
}

bool transport_post(struct transport *transport, const char *url, const char *header_lines,
                    struct transport_response *response, struct error *error)
{
    const struct transport_request request = {
        .method = TRANSPORT_POST, .url = url, .header_lines = header_lines, .is_das = true};

    return transport_send(transport, &request, response, error);
}
