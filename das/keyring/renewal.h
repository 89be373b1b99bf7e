/*
 * When the credentials of one entry of the keyring are fetched: after about 80 % of their life, at
 * intervals when they are read from files, with back-off after failures. Pure: time and randomness are arguments,
 * any 64 random bits. Monotonic nanoseconds throughout.
 */
#ifndef DAS_KEYRING_RENEWAL_H
#define DAS_KEYRING_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/error.h"

#define RENEWAL_FILE_MIN      (5 * NS_PER_SECOND) /* between two readings of a file */
#define RENEWAL_FILE_MAX      (10 * NS_PER_SECOND)
#define RENEWAL_PASSING_FIRST NS_PER_SECOND /* after what may pass by itself */
#define RENEWAL_PASSING_MAX   (60 * NS_PER_SECOND)
#define RENEWAL_LASTING_FIRST (60 * NS_PER_SECOND) /* after what somebody has to mend */
#define RENEWAL_LASTING_MAX   (1800 * NS_PER_SECOND)
#define RENEWAL_GAP           NS_PER_SECOND /* between two fetches, however short the life */

struct renewal {
    int64_t due;     /* of the next fetch; CLOCK_NEVER: not before something happens */
    int64_t expires; /* of what is held; CLOCK_NEVER: it does not, or nothing is held */
    int64_t started; /* the last fetch */
    int64_t backoff; /* the delay after the last failure, without jitter; 0: the last fetch was fine */
};

/* The first fetch is due now. */
void renewal_init(struct renewal *renewal, int64_t now);

/* When there is something to do. */
int64_t renewal_next(const struct renewal *renewal);

/* A fetch begins; nothing is due until it ends. */
void renewal_start(struct renewal *renewal, int64_t now);

/* It brought credentials that live so long (> 0): they are due for another after 75 to 85 % of it. */
void renewal_issued(struct renewal *renewal, int64_t life, uint64_t random, int64_t now);

/* It brought what a file holds, which is read again soon. Also for a file that cannot be read. */
void renewal_read(struct renewal *renewal, uint64_t random, int64_t now);

/* It brought what cannot change by itself. */
void renewal_settle(struct renewal *renewal);

/*
 * It failed: again after a back-off that doubles each time, with 25 % jitter. A wrong clock or a source that hands
 * out what has expired mends itself at any moment: there it does not grow. What is held expires as before.
 */
void renewal_fail(struct renewal *renewal, enum error_class class, uint64_t random, int64_t now);

/* It cannot start before another entry has credentials. */
void renewal_wait(struct renewal *renewal);

/* A fetch is wanted now, but not within RENEWAL_GAP of the last one. */
void renewal_hasten(struct renewal *renewal, int64_t now);

/* True when what is held has expired. */
bool renewal_expired(const struct renewal *renewal, int64_t now);

/* True for what asking again soon cannot mend. */
bool renewal_failure_lasts(enum error_class class);

#endif
