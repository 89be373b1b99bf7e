/* POST /refresh: which targets it covers, and how long that will take. */
#include "schedule/scheduler_state.h"

#include <string.h>

#include "core/clock.h"

static bool covers_instance(const struct refresh_filter *filter, const struct instance *instance)
{
    return (filter->ins_id[0] == '\0' || strcmp(filter->ins_id, instance->ins_id) == 0) &&
           (filter->aliyun_uid[0] == '\0' || strcmp(filter->aliyun_uid, instance->aliyun_uid) == 0);
}

static bool covers_job(const struct refresh_filter *filter, const struct job *job)
{
    return covers_instance(filter, job->target->instance);
}

/* What is loaded is loaded whole or not at all: a refresh of one instance leaves it alone. */
static bool covers_metric(const struct scheduler *s, const struct refresh_filter *filter,
                          enum metric_id metric)
{
    if (!s->config->metrics[metric].enabled)
        return false;
    if (filter->metric != METRIC_ID_COUNT || metric == s->parts.collector->metric)
        return filter->metric == METRIC_ID_COUNT || filter->metric == metric;
    return filter->ins_id[0] == '\0' && filter->aliyun_uid[0] == '\0';
}

/* The loads that a refresh waits for: a set of 1 << enum metric_id. */
static unsigned covered_loads(const struct scheduler *s, const struct refresh_filter *filter)
{
    unsigned loads = 0;

    for (enum metric_id metric = 0; metric < METRIC_ID_COUNT; metric++) {
        if (metric != s->parts.collector->metric && covers_metric(s, filter, metric))
            loads |= 1u << metric;
    }
    return loads;
}

static void await_loads(struct scheduler *s, unsigned loads, unsigned bit)
{
    for (int metric = 0; metric < METRIC_ID_COUNT; metric++) {
        if ((loads >> metric & 1) != 0)
            s->loaded[metric].refreshes |= UINT64_C(1) << bit;
    }
}

/* The slowest account decides: its calls at its present rate, then one computation. */
static int64_t estimate(const struct scheduler *s, const struct refresh_filter *filter)
{
    int64_t longest = 0;

    for (size_t i = 0; i < s->lane_count; i++) {
        const struct lane *lane = s->lanes[i];
        int64_t calls =
            filter->ins_id[0] != '\0' ? 2 : ((int64_t)lane->job_count * lane->calls_per_result) / 1000;
        int64_t length;

        if (lane->job_count == 0 ||
            (filter->aliyun_uid[0] != '\0' && strcmp(filter->aliyun_uid, lane->aliyun_uid) != 0))
            continue;
        length = clock_scale(limiter_window(lane->limiter), calls, limiter_calls(lane->limiter)) +
                 poll_policy_horizon(&lane->polls[ENGINE_RDS]);
        longest = length > longest ? length : longest;
    }
    return longest;
}

static uint64_t count_covered(const struct scheduler *s, const struct refresh_filter *filter)
{
    uint64_t count = 0;

    for (size_t i = 0; i < s->job_count; i++)
        count += covers_job(filter, s->jobs[i]);
    return count;
}

static void hurry_covered(struct scheduler *s, const struct refresh_filter *filter, unsigned bit, int64_t now)
{
    for (size_t i = 0; i < s->job_count; i++) {
        struct job *job = s->jobs[i];

        if (!covers_job(filter, job))
            continue;
        if (job->state == TARGET_NO_CREDENTIALS) {
            refresh_table_report(s->parts.refreshes, UINT64_C(1) << bit, REFRESH_TARGET_FAILED, now);
            continue;
        }
        job->refreshes |= UINT64_C(1) << bit;
        cycle_hurry(s, job, now);
    }
}

/* False when a name in the filter is of nothing in the inventory. */
static bool is_known(const struct scheduler *s, const struct refresh_filter *filter)
{
    size_t count = s->inventory != NULL ? s->inventory->instance_count : 0;

    if (filter->ins_id[0] == '\0' && filter->aliyun_uid[0] == '\0')
        return true;
    for (size_t i = 0; i < count; i++) {
        if (covers_instance(filter, &s->inventory->instances[i]))
            return true;
    }
    return false;
}

enum refresh_answer scheduler_refresh(struct scheduler *s, const struct refresh_filter *filter, int64_t now,
                                      struct refresh_progress *progress)
{
    bool asked = covers_metric(s, filter, s->parts.collector->metric);
    unsigned loads = covered_loads(s, filter);
    uint64_t waits_for = (asked ? count_covered(s, filter) : 0) + (uint64_t)__builtin_popcount(loads);
    unsigned bit;

    if (!asked && loads == 0)
        return REFRESH_DISABLED;
    if (!is_known(s, filter))
        return REFRESH_NO_MATCH;
    if (refresh_table_join(s->parts.refreshes, filter, now, progress))
        return REFRESH_ACCEPTED;
    if (!refresh_table_open(s->parts.refreshes, filter, waits_for, estimate(s, filter), now, &bit, progress))
        return REFRESH_BUSY;
    await_loads(s, loads, bit);
    if (asked)
        hurry_covered(s, filter, bit, now);
    return REFRESH_ACCEPTED;
}
