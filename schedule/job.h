/*
 * A job: the collection of one target, for as long as the target is in the inventory.
 *
 * It is in exactly one container, which names its owner:
 *
 *     waiting (timer heap) → ready (a lane) → queued (queue of calls) → running (a worker)
 *          ▲                                                             │
 *          └───────────────── the scheduler ◄──── returned (mailbox) ◄─────┘
 *
 * The scheduler thread owns it. Between queued and returned its call is with the workers, who know nothing else
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

struct lane;

enum job_place { JOB_WAITING, JOB_READY, JOB_CALLING, JOB_ASLEEP /* no credentials */ };

struct job {
    /* containers */
    enum job_place place;
    struct heap_node node;   /* in the timer heap or in one of the lane's ready heaps */
    struct list_node member; /* in the lane's list of all its jobs */

    /* identity */
    struct lane *lane;
    struct inventory *inventory; /* a reference; keeps target alive */
    const struct target *target;
    struct registry_slot *slot;
    uint32_t hash;                    /* stable for the target: spreads cycles over the interval */
    bool relabelled;                  /* the page may show labels that it had before */
    bool retired;                     /* left the inventory while a worker had it */
    struct inventory *next_inventory; /* a newer picture that came while a worker had it */
    const struct target *next_target;

    /* the cycle under way */
    struct call call;
    enum api_phase phase;
    bool in_cycle;
    bool retrying;
    bool manual;      /* somebody waits for it: goes first */
    bool outstanding; /* counted in the lane's outstanding results */
    bool result_resubmitted;
    bool nonce_retried;
    bool renewed;      /* its credentials were refused as expired and fetched again */
    unsigned attempts; /* failed ones in this cycle */
    unsigned polls;
    unsigned calls;       /* sent in this cycle */
    int64_t began_at;     /* the last cycle, when it became due; 0: none yet */
    int64_t submitted_at; /* when the submit was answered */
    int64_t asked;        /* submit's answer to the last poll that found nothing, ns; 0: none */
    uint64_t refreshes;   /* manual refreshes that wait for it, one bit each */

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

/* Memory for a job, zeroed; NULL when there is none. The scheduler fills it. */
struct job *job_new(void);

/* Frees it and everything it owns. NULL is allowed. */
void job_free(struct job *job);

#endif
