/*
 * What the end of a call means: a result is on its way (wait, then poll), it is there (into the
 * registry with it), or the call failed: a table leads from the class of the error to its consequence.
 */
#include "schedule/scheduler_state.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"

/* A worker that could not even make the request (no memory, or the program ends). */
#define UNSENT_PAUSE    NS_PER_SECOND
#define UNSENT_ATTEMPTS 3
/* Where the quota stretches the cycle, good samples outlive one failed cycle. */
#define STALE_CYCLES 2

#define ATTEMPTS_PER_CYCLE 3
#define RETRY_BASE         (2 * NS_PER_SECOND)
/* What a failed call means for the job. */
enum consequence {
    FAIL_CYCLE,   /* wait for the next turn */
    RETRY,        /* the same step again after a while, a few times */
    SEND_AGAIN,   /* the same step again at once, once; then as FAIL_CYCLE */
    SUBMIT_AGAIN, /* a new submit, once; then as FAIL_CYCLE */
    REQUEUE,      /* the same step when the quota allows; not the target's fault */
    RENEW_KEYS,   /* the account's temporary credentials are fetched again, once; then as ACCOUNT_DOWN */
    ACCOUNT_DOWN, /* no call of the account has a chance */
};

static const enum consequence failure_rules[ERROR_CLASS_COUNT] = {
    [ERROR_TRANSIENT] = RETRY,          [ERROR_THROTTLED] = REQUEUE,
    [ERROR_CREDENTIALS] = ACCOUNT_DOWN, [ERROR_TOKEN_EXPIRED] = RENEW_KEYS,
    [ERROR_CLOCK_SKEW] = ACCOUNT_DOWN,  [ERROR_NONCE_USED] = SEND_AGAIN,
    [ERROR_RESULT_LOST] = SUBMIT_AGAIN, [ERROR_REFUSED] = FAIL_CYCLE,
    [ERROR_REMOTE] = FAIL_CYCLE,        [ERROR_MALFORMED] = RETRY,
    [ERROR_TOO_LARGE] = FAIL_CYCLE,     [ERROR_TIMED_OUT] = FAIL_CYCLE,
    [ERROR_NO_MEMORY] = RETRY,          [ERROR_SYSTEM] = RETRY,
};

static void log_target_recovery(struct job *job, int64_t now)
{
    uint64_t repeats, unsaid;

    if (!complaint_settle(&job->complaint, &repeats) || !lane_may_log_target(job->lane, now, &unsaid))
        return;
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

/* Chosen for the configured interval: shorter than a stretched one, it would make good samples flap. */
static int64_t stale_after(const struct scheduler *s, const struct lane *lane)
{
    const struct metric_config *metric = scheduler_metric(s);
    int64_t cycle = cycle_interval(s, lane);

    if (cycle > metric->interval && STALE_CYCLES * cycle > metric->stale_after)
        return STALE_CYCLES * cycle;
    return metric->stale_after;
}

static void take_batch(struct scheduler *s, struct job *job, int64_t now)
{
    struct batch *batch = job->call.result.batch;

    if (job->call.target == job->target)
        job->relabelled = false;
    job->call.result.batch = NULL; /* the registry's from now on */
    if (job_phase(job) == API_PHASE_POLL) {
        poll_policy_found(&job->lane->polls[job_engine(job)], job->asked, now - job->submitted_at);
        histogram_observe(&s->result_wait, now - job->submitted_at);
    }
    lane_result_cost(job->lane, job->calls);
    job->success_at = now;
    job->success_unix_ms = clock_unix_ms();
    registry_put(s->parts.registry, job->slot, batch, clock_add(now, stale_after(s, job->lane)),
                 job->success_unix_ms);
    log_target_recovery(job, now);
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
    int64_t next = poll_policy_next(policy, job->asked, false);
    int64_t limit = s->config->das.result_timeout;

    if (job->asked >= limit) {
        struct error error;

        error_set(
            &error, ERROR_TIMED_OUT,
            "DAS did not finish within [das] result_timeout (%lld s); it may be overloaded, or the limit "
            "too short",
            (long long)(limit / NS_PER_SECOND));
        job->lane->failures[API_PHASE_POLL][ERROR_TIMED_OUT]++;
        cycle_fail(s, job, &error, now);
        return;
    }
    /* Nothing else will want the quota by then: ask a little earlier. */
    if (lane_backlog(job->lane) < next - job->asked &&
        cycle_interval(s, job->lane) <= scheduler_metric(s)->interval)
        next = poll_policy_next(policy, job->asked, true);
    if (next > limit)
        next = limit;
    cycle_wait(s, job, TARGET_COMPUTING, clock_add(job->submitted_at, next));
}

static void note_running(struct scheduler *s, struct job *job, int64_t now)
{
    if (job_phase(job) == API_PHASE_SUBMIT) {
        job->submitted_at = now;
        job->asked = 0;
        job->polls = 0;
        job->lane->outstanding++;
        job->call.continuation = job->call.result.continuation;
        job->call.result.continuation = NULL;
    } else {
        job->asked = now - job->submitted_at;
        poll_policy_missed(&job->lane->polls[job_engine(job)]);
        if (++job->polls == POLLS_UNTIL_OVERDUE)
            job->lane->outstanding--;
    }
    wait_for_result(s, job, now);
}

static void retry_later(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (++job->attempts >= ATTEMPTS_PER_CYCLE) {
        cycle_fail(s, job, error, now);
        return;
    }
    /* Full jitter: anything between at once and twice the last limit. */
    cycle_wait(s, job, TARGET_RETRYING, now + scheduler_jitter(s, RETRY_BASE << (job->attempts - 1)));
}

static void submit_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (!job_spend(job, REMEDY_SUBMIT_AGAIN)) {
        cycle_fail(s, job, error, now);
        return;
    }
    cycle_forget_result(job);
    cycle_due(s, job, now); /* which knows what a down account means */
}

static void send_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (job_spend(job, REMEDY_SEND_AGAIN))
        cycle_due(s, job, now);
    else
        cycle_fail(s, job, error, now);
}

/* It may be tried again, but not for ever: the page must not look well, and somebody may wait. */
static bool is_out_of_patience(const struct scheduler *s, const struct job *job, int64_t now)
{
    int64_t interval = cycle_interval(s, job->lane);
    int64_t timeout = s->config->das.result_timeout;

    return now - job->began_at >= (interval > timeout ? interval : timeout);
}

static void requeue_throttled(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    struct lane *lane = job->lane;
    int64_t retry_after =
        job->call.result.retry_after_ms > 0 ? job->call.result.retry_after_ms * NS_PER_MS : 0;
    uint64_t repeats;

    if (limiter_throttled(lane->limiter, job->call.dispatched_at, retry_after, now) &&
        complaint_raise(&lane->throttle_complaint, ERROR_THROTTLED, now, &repeats))
        log_failure(LOG_LEVEL_WARN, "account throttled", error, log_text("aliyun_uid", lane->aliyun_uid),
                    log_int("calls_per_window", limiter_effective(lane->limiter, now)),
                    log_int("configured", limiter_calls(lane->limiter)),
                    log_int("repeats", (int64_t)repeats));
    if (is_out_of_patience(s, job, now))
        cycle_fail(s, job, error, now);
    else
        cycle_due(s, job, now);
}

static void fail_call(struct scheduler *s, struct job *job, bool probe, int64_t now)
{
    struct error error = job->call.result.error;

    switch (failure_rules[error.class]) {
    case RETRY:
        retry_later(s, job, &error, now);
        break;
    case SEND_AGAIN:
        send_again(s, job, &error, now);
        break;
    case SUBMIT_AGAIN:
        submit_again(s, job, &error, now);
        break;
    case REQUEUE:
        requeue_throttled(s, job, &error, now);
        break;
    case RENEW_KEYS:
        account_renew_keys(s, job, &error, probe, now);
        break;
    case ACCOUNT_DOWN:
        account_down(s, job, &error, probe, now);
        break;
    case FAIL_CYCLE:
        cycle_fail(s, job, &error, now);
        break;
    }
}

/* A picture that came while a worker had the job. */
static void adopt_next_target(struct job *job)
{
    if (job->next_inventory == NULL)
        return;
    job->relabelled = job->relabelled || roster_labels_differ(job->target, job->next_target);
    inventory_put(job->inventory);
    job->inventory = job->next_inventory;
    job->target = job->next_target;
    job->next_inventory = NULL;
    job->next_target = NULL;
}

static void drop_retired(struct scheduler *s, struct job *job)
{
    if (job->call.result.outcome == STEP_FINISHED && job->call.result.batch != NULL)
        s->dropped_batches++;
    list_remove(&job->member);
    job_free(job);
}

/* The worker could not make the request; call->result.error says why. */
static void not_sent(struct scheduler *s, struct job *job, int64_t now)
{
    struct error error = job->call.result.error;

    call_clear(&job->call);
    if (++job->attempts < UNSENT_ATTEMPTS)
        cycle_wait(s, job, job->class == READY_RETRY ? TARGET_RETRYING : TARGET_COMPUTING,
                   now + UNSENT_PAUSE);
    else
        cycle_fail(s, job, &error, now);
    scheduler_place_lane(s, job->lane, now);
}

void verdict_of_call(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;
    bool probe = lane->probe == job;

    lane_call_ended(lane, job, now);
    s->active_lanes -= lane->inflight == 0;
    cycle_end_probe(job);
    if (job->call.result.sent)
        histogram_observe(&s->request_duration[job_phase(job)], job->call.result.duration);
    job->calls += job->call.result.sent;
    if (job->state == TARGET_LEAVING) {
        drop_retired(s, job);
        scheduler_place_lane(s, lane, now);
        return;
    }
    adopt_next_target(job);
    if (!job->call.result.sent && !error_class_is_of_account(job->call.result.error.class)) {
        not_sent(s, job, now);
        return;
    }
    if (job->call.result.retry_after_ms > 0 && job->call.result.outcome != STEP_FAILED)
        limiter_throttled(lane->limiter, job->call.dispatched_at, job->call.result.retry_after_ms * NS_PER_MS,
                          now);
    if ((lane->down || lane->down_complaint.kind != 0) && account_accepts(lane, &job->call))
        account_recovered(s, lane, now);
    if (job->call.result.outcome == STEP_FINISHED)
        take_batch(s, job, now);
    else if (job->call.result.outcome == STEP_RUNNING)
        note_running(s, job, now);
    else
        fail_call(s, job, probe, now);
    cycle_renew_labels(s, job, now);
    call_clear(&job->call);
    scheduler_place_lane(s, lane, now);
    scheduler_changed(s);
}
