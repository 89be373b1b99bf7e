/* URLs as libcurl reads them, so that what is checked is what is used; inside das only. */
#ifndef DAS_ENDPOINT_H
#define DAS_ENDPOINT_H

#include <stdbool.h>

#include "core/error.h"

struct endpoint {
    char *scheme;
    char *host;      /* [::1] in brackets */
    char *port;      /* NULL: the scheme's default */
    bool has_user;   /* a user or a password */
    bool has_target; /* a path other than "/", a query or a fragment */
};

/*
 * False when it is no URL with a scheme and a host (ERROR_CONFIG) or memory runs out (ERROR_NO_MEMORY); the
 * message does not repeat the URL. Release it in any case. Both are in url.c, which knows libcurl.
 */
bool endpoint_parse(const char *url, struct endpoint *endpoint, struct error *error);
void endpoint_release(struct endpoint *endpoint);

/* The host is in 127.0.0.0/8, or [::1] or localhost. */
bool endpoint_is_loopback(const struct endpoint *endpoint);

/* https, or http to a loopback host. */
bool endpoint_is_allowed(const struct endpoint *endpoint);

#endif
