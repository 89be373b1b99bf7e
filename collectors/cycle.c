/*
 * One target's cycle: submit, poll until the result is there, put it into the registry, wait for
 * the next turn. What each class of failure leads to stands in failure_rules.
 */
#include "collectors/scheduler_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

#define ATTEMPTS_PER_CYCLE  3
#define RETRY_BASE          (2 * NS_PER_SECOND)
#define POLLS_UNTIL_OVERDUE 3
/* A worker that could not even make the request (no memory, or the program ends). */
#define UNSENT_PAUSE NS_PER_SECOND
/* A target that is refused is asked only every so many intervals. */
#define REFUSED_INTERVALS 5

/* What a failed call means for the job. */
enum consequence {
    FAIL_CYCLE,   /* wait for the next turn */
    RETRY,        /* the same step again after a while, a few times */
    SEND_AGAIN,   /* the same step again at once, once; then as FAIL_CYCLE */
    SUBMIT_AGAIN, /* a new submit, once; then as FAIL_CYCLE */
    REQUEUE,      /* the same step when the quota allows; not the target's fault */
    ACCOUNT_DOWN, /* no call of the account has a chance */
};

static const enum consequence failure_rules[ERROR_CLASS_COUNT] = {
    [ERROR_TRANSIENT] = RETRY,          [ERROR_THROTTLED] = REQUEUE,
    [ERROR_CREDENTIALS] = ACCOUNT_DOWN, [ERROR_TOKEN_EXPIRED] = ACCOUNT_DOWN,
    [ERROR_CLOCK_SKEW] = ACCOUNT_DOWN,  [ERROR_NONCE_USED] = SEND_AGAIN,
    [ERROR_RESULT_LOST] = SUBMIT_AGAIN, [ERROR_REFUSED] = FAIL_CYCLE,
    [ERROR_REMOTE] = FAIL_CYCLE,        [ERROR_MALFORMED] = RETRY,
    [ERROR_TOO_LARGE] = FAIL_CYCLE,     [ERROR_TIMED_OUT] = FAIL_CYCLE,
    [ERROR_NO_MEMORY] = RETRY,          [ERROR_SYSTEM] = RETRY,
};

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

static void finish_full_cycle(struct scheduler *s, int64_t now)
{
    if (s->cycle_pending > 0)
        return;
    if (s->job_count > 0)
        s->refresh_duration[METRIC_USER_SESSION_COUNT] = now - s->cycle_started;
    s->cycle++;
    s->cycle_started = now;
    s->cycle_pending = s->job_count - s->asleep;
}

static void count_in_full_cycle(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->cycle == s->cycle)
        return;
    job->cycle = s->cycle;
    assert(s->cycle_pending > 0);
    s->cycle_pending--;
    finish_full_cycle(s, now);
}

void cycle_note_first(struct scheduler *s)
{
    if (s->untried == 0 && !atomic_exchange(&s->first_cycle_done, true))
        log_info("first cycle done", log_int("targets", (int64_t)s->job_count));
}

static void count_as_tried(struct scheduler *s, struct job *job)
{
    if (job->tried)
        return;
    job->tried = true;
    s->untried--;
    cycle_note_first(s);
}

void cycle_job_added(struct scheduler *s, struct job *job, int64_t now)
{
    if (s->job_count == 0)
        s->cycle_started = now;
    s->job_count++;
    s->untried++;
    s->cycle_pending++;
    job->cycle = s->cycle - 1;
}

void cycle_job_removed(struct scheduler *s, struct job *job, int64_t now)
{
    s->job_count--;
    count_as_tried(s, job);
    if (job->place == JOB_ASLEEP)
        s->asleep--;
    else if (job->cycle != s->cycle)
        s->cycle_pending--;
    finish_full_cycle(s, now);
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
    count_as_tried(s, job);
    count_in_full_cycle(s, job, now);
}

void cycle_wake(struct scheduler *s, struct job *job, int64_t now)
{
    s->asleep--;
    job->cycle = s->cycle;
    cycle_due(s, job, now);
}

static void set_up(struct job *job, bool up)
{
    if (job->up != up)
        job->lane->up_count += up ? 1 : (size_t)-1;
    job->up = up;
}

static void leave_outstanding(struct job *job)
{
    if (job->outstanding)
        job->lane->outstanding--;
    job->outstanding = false;
}

/* Ends the cycle and waits for the job's turn after `intervals` intervals. */
static void end_cycle(struct scheduler *s, struct job *job, bool succeeded, int64_t intervals, int64_t now)
{
    enum refresh_trigger trigger = job->manual ? REFRESH_MANUAL : REFRESH_SCHEDULE;

    leave_outstanding(job);
    free(job->call.result_id);
    job->call.result_id = NULL;
    s->refreshes[METRIC_USER_SESSION_COUNT][trigger]++;
    refresh_table_report(s->parts.refreshes, job->refreshes,
                         succeeded ? REFRESH_TARGET_SUCCEEDED : REFRESH_TARGET_FAILED, now);
    job->refreshes = 0;
    job->manual = false;
    job->in_cycle = false;
    count_as_tried(s, job);
    count_in_full_cycle(s, job, now);
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

static void remember_error(struct job *job, const struct error *error)
{
    if (job->error == NULL)
        job->error = malloc(sizeof(*job->error));
    if (job->error != NULL)
        *job->error = *error;
}

static void log_target_failure(struct job *job, const struct error *error, int64_t now)
{
    uint64_t repeats;

    if (failure_rules[error->class] == ACCOUNT_DOWN)
        return; /* said once, for the account */
    if (!complaint_raise(&job->complaint, (int)error->class, now, &repeats))
        return;
    log_failure(LOG_LEVEL_WARN, "target failed", error, log_text("ins_id", job->target->instance->ins_id),
                log_text("node_id", job->target->node_id), log_text("aliyun_uid", job->lane->aliyun_uid),
                log_int("repeats", (int64_t)repeats));
}

static void fail_cycle(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    job->failures++;
    set_up(job, false);
    remember_error(job, error);
    log_target_failure(job, error, now);
    registry_fail(s->parts.registry, job->slot);
    end_cycle(s, job, false, error->class == ERROR_REFUSED ? REFUSED_INTERVALS : 1, now);
}

static void make_ready(struct scheduler *s, struct job *job, int64_t now)
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
            fail_cycle(s, job, &lane->error, now);
            return;
        }
        lane->probing = true;
        job->probe = true;
    }
    make_ready(s, job, now);
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
        make_ready(s, job, now);
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
    set_up(job, true);
    free(job->error);
    job->error = NULL;
    end_cycle(s, job, true, 1, now);
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
        fail_cycle(s, job, &error, now);
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
            leave_outstanding(job); /* it must not keep others from being submitted */
    }
    wait_for_result(s, job, now);
}

static void retry(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (++job->attempts >= ATTEMPTS_PER_CYCLE) {
        fail_cycle(s, job, error, now);
        return;
    }
    /* Full jitter: anything between at once and twice the last limit. */
    job->retrying = true;
    scheduler_wait(s, job, now + scheduler_jitter(s, RETRY_BASE << (job->attempts - 1)));
}

static void submit_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (job->result_resubmitted) {
        fail_cycle(s, job, error, now);
        return;
    }
    leave_outstanding(job);
    free(job->call.result_id);
    job->call.result_id = NULL;
    job->result_resubmitted = true;
    job->phase = API_PHASE_SUBMIT;
    make_ready(s, job, now);
}

static void send_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (job->nonce_retried) {
        fail_cycle(s, job, error, now);
        return;
    }
    job->nonce_retried = true;
    make_ready(s, job, now);
}

static void requeue_throttled(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;
    int64_t retry_after = job->call.retry_after_ms > 0 ? job->call.retry_after_ms * NS_PER_MS : 0;
    uint64_t repeats;

    if (limiter_throttled(lane->limiter, job->call.dispatched_at, retry_after, now) &&
        complaint_raise(&lane->throttle_complaint, ERROR_THROTTLED, now, &repeats))
        log_failure(
            LOG_LEVEL_WARN, "account throttled", &job->call.error, log_text("aliyun_uid", lane->aliyun_uid),
            log_int("calls_per_window", limiter_effective(lane->limiter, now)),
            log_int("configured", limiter_calls(lane->limiter)), log_int("repeats", (int64_t)repeats));
    make_ready(s, job, now);
}

/* Everything the account has ready would only fail the same way. */
static void fail_ready_jobs(struct scheduler *s, struct lane *lane, int64_t now)
{
    for (int class = 0; class < READY_CLASS_COUNT; class ++) {
        struct heap_node *node;

        while ((node = heap_pop(&lane->ready[class])) != NULL) {
            lane->ready_count--;
            fail_cycle(s, CONTAINER_OF(node, struct job, node), &lane->error, now);
        }
    }
    scheduler_place_lane(s, lane, now);
}

static void account_down(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    struct lane *lane = job->lane;
    bool was_down = lane->down;
    uint64_t repeats;

    /* Calls that were under way when it went down say nothing new; only probes do. */
    if (!was_down || job->probe)
        lane_set_down(lane, error, now);
    if (complaint_raise(&lane->down_complaint, (int)error->class, now, &repeats))
        log_failure(LOG_LEVEL_ERROR, "account down", error, log_text("aliyun_uid", lane->aliyun_uid),
                    log_int("next_probe_seconds", lane->probe_interval / NS_PER_SECOND),
                    log_int("repeats", (int64_t)repeats));
    fail_cycle(s, job, error, now);
    fail_ready_jobs(s, lane, now);
}

/* The account works again: what failed meanwhile is tried now. */
static void account_up(struct scheduler *s, struct lane *lane, int64_t now)
{
    uint64_t repeats;

    if (!lane_set_up(lane))
        return;
    if (complaint_settle(&lane->down_complaint, &repeats))
        log_info("account works again", log_text("aliyun_uid", lane->aliyun_uid));
    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        struct job *job = CONTAINER_OF(node, struct job, member);

        if (job->place == JOB_WAITING && !job->in_cycle && !job->up) {
            heap_remove(&s->timers, &job->node);
            cycle_due(s, job, now);
        }
    }
}

static void failed(struct scheduler *s, struct job *job, int64_t now)
{
    struct error error = job->call.error;

    switch (failure_rules[error.class]) {
    case RETRY:
        retry(s, job, &error, now);
        break;
    case SEND_AGAIN:
        send_again(s, job, &error, now);
        break;
    case SUBMIT_AGAIN:
        submit_again(s, job, &error, now);
        break;
    case REQUEUE:
        requeue_throttled(s, job, now);
        break;
    case ACCOUNT_DOWN:
        account_down(s, job, &error, now);
        break;
    case FAIL_CYCLE:
        fail_cycle(s, job, &error, now);
        break;
    }
}

/* An answer of any kind but these shows that the account is accepted. */
static bool account_accepted(const struct call *call)
{
    return call->outcome != DAS_FAILED ||
           (failure_rules[call->error.class] != ACCOUNT_DOWN && call->answered &&
            (call->error.class == ERROR_REFUSED || call->error.class == ERROR_REMOTE ||
             call->error.class == ERROR_RESULT_LOST || call->error.class == ERROR_THROTTLED));
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
    leave_outstanding(job);
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
    if (lane->down && account_accepted(&job->call))
        account_up(s, lane, now);
    if (job->call.outcome == DAS_FINISHED)
        succeed(s, job, now);
    else if (job->call.outcome == DAS_RUNNING)
        accepted(s, job, now);
    else
        failed(s, job, now);
    if (job->probe)
        lane->probing = false;
    job->probe = false;
    job_clear_call(job);
    scheduler_place_lane(s, lane, now);
    scheduler_changed(s);
}
