/*
 * A job: the collection of one target, for as long as the target is in the inventory. It is in exactly one state,
 * and the state says in which container it is and who may touch it:
 *
 *     joining ──► waiting ◄──────────────── the end of the cycle ────────────────┐
 *                    │ due                                                       │
 *                    ▼         quota         worker            answer            │
 *                  ready ──────────► calling ──────► (mailbox) ──────────────────┤
 *                    ▲                                   │                       │
 *                    │ due                               ├──► computing ──┐      │ no chance:
 *                    ├───────────────────────────────────┼──► retrying ───┤      │ the account is down
 *                    └── at once: requeued, sent again ──┘                └──────┘
 *
 * waiting, computing and retrying are in the timer heap, ready in its lane, a call that is calling in the queue, with
 * a worker or in the mailbox. From anywhere but there, an account without credentials takes its jobs to
 * no_credentials, which only credentials lead out of, to ready. One that leaves the inventory is freed, or leaving
 * until its call has ended. Every other change of state is a mistake: job_enter() asserts the table in job.c.
 *
 * The scheduler thread owns it. Its call is with the workers while it is calling or leaving; they know nothing else
 * of it.
 */
#ifndef SCHEDULE_JOB_H
#define SCHEDULE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/complaint.h"
#include "core/error.h"
#include "core/heap.h"
#include "core/list.h"
#include "db/inventory.h"
#include "metrics/registry.h"
#include "metrics/self_metrics.h"
#include "schedule/call.h"
#include "schedule/status.h"

struct lane;

/* Polls in vain after which a result does not count as outstanding: it must not keep others from being submitted. */
#define POLLS_UNTIL_OVERDUE 3

/*
 * What a ready job is about to do. Within a class the oldest data goes first. Between classes:
 * manual submits first, but at most every other call while others wait; then due polls, which
 * turn calls already paid into data; then submits, at least every fifth call; then retries, at
 * least every tenth.
 */
enum ready_class { READY_MANUAL, READY_POLL, READY_SUBMIT, READY_RETRY, READY_CLASS_COUNT };

/* What a cycle may try once. */
enum remedy { REMEDY_SUBMIT_AGAIN, REMEDY_SEND_AGAIN, REMEDY_RENEW_KEYS };

struct job {
    /* containers */
    enum target_state state;
    enum ready_class class;  /* of its last time in the lane */
    struct heap_node node;   /* in the timer heap or in one of the lane's ready heaps */
    struct list_node member; /* in the lane's list of all its jobs */

    /* identity */
    struct lane *lane;
    struct inventory *inventory; /* a reference; keeps target alive */
    const struct target *target;
    struct registry_slot *slot;
    uint32_t hash;                    /* stable for the target: spreads cycles over the interval */
    bool relabelled;                  /* the page may show labels that it had before */
    struct inventory *next_inventory; /* a newer picture that came while a worker had it */
    const struct target *next_target;

    /* the cycle under way */
    struct call call;
    unsigned spent;    /* a set of 1 << enum remedy */
    unsigned attempts; /* failed ones in this cycle */
    unsigned polls;
    unsigned calls;       /* sent in this cycle */
    int64_t began_at;     /* the last cycle, when it became due; 0: none yet */
    int64_t submitted_at; /* when the submit was answered */
    int64_t asked;        /* submit's answer to the last poll that found nothing, ns; 0: none */
    uint64_t refreshes;   /* manual refreshes that wait for it, one bit each; it goes first then */

    /* what is known */
    uint64_t cycle; /* the last full cycle it was counted in */
    bool resting;   /* no full cycle waits for it */
    bool tried;     /* finished at least one cycle, well or not */
    bool up;
    int64_t success_at; /* monotonic; 0: never */
    int64_t success_unix_ms;
    uint64_t failures;   /* cycles in a row */
    struct error *error; /* of the last failure; NULL: none, or no memory for it */
    struct complaint complaint;
};

/* A cycle is under way. */
static inline bool job_in_cycle(const struct job *job)
{
    return job->state == TARGET_READY || job->state == TARGET_CALLING || job->state == TARGET_COMPUTING ||
           job->state == TARGET_RETRYING;
}

/* It is in the timer heap, by the time something is due. */
static inline bool job_has_timer(const struct job *job)
{
    return job->state == TARGET_WAITING || job->state == TARGET_COMPUTING || job->state == TARGET_RETRYING;
}

/* What its next call does, or the one under way. */
static inline enum api_phase job_phase(const struct job *job)
{
    return job->call.continuation != NULL ? API_PHASE_POLL : API_PHASE_SUBMIT;
}

/* Its result is awaited and not overdue: it counts in the lane. */
static inline bool job_is_outstanding(const struct job *job)
{
    return job->call.continuation != NULL && job->polls < POLLS_UNTIL_OVERDUE;
}

/* True when the table allows it. */
bool job_may_enter(enum target_state from, enum target_state to);

/* Another state; the table must allow it. The containers are the caller's. */
void job_enter(struct job *job, enum target_state state);

/* True once in a cycle. */
bool job_spend(struct job *job, enum remedy remedy);

/* Memory for a job, zeroed and joining; NULL when there is none. The scheduler fills it. */
struct job *job_new(void);

/* Frees it and everything it owns. NULL is allowed. */
void job_free(struct job *job);

#endif
