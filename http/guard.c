#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define HOST_SIZE 64

bool guard_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

/* The name or address of a Host header, without port and brackets. False when it is malformed. */
static bool host_name(const char *header, char name[HOST_SIZE])
{
    bool bracketed = header[0] == '[';
    const char *start = bracketed ? header + 1 : header;
    size_t length = strcspn(start, bracketed ? "]" : ":");
    const char *rest = start + length;

    if (length == 0 || length >= HOST_SIZE)
        return false;
    if (bracketed) {
        if (*rest != ']')
            return false;
        rest++;
    }
    if (*rest == ':')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (*rest != '\0')
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    return true;
}

static bool host_is_local(const char *header)
{
    char name[HOST_SIZE];

    if (header == NULL || !host_name(header, name))
        return false;
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0 ||
           guard_is_loopback(name);
}

/* True when an Origin header names the same scheme-less authority as Host. */
static bool origin_is_host(const char *origin, const char *host)
{
    static const char http[] = "http://";
    static const char https[] = "https://";

    if (strncasecmp(origin, http, sizeof(http) - 1) == 0)
        return strcasecmp(origin + sizeof(http) - 1, host) == 0;
    if (strncasecmp(origin, https, sizeof(https) - 1) == 0)
        return strcasecmp(origin + sizeof(https) - 1, host) == 0;
    return false;
}

const char *guard_change_refused(const struct page_request *request)
{
    const char *site = request->sec_fetch_site;

    if (!request->from_loopback)
        return "requests that change something are answered only from loopback addresses: "
               "send it from the exporter's own machine to 127.0.0.1";
    if (!host_is_local(request->host))
        return "requests that change something need a Host header with localhost or a loopback address";
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return "refused: another web site made the browser send this request (Sec-Fetch-Site)";
    if (request->origin != NULL && !origin_is_host(request->origin, request->host))
        return "refused: another web site made the browser send this request (Origin)";
    return NULL;
}
