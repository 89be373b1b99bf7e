/*
 * Decides what is asked when. The only writer of the state of targets and accounts.
 *
 * scheduler_step() is the whole of it: it takes what came back, what became due and what the
 * quotas allow, hands jobs to the queue, and says when it wants to be called next. It never
 * waits and does no I/O, so that every rule is tested with a clock of the test's own and without
 * threads. The thread around it is scheduler_start().
 *
 * Other threads reach it through its mailbox only: workers return jobs; the functions marked
 * "any thread" have themselves run on the scheduler thread and wait for that.
 */
#ifndef SCHEDULE_SCHEDULER_H
#define SCHEDULE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "db/inventory.h"
#include "metrics/registry.h"
#include "metrics/self_metrics.h"
#include "schedule/call_queue.h"
#include "schedule/credentials_source.h"
#include "schedule/mailbox.h"
#include "schedule/refresh.h"
#include "schedule/status_board.h"

#define SCHEDULER_LATE INT64_C(1000000000) /* ns */

struct scheduler;

/* What the scheduler uses; all of it outlives the scheduler. */
struct scheduler_parts {
    const struct collector *collector;
    struct registry *registry;
    struct call_queue *queue;
    struct mailbox *mailbox;
    struct refresh_table *refreshes;
    struct status_board *board;
    uint64_t random_seed; /* of retry jitter; fixed in tests */
    struct credentials_source credentials;
    void (*changed)(void *context); /* the page changed: wakes the publisher. May be NULL */
    void *changed_context;
};

/* Takes its own reference to config. NULL when memory runs out. */
struct scheduler *scheduler_new(struct config *config, const struct scheduler_parts *parts, int64_t now);

/*
 * Frees it and every job that it owns. No worker may hold a job any more: first the workers end,
 * then their returned jobs are taken by a last scheduler_step or by this function.
 */
void scheduler_free(struct scheduler *scheduler); /* NULL is allowed */

/* One decision round. Returns when it wants the next one; CLOCK_NEVER: when something arrives. */
int64_t scheduler_step(struct scheduler *scheduler, int64_t now);

/*
 * The thread: steps until scheduler_stop, which ends and joins it and takes back the calls that are not out. When the
 * workers have ended, the scheduler calls nobody any more after it.
 */
bool scheduler_start(struct scheduler *scheduler, struct error *error);
void scheduler_stop(struct scheduler *scheduler);

/* The monotonic time of the last step: the watchdog's pulse. Any thread. */
int64_t scheduler_last_step(const struct scheduler *scheduler);

/*
 * Since when calls are out and none has ended; CLOCK_NEVER while none is out. The watchdog's
 * other pulse. Any thread.
 */
int64_t scheduler_busy_since(const struct scheduler *scheduler);

/*
 * Since when every step has begun more than SCHEDULER_LATE after the time it was due: the scheduler gives
 * its time to something else, or gets none. CLOCK_NEVER: the last one was in time. The watchdog's third
 * pulse. Any thread.
 */
int64_t scheduler_late_since(const struct scheduler *scheduler);

/* True once every target was tried, well or not. Any thread. */
bool scheduler_first_cycle_done(const struct scheduler *scheduler);

/*
 * A new inventory: adds what is new, retires what vanished, keeps what is known of the rest.
 * Takes its own references. False when memory ran out: the old one stays in force. Scheduler thread.
 */
bool scheduler_apply_inventory(struct scheduler *scheduler, struct inventory *inventory, int64_t now);

/* A new configuration. False when memory ran out: the old one stays. Scheduler thread. */
bool scheduler_apply_config(struct scheduler *scheduler, struct config *config, int64_t now);

/* The keyring has other news of an account: they are looked up. Scheduler thread. */
void scheduler_credentials_changed(struct scheduler *scheduler, const char *aliyun_uid, int64_t now);

/* A metric that is not asked for but loaded whole, and what came of a load. */
struct metric_load {
    enum metric_id metric;
    struct batch *batch; /* sealed, a reference that is taken over; NULL: the load failed */
    const uint64_t
        *rejected; /* rows by reason, REJECTION_COUNT of them; of a load that did not fail, as the rest */
    int64_t loaded_unix_ms;
    int64_t duration; /* ns */
};

/* A load has ended, well or not. Scheduler thread. */
void scheduler_apply_load(struct scheduler *scheduler, const struct metric_load *load, int64_t now);

/* Starts or joins a manual refresh. Scheduler thread. */
enum refresh_answer scheduler_refresh(struct scheduler *scheduler, const struct refresh_filter *filter,
                                      int64_t now, struct refresh_progress *progress);

/*
 * Fills *status (initialised) with the state; to be released in any case. False when memory ran out.
 * Scheduler thread.
 */
bool scheduler_status(const struct scheduler *scheduler, int64_t now, struct status *status);

/*
 * Fills what the scheduler knows of *self; what it points to is copied into *arena. False when
 * memory ran out. Scheduler thread.
 */
bool scheduler_metrics(const struct scheduler *scheduler, int64_t now, struct arena *arena,
                       struct self_metrics *self);

/* Rows refused in the loads now in force, by reason. Scheduler thread. */
void scheduler_rejections(const struct scheduler *scheduler, uint64_t rejected[REJECTION_COUNT]);

/* Runs `run(argument, now)` on the scheduler thread and waits. False when it did not run. Any thread. */
bool scheduler_call(struct scheduler *scheduler, void (*run)(void *argument, int64_t now), void *argument);

#endif
