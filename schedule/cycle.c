/*
 * The turns of one target: when its cycle begins, and what follows from its end.
 */
#include "schedule/scheduler_state.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"

/* A target that is refused is asked only every so many intervals. */
#define REFUSED_INTERVALS 5

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Stretched evenly to what the quotas allow. */
int64_t cycle_interval(const struct scheduler *s, const struct lane *lane)
{
    const struct quota total = {.calls = limiter_calls(s->total), .window = limiter_window(s->total)};
    int64_t interval = scheduler_metric(s)->interval;
    int64_t cycle = later(interval, lane_demand(lane, interval).cycle);

    return later(cycle, demand_of(s->job_count, lane->calls_per_result, interval, &total).cycle);
}

/*
 * The job's own moment in each interval, from its hash: cycles are spread evenly and stay where
 * they are. Moments missed are not caught up; one too near to the beginning of the last cycle is
 * skipped. A stretched interval has no such moments, since its length follows the load and they
 * would jump with it: there the quota itself spreads the cycles, and each job keeps its distance.
 */
static int64_t next_turn(const struct scheduler *s, const struct job *job, int64_t now, int64_t intervals)
{
    int64_t interval = cycle_interval(s, job->lane);
    int64_t phase = clock_scale(interval, job->hash, UINT32_MAX);
    int64_t earliest = later(now, job->began_at + (intervals - 1) * interval + interval / 2);
    int64_t turn = earliest - earliest % interval + phase;

    if (interval > scheduler_metric(s)->interval)
        return later(now, job->began_at + intervals * interval);
    return turn >= earliest ? turn : turn + interval;
}

void cycle_set_up(struct job *job, bool up)
{
    if (job->up != up)
        job->lane->up_count += up ? 1 : (size_t)-1;
    job->up = up;
}

void cycle_end_probe(struct job *job)
{
    if (job->lane->probe == job)
        job->lane->probe = NULL;
}

void cycle_forget_result(struct job *job)
{
    job->lane->outstanding -= job_is_outstanding(job);
    free(job->call.continuation);
    job->call.continuation = NULL;
}

void cycle_leave_container(struct scheduler *s, struct job *job)
{
    if (job->state == TARGET_READY)
        lane_remove_ready(job->lane, job);
    else if (job_has_timer(job))
        heap_remove(&s->timers, &job->node);
}

void cycle_wait(struct scheduler *s, struct job *job, enum target_state state, int64_t due)
{
    cycle_leave_container(s, job);
    job_enter(job, state);
    heap_insert(&s->timers, &job->node, due);
}

/* An earlier turn for a waiting job. */
static void advance(struct scheduler *s, struct job *job, int64_t due)
{
    if (due < job->node.key)
        cycle_wait(s, job, TARGET_WAITING, due);
}

void cycle_wait_for_probe(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->lane->prober == job && job->lane->probe_at > now)
        advance(s, job, job->lane->probe_at);
}

/* Nobody waits for a job that cannot be asked; while its first credentials are on their way it is not tried yet. */
static void fall_asleep(struct scheduler *s, struct job *job, int64_t now)
{
    cycle_leave_container(s, job);
    job_enter(job, TARGET_NO_CREDENTIALS);
    cycle_end_probe(job);
    cycle_forget_result(job);
    cycle_set_up(job, false);
    registry_fail(s->parts.registry, job->slot);
    refresh_table_report(s->parts.refreshes, job->refreshes, REFRESH_TARGET_FAILED, now);
    job->refreshes = 0;
    if (job->lane->credentials_error.class != ERROR_NONE)
        full_cycle_tried(s, job);
    full_cycle_job_rests(s, job, now);
}

/* Ends the cycle and waits for the job's turn after `intervals` intervals. */
void cycle_end(struct scheduler *s, struct job *job, bool succeeded, int64_t intervals, int64_t now)
{
    enum refresh_trigger trigger = job->refreshes != 0 ? REFRESH_MANUAL : REFRESH_SCHEDULE;

    cycle_end_probe(job);
    cycle_forget_result(job);
    s->refreshes[s->parts.collector->metric][trigger]++;
    refresh_table_report(s->parts.refreshes, job->refreshes,
                         succeeded ? REFRESH_TARGET_SUCCEEDED : REFRESH_TARGET_FAILED, now);
    job->refreshes = 0;
    full_cycle_tried(s, job);
    full_cycle_count(s, job, now);
    cycle_wait(s, job, TARGET_WAITING, next_turn(s, job, now, intervals));
    scheduler_place_lane(s, job->lane, now); /* a result less is outstanding */
    scheduler_changed(s);
}

static void begin_cycle(struct job *job, int64_t now)
{
    job->began_at = now;
    job->spent = 0;
    job->attempts = 0;
    job->polls = 0;
    job->calls = 0;
    job->asked = 0;
}

static void remember_error(struct job *job, const struct error *error)
{
    if (job->error == NULL)
        job->error = malloc(sizeof(*job->error));
    if (job->error != NULL)
        *job->error = *error;
}

static void log_target_failure(struct job *job, const struct error *error, int64_t now)
{
    uint64_t repeats, unsaid;

    if (error_class_is_of_account(error->class))
        return; /* said once, for the account */
    if (!complaint_raise(&job->complaint, (int)error->class, now, &repeats))
        return;
    if (!lane_may_log_target(job->lane, now, &unsaid))
        return; /* /targets says it */
    if (unsaid > 0)
        log_warn("more targets of the account failed", log_text("aliyun_uid", job->lane->aliyun_uid),
                 log_int("targets", (int64_t)unsaid));
    log_failure(LOG_LEVEL_WARN, "target failed", error, log_text("ins_id", job->target->instance->ins_id),
                log_text("node_id", job->target->node_id), log_text("aliyun_uid", job->lane->aliyun_uid),
                log_int("repeats", (int64_t)repeats));
}

void cycle_fail(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    job->failures++;
    cycle_set_up(job, false);
    remember_error(job, error);
    log_target_failure(job, error, now);
    registry_fail(s->parts.registry, job->slot);
    if (error->class == ERROR_REFUSED)
        full_cycle_job_rests(s, job, now);
    cycle_end(s, job, false, error->class == ERROR_REFUSED ? REFUSED_INTERVALS : 1, now);
}

/* A retry stays one until it was sent. */
static enum ready_class class_of(const struct job *job)
{
    if (job->state == TARGET_RETRYING || (job->state == TARGET_READY && job->class == READY_RETRY))
        return READY_RETRY;
    if (job_phase(job) == API_PHASE_POLL)
        return READY_POLL;
    return job->refreshes != 0 ? READY_MANUAL : READY_SUBMIT;
}

void cycle_make_ready(struct scheduler *s, struct job *job, int64_t now)
{
    enum ready_class class = class_of(job);

    if (job->lane->credentials == NULL) {
        fall_asleep(s, job, now); /* they were taken away while a worker had it */
        return;
    }
    cycle_leave_container(s, job);
    lane_add_ready(job->lane, job, class);
    scheduler_place_lane(s, job->lane, now);
}

void cycle_due(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;

    if (lane->credentials == NULL) {
        fall_asleep(s, job, now);
        return;
    }
    full_cycle_job_resumes(s, job, now);
    if (!job_in_cycle(job))
        begin_cycle(job, now);
    if (lane->down) {
        if (!lane_may_probe(lane, job, now)) {
            cycle_fail(s, job, &lane->error, now);
            cycle_wait_for_probe(s, job, now);
            return;
        }
        lane->probe = job;
    }
    cycle_make_ready(s, job, now);
}

void cycle_reschedule(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_WAITING)
        advance(s, job, next_turn(s, job, now, 1));
}

void cycle_renew_labels(struct scheduler *s, struct job *job, int64_t now)
{
    if (!job->relabelled || job->lane->down || job->state != TARGET_WAITING)
        return;
    job->relabelled = false;
    cycle_due(s, job, now);
}

void cycle_hurry(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_READY)
        cycle_make_ready(s, job, now);
    else if (job->state == TARGET_WAITING)
        cycle_due(s, job, now);
}
