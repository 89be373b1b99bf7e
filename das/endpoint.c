/* Which endpoints may be talked to. */
#include "das/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "das/transport.h"

#define EXPECTED "expected https://HOST[:PORT], or http:// with a loopback address, and nothing after it"

void transport_endpoint_init(struct transport_endpoint *parts)
{
    strbuf_init(&parts->url, 0);
    strbuf_init(&parts->host, 0);
}

void transport_endpoint_release(struct transport_endpoint *parts)
{
    strbuf_release(&parts->url);
    strbuf_release(&parts->host);
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    const char *host = endpoint->host;
    size_t length = strlen(host);
    char bare[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (length < 3 || length - 2 >= sizeof(bare) || host[0] != '[' || host[length - 1] != ']')
        return false;
    memcpy(bare, host + 1, length - 2);
    bare[length - 2] = '\0';
    return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool endpoint_is_allowed(const struct endpoint *endpoint)
{
    return strcmp(endpoint->scheme, "https") == 0 ||
           (strcmp(endpoint->scheme, "http") == 0 && endpoint_is_loopback(endpoint));
}

static bool is_printable_ascii(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    }
    return true;
}

/* A reason for people; NULL when the endpoint is fine. */
static const char *find_fault(const char *text, const struct endpoint *endpoint)
{
    /* A name in another script would be signed as written and sent in its ASCII form. */
    if (!is_printable_ascii(text) || !is_printable_ascii(endpoint->host))
        return "only printable ASCII is allowed";
    if (!endpoint_is_allowed(endpoint))
        return strcmp(endpoint->scheme, "http") == 0 ? "plain http would show the keys to the network"
                                                     : "unknown protocol";
    /* An error text must not show a password, so the URL is not repeated by the caller. */
    if (endpoint->has_user)
        return "no user or password is allowed";
    if (endpoint->has_target)
        return "no path, query or fragment is allowed";
    return NULL;
}

static bool fill_parts(const struct endpoint *endpoint, struct transport_endpoint *parts, struct error *error)
{
    strbuf_reset(&parts->url);
    strbuf_reset(&parts->host);
    strbuf_append_text(&parts->host, endpoint->host);
    if (endpoint->port != NULL)
        strbuf_append_format(&parts->host, ":%s", endpoint->port);
    strbuf_append_format(&parts->url, "%s://%s/", endpoint->scheme, strbuf_text(&parts->host));
    if (!strbuf_failed(&parts->host) && !strbuf_failed(&parts->url))
        return true;
    error_set(error, ERROR_NO_MEMORY, "out of memory while reading [das] endpoint");
    return false;
}

bool transport_split_endpoint(const char *endpoint, struct transport_endpoint *parts, struct error *error)
{
    struct endpoint parsed;
    struct error plain;
    const char *fault = NULL;
    bool ok = endpoint_parse(endpoint, &parsed, &plain);

    if (ok) {
        fault = find_fault(endpoint, &parsed);
        ok = fault == NULL && fill_parts(&parsed, parts, error);
    } else if (plain.class == ERROR_NO_MEMORY) {
        error_set(error, plain.class, "[das] endpoint: %s", plain.message);
    } else {
        fault = plain.message;
    }
    if (fault != NULL)
        error_set(error, ERROR_CONFIG, "[das] endpoint: %s; " EXPECTED, fault);
    endpoint_release(&parsed);
    return ok;
}

bool transport_check_endpoint(const char *endpoint, struct error *error)
{
    struct transport_endpoint parts;
    bool ok;

    transport_endpoint_init(&parts);
    ok = transport_split_endpoint(endpoint, &parts, error);
    transport_endpoint_release(&parts);
    return ok;
}
