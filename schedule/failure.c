/*
 * What becomes of failed calls: a table from the class of the error to its consequence.
 */
#include "schedule/scheduler_state.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"

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

static void retry(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (++job->attempts >= ATTEMPTS_PER_CYCLE) {
        cycle_fail(s, job, error, now);
        return;
    }
    /* Full jitter: anything between at once and twice the last limit. */
    cycle_wait(s, job, TARGET_RETRYING, now + scheduler_jitter(s, RETRY_BASE << (job->attempts - 1)));
}

/* True once in a cycle. */
static bool spend(struct job *job, enum consequence remedy)
{
    bool first = (job->spent >> remedy & 1) == 0;

    job->spent |= 1u << remedy;
    return first;
}

static void submit_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (!spend(job, SUBMIT_AGAIN)) {
        cycle_fail(s, job, error, now);
        return;
    }
    cycle_forget_result(job);
    cycle_due(s, job, now); /* which knows what a down account means */
}

static void send_again(struct scheduler *s, struct job *job, const struct error *error, int64_t now)
{
    if (spend(job, SEND_AGAIN))
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

/* Everything the account has ready would only fail the same way. */
static void fail_ready_jobs(struct scheduler *s, struct lane *lane, int64_t now)
{
    for (int class = 0; class < READY_CLASS_COUNT; class ++) {
        struct heap_node *node;

        while ((node = heap_peek(&lane->ready[class])) != NULL)
            cycle_fail(s, CONTAINER_OF(node, struct job, node), &lane->error, now);
    }
    scheduler_place_lane(s, lane, now);
}

static void say_down(struct lane *lane, const struct error *error, int64_t now)
{
    uint64_t repeats;

    if (complaint_raise(&lane->down_complaint, (int)error->class, now, &repeats))
        log_failure(LOG_LEVEL_ERROR, "account down", error, log_text("aliyun_uid", lane->aliyun_uid),
                    log_int("next_probe_seconds", (lane->probe_at - now) / NS_PER_SECOND),
                    log_int("repeats", (int64_t)repeats));
}

static void account_down(struct scheduler *s, struct job *job, const struct error *error, bool probe,
                         int64_t now)
{
    struct lane *lane = job->lane;

    if (job->call.credentials != lane->credentials) {
        /* The keys were replaced meanwhile: this says nothing about the new ones. */
        cycle_due(s, job, now);
        return;
    }
    /* Calls that were under way when it went down say nothing new; only probes do. */
    if (!lane->down || probe) {
        lane_set_down(lane, error, now);
        lane->prober = job;
    }
    say_down(lane, &lane->error, now);
    cycle_fail(s, job, error, now);
    cycle_wait_for_probe(s, job, now);
    fail_ready_jobs(s, lane, now);
}

/* False when the keyring will not answer, for it does not know the account. */
static bool ask_for_newer(const struct scheduler *s, const struct lane *lane)
{
    const struct credentials_source *source = &s->parts.credentials;

    return source->refused(source->context, lane->aliyun_uid, lane->credentials);
}

/* The job is held in its lane until the keyring has answered. */
static void renew_keys(struct scheduler *s, struct job *job, const struct error *error, bool probe,
                       int64_t now)
{
    struct lane *lane = job->lane;
    bool hopeless = lane->down || (job->spent >> RENEW_KEYS & 1) != 0;

    if (lane->credentials == NULL || job->call.credentials != lane->credentials) {
        cycle_due(s, job, now);
        return;
    }
    if ((probe || (!hopeless && !lane->renewing)) && !ask_for_newer(s, lane))
        hopeless = true;
    if (hopeless) {
        account_down(s, job, error, probe, now);
        return;
    }
    spend(job, RENEW_KEYS);
    lane->renewing = true;
    cycle_make_ready(s, job, now);
}

void failure_of_renewal(struct scheduler *s, struct lane *lane, int64_t now)
{
    struct job *prober = NULL;

    lane->renewing = false;
    for (int class = 0; class < READY_CLASS_COUNT && prober == NULL; class ++) {
        struct heap_node *node = heap_peek(&lane->ready[class]);

        prober = node != NULL ? CONTAINER_OF(node, struct job, node) : NULL;
    }
    lane_set_down(lane, &lane->credentials_error, now);
    say_down(lane, &lane->error, now);
    fail_ready_jobs(s, lane, now);
    lane->prober = prober;
    if (prober != NULL)
        cycle_wait_for_probe(s, prober, now);
}

/* The account works again: what failed meanwhile is tried now. */
void failure_account_recovered(struct scheduler *s, struct lane *lane, int64_t now)
{
    uint64_t repeats;

    lane_set_up(lane);
    if (complaint_settle(&lane->down_complaint, &repeats))
        log_info("account works again", log_text("aliyun_uid", lane->aliyun_uid));
    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        struct job *job = CONTAINER_OF(node, struct job, member);

        if (job->state == TARGET_WAITING && !job->up)
            cycle_due(s, job, now);
    }
}

void failure_of_call(struct scheduler *s, struct job *job, bool probe, int64_t now)
{
    struct error error = job->call.result.error;

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
        requeue_throttled(s, job, &error, now);
        break;
    case RENEW_KEYS:
        renew_keys(s, job, &error, probe, now);
        break;
    case ACCOUNT_DOWN:
        account_down(s, job, &error, probe, now);
        break;
    case FAIL_CYCLE:
        cycle_fail(s, job, &error, now);
        break;
    }
}

bool failure_account_accepted(const struct lane *lane, const struct call *call)
{
    if (call->credentials != lane->credentials || call->dispatched_at < lane->down_since)
        return false;
    return call->result.outcome != STEP_FAILED ||
           (call->result.answered &&
            (call->result.error.class == ERROR_REFUSED || call->result.error.class == ERROR_REMOTE ||
             call->result.error.class == ERROR_RESULT_LOST));
}
