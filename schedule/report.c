/* The scheduler's state as others see it: pages and metrics. */
#include "schedule/scheduler_state.h"

#include <stdlib.h>
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
}

void status_copy(struct status *status, const struct status *from)
{
    *status = *from;
    if (status->memory != NULL)
        refcount_get(&status->memory->references);
}

void status_release(struct status *status)
{
    struct status_memory *memory = status->memory;

    if (memory != NULL && refcount_put(&memory->references)) {
        arena_release(&memory->arena);
        inventory_put(memory->inventory);
        free(memory);
    }
    status_init(status);
}

static size_t first_not_before(const struct status *status, const char *ins_id)
{
    size_t low = 0, high = status->target_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(status->targets[middle].ins_id, ins_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t status_find_instance(const struct status *status, const char *ins_id, size_t *first)
{
    size_t end = *first = first_not_before(status, ins_id);

    while (end < status->target_count && strcmp(status->targets[end].ins_id, ins_id) == 0)
        end++;
    return end - *first;
}

static struct status_memory *status_memory_new(struct inventory *inventory)
{
    struct status_memory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL)
        return NULL;
    refcount_init(&memory->references);
    arena_init(&memory->arena);
    memory->inventory = inventory != NULL ? inventory_get(inventory) : NULL;
    return memory;
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

/* Its texts are those of the inventory in force, which a job that a worker has may yet have to take. */
static void report_target(const struct job *job, int64_t now, int64_t unix_ms, struct copier *copier,
                          struct target_status *out)
{
    const struct target *target = job->next_target != NULL ? job->next_target : job->target;
    const struct instance *instance = target->instance;

    *out = (struct target_status){
        .ins_id = instance->ins_id,
        .ins_name = instance->ins_name,
        .ins_type = instance->ins_type,
        .node_id = target->node_id,
        .node_type = target->node_type,
        .aliyun_uid = instance->aliyun_uid,
        .state = job->state,
        .up = job->up,
        .last_success_unix_ms = job->success_unix_ms,
        .failures = job->failures,
        .error = copy_error(copier, job->state == TARGET_NO_CREDENTIALS
                                        ? error_or_null(&job->lane->credentials_error)
                                        : job->error),
    };
    if (job_has_timer(job))
        out->next_run_unix_ms = unix_ms + (job->node.key - now) / NS_PER_MS;
    else if (job->state != TARGET_NO_CREDENTIALS)
        out->next_run_unix_ms = unix_ms;
}

static void report_account(const struct scheduler *s, const struct lane *lane, int64_t now,
                           struct copier *copier, struct account_status *out)
{
    const struct metric_config *metric = scheduler_metric(s);
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
        .rate_demand =
            lane->credential_kind != CREDENTIAL_NONE ? lane_demand(lane, metric->interval).per_second : 0,
        .rate_used = limiter_per_second(limiter_used(lane->limiter, now), window),
        .cycle = cycle,
        .overcommitted = lane->credential_kind != CREDENTIAL_NONE && cycle > metric->interval,
        .throttled = lane->throttled,
        .error = copy_error(copier, lane->down ? &lane->error : error_or_null(&lane->credentials_error)),
    };
}

bool scheduler_status(const struct scheduler *s, int64_t now, struct status *status)
{
    struct status_memory *memory = status_memory_new(s->inventory);
    struct copier copier = {.arena = memory != NULL ? &memory->arena : NULL};
    struct target_status *targets;
    struct account_status *accounts;
    int64_t unix_ms = clock_unix_ms();

    if (memory == NULL)
        return false;
    status->memory = memory;
    status->targets = targets = arena_alloc_array(&memory->arena, s->job_count, sizeof(*targets));
    status->accounts = accounts = arena_alloc_array(&memory->arena, s->lane_count, sizeof(*accounts));
    if (targets == NULL || accounts == NULL)
        return false;
    for (size_t i = 0; i < s->job_count; i++)
        report_target(s->jobs[i], now, unix_ms, &copier, &targets[i]);
    for (size_t i = 0; i < s->lane_count; i++)
        report_account(s, s->lanes[i], now, &copier, &accounts[i]);
    status->target_count = s->job_count;
    status->account_count = s->lane_count;
    status->taken_unix_ms = unix_ms;
    status->inventory_loaded = s->inventory != NULL;
    status->first_cycle_done = atomic_load(&s->first_cycle_done);
    status->queue_length = call_queue_length(s->parts.queue);
    scheduler_rejections(s, status->rejected);
    return !copier.failed;
}

static void account_metrics(const struct scheduler *s, const struct lane *lane, int64_t now,
                            struct copier *copier, struct account_metrics *out)
{
    const struct metric_config *metric = scheduler_metric(s);
    int64_t window = limiter_window(lane->limiter);

    *out = (struct account_metrics){
        .aliyun_uid = copy_text(copier, lane->aliyun_uid),
        .up = lane->credentials != NULL && !lane->down,
        .throttled = lane->throttled,
        .rate_limit = limiter_per_second(limiter_calls(lane->limiter), window),
        .rate_effective = limiter_per_second(limiter_effective(lane->limiter, now), window),
        .rate_demand =
            lane->credential_kind != CREDENTIAL_NONE ? lane_demand(lane, metric->interval).per_second : 0,
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
    self->queue_length = call_queue_length(s->parts.queue);
    self->inflight_calls = s->calling;
    return !copier.failed;
}

void scheduler_rejections(const struct scheduler *s, uint64_t rejected[REJECTION_COUNT])
{
    for (int i = 0; i < REJECTION_COUNT; i++) {
        rejected[i] = s->inventory != NULL ? s->inventory->rejected[i] : 0;
        for (int metric = 0; metric < METRIC_ID_COUNT; metric++)
            rejected[i] += s->loaded[metric].rejected[i];
    }
    for (size_t i = 0; i < s->lane_count; i++) {
        if (s->lanes[i]->credential_kind == CREDENTIAL_NONE)
            rejected[REJECTED_NO_CREDENTIALS] += s->lanes[i]->instance_count;
    }
}
