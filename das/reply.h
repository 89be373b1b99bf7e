/*
 * Reads one DAS reply. Pure; any thread. The facts of the protocol: docs/das.md.
 */
#ifndef DAS_REPLY_H
#define DAS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/credentials.h"
#include "core/error.h"

enum das_outcome {
    DAS_RUNNING,  /* accepted or still computing; result_id is set */
    DAS_FINISHED, /* sessions are there */
    DAS_FAILED,   /* error says why */
};

/* One element of UserStats, ClientStats or DbStats: the sessions of one user, client or schema. */
struct das_sessions {
    const char *key;
    int64_t total;
    int64_t active;
};

/*
 * One of these lists as the reply orders it; keys may repeat. Empty also when the reply does not
 * have it, or not in a form that can be relied on.
 */
struct das_group {
    struct das_sessions *sessions;
    size_t count;
};

/* What a reply says of the node as a whole; -1: it does not say. */
struct das_node {
    int64_t total;
    int64_t active;
    int64_t longest_active; /* seconds */
};

struct das_reply {
    enum das_outcome outcome;
    struct error error;    /* class ERROR_NONE unless DAS_FAILED */
    const char *result_id; /* "" unless DAS_RUNNING */
    /* of DAS_FINISHED; empty and -1 otherwise */
    struct das_group users;
    struct das_group clients; /* by address, without the port */
    struct das_group schemas; /* "": sessions without a default schema */
    struct das_node node;
    int64_t retry_after_ms; /* -1: the server did not say */
    int64_t server_unix_ms; /* the server's clock, 0: unknown; the hint after a clock skew */
    int64_t duration;       /* ns of the HTTP request; 0 when none was made */
    bool attempted;         /* false: it was not signed, or see struct transport_response */
    bool answered;          /* see there */
    struct arena arena;     /* owns the texts */
};

/*
 * Makes Jansson overwrite what it frees, for it keeps copies of keys. Once per process, before any thread
 * starts and before its first use. Called by das_global_init().
 */
void das_reply_global_init(void);

void das_reply_init(struct das_reply *reply);
void das_reply_release(struct das_reply *reply);

/*
 * Parses a body (after das/elide) and its HTTP status into outcome, error, result_id, groups and
 * node; drops what an earlier parse left. Never fails otherwise: what cannot be read becomes DAS_FAILED
 * with ERROR_MALFORMED, memory trouble ERROR_NO_MEMORY. A reply with retry_after_ms >= 0 that is
 * an error is ERROR_THROTTLED. The texts of `credentials` (NULL: none) never get into the error.
 * The other fields are the caller's.
 *
 * A finished reply counts only when it is whole: SessionData with UserStats, each element with a
 * Key and two integers >= 0; anything else is ERROR_MALFORMED and never a number. An empty
 * UserStats is a true zero. Complete=false is accepted: what was collected is there. The rest of
 * SessionData costs nobody the users: what is missing or odd there is unknown. A NUL in a key
 * becomes U+FFFD, and so does each byte of the body that is no UTF-8.
 */
void das_reply_parse(long http_status, const char *body, size_t length, int64_t retry_after_ms,
                     const struct credentials *credentials, struct das_reply *reply);

/*
 * The class of a server's error code (compared without case); http_status decides for unknown
 * codes, and a code that is itself an HTTP status decides when http_status is 2xx. Pure.
 */
enum error_class das_error_class(const char *code, long http_status);

#endif
