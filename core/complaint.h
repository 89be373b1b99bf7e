/*
 * Says a repeated failure once, then at growing intervals, then that it is over.
 *
 * A complaint is the state of one thing that can be broken (a target, an account, the inventory).
 * It does not log: it tells the caller whether to. Owned by one thread; time is an argument.
 */
#ifndef CORE_COMPLAINT_H
#define CORE_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

struct complaint {
    int kind;         /* what is wrong now; 0 when nothing is */
    uint64_t repeats; /* failures of that kind that were not said */
    int64_t quiet_ns; /* the interval until the next repetition is said */
    int64_t next_ns;  /* when that is */
};

/*
 * Something failed with `kind` (not 0), for example an error class. True when it is to be said:
 * the first time, when the kind changed, and after 1 min, 2 min, 4 min … at most 1 h.
 * *repeats is the number of failures that went unsaid since the last time; with false it counts
 * this one.
 */
bool complaint_raise(struct complaint *complaint, int kind, int64_t now, uint64_t *repeats);

/* It works. True when a complaint was open, so that the recovery is said; *repeats as above. */
bool complaint_settle(struct complaint *complaint, uint64_t *repeats);

#endif
