/*
 * Who is on the roster: jobs and lanes, brought into line with a new inventory or configuration.
 * Everything that can fail is prepared first; then the change is made and cannot fail.
 */
#include "schedule/scheduler_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

/* A roster being prepared. */
struct plan {
    struct job **jobs; /* in the order of the inventory; new ones or those in force */
    size_t job_count;
    struct lane **lanes; /* sorted by aliyun_uid; new ones or those in force */
    size_t lane_count;
};

static struct lane *find_lane(struct lane *const *lanes, size_t count, const char *aliyun_uid)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(lanes[middle]->aliyun_uid, aliyun_uid);

        if (order == 0)
            return lanes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct lane *roster_find_lane(const struct scheduler *s, const char *aliyun_uid)
{
    return find_lane(s->lanes, s->lane_count, aliyun_uid);
}

/*
 * The account ids of the configuration, the inventory and of calls that still count, sorted and
 * unique: an account that vanishes and comes back at once must not get a second quota.
 */
static const char **account_ids(const struct scheduler *s, const struct config *config,
                                const struct inventory *inventory, int64_t now, size_t *count)
{
    size_t instances = inventory != NULL ? inventory->instance_count : 0;
    size_t most = config->account_count + instances + s->lane_count;
    const char **ids = calloc(most + 1, sizeof(*ids));
    size_t used = 0;

    if (ids == NULL)
        return NULL;
    for (size_t i = 0; i < config->account_count; i++)
        ids[used++] = config->accounts[i].aliyun_uid;
    for (size_t i = 0; i < instances; i++)
        ids[used++] = inventory->instances[i].aliyun_uid;
    for (size_t i = 0; i < s->lane_count; i++) {
        if (!limiter_idle(s->lanes[i]->limiter, now))
            ids[used++] = s->lanes[i]->aliyun_uid;
    }
    *count = text_sort_unique(ids, used);
    return ids;
}

static struct lane *new_lane(struct scheduler *s, const struct config *config, const char *aliyun_uid,
                             int64_t now)
{
    struct lane *lane = lane_new(aliyun_uid, &config->das, config_account(config, aliyun_uid),
                                 s->parts.collector->calls_per_result, now);

    if (lane != NULL)
        scheduler_look_up_credentials(s, lane);
    return lane;
}

static bool plan_lanes(struct scheduler *s, const struct config *config, const struct inventory *inventory,
                       int64_t now, struct plan *plan)
{
    size_t count;
    const char **ids = account_ids(s, config, inventory, now, &count);

    if (ids == NULL)
        return false;
    plan->lanes = calloc(count + 1, sizeof(struct lane *));
    for (size_t i = 0; plan->lanes != NULL && i < count; i++) {
        struct lane *lane = roster_find_lane(s, ids[i]);

        if (lane == NULL)
            lane = new_lane(s, config, ids[i], now);
        if (lane == NULL)
            break;
        plan->lanes[plan->lane_count++] = lane;
    }
    free(ids);
    return plan->lanes != NULL && plan->lane_count == count;
}

static int compare_targets(const struct target *a, const struct target *b)
{
    int order = strcmp(a->instance->ins_id, b->instance->ins_id);

    return order != 0 ? order : strcmp(a->node_id, b->node_id);
}

static uint32_t target_hash(const struct target *target)
{
    uint64_t hash =
        text_hash(TEXT_HASH_START, target->instance->ins_id, strlen(target->instance->ins_id) + 1);

    hash = text_hash(hash, target->node_id, strlen(target->node_id));
    /* Ids that differ in their last digit only must differ in the first bits, too: fmix64 of MurmurHash3. */
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(hash >> 32);
}

static struct job *new_job(struct scheduler *s, struct inventory *inventory, const struct target *target)
{
    const struct registry_key key = {target->instance->ins_id, target->node_id, target->instance->aliyun_uid};
    struct job *job = job_new();

    if (job == NULL)
        return NULL;
    job->slot = registry_add(s->parts.registry, &key);
    if (job->slot == NULL) {
        job_free(job);
        return NULL;
    }
    job->inventory = inventory_get(inventory);
    job->target = target;
    job->hash = target_hash(target);
    return job;
}

static bool same_target(const struct job *job, const struct target *target)
{
    return compare_targets(job->target, target) == 0 &&
           strcmp(job->lane->aliyun_uid, target->instance->aliyun_uid) == 0;
}

/* One merge over two sorted lists: jobs in force are kept, missing ones made. */
static bool plan_jobs(struct scheduler *s, struct inventory *inventory, struct plan *plan)
{
    size_t old = 0;

    plan->jobs = calloc(inventory->target_count + 1, sizeof(struct job *));
    if (plan->jobs == NULL)
        return false;
    for (size_t i = 0; i < inventory->target_count; i++) {
        const struct target *target = &inventory->targets[i];
        struct job *job;

        while (old < s->job_count && compare_targets(s->jobs[old]->target, target) < 0)
            old++;
        job = old < s->job_count && same_target(s->jobs[old], target) ? s->jobs[old]
                                                                      : new_job(s, inventory, target);
        if (job == NULL)
            return false;
        plan->jobs[plan->job_count++] = job;
    }
    return true;
}

static void plan_abandon(struct scheduler *s, struct plan *plan)
{
    for (size_t i = 0; i < plan->job_count; i++) {
        struct job *job = plan->jobs[i];

        if (job->lane != NULL)
            continue; /* in force */
        registry_remove(s->parts.registry, job->slot);
        job_free(job);
    }
    for (size_t i = 0; i < plan->lane_count; i++) {
        if (roster_find_lane(s, plan->lanes[i]->aliyun_uid) == NULL)
            lane_free(plan->lanes[i]);
    }
    free(plan->jobs);
    free(plan->lanes);
}

/* Out of the roster: what is in a worker's hands is freed on its return. */
static void retire(struct scheduler *s, struct job *job, int64_t now)
{
    struct lane *lane = job->lane;

    registry_remove(s->parts.registry, job->slot);
    refresh_table_report(s->parts.refreshes, job->refreshes, REFRESH_TARGET_VANISHED, now);
    full_cycle_job_removed(s, job, now);
    lane_job_left(lane, job);
    if (job->up)
        lane->up_count--;
    lane->outstanding -= job_is_outstanding(job);
    cycle_end_probe(job);
    if (lane->prober == job)
        lane->prober = NULL;
    if (job->state == TARGET_CALLING) {
        job_enter(job, TARGET_LEAVING);
        return;
    }
    cycle_leave_container(s, job);
    list_remove(&job->member);
    job_free(job);
    scheduler_place_lane(s, lane, now);
}

void roster_free_job(struct scheduler *s, struct job *job)
{
    retire(s, job, atomic_load(&s->last_step));
}

bool roster_labels_differ(const struct target *a, const struct target *b)
{
    return a->node_type != b->node_type || strcmp(a->instance->ins_name, b->instance->ins_name) != 0 ||
           strcmp(a->instance->ins_type, b->instance->ins_type) != 0;
}

static void update_kept(struct scheduler *s, struct job *job, struct inventory *inventory,
                        const struct target *target, int64_t now)
{
    if (job->state == TARGET_CALLING) {
        /* The worker reads the target it was given. */
        inventory_put(job->next_inventory);
        job->next_inventory = inventory_get(inventory);
        job->next_target = target;
        return;
    }
    job->relabelled = job->relabelled || roster_labels_differ(job->target, target);
    inventory_put(job->inventory);
    job->inventory = inventory_get(inventory);
    job->target = target;
    cycle_renew_labels(s, job, now);
}

static void add_job(struct scheduler *s, struct job *job, struct lane *lane, int64_t now)
{
    job->lane = lane;
    list_push_back(&lane->jobs, &job->member);
    lane_job_joined(lane, job);
    full_cycle_job_added(s, job, now);
    cycle_due(s, job, now);
}

static void retire_vanished(struct scheduler *s, const struct plan *plan, int64_t now)
{
    struct job **old = s->jobs;
    size_t old_count = s->job_count;
    size_t kept = 0;

    for (size_t i = 0; i < old_count; i++) {
        while (kept < plan->job_count && (plan->jobs[kept]->lane == NULL ||
                                          compare_targets(plan->jobs[kept]->target, old[i]->target) < 0))
            kept++;
        if (kept == plan->job_count || plan->jobs[kept] != old[i])
            retire(s, old[i], now);
    }
}

static void remove_unplanned_lanes(struct scheduler *s, const struct plan *plan)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        struct lane *lane = s->lanes[i];

        if (find_lane(plan->lanes, plan->lane_count, lane->aliyun_uid) != NULL)
            continue;
        assert(list_empty(&lane->jobs) && lane->ready_count == 0);
        if (heap_queued(&lane->node))
            heap_remove(&s->ready_lanes, &lane->node);
        lane_free(lane);
    }
}

static void count_instances(struct scheduler *s, const struct inventory *inventory)
{
    for (size_t i = 0; i < s->lane_count; i++)
        s->lanes[i]->instance_count = 0;
    for (size_t i = 0; inventory != NULL && i < inventory->instance_count; i++) {
        struct lane *lane = roster_find_lane(s, inventory->instances[i].aliyun_uid);

        lane->instance_count++;
    }
}

/* Demand above the quota is said when it begins and when it ends. */
static void say_overcommitment(const struct scheduler *s, struct lane *lane)
{
    int64_t interval = scheduler_metric(s)->interval;
    int64_t cycle = cycle_interval(s, lane);
    bool overcommitted = lane->credential_kind != CREDENTIAL_NONE && cycle > interval;

    if (overcommitted == lane->overcommitted)
        return;
    lane->overcommitted = overcommitted;
    if (overcommitted)
        log_warn("account overcommitted: its cycle is stretched evenly; raise [metric db_user_session_count] "
                 "interval or exclude instances",
                 log_text("aliyun_uid", lane->aliyun_uid), log_int("targets", (int64_t)lane->job_count),
                 log_int("interval_seconds", interval / NS_PER_SECOND),
                 log_int("cycle_seconds", cycle / NS_PER_SECOND));
    else
        log_info("account within its quota again", log_text("aliyun_uid", lane->aliyun_uid),
                 log_int("targets", (int64_t)lane->job_count));
}

static void plan_carry_out(struct scheduler *s, struct plan *plan, struct inventory *inventory, int64_t now)
{
    retire_vanished(s, plan, now);
    remove_unplanned_lanes(s, plan);
    free(s->lanes);
    s->lanes = plan->lanes;
    s->lane_count = plan->lane_count;
    for (size_t i = 0; i < plan->job_count; i++) {
        struct job *job = plan->jobs[i];
        const struct target *target = &inventory->targets[i];

        if (job->lane != NULL)
            update_kept(s, job, inventory, target, now);
        else
            add_job(s, job, roster_find_lane(s, target->instance->aliyun_uid), now);
    }
    assert(s->job_count == plan->job_count);
    free(s->jobs);
    s->jobs = plan->jobs;
    count_instances(s, inventory);
    for (size_t i = 0; i < s->lane_count; i++)
        say_overcommitment(s, s->lanes[i]);
}

/* Everything that can fail; inventory NULL: none yet. False when memory runs out: nothing changed. */
static bool plan_make(struct scheduler *s, const struct config *config, struct inventory *inventory,
                      int64_t now, struct plan *plan)
{
    bool wanted = inventory != NULL && config->metrics[s->parts.collector->metric].enabled;

    if (plan_lanes(s, config, inventory, now, plan) && (!wanted || plan_jobs(s, inventory, plan)))
        return true;
    plan_abandon(s, plan);
    return false;
}

bool scheduler_apply_inventory(struct scheduler *s, struct inventory *inventory, int64_t now)
{
    struct plan plan = {.jobs = NULL};

    if (!plan_make(s, s->config, inventory, now, &plan))
        return false;
    inventory_get(inventory);
    plan_carry_out(s, &plan, inventory, now);
    inventory_put(s->inventory);
    s->inventory = inventory;
    scheduler_changed(s);
    return true;
}

/* The metric was switched off. */
static void drop_load(struct scheduler *s, struct loaded_metric *loaded, int64_t now)
{
    registry_remove(s->parts.registry, loaded->slot);
    refresh_table_report(s->parts.refreshes, loaded->refreshes, REFRESH_TARGET_VANISHED, now);
    *loaded = (struct loaded_metric){0};
}

/* False when memory runs out: nothing changed. */
static bool prepare_lanes(struct scheduler *s, const struct config *config)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        if (!lane_prepare(s->lanes[i], &config->das, config_account(config, s->lanes[i]->aliyun_uid)))
            return false;
    }
    return scheduler_prepare_total(s, &config->das);
}

/* After prepare_lanes; cannot fail. */
static void configure_lanes(struct scheduler *s, const struct config *config, int64_t now)
{
    for (size_t i = 0; i < s->lane_count; i++)
        lane_configure(s->lanes[i], &config->das, config_account(config, s->lanes[i]->aliyun_uid), now);
    scheduler_configure_total(s, &config->das, now);
}

/* What follows from a configuration that is in force. */
static void settle_config(struct scheduler *s, int64_t now)
{
    for (size_t i = 0; i < s->job_count; i++)
        cycle_reschedule(s, s->jobs[i], now);
    for (size_t i = 0; i < s->lane_count; i++)
        scheduler_place_lane(s, s->lanes[i], now);
    for (int metric = 0; metric < METRIC_ID_COUNT; metric++) {
        if (!s->config->metrics[metric].enabled)
            drop_load(s, &s->loaded[metric], now);
    }
    scheduler_changed(s);
}

bool scheduler_apply_config(struct scheduler *s, struct config *config, int64_t now)
{
    struct config *before = s->config;
    struct plan plan = {.jobs = NULL};

    if (!prepare_lanes(s, config) || !plan_make(s, config, s->inventory, now, &plan))
        return false;
    s->config = config_get(config);
    configure_lanes(s, config, now);
    plan_carry_out(s, &plan, s->inventory, now);
    settle_config(s, now);
    config_put(before);
    return true;
}

void scheduler_apply_load(struct scheduler *s, const struct metric_load *load, int64_t now)
{
    const struct metric_config *metric = &s->config->metrics[load->metric];
    struct loaded_metric *loaded = &s->loaded[load->metric];
    enum refresh_trigger trigger = loaded->refreshes != 0 ? REFRESH_MANUAL : REFRESH_SCHEDULE;
    bool taken = load->batch != NULL && metric->enabled;

    if (taken && loaded->slot == NULL)
        loaded->slot = registry_add(s->parts.registry, NULL);
    if (taken && loaded->slot != NULL) {
        registry_put(s->parts.registry, loaded->slot, load->batch, clock_add(now, metric->stale_after),
                     load->loaded_unix_ms);
        memcpy(loaded->rejected, load->rejected, sizeof(loaded->rejected));
        s->refresh_duration[load->metric] = load->duration;
    } else {
        batch_put(load->batch);
        taken = false;
    }
    s->refreshes[load->metric][trigger]++;
    refresh_table_report(s->parts.refreshes, loaded->refreshes,
                         taken ? REFRESH_TARGET_SUCCEEDED : REFRESH_TARGET_FAILED, now);
    loaded->refreshes = 0;
    scheduler_changed(s);
}
