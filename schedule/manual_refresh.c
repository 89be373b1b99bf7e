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

static bool covers_sessions(const struct scheduler *s, const struct refresh_filter *filter)
{
    return s->config->metrics[METRIC_USER_SESSION_COUNT].enabled &&
           (filter->metric == METRIC_ID_COUNT || filter->metric == METRIC_USER_SESSION_COUNT);
}

/* The users table is read whole or not at all: a refresh of one instance leaves it alone. */
static bool covers_limits(const struct scheduler *s, const struct refresh_filter *filter)
{
    if (!s->config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled)
        return false;
    if (filter->metric == METRIC_MAX_USER_CONNECTIONS)
        return true;
    return filter->metric == METRIC_ID_COUNT && filter->ins_id[0] == '\0' && filter->aliyun_uid[0] == '\0';
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
        if (job->place == JOB_ASLEEP) {
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
    bool sessions = covers_sessions(s, filter);
    bool limits = covers_limits(s, filter);
    uint64_t targets = sessions ? count_covered(s, filter) : 0;
    unsigned bit;

    if (!sessions && !limits)
        return REFRESH_DISABLED;
    if (!is_known(s, filter))
        return REFRESH_NO_MATCH;
    if (refresh_table_join(s->parts.refreshes, filter, now, progress))
        return REFRESH_ACCEPTED;
    if (!refresh_table_open(s->parts.refreshes, filter, targets + limits, estimate(s, filter), now, &bit,
                            progress))
        return REFRESH_BUSY;
    if (limits)
        s->limits_refreshes |= UINT64_C(1) << bit;
    if (sessions)
        hurry_covered(s, filter, bit, now);
    return REFRESH_ACCEPTED;
}
