#include "das/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "das/endpoint.h"
#include "das/transport.h"

#define NOT_READABLE "(not readable)"
#define ENCODED_AT   "%40"

struct proxy proxy_of(const char *setting, const char *scheme)
{
    bool is_https = strcmp(scheme, "https") == 0;
    const char *const names[] = {is_https ? "https_proxy" : "http_proxy",
                                 is_https ? "HTTPS_PROXY" : "http_proxy", "all_proxy", "ALL_PROXY"};

    if (setting != NULL && strcmp(setting, PROXY_OF_ENVIRONMENT) != 0)
        return (struct proxy){setting, "sts_proxy in [accounts]"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = getenv(names[i]);

        if (text != NULL && text[0] != '\0')
            return (struct proxy){text, names[i]};
    }
    return (struct proxy){"", names[0]};
}

/* Behind the last '@', also one that was encoded by mistake: a user and a password stand before it. */
static const char *behind_user(const char *text)
{
    const char *host = strrchr(text, '@') != NULL ? strrchr(text, '@') + 1 : text;

    for (const char *at = strstr(host, ENCODED_AT); at != NULL; at = strstr(host, ENCODED_AT))
        host = at + strlen(ENCODED_AT);
    return host;
}

static const char *behind_scheme(const char *text)
{
    const char *mark = strstr(text, "://");

    return mark != NULL ? mark + strlen("://") : text;
}

/* HOST or HOST:PORT and nothing else, so that "user:password" is none. */
static bool is_host_and_port(const char *text)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");

    if (end == NULL || end == text ||
        strspn(text, "[]:.-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(text))
        return false;
    end += *end == ']' ? 1 : 0;
    return *end == '\0' || (*end == ':' && end[1] != '\0' && end[1 + strspn(end + 1, "0123456789")] == '\0');
}

const char *proxy_name(const struct proxy *proxy, char name[PROXY_NAME_SIZE])
{
    const char *host = behind_user(proxy->text);

    if (host == proxy->text)
        host = behind_scheme(host);
    snprintf(name, PROXY_NAME_SIZE, "%.*s", (int)strcspn(host, "/?#"), host);
    if (!is_host_and_port(name))
        snprintf(name, PROXY_NAME_SIZE, NOT_READABLE);
    return name;
}

bool proxy_may_be_repeated(const struct proxy *proxy)
{
    char name[PROXY_NAME_SIZE];

    return proxy->text[0] == '\0' ||
           (behind_user(proxy->text) == proxy->text && strcmp(proxy_name(proxy, name), NOT_READABLE) != 0);
}

void proxy_refusal(const struct proxy *proxy, long status, const char *host, struct error *error)
{
    char name[PROXY_NAME_SIZE];

    proxy_name(proxy, name);
    if (status == 407 || status == 401) /* tinyproxy says 401 to a wrong password */
        error_set(error, ERROR_TRANSIENT,
                  "%s: the proxy %s wants a user and a password that it knows (%ld); write them into %s as "
                  "http://USER:PASSWORD@HOST:PORT, with %%40 for an @ in the password",
                  host, name, status, proxy->source);
    else
        error_set(error, ERROR_TRANSIENT,
                  "%s: the proxy %s did not connect (%ld); let it CONNECT to this host, or correct %s", host,
                  name, status, proxy->source);
}

static bool is_proxy_scheme(const char *text, size_t length)
{
    static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strlen(schemes[i]) == length && strncmp(text, schemes[i], length) == 0)
            return true;
    }
    return false;
}

/* HOST:PORT behind the user: libcurl would take port 1080 when there is none. */
static bool has_port(const char *text)
{
    const struct proxy proxy = {text, ""};
    char name[PROXY_NAME_SIZE];
    const char *colon = strrchr(proxy_name(&proxy, name), ':');

    return colon != NULL && strchr(colon, ']') == NULL;
}

/* Read as a URL of a scheme that libcurl's parser knows; socks5 is none. *error tells when memory ran out. */
static bool is_proxy(const char *text, struct error *error)
{
    const char *rest = behind_scheme(text);
    struct endpoint endpoint;
    struct strbuf url;
    bool ok;

    error_clear(error);
    if (rest == text || !is_proxy_scheme(text, (size_t)(rest - text) - strlen("://")) || !has_port(text))
        return false;
    strbuf_init(&url, 0);
    strbuf_append_format(&url, "http://%s", rest);
    ok = endpoint_parse(strbuf_text(&url), &endpoint, error) && !endpoint.has_target &&
         strchr(endpoint.host, '@') == NULL;
    endpoint_release(&endpoint);
    if (strbuf_failed(&url))
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading it");
    strbuf_release_secret(&url);
    return ok && error->class == ERROR_NONE;
}

bool transport_check_proxy(const char *proxy, struct error *error)
{
    struct error plain;

    if (proxy[0] == '\0' || strcmp(proxy, PROXY_OF_ENVIRONMENT) == 0 || is_proxy(proxy, &plain))
        return true;
    if (plain.class == ERROR_NO_MEMORY) {
        error_set(error, plain.class, "sts_proxy: %s", plain.message);
        return false;
    }
    error_set(error, ERROR_CONFIG,
              "sts_proxy cannot be used; expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT (https, "
              "socks5 "
              "and socks5h, too; in the password %%40 for @, %%3A for :, %%2F for /), or environment");
    return false;
}
