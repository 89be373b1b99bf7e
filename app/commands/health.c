#include "app/commands/health.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "config/table.h"
#include "core/terminal.h"
#include "core/text.h"
#include "http/mount.h"

#define HEALTH_TIMEOUT_MS 3000L
#define HEALTH_PATH       "/-/healthy"
#define ADDRESS_SIZE      64
#define ANSWER_SIZE       256

/* Cuts ADDRESS:PORT or ADDRESS:PORTs, TLS, into its parts. */
static bool split_address(char *address, const char **host, const char **port, bool *tls)
{
    char *colon = strrchr(address, ':');
    size_t length;
    int64_t number;

    if (colon == NULL)
        return false;
    *colon = '\0';
    *host = address;
    *port = colon + 1;
    length = strlen(*port);
    *tls = length > 0 && (*port)[length - 1] == 's';
    if (*tls)
        colon[length] = '\0';
    return text_parse_int(*port, 1, 65535, &number);
}

static const char *reachable_host(const char *host)
{
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "[::]") == 0 ? "[::1]" : host;
}

bool health_url(const char *listen, const char *route_prefix, struct strbuf *url, struct error *error)
{
    char address[ADDRESS_SIZE];
    const char *host;
    const char *port;
    bool tls;
    size_t length;

    listen += strspn(listen, " \t");
    length = strcspn(listen, ", \t");
    if (length < sizeof(address)) {
        memcpy(address, listen, length);
        address[length] = '\0';
        if (split_address(address, &host, &port, &tls)) {
            strbuf_append_format(url, "%s://%s:%s%s" HEALTH_PATH, tls ? "https" : "http",
                                 reachable_host(host), port, route_prefix);
            return true;
        }
    }
    error_set(error, ERROR_CONFIG,
              "cannot tell where to ask from the listener '%.*s', expected ADDRESS:PORT such as "
              "127.0.0.1:10104; name it with --web.listen-address",
              (int)(length < sizeof(address) ? length : sizeof(address)), listen);
    return false;
}

/* What came of a request. */
struct answer {
    bool certificate_wanted; /* the server asked for a client certificate */
    char trouble[CURL_ERROR_SIZE];
    char text[ANSWER_SIZE];
    size_t length;
};

static size_t keep_text(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    size_t room = sizeof(answer->text) - 1 - answer->length;
    size_t taken = size * count < room ? size * count : room;

    memcpy(answer->text + answer->length, bytes, taken);
    answer->length += taken;
    return size * count;
}

/* Where a TLS context keeps its struct answer; the same at each call. */
static int answer_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static int note_certificate_request(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    struct answer *answer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), answer_index());

    (void)certificate;
    (void)key;
    answer->certificate_wanted = true;
    return 0; /* go on without one */
}

static CURLcode watch_handshake(CURL *curl, void *context, void *answer)
{
    (void)curl;
    SSL_CTX_set_client_cert_cb(context, note_certificate_request);
    return SSL_CTX_set_ex_data(context, answer_index(), answer) == 1 ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static bool set_request(CURL *curl, const char *url, struct answer *answer)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, HEALTH_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, answer->trouble) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_text) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
           /*
            * The certificate is made for the name that others use, never for loopback. Nothing
            * secret is sent and only "healthy" is believed, so it is not checked here.
            */
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, watch_handshake) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, answer) == CURLE_OK;
}

static bool judge(CURL *curl, CURLcode code, const char *url, const struct answer *answer,
                  struct error *error)
{
    long status = 0;

    if (code != CURLE_OK && answer->certificate_wanted) {
        error_set(error, ERROR_SYSTEM,
                  "%s asks for a client certificate, which --health has not; add a listener such as "
                  "127.0.0.1:10105 to [web] listen and name it with --web.listen-address",
                  url);
    } else if (code != CURLE_OK) {
        error_set(error, ERROR_SYSTEM, "%s does not answer: %s", url,
                  answer->trouble[0] != '\0' ? answer->trouble : curl_easy_strerror(code));
    } else {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200)
            return true;
        error_set(error, ERROR_SYSTEM, "%s answers %ld: %.*s", url, status,
                  (int)strcspn(answer->text, "\r\n"), answer->text);
    }
    return false;
}

bool health_ask(const char *url, struct error *error)
{
    struct answer answer = {.length = 0};
    CURL *curl = curl_easy_init();
    bool healthy = false;

    if (curl == NULL || !set_request(curl, url, &answer))
        error_set(error, ERROR_SYSTEM, "libcurl cannot prepare the request");
    else
        healthy = judge(curl, curl_easy_perform(curl), url, &answer, error);
    curl_easy_cleanup(curl);
    return healthy;
}

/* What the file says of where the exporter serves. */
struct listener {
    struct strbuf listen;
    struct strbuf external_url;
    struct strbuf route_prefix;
    bool has_certificate;
};

static bool take_listener(void *context, const char *section, const char *key, const char *value, int line,
                          struct error *error)
{
    struct listener *found = context;
    struct strbuf *kept = NULL;

    (void)line;
    (void)error;
    if (key == NULL || strcmp(section, "web") != 0)
        return true;
    found->has_certificate |= strcmp(key, "tls_cert_file") == 0;
    if (strcmp(key, "listen") == 0)
        kept = &found->listen;
    else if (strcmp(key, "external_url") == 0)
        kept = &found->external_url;
    else if (strcmp(key, "route_prefix") == 0)
        kept = &found->route_prefix;
    if (kept == NULL)
        return true;
    strbuf_reset(kept);
    strbuf_append_text(kept, value);
    return true;
}

/* ${NAME} as a whole value is the environment variable, as in the whole file. */
static const char *resolve(struct strbuf *kept)
{
    const char *text = strbuf_text(kept);
    const char *value;

    if (kept->length < 4 || strncmp(text, "${", 2) != 0 || text[kept->length - 1] != '}')
        return text;
    strbuf_truncate(kept, kept->length - 1);
    value = getenv(strbuf_text(kept) + 2);
    return value != NULL ? value : "";
}

static void override(struct strbuf *kept, const char *option)
{
    if (option == NULL)
        return;
    strbuf_reset(kept);
    strbuf_append_text(kept, option);
}

static bool url_of(struct listener *found, struct strbuf *url, struct error *error)
{
    struct mount mount;

    if (found->listen.length == 0)
        strbuf_append_format(&found->listen, "%s%s", config_key_find("web", "listen")->fallback,
                             found->has_certificate ? CONFIG_LISTEN_TLS : "");
    if (!mount_init(&mount, resolve(&found->external_url), resolve(&found->route_prefix), error) ||
        !health_url(resolve(&found->listen), mount.route_prefix, url, error))
        return false;
    if (!strbuf_failed(&found->listen) && !strbuf_failed(&found->external_url) &&
        !strbuf_failed(&found->route_prefix) && !strbuf_failed(url))
        return true;
    error_set(error, ERROR_NO_MEMORY, "out of memory while making the address to ask");
    return false;
}

static bool find_url(const struct options *options, struct strbuf *url, struct error *error)
{
    const char *listen = options->listen_count > 0 ? options->listen_addresses[0] : NULL;
    struct listener found = {.has_certificate = false};
    bool ok;

    strbuf_init(&found.listen, 0);
    strbuf_init(&found.external_url, 0);
    strbuf_init(&found.route_prefix, 0);
    ok = ini_read(options->config_file, take_listener, &found, error) || found.listen.length > 0 ||
         listen != NULL;
    override(&found.listen, listen);
    override(&found.external_url, options->external_url);
    override(&found.route_prefix, options->route_prefix);
    ok = ok && url_of(&found, url, error);
    strbuf_release(&found.listen);
    strbuf_release(&found.external_url);
    strbuf_release(&found.route_prefix);
    return ok;
}

bool health_run(const struct options *options, FILE *errors)
{
    struct error error;
    struct strbuf url;
    bool healthy = false;

    error_clear(&error);
    strbuf_init(&url, 0);
    if (find_url(options, &url, &error)) {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
            healthy = health_ask(strbuf_text(&url), &error);
            curl_global_cleanup();
        } else {
            error_set(&error, ERROR_SYSTEM, "libcurl cannot start");
        }
    }
    if (!healthy)
        terminal_line(errors, "mysql_session_exporter: %s", error.message);
    strbuf_release(&url);
    return healthy;
}
