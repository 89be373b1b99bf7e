/*
 * The proxy of a request, and what may be said of it: an address of a proxy may hold a user and a password, in
 * places where only its writer knows them to be. Pure but for the environment; inside das only.
 */
#ifndef DAS_PROXY_H
#define DAS_PROXY_H

#include <stdbool.h>

#include "core/error.h"

/* What stands for https_proxy and no_proxy where a proxy may be named. */
#define PROXY_OF_ENVIRONMENT "environment"

#define PROXY_NAME_SIZE 128

struct proxy {
    const char *text;   /* "": none. Never to be shown; borrowed */
    const char *source; /* where it was written: a key or a variable */
};

/*
 * The proxy for a scheme that libcurl takes when it is left to the environment, whatever no_proxy says, or the
 * setting itself.
 */
struct proxy proxy_of(const char *setting, const char *scheme);

/* "HOST:PORT", or "(not readable)" when it is not plain where that begins. Returns name. */
const char *proxy_name(const struct proxy *proxy, char name[PROXY_NAME_SIZE]);

/* True when libcurl's messages, which repeat a proxy's address, cannot hold a secret: there is no proxy or no user. */
bool proxy_may_be_repeated(const struct proxy *proxy);

/* What a proxy's own answer to CONNECT means and what to do: 407 and others. */
void proxy_refusal(const struct proxy *proxy, long status, const char *host, struct error *error);

#endif
