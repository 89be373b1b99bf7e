/* URLs as libcurl reads them; inside das only. */
#ifndef DAS_ENDPOINT_H
#define DAS_ENDPOINT_H

#include <curl/curl.h>
#include <stdbool.h>

struct endpoint {
    CURLU *handle;
    char *scheme;
    char *host; /* [::1] in brackets */
    char *port; /* NULL: the scheme's default */
    bool loopback;
};

/* False when it is no URL with a scheme and a host, or memory runs out. Release it in any case. */
bool endpoint_parse(const char *url, struct endpoint *endpoint);
void endpoint_release(struct endpoint *endpoint);

/* https, or http to a loopback host. */
bool endpoint_is_allowed(const struct endpoint *endpoint);

/* 127.0.0.0/8, [::1] or localhost. */
bool endpoint_host_is_loopback(const char *host);

#endif
