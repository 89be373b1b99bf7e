/* The deterministic sessions of a target. The formula is in README.md, so that a test
 * can compute every value without asking. */
#ifndef DAS_SIM_SESSIONS_H
#define DAS_SIM_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name that is not UTF-8, and what stands for it until the text is finished. */
#define SESSIONS_BROKEN_NAME     "broken_\xff\xfe\xc3("
#define SESSIONS_BROKEN_STAND_IN "broken_@@@@"

/* What a reply shall contain; faults change it. */
struct session_shape {
    const char *target;
    int64_t generation;
    size_t users;
    size_t clients;
    size_t session_list; /* most entries of SessionList */
    bool empty;
    bool null_user_stats;
    bool strange;  /* strange user names */
    bool ports;    /* ClientStats by address and port */
    bool lean;     /* of SessionData nothing that can be relied on but UserStats */
    bool streamed; /* one element: the delivery puts many before it */
};

struct user_sessions {
    char *name; /* as JSON shows it: the stand-in instead of the broken name */
    uint64_t total;
    uint64_t active;
};

/* How many users there may be; each index below may still be absent. */
size_t sessions_user_most(const struct session_shape *shape);
/* False when that user has no session now. On true the caller frees out->name. */
bool sessions_user(const struct session_shape *shape, size_t index, struct user_sessions *out);

#endif
