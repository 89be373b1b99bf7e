/*
 * A model of the network and the server around a limiter, with a virtual clock: calls travel, are
 * counted at some moment before they are answered (or never are), and the model remembers when.
 */
#ifndef TEST_CORE_LIMITER_MODEL_H
#define TEST_CORE_LIMITER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/heap.h"
#include "core/limiter.h"

#define MS           NS_PER_MS
#define SECOND       NS_PER_SECOND
#define CALL_TIMEOUT (10 * SECOND)

/* How long calls take in one run of the model. */
struct network {
    int64_t delay;               /* at least, to the server and back */
    int64_t jitter;              /* at most in addition, each way */
    unsigned slow_permille;      /* calls that take 3 s more */
    unsigned lost_permille;      /* calls that are counted, perhaps late, and never answered */
    unsigned throttled_permille; /* answers that say that the quota is used up */
    int64_t worker_wait;         /* at most, between dispatch and sending */
};

struct model_call {
    struct heap_node node; /* by the time its end is seen */
    int64_t dispatched_at;
    int64_t sent_at;
    size_t counted; /* index into counted.calls */
    bool answered;
    bool throttled;
};

/* What the server counted. */
struct counted_call {
    int64_t at;
    int64_t dispatched_at;
};

struct counted {
    struct counted_call *calls;
    size_t count;
    size_t room;
    bool sorted; /* by time: judged, no more calls */
};

#define CALLS_OUT_MAX 4096

struct model {
    struct limiter *limiter;
    struct network network;
    struct heap out;
    struct model_call calls[CALLS_OUT_MAX];
    struct model_call *idle[CALLS_OUT_MAX];
    size_t idle_count;
    struct counted counted;
    size_t cuts;
};

/* A model with a limiter made at time 0. Ends the test when memory runs out. */
struct model *model_new(int64_t calls, int64_t window, const struct network *network);
void model_free(struct model *model);

/* Sends `total` calls as fast as the limiter allows. Returns when the last one was sent. */
int64_t model_run(struct model *model, size_t total, int64_t now);

/* Sends as fast as the limiter allows until a time. */
void model_run_until(struct model *model, int64_t now, int64_t until);

/* The machine sleeps: calls that were sent go on without it, the others wait. Returns the time after. */
int64_t model_suspend(struct model *model, int64_t now, int64_t duration);

/* The process is killed: what was sent is counted within `at_most`, what was not never is. */
void model_kill(struct model *model, int64_t now, int64_t at_most);

void counted_add(struct counted *counted, const struct counted_call *call);

/* The most calls that any half-open window of this length held. */
size_t worst_window(struct counted *counted, int64_t window);

/*
 * The same of the calls counted in [from, until) only, for windows with at least one call that was
 * dispatched after `from`: when a limit changes, calls already under way are nobody's choice any more.
 */
size_t worst_window_between(struct counted *counted, int64_t window, int64_t from, int64_t until);

/* A number in [0, limit); 0 when that is empty. Every test sets the seed. */
void random_seed(uint64_t seed);
int64_t random_below(int64_t limit);

/* limiter_reserve and limiter_configure in one; fails the test when memory runs out. */
void limiter_reconfigure(struct limiter *limiter, int64_t calls, int64_t window, int64_t now);

#endif
