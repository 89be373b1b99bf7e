/*
 * Where temporary credentials come from: one blocking function per kind of source. Each sends one
 * to three requests through the given transport, through no proxy but a session's, follows no redirect and
 * repeats nothing: whether and when to ask again is for the caller to decide. The calling thread owns
 * the transport; transport_abort() ends a running call soon. The facts of the protocols: docs/das.md.
 *
 * All of them: *out is written on every path ({NULL, 0} on failure) and then the caller's; whether
 * its expiry lies ahead is for the caller to judge. On failure *error says what failed (the role, the
 * host), in the server's words without any secret, and what to do:
 *
 *     ERROR_CREDENTIALS    refused, or not there: asking again soon is no use
 *     ERROR_TOKEN_EXPIRED  the temporary key that assumes the role is what has to be renewed
 *     ERROR_CLOCK_SKEW     the clock of this machine is wrong
 *     ERROR_TRANSIENT      network, TLS, time limits, 5xx, throttled: ask again later
 *     ERROR_MALFORMED, ERROR_TOO_LARGE, ERROR_NO_MEMORY: the same
 *     ERROR_CONFIG         an endpoint, a URI, a session name or ca_file that cannot be used
 *
 * Texts in the requests are borrowed for the call and never NULL.
 */
#ifndef DAS_KEYRING_SOURCES_CREDENTIAL_SOURCE_H
#define DAS_KEYRING_SOURCES_CREDENTIAL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/credentials.h"
#include "core/error.h"
#include "das/transport.h"

/* The largest answer of any of these services. */
#define CREDENTIALS_REPLY_MAX ((size_t)1 << 20)

struct issued_credentials {
    struct credentials *credentials; /* one reference */
    int64_t expiry_unix_ms;
};

/* Puts the reference and leaves {NULL, 0}. */
void issued_credentials_release(struct issued_credentials *issued);

/* The role to be assumed and how. */
struct role_session {
    const char *sts_endpoint;      /* "": sts.aliyuncs.com; a host, or a URL as das.endpoint */
    const char *proxy;             /* "": none; else as in struct transport_request */
    const char *role_arn;          /* acs:ram::UID:role/NAME */
    const char *role_session_name; /* 2 to 64 letters, digits or . @ - _ */
    const char *policy;            /* narrows the role's permissions, JSON; "": does not */
    int64_t duration;              /* ns, the life of the credentials; 0: what STS gives, an hour */
};

struct assume_role_request {
    struct role_session session;
    const char *external_id;          /* "": none */
    const struct credentials *caller; /* who assumes the role */
    int64_t unix_ms;                  /* now */
    const char *nonce;                /* new for every attempt */
};

bool credentials_fetch_assume_role(struct transport *transport, const struct assume_role_request *request,
                                   struct issued_credentials *out, struct error *error);

struct assume_role_with_oidc_request {
    struct role_session session;
    const char *oidc_provider_arn;
    const char *oidc_token_file; /* read at every call: it is replaced from time to time */
    int64_t unix_ms;             /* now */
};

/* Also blocks on the file. A file that cannot be read is ERROR_CREDENTIALS. */
bool credentials_fetch_assume_role_with_oidc(struct transport *transport,
                                             const struct assume_role_with_oidc_request *request,
                                             struct issued_credentials *out, struct error *error);

/* The RAM role of the ECS instance this runs on, from its metadata service. */
struct ecs_role_request {
    const char *role_name;    /* "": the service is asked for it */
    const char *endpoint;     /* "": http://100.100.100.200; else http:// with a loopback address */
    bool allow_without_token; /* when the service gives no token, ask without (normal mode) */
};

/* Two or three requests, each of which is given up after a second. */
bool credentials_fetch_ecs_role(struct transport *transport, const struct ecs_role_request *request,
                                struct issued_credentials *out, struct error *error);

/* An https URL, or http with a loopback address. Its path and query are never shown. */
bool credentials_fetch_uri(struct transport *transport, const char *uri, struct issued_credentials *out,
                           struct error *error);

/*
 * False with ERROR_CONFIG for what the functions above would refuse so, or with ERROR_NO_MEMORY: to validate a
 * configuration. Pure.
 */
bool credentials_check_sts_endpoint(const char *sts_endpoint, struct error *error);
bool credentials_check_role_session_name(const char *name, struct error *error);
bool credentials_check_uri(const char *uri, struct error *error);

#endif
