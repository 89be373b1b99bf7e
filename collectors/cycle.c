/*
 * One target's cycle: submit, poll until the result is there, put it into the registry, wait for
 * the next turn. What becomes of failed calls is decided in failure.c.
 */
#include "collectors/scheduler_state.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"

#define POLLS_UNTIL_OVERDUE 3
/* A worker that could not even make the request (no memory, or the program ends). */
#define UNSENT_PAUSE NS_PER_SECOND

static const struct metric_config *metric(const struct scheduler *s)
{
    return &s->config->metrics[METRIC_USER_SESSION_COUNT];
}

int64_t cycle_interval(const struct scheduler *s, const struct lane *lane)
{
    int64_t interval = lane_cycle(lane, metric(s)->interval);

    if (s->total_limited) {
        int64_t all = clock_scale(limiter_window(s->total), (int64_t)s->job_count * lane->calls_per_result,
                                  limiter_calls(s->total) * 1000);

        interval = all > interval ? all : interval;
    }
    return interval;
}

/*
 * The job's own moment in each interval, from its hash: cycles are spread evenly and stay where
 * they are. Moments missed are not caught up; one too near to the last cycle is skipped.
 */
static int64_t next_turn(const struct scheduler *s, const struct job *job, int64_t now, int64_t intervals)
{
    int64_t interval = cycle_interval(s, job->lane);
    int64_t phase = clock_scale(interval, job->hash, UINT32_MAX);
    int64_t earliest = now + interval / 2 + (intervals - 1) * interval;
    int64_t turn = earliest - earliest % interval + phase;

    return turn >= earliest ? turn : turn + interval;
}

/* Nobody waits for a job that cannot be asked. */
static void fall_asleep(struct scheduler *s, struct job *job, int64_t now)
{
    job->place = JOB_ASLEEP;
    job->in_cycle = false;
    s->asleep++;
    refresh_table_report(s->parts.refreshes, job->refreshes, REFRESH_TARGET_FAILED, now);
    job->refreshes = 0;
    job->manual = false;
    full_cycle_tried(s, job);
    full_cycle_count(s, job, now);
}

void cycle_wake(struct scheduler *s, struct job *job, int64_t now)
{
    s->asleep--;
    job->cycle = s->cycle;
    cycle_due(s, job, now);
}

void cycle_set_up(struct job *job, bool up)
{
    if (job->up != up)
        job->lane->up_count += up ? 1 : (size_t)-1;
    job->up = up;
}

void cycle_leave_outstanding(struct job *job)
{
    if (job->outstanding)
        job->lane->outstanding--;
    job->outstanding = false;
}

/* Ends the cycle and waits for the job's turn after `intervals` intervals. */
void cycle_end(struct scheduler *s, struct job *job, bool succeeded, int64_t intervals, int64_t now)
{
    enum refresh_trigger trigger = job->manual ? REFRESH_MANUAL : REFRESH_SCHEDULE;

    cycle_leave_outstanding(job);
    free(job->call.result_id);
    job->call.result_id = NULL;
    s->refreshes[METRIC_USER_SESSION_COUNT][trigger]++;
    refresh_table_report(s->parts.refreshes, job->refreshes,
                         succeeded ? REFRESH_TARGET_SUCCEEDED : REFRESH_TARGET_FAILED, now);
    job->refreshes = 0;
    job->manual = false;
    job->in_cycle = false;
    full_cycle_tried(s, job);
    full_cycle_count(s, job, now);
    scheduler_wait(s, job, next_turn(s, job, now, intervals));
    scheduler_changed(s);
}

static void begin_cycle(struct job *job)
{
    job->in_cycle = true;
    job->retrying = false;
    job->phase = API_PHASE_SUBMIT;
    job->result_resubmitted = false;
    job->nonce_retried = false;
    job->attempts = 0;
    job->polls = 0;
    job->calls = 0;
    job->asked = 0;
}

void cycle_make_ready(struct scheduler *s, struct job *job, int64_t now)
{
    lane_add_ready(job->lane, job);
    scheduler_place_lane(s, job->lane, now);
}

void cycle_due(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;

    if (lane->credentials == NULL) {
        fall_asleep(s, job, now);
        return;
    }
    if (!job->in_cycle)
        begin_cycle(job);
    if (lane->down) {
        if (!lane_may_probe(lane, job, now)) {
            failure_end_cycle(s, job, &lane->error, now);
            return;
        }
        lane->probing = true;
        job->probe = true;
    }
    cycle_make_ready(s, job, now);
}

void cycle_reschedule(struct scheduler *s, struct job *job, int64_t now)
{
    int64_t turn;

    if (job->place != JOB_WAITING || job->in_cycle)
        return;
    turn = next_turn(s, job, now, 1);
    if (turn >= job->node.key)
        return;
    heap_remove(&s->timers, &job->node);
    scheduler_wait(s, job, turn);
}

void cycle_hurry(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->place == JOB_READY) {
        lane_remove_ready(job->lane, job);
        job->manual = true;
        cycle_make_ready(s, job, now);
        return;
    }
    job->manual = true;
    if (job->place == JOB_WAITING && !job->in_cycle) {
        heap_remove(&s->timers, &job->node);
        cycle_due(s, job, now);
    }
}

static void log_target_recovery(struct job *job)
{
    uint64_t repeats;

    if (complaint_settle(&job->complaint, &repeats))
        log_info("target works again", log_text("ins_id", job->target->instance->ins_id),
                 log_text("node_id", job->target->node_id), log_text("aliyun_uid", job->lane->aliyun_uid),
                 log_int("failures", (int64_t)job->failures));
}

static void log_throttling_over(struct lane *lane, int64_t now)
{
    uint64_t repeats;

    if (limiter_effective(lane->limiter, now) == limiter_calls(lane->limiter) &&
        complaint_settle(&lane->throttle_complaint, &repeats))
        log_info("account back at its full rate", log_text("aliyun_uid", lane->aliyun_uid),
                 log_int("calls_per_window", limiter_calls(lane->limiter)));
}

static void succeed(struct scheduler *s, struct job *job, int64_t now)
{
    struct batch *batch = job->call.batch;

    job->call.batch = NULL; /* the registry's from now on */
    if (job->phase == API_PHASE_POLL) {
        poll_policy_found(&job->lane->polls[job_engine(job)], job->asked, now - job->submitted_at);
        histogram_observe(&s->result_wait, now - job->submitted_at);
    }
    lane_result_cost(job->lane, job->calls);
    job->success_at = now;
    job->success_unix_ms = clock_unix_ms();
    registry_put(s->parts.registry, job->slot, batch, clock_add(now, metric(s)->stale_after),
                 job->success_unix_ms);
    log_target_recovery(job);
    log_throttling_over(job->lane, now);
    job->failures = 0;
    cycle_set_up(job, true);
    free(job->error);
    job->error = NULL;
    cycle_end(s, job, true, 1, now);
}

/* DAS computes: wait until it is probably done. */
static void wait_for_result(struct scheduler *s, struct job *job, int64_t now)
{
    const struct poll_policy *policy = &job->lane->polls[job_engine(job)];
    bool slack = lane_has_slack(job->lane, metric(s)->interval);
    int64_t next = poll_policy_next(policy, job->asked, slack);
    int64_t limit = s->config->das.result_timeout;

    if (job->asked >= limit) {
        struct error error;

        error_set(
            &error, ERROR_TIMED_OUT,
            "DAS did not finish within [das] result_timeout (%lld s); it may be overloaded, or the limit "
            "too short",
            (long long)(limit / NS_PER_SECOND));
        failure_end_cycle(s, job, &error, now);
        return;
    }
    if (next > limit)
        next = limit;
    job->phase = API_PHASE_POLL;
    scheduler_wait(s, job, clock_add(job->submitted_at, next));
}

static void accepted(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->phase == API_PHASE_SUBMIT) {
        job->submitted_at = now;
        job->asked = 0;
        job->polls = 0;
        job->outstanding = true;
        job->lane->outstanding++;
        free(job->call.result_id);
        job->call.result_id = job->call.new_result_id;
        job->call.new_result_id = NULL;
    } else {
        job->asked = now - job->submitted_at;
        if (++job->polls >= POLLS_UNTIL_OVERDUE)
            cycle_leave_outstanding(job); /* it must not keep others from being submitted */
    }
    wait_for_result(s, job, now);
}

/* A picture that came while a worker had the job. */
static void adopt_next_target(struct job *job)
{
    if (job->next_inventory == NULL)
        return;
    inventory_put(job->inventory);
    job->inventory = job->next_inventory;
    job->target = job->next_target;
    job->next_inventory = NULL;
    job->next_target = NULL;
}

static void drop_retired(struct scheduler *s, struct job *job)
{
    if (job->call.outcome == DAS_FINISHED && job->call.batch != NULL)
        s->dropped_batches++;
    cycle_leave_outstanding(job);
    list_remove(&job->member);
    job_free(job);
}

void cycle_call_ended(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;

    lane_call_ended(lane, job, now);
    if (job->call.sent)
        histogram_observe(&s->request_duration[job->phase], job->call.duration);
    job->calls += job->call.sent;
    if (job->retired) {
        drop_retired(s, job);
        scheduler_place_lane(s, lane, now);
        return;
    }
    adopt_next_target(job);
    if (!job->call.sent) {
        job_clear_call(job);
        scheduler_wait(s, job, now + UNSENT_PAUSE);
        scheduler_place_lane(s, lane, now);
        return;
    }
    job->retrying = false;
    if (lane->down && failure_account_accepted(&job->call))
        failure_account_recovered(s, lane, now);
    if (job->call.outcome == DAS_FINISHED)
        succeed(s, job, now);
    else if (job->call.outcome == DAS_RUNNING)
        accepted(s, job, now);
    else
        failure_of_call(s, job, now);
    if (job->probe)
        lane->probing = false;
    job->probe = false;
    job_clear_call(job);
    scheduler_place_lane(s, lane, now);
    scheduler_changed(s);
}
