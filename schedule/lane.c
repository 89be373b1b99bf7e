#include "schedule/lane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

/* Shares between the classes, as "at the latest after so many calls of others". */
#define SUBMIT_WAITS_AT_MOST 4
#define RETRY_WAITS_AT_MOST  9

#define FIRST_PROBE_INTERVAL   (60 * NS_PER_SECOND)
#define SKEW_PROBE_INTERVAL    (10 * NS_PER_SECOND) /* the clock may be right again at any time */
#define LONGEST_PROBE_INTERVAL (1800 * NS_PER_SECOND)

#define ROUND_TRIP_SLOW_START   (250 * NS_PER_MS) /* of the slowest, assumed until measured */
#define CALLS_PER_RESULT_MEMORY 64
/* Log lines about single targets, per account. */
#define TARGET_LINES_MAX    50
#define TARGET_LINES_PERIOD (60 * NS_PER_SECOND)
#define INFLIGHT_LEAST      2
#define OUTSTANDING_LEAST   16

struct lane *lane_new(const char *aliyun_uid, const struct das_config *das,
                      const struct account_config *account, int64_t calls_per_result, int64_t now)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    if (lane == NULL)
        return NULL;
    list_init(&lane->jobs);
    for (int i = 0; i < READY_CLASS_COUNT; i++)
        heap_init(&lane->ready[i]);
    for (int i = 0; i < ENGINE_COUNT; i++)
        poll_policy_init(&lane->polls[i]);
    latency_init(&lane->round_trip);
    lane->calls_per_result = calls_per_result;
    lane->inflight_limit = SIZE_MAX;
    lane->aliyun_uid = strdup(aliyun_uid);
    lane->limiter = limiter_new(config_rate_limit(das, account), das->rate_window, now);
    if (lane->aliyun_uid == NULL || lane->limiter == NULL) {
        lane_free(lane);
        return NULL;
    }
    return lane;
}

void lane_free(struct lane *lane)
{
    if (lane == NULL)
        return;
    limiter_free(lane->limiter);
    credentials_put(lane->credentials);
    free(lane->aliyun_uid);
    free(lane);
}

bool lane_prepare(struct lane *lane, const struct das_config *das, const struct account_config *account)
{
    return limiter_reserve(lane->limiter, config_rate_limit(das, account));
}

void lane_configure(struct lane *lane, const struct das_config *das, const struct account_config *account,
                    int64_t now)
{
    int64_t calls = config_rate_limit(das, account);

    if (calls != limiter_calls(lane->limiter) || das->rate_window != limiter_window(lane->limiter))
        limiter_configure(lane->limiter, calls, das->rate_window, now);
}

/* The interval stays: should these be refused too, the next probe is not sooner than it would have been. */
static void end_down(struct lane *lane)
{
    lane->down = false;
    lane->probe = NULL;
    lane->prober = NULL;
}

bool lane_set_credentials(struct lane *lane, struct account_credentials *known)
{
    bool replaced = known->credentials != lane->credentials;

    credentials_put(lane->credentials);
    lane->credentials = known->credentials;
    known->credentials = NULL;
    lane->credential_kind = known->kind;
    lane->credentials_expiry_unix_ms = known->expiry_unix_ms;
    lane->credentials_error = known->error;
    if (known->kind == CREDENTIAL_NONE)
        error_set(&lane->credentials_error, ERROR_CREDENTIALS,
                  "account %s has no credentials: add [account %s] or [account default] to the configuration",
                  lane->aliyun_uid, lane->aliyun_uid);
    if (replaced) {
        lane->renewing = false;
        end_down(lane);
    }
    return replaced;
}

enum engine job_engine(const struct job *job)
{
    return job->target->node_id[0] != '\0' ? ENGINE_POLARDB : ENGINE_RDS;
}

static void count_job(struct lane *lane, const struct job *job, size_t change)
{
    enum engine engine = job_engine(job);

    lane->job_count += change;
    lane->engine_jobs[engine] += change;
    poll_policy_expect(&lane->polls[engine], lane->engine_jobs[engine]);
}

void lane_job_joined(struct lane *lane, const struct job *job)
{
    count_job(lane, job, 1);
}

void lane_job_left(struct lane *lane, const struct job *job)
{
    count_job(lane, job, (size_t)-1);
}

void lane_add_ready(struct lane *lane, struct job *job, enum ready_class class)
{
    job_enter(job, TARGET_READY);
    job->class = class;
    heap_insert(&lane->ready[class], &job->node, job->success_at);
    lane->ready_count++;
}

void lane_remove_ready(struct lane *lane, struct job *job)
{
    heap_remove(&lane->ready[job->class], &job->node);
    lane->ready_count--;
}

/* Calls in flight that the quota can use (Little's law, with the slowest calls), and no more. */
static size_t inflight_cap(const struct lane *lane, size_t workers)
{
    int64_t slow = latency_quantile(&lane->round_trip, 0, 990, ROUND_TRIP_SLOW_START);
    int64_t useful = clock_scale(slow, limiter_calls(lane->limiter), limiter_window(lane->limiter)) + 1;
    size_t cap = useful < INFLIGHT_LEAST ? INFLIGHT_LEAST : (size_t)useful;

    if (cap > workers)
        cap = workers;
    return cap < lane->inflight_limit ? cap : lane->inflight_limit;
}

/* Results that may be under way: what the quota can fetch within the time nearly all take. */
static size_t outstanding_cap(const struct lane *lane)
{
    int64_t horizon = 0;
    int64_t results;

    for (int i = 0; i < ENGINE_COUNT; i++) {
        int64_t engine_horizon = poll_policy_horizon(&lane->polls[i]);

        horizon = engine_horizon > horizon ? engine_horizon : horizon;
    }
    results = clock_scale(horizon, limiter_calls(lane->limiter), limiter_window(lane->limiter));
    return results < OUTSTANDING_LEAST ? OUTSTANDING_LEAST : (size_t)results;
}

static bool has_ready(const struct lane *lane, enum ready_class class)
{
    if (heap_peek(&lane->ready[class]) == NULL)
        return false;
    if (lane->down)
        return true; /* the probe, which others wait for */
    if (class == READY_SUBMIT || class == READY_MANUAL)
        return lane->outstanding < outstanding_cap(lane);
    return true;
}

/* READY_CLASS_COUNT when nothing is to be sent. */
static enum ready_class pick_class(const struct lane *lane)
{
    bool manual = has_ready(lane, READY_MANUAL);
    bool poll = has_ready(lane, READY_POLL);
    bool submit = has_ready(lane, READY_SUBMIT);
    bool retry = has_ready(lane, READY_RETRY);

    if (retry && lane->passed_over[READY_RETRY] >= RETRY_WAITS_AT_MOST)
        return READY_RETRY;
    if (submit && lane->passed_over[READY_SUBMIT] >= SUBMIT_WAITS_AT_MOST)
        return READY_SUBMIT;
    if (manual && (lane->passed_over[READY_MANUAL] > 0 || !(poll || submit || retry)))
        return READY_MANUAL;
    if (poll)
        return READY_POLL;
    if (submit)
        return READY_SUBMIT;
    if (retry)
        return READY_RETRY;
    return READY_CLASS_COUNT;
}

int64_t lane_next(struct lane *lane, size_t workers, int64_t now)
{
    if (lane->ready_count == 0 || lane->renewing || lane->inflight >= inflight_cap(lane, workers) ||
        pick_class(lane) == READY_CLASS_COUNT)
        return CLOCK_NEVER;
    return limiter_next(lane->limiter, now);
}

struct job *lane_take(struct lane *lane, size_t workers, int64_t now)
{
    enum ready_class class;
    struct job *job;

    if (lane_next(lane, workers, now) > now || !limiter_acquire(lane->limiter, now))
        return NULL;
    class = pick_class(lane);
    for (int i = 0; i < READY_CLASS_COUNT; i++)
        lane->passed_over[i]++;
    lane->passed_over[class] = 0;
    job = CONTAINER_OF(heap_peek(&lane->ready[class]), struct job, node);
    lane_remove_ready(lane, job);
    job_enter(job, TARGET_CALLING);
    lane->inflight++;
    return job;
}

enum limiter_outcome call_quota_outcome(const struct call *call)
{
    if (!call->result.sent)
        return LIMITER_UNSENT;
    return call->result.answered ? LIMITER_ANSWERED : LIMITER_UNANSWERED;
}

int64_t call_ended_at(const struct call *call, int64_t now)
{
    return call->ended_at > now ? call->ended_at : now;
}

/* Additive increase, multiplicative decrease, by whether calls are answered at all. */
static void adapt_inflight_limit(struct lane *lane, bool answered)
{
    if (answered && lane->inflight_limit < SIZE_MAX / 2) {
        lane->inflight_limit++;
    } else if (!answered) {
        size_t seen = lane->inflight + 1;
        size_t limit = lane->inflight_limit < seen ? lane->inflight_limit : seen;

        lane->inflight_limit = limit > 1 ? limit / 2 : 1;
    }
}

void lane_call_ended(struct lane *lane, const struct job *job, int64_t now)
{
    const struct call *call = &job->call;

    assert(lane->inflight > 0);
    lane->inflight--;
    limiter_release(lane->limiter, call_quota_outcome(call), call_ended_at(call, now));
    if (!call->result.sent)
        return;
    lane->requests[job_phase(job)]++;
    if (call->result.answered)
        latency_observe(&lane->round_trip, call->result.duration);
    adapt_inflight_limit(lane, call->result.answered);
    if (call->result.outcome == STEP_FAILED)
        lane->failures[job_phase(job)][call->result.error.class]++;
    if (call->result.error.class == ERROR_THROTTLED)
        lane->throttled++;
}

void lane_set_down(struct lane *lane, const struct error *error, int64_t now)
{
    int64_t next = lane->probe_interval > 0 ? lane->probe_interval * 2 : FIRST_PROBE_INTERVAL;

    lane->error = *error;
    lane->down_since = now;
    if (lane->down && now < lane->probe_at)
        return; /* somebody tried out of turn: the next turn stays */
    lane->down = true;
    if (error->class == ERROR_CLOCK_SKEW) {
        lane->probe_interval = 0; /* should the keys be refused next, that begins anew */
        lane->probe_at = clock_add(now, SKEW_PROBE_INTERVAL);
        return;
    }
    lane->probe_interval = next < LONGEST_PROBE_INTERVAL ? next : LONGEST_PROBE_INTERVAL;
    lane->probe_at = clock_add(now, lane->probe_interval);
}

void lane_set_up(struct lane *lane)
{
    end_down(lane);
    lane->probe_interval = 0;
}

bool lane_may_probe(const struct lane *lane, const struct job *job, int64_t now)
{
    return lane->probe == NULL && (job->refreshes != 0 || now >= lane->probe_at);
}

bool lane_may_log_target(struct lane *lane, int64_t now, uint64_t *unsaid)
{
    *unsaid = 0;
    if (lane->target_lines == 0 || now - lane->target_lines_from >= TARGET_LINES_PERIOD) {
        *unsaid = lane->target_lines_unsaid;
        lane->target_lines_from = now;
        lane->target_lines = 0;
        lane->target_lines_unsaid = 0;
    }
    if (lane->target_lines < TARGET_LINES_MAX) {
        lane->target_lines++;
        return true;
    }
    lane->target_lines_unsaid++;
    return false;
}

void lane_result_cost(struct lane *lane, unsigned calls)
{
    lane->calls_per_result += ((int64_t)calls * 1000 - lane->calls_per_result) / CALLS_PER_RESULT_MEMORY;
}

struct demand lane_demand(const struct lane *lane, int64_t interval)
{
    const struct quota quota = {
        .calls = limiter_calls(lane->limiter),
        .window = limiter_window(lane->limiter),
        .round_trip = latency_quantile(&lane->round_trip, 0, 500, DEMAND_ROUND_TRIP),
    };

    return demand_of(lane->job_count, lane->calls_per_result, interval, &quota);
}

int64_t lane_backlog(const struct lane *lane)
{
    return clock_scale(limiter_window(lane->limiter), (int64_t)lane->ready_count,
                       limiter_calls(lane->limiter));
}
