/*
 * The lane of one account: its quota, its credentials, its health, and the jobs that are ready
 * to be sent, by class. Lanes are independent, so that a slow, throttled or broken account never
 * delays another. Owned by the scheduler thread; does no I/O; time is an argument.
 */
#ifndef SCHEDULE_LANE_H
#define SCHEDULE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/complaint.h"
#include "core/heap.h"
#include "core/limiter.h"
#include "core/list.h"
#include "metrics/self_metrics.h"
#include "schedule/credentials_source.h"
#include "schedule/demand.h"
#include "schedule/job.h"
#include "schedule/latency.h"
#include "schedule/poll_policy.h"

/* Completion times differ between the two kinds of instances. */
enum engine { ENGINE_RDS, ENGINE_POLARDB, ENGINE_COUNT };

struct lane {
    char *aliyun_uid;
    struct heap_node node; /* in the scheduler's heap of lanes that can send, by the time they can */
    struct limiter *limiter;
    struct credentials *credentials; /* a reference; NULL: none that are valid, nothing is sent */
    enum credential_kind credential_kind;
    int64_t credentials_expiry_unix_ms; /* 0: never */
    struct error credentials_error;     /* why there are none, or no newer ones; ERROR_NONE: all is well */
    bool renewing; /* the server says they have expired: nothing is sent until the keyring has answered */

    struct list jobs; /* every job of the account */
    size_t job_count;
    size_t engine_jobs[ENGINE_COUNT];
    size_t instance_count;
    size_t up_count; /* jobs whose last cycle succeeded */

    struct heap ready[READY_CLASS_COUNT];
    size_t ready_count;
    unsigned passed_over[READY_CLASS_COUNT]; /* calls since a waiting class had its turn */

    size_t inflight;
    size_t inflight_limit; /* shrinks while calls go unanswered, grows back */
    size_t outstanding;    /* submitted, not known to be finished, not overdue */
    struct latency round_trip;
    struct poll_policy polls[ENGINE_COUNT];
    int64_t calls_per_result; /* thousandths, a running mean */
    bool overcommitted;       /* said that the quota does not suffice for the interval */

    bool down;          /* the account's credentials (or our clock) are refused */
    struct job *probe;  /* sent to see whether it works again; NULL: none */
    struct job *prober; /* the one that waits for the moment of the next probe; NULL: any */
    int64_t down_since; /* calls sent earlier say nothing about now */
    int64_t probe_at;
    int64_t probe_interval;
    struct error error; /* why it is down */
    struct complaint down_complaint;
    int64_t target_lines_from; /* log lines about single targets are limited: the minute they count in */
    unsigned target_lines;
    uint64_t target_lines_unsaid;
    struct complaint throttle_complaint;

    uint64_t requests[API_PHASE_COUNT];
    uint64_t failures[API_PHASE_COUNT][ERROR_CLASS_COUNT];
    uint64_t throttled;
};

/*
 * A lane for an account, without credentials; `account` NULL: it has no section of its own; a result costs
 * calls_per_result thousandths of a call until it was measured. NULL when memory runs out.
 */
struct lane *lane_new(const char *aliyun_uid, const struct das_config *das,
                      const struct account_config *account, int64_t calls_per_result, int64_t now);
void lane_free(struct lane *lane); /* NULL is allowed; its jobs are the caller's */

/* Everything about new limits that can fail; nothing changes yet. False when memory runs out. */
bool lane_prepare(struct lane *lane, const struct das_config *das, const struct account_config *account);

/* Puts what was prepared in force, with calls out. */
void lane_configure(struct lane *lane, const struct das_config *das, const struct account_config *account,
                    int64_t now);

/*
 * What is known of them now; the reference in *known is taken over. True when the credentials are
 * other ones: whatever was wrong with the old ones says nothing about them, and the lane is not down.
 */
bool lane_set_credentials(struct lane *lane, struct account_credentials *known);

/* One job more or less: counts, and how long is remembered what they teach. */
void lane_job_joined(struct lane *lane, const struct job *job);
void lane_job_left(struct lane *lane, const struct job *job);

/* A job that is in no container becomes ready. */
void lane_add_ready(struct lane *lane, struct job *job, enum ready_class class);

/* Takes a ready job out again; its state is the caller's. */
void lane_remove_ready(struct lane *lane, struct job *job);

/*
 * The earliest time at which lane_take can give a job; CLOCK_NEVER when none or unknown. At most
 * `workers` calls may be out.
 */
int64_t lane_next(struct lane *lane, size_t workers, int64_t now);

/*
 * The next job to send, taken out of its class, calling; a slot and a token of the quota are taken with it.
 * NULL when nothing may be sent at `now`.
 */
struct job *lane_take(struct lane *lane, size_t workers, int64_t now);

/* A call that lane_take gave has ended: quota, counters, round trip. */
void lane_call_ended(struct lane *lane, const struct job *job, int64_t now);

/* The account is refused as a whole: until a probe succeeds, only probes are sent. */
void lane_set_down(struct lane *lane, const struct error *error, int64_t now);

/* It works again, or is worth trying. */
void lane_set_up(struct lane *lane);

/* True when a job may be sent although the lane is down. */
bool lane_may_probe(const struct lane *lane, const struct job *job, int64_t now);

/*
 * True when a single target of this account may have a log line of its own; limited, so that a
 * fault of the network does not log a line per target. *unsaid: lines left out in the minute before.
 */
bool lane_may_log_target(struct lane *lane, int64_t now, uint64_t *unsaid);

/* Remembers what one result cost in calls. */
void lane_result_cost(struct lane *lane, unsigned calls);

/* What all jobs ask of the quota at this interval. */
struct demand lane_demand(const struct lane *lane, int64_t interval);

/* The time that the quota needs for what is ready now. */
int64_t lane_backlog(const struct lane *lane);

enum engine job_engine(const struct job *job);

/* What a call that has ended means for the quota. */
enum limiter_outcome call_quota_outcome(const struct call *call);

/* When its end was seen: not before the worker saw it, though the step's clock was read earlier. */
int64_t call_ended_at(const struct call *call, int64_t now);

#endif
