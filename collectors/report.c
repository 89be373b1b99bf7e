/* The scheduler's state as others see it: pages and metrics. */
#include "collectors/scheduler_state.h"

#include <string.h>

#include "core/clock.h"

static const char *const state_names[TARGET_STATE_COUNT] = {
    [TARGET_WAITING] = "waiting",   [TARGET_READY] = "ready",
    [TARGET_CALLING] = "calling",   [TARGET_COMPUTING] = "computing",
    [TARGET_RETRYING] = "retrying", [TARGET_NO_CREDENTIALS] = "no_credentials",
};

const char *target_state_name(enum target_state state)
{
    return state_names[state];
}

void status_init(struct status *status)
{
    memset(status, 0, sizeof(*status));
    arena_init(&status->arena);
}

void status_release(struct status *status)
{
    arena_release(&status->arena);
    status_init(status);
}

static enum target_state state_of(const struct job *job)
{
    switch (job->place) {
    case JOB_ASLEEP:
        return TARGET_NO_CREDENTIALS;
    case JOB_READY:
        return TARGET_READY;
    case JOB_CALLING:
        return TARGET_CALLING;
    case JOB_WAITING:
        break;
    }
    if (!job->in_cycle)
        return TARGET_WAITING;
    return job->retrying ? TARGET_RETRYING : TARGET_COMPUTING;
}

/* Copies texts and remembers whether memory ran out, so that the copying has no branches. */
struct copier {
    struct arena *arena;
    bool failed;
};

static const char *copy_text(struct copier *copier, const char *text)
{
    const char *copy = arena_strdup(copier->arena, text);

    copier->failed |= copy == NULL;
    return copy;
}

static const struct error *copy_error(struct copier *copier, const struct error *error)
{
    struct error *copy;

    if (error == NULL)
        return NULL;
    copy = arena_alloc(copier->arena, sizeof(*copy));
    if (copy != NULL)
        *copy = *error;
    copier->failed |= copy == NULL;
    return copy;
}

static const struct error *error_or_null(const struct error *error)
{
    return error->class != ERROR_NONE ? error : NULL;
}

static void report_target(const struct job *job, int64_t now, int64_t unix_ms, struct copier *copier,
                          struct target_status *out)
{
    const struct instance *instance = job->target->instance;

    *out = (struct target_status){
        .ins_id = copy_text(copier, instance->ins_id),
        .ins_name = copy_text(copier, instance->ins_name),
        .ins_type = copy_text(copier, instance->ins_type),
        .node_id = copy_text(copier, job->target->node_id),
        .node_type = job->target->node_type,
        .aliyun_uid = copy_text(copier, instance->aliyun_uid),
        .state = state_of(job),
        .up = job->up,
        .last_success_unix_ms = job->success_unix_ms,
        .failures = job->failures,
        .error = copy_error(copier, job->place == JOB_ASLEEP ? error_or_null(&job->lane->credentials_error)
                                                             : job->error),
    };
    if (job->place == JOB_WAITING)
        out->next_run_unix_ms = unix_ms + (job->node.key - now) / NS_PER_MS;
    else if (job->place != JOB_ASLEEP)
        out->next_run_unix_ms = unix_ms;
}

static void report_account(const struct scheduler *s, const struct lane *lane, int64_t now,
                           struct copier *copier, struct account_status *out)
{
    const struct metric_config *metric = &s->config->metrics[METRIC_USER_SESSION_COUNT];
    int64_t window = limiter_window(lane->limiter);
    int64_t cycle = cycle_interval(s, lane);

    *out = (struct account_status){
        .aliyun_uid = copy_text(copier, lane->aliyun_uid),
        .up = lane->credentials != NULL && !lane->down,
        .credential_kind = lane->credential_kind,
        .credentials_expiry_unix_ms = lane->credentials_expiry_unix_ms,
        .instances = lane->instance_count,
        .targets = lane->job_count,
        .targets_up = lane->up_count,
        .inflight = lane->inflight,
        .rate_limit = limiter_per_second(limiter_calls(lane->limiter), window),
        .rate_effective = limiter_per_second(limiter_effective(lane->limiter, now), window),
        .rate_demand = lane->credential_kind != CREDENTIAL_NONE ? lane_demand(lane, metric->interval) : 0,
        .rate_used = limiter_per_second(limiter_used(lane->limiter, now), window),
        .cycle = cycle,
        .overcommitted = lane->credential_kind != CREDENTIAL_NONE && cycle > metric->interval,
        .throttled = lane->throttled,
        .error = copy_error(copier, lane->down ? &lane->error : error_or_null(&lane->credentials_error)),
    };
}

bool scheduler_status(const struct scheduler *s, int64_t now, struct status *status)
{
    struct copier copier = {.arena = &status->arena};
    int64_t unix_ms = clock_unix_ms();

    status->targets = arena_alloc_array(&status->arena, s->job_count, sizeof(*status->targets));
    status->accounts = arena_alloc_array(&status->arena, s->lane_count, sizeof(*status->accounts));
    if (status->targets == NULL || status->accounts == NULL)
        return false;
    for (size_t i = 0; i < s->job_count; i++)
        report_target(s->jobs[i], now, unix_ms, &copier, &status->targets[i]);
    for (size_t i = 0; i < s->lane_count; i++)
        report_account(s, s->lanes[i], now, &copier, &status->accounts[i]);
    status->target_count = s->job_count;
    status->account_count = s->lane_count;
    status->taken_unix_ms = unix_ms;
    status->inventory_loaded = s->inventory != NULL;
    status->first_cycle_done = atomic_load(&s->first_cycle_done);
    status->queue_length = job_queue_length(s->parts.queue);
    scheduler_rejections(s, status->rejected);
    return !copier.failed;
}

static void account_metrics(const struct scheduler *s, const struct lane *lane, int64_t now,
                            struct copier *copier, struct account_metrics *out)
{
    const struct metric_config *metric = &s->config->metrics[METRIC_USER_SESSION_COUNT];
    int64_t window = limiter_window(lane->limiter);

    *out = (struct account_metrics){
        .aliyun_uid = copy_text(copier, lane->aliyun_uid),
        .up = lane->credentials != NULL && !lane->down,
        .throttled = lane->throttled,
        .rate_limit = limiter_per_second(limiter_calls(lane->limiter), window),
        .rate_effective = limiter_per_second(limiter_effective(lane->limiter, now), window),
        .rate_demand = lane->credential_kind != CREDENTIAL_NONE ? lane_demand(lane, metric->interval) : 0,
        .instances = lane->instance_count,
        .targets = lane->job_count,
        .credentials_expiry_unix_ms = lane->credentials_expiry_unix_ms,
    };
    memcpy(out->requests, lane->requests, sizeof(out->requests));
    memcpy(out->failures, lane->failures, sizeof(out->failures));
}

bool scheduler_metrics(const struct scheduler *s, int64_t now, struct arena *arena, struct self_metrics *self)
{
    struct account_metrics *accounts = arena_alloc_array(arena, s->lane_count, sizeof(*accounts));
    struct copier copier = {.arena = arena};

    if (accounts == NULL)
        return false;
    self->outstanding_results = 0;
    for (size_t i = 0; i < s->lane_count; i++) {
        account_metrics(s, s->lanes[i], now, &copier, &accounts[i]);
        self->outstanding_results += s->lanes[i]->outstanding;
    }
    self->accounts = accounts;
    self->account_count = s->lane_count;
    memcpy(self->request_duration, s->request_duration, sizeof(self->request_duration));
    self->result_wait = s->result_wait;
    memcpy(self->refreshes, s->refreshes, sizeof(self->refreshes));
    memcpy(self->refresh_duration, s->refresh_duration, sizeof(self->refresh_duration));
    self->queue_length = job_queue_length(s->parts.queue);
    self->inflight_calls = s->calling;
    return !copier.failed;
}

void scheduler_rejections(const struct scheduler *s, uint64_t rejected[REJECTION_COUNT])
{
    for (int i = 0; i < REJECTION_COUNT; i++)
        rejected[i] = (s->inventory != NULL ? s->inventory->rejected[i] : 0) + s->limits_rejected[i];
    for (size_t i = 0; i < s->lane_count; i++) {
        if (s->lanes[i]->credential_kind == CREDENTIAL_NONE)
            rejected[REJECTED_NO_CREDENTIALS] += s->lanes[i]->instance_count;
    }
}
