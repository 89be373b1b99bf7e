/* The scheduler's own state, shared by the files of the scheduler and by nobody else. */
#ifndef SCHEDULE_SCHEDULER_STATE_H
#define SCHEDULE_SCHEDULER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/heap.h"
#include "schedule/lane.h"
#include "schedule/scheduler.h"

/* A metric that is loaded whole with the inventory instead of asked for target by target. */
struct loaded_metric {
    struct registry_slot *slot; /* NULL: it is off, or nothing was loaded yet */
    uint64_t refreshes;         /* manual refreshes that wait for the next load, one bit each */
    uint64_t rejected[REJECTION_COUNT];
};

struct scheduler {
    struct scheduler_parts parts; /* constant */
    struct config *config;        /* a reference */
    pthread_t thread;
    bool started;
    _Atomic int64_t last_step;
    _Atomic int64_t busy_since; /* no call has ended since, though some are out; CLOCK_NEVER: none is */

    _Atomic int64_t late_since; /* steps have begun too late since; CLOCK_NEVER: the last one did not */
    int64_t next_step;          /* when the next one is due; CLOCK_NEVER: when something arrives */

    struct heap timers;      /* waiting jobs, by the time something is due */
    struct heap ready_lanes; /* lanes with something to send, by the time they may */
    struct limiter *total;   /* all accounts together */
    size_t calling;          /* jobs in the queue, with workers or on their way back */
    size_t active_lanes;     /* lanes with such jobs */

    struct inventory *inventory; /* a reference; NULL: none yet */
    struct job **jobs;           /* of the inventory, in its order */
    size_t job_count;
    size_t resting;      /* of those, jobs that no full cycle waits for */
    struct lane **lanes; /* sorted by aliyun_uid */
    size_t lane_count;

    struct loaded_metric loaded[METRIC_ID_COUNT]; /* empty for the metric of the collector */

    /* the full cycle */
    uint64_t cycle;
    size_t cycle_pending; /* jobs not yet finished in it */
    int64_t cycle_started;
    size_t untried; /* jobs that finished no cycle yet */
    atomic_bool first_cycle_done;

    uint64_t random;
    uint64_t dropped_batches; /* results of targets that had vanished */
    uint64_t refreshes[METRIC_ID_COUNT][REFRESH_TRIGGER_COUNT];
    int64_t refresh_duration[METRIC_ID_COUNT]; /* negative: none yet */
    struct histogram request_duration[API_PHASE_COUNT];
    struct histogram result_wait;
};

/* scheduler_state.c: what all of them use */

/* The page changed. */
void scheduler_changed(struct scheduler *s);

/* The limit over all accounts. new and prepare can fail for memory, configure cannot. */
struct limiter *scheduler_new_total(const struct das_config *das, int64_t now);
bool scheduler_prepare_total(struct scheduler *s, const struct das_config *das);
void scheduler_configure_total(struct scheduler *s, const struct das_config *das, int64_t now);

/* The lane takes what the keyring knows now. True when these are other credentials. */
bool scheduler_look_up_credentials(struct scheduler *s, struct lane *lane);

/* The settings of what the collector asks. */
const struct metric_config *scheduler_metric(const struct scheduler *s);

/*
 * The calls that one lane may have out. While most workers are busy it is a fair share, and something is
 * left for those who have none: slow or hanging calls of one account must not occupy all workers. A lane
 * that this holds back has calls out, whose return places it anew.
 */
size_t scheduler_worker_share(const struct scheduler *s);

/* Puts a lane where it belongs among those that can send; after any change of it. */
void scheduler_place_lane(struct scheduler *s, struct lane *lane, int64_t now);

/* A pseudo-random duration in [0, limit). */
int64_t scheduler_jitter(struct scheduler *s, int64_t limit);

/* cycle.c: the turns of one target */

/* The time of a job has come: its timer ran out, it is hurried, or goes on. From any state but leaving. */
void cycle_due(struct scheduler *s, struct job *job, int64_t now);

/* Puts a job into its lane, or into another class there. */
void cycle_make_ready(struct scheduler *s, struct job *job, int64_t now);

/* Ends the cycle of a job; it waits for its turn after `intervals` intervals. */
void cycle_end(struct scheduler *s, struct job *job, bool succeeded, int64_t intervals, int64_t now);

/* The same as failed: counted, remembered, said; the last good samples stay until their time. */
void cycle_fail(struct scheduler *s, struct job *job, const struct error *error, int64_t now);

/* The account is down: its prober is due at the moment of the next probe at the latest. */
void cycle_wait_for_probe(struct scheduler *s, struct job *job, int64_t now);

/*
 * A job between two cycles whose labels changed is asked again, once: until then the page shows the old ones.
 * Its account's recovery does that for one that is down.
 */
void cycle_renew_labels(struct scheduler *s, struct job *job, int64_t now);

/* The job is not what its account is probed with any more. */
void cycle_end_probe(struct job *job);

/* The last cycle succeeded, or not. */
void cycle_set_up(struct job *job, bool up);

/* Its result is not awaited any more. */
void cycle_forget_result(struct job *job);

/* Out of the timer heap or its lane, for another state or the end; nothing when it is in neither. */
void cycle_leave_container(struct scheduler *s, struct job *job);

/* Into the timer heap, in a state that belongs there. */
void cycle_wait(struct scheduler *s, struct job *job, enum target_state state, int64_t due);

/* Makes a job due now, for somebody who waits for it: job->refreshes. */
void cycle_hurry(struct scheduler *s, struct job *job, int64_t now);

/* The interval of a lane's jobs, stretched to what the quotas allow. */
int64_t cycle_interval(const struct scheduler *s, const struct lane *lane);

/* The interval changed: waiting jobs take the earlier of their old and new turns. */
void cycle_reschedule(struct scheduler *s, struct job *job, int64_t now);

/* account.c: what befalls an account as a whole. `probe`: the job was sent to see whether it works again */

/* A call was refused for the account's sake: nothing else of it has a chance until a probe succeeds. */
void account_down(struct scheduler *s, struct job *job, const struct error *error, bool probe, int64_t now);

/* A call was refused since the keys have expired: the job is held in its lane until the keyring has answered. */
void account_renew_keys(struct scheduler *s, struct job *job, const struct error *error, bool probe,
                        int64_t now);

/* True when an answer shows that the account, with the keys it has now, is accepted. */
bool account_accepts(const struct lane *lane, const struct call *call);

/* The account works again: what failed meanwhile is tried now. */
void account_recovered(struct scheduler *s, struct lane *lane, int64_t now);

/* verdict.c: what the end of a call means */

/* A call of the job has ended; job->call says how. The job is in no container. */
void verdict_of_call(struct scheduler *s, struct job *job, int64_t now);

/* full_cycle.c: every target asked once */

/*
 * A job joined or left the set that a full cycle consists of. One that rests is not waited for: it has no
 * credentials, or was refused and is asked more rarely. Resting or resuming twice does no harm.
 */
void full_cycle_job_added(struct scheduler *s, struct job *job, int64_t now);
void full_cycle_job_rests(struct scheduler *s, struct job *job, int64_t now);
void full_cycle_job_resumes(struct scheduler *s, struct job *job, int64_t now);
void full_cycle_job_removed(struct scheduler *s, struct job *job, int64_t now);

/* A job finished a cycle, well or not, or cannot. */
void full_cycle_count(struct scheduler *s, struct job *job, int64_t now);
void full_cycle_tried(struct scheduler *s, struct job *job);

/* Notes whether every job was tried once. */
void full_cycle_note_first(struct scheduler *s);

/* roster.c */

/* True when samples of the one target would look different from samples of the other. */
bool roster_labels_differ(const struct target *a, const struct target *b);

/* Frees a job that no worker has, wherever it is. */
void roster_free_job(struct scheduler *s, struct job *job);

/* The lane of an account; NULL when there is none. */
struct lane *roster_find_lane(const struct scheduler *s, const char *aliyun_uid);

#endif
