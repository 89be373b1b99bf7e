/* What tests look at, what they ask for and wait for. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct lane *fleet_lane(const struct fleet *fleet, size_t account)
{
    char uid[32];

    return roster_find_lane(fleet->scheduler, fleet_uid(account, uid));
}

struct job *fleet_job(const struct fleet *fleet, size_t target)
{
    const struct scheduler *s = fleet->scheduler;
    char ins_id[32];

    fleet_ins_id(fleet, target, ins_id);
    for (size_t i = 0; i < s->job_count; i++) {
        if (strcmp(s->jobs[i]->target->instance->ins_id, ins_id) == 0)
            return s->jobs[i];
    }
    return NULL;
}

unsigned fleet_submits(const struct fleet *fleet)
{
    unsigned sum = 0;

    for (size_t i = 0; i < fleet->target_count; i++)
        sum += fleet->targets[i].submits;
    return sum;
}

unsigned fleet_polls(const struct fleet *fleet)
{
    unsigned sum = 0;

    for (size_t i = 0; i < fleet->target_count; i++)
        sum += fleet->targets[i].polls;
    return sum;
}

unsigned fleet_results(const struct fleet *fleet)
{
    unsigned sum = 0;

    for (size_t i = 0; i < fleet->target_count; i++)
        sum += fleet->targets[i].results;
    return sum;
}

enum refresh_answer fleet_refresh(struct fleet *fleet, const char *ins_id, const char *aliyun_uid,
                                  struct refresh_progress *progress)
{
    struct refresh_filter filter = {.metric = METRIC_USER_SESSION_COUNT};
    enum refresh_answer answer;

    snprintf(filter.ins_id, sizeof(filter.ins_id), "%s", ins_id != NULL ? ins_id : "");
    snprintf(filter.aliyun_uid, sizeof(filter.aliyun_uid), "%s", aliyun_uid != NULL ? aliyun_uid : "");
    answer = scheduler_refresh(fleet->scheduler, &filter, fleet->now, progress);
    fleet_step(fleet);
    fleet_check(fleet);
    return answer;
}

struct refresh_progress fleet_progress(struct fleet *fleet, const struct refresh_progress *refresh)
{
    struct refresh_progress progress;

    assert_true(refresh_table_progress(fleet->refreshes, refresh->id, fleet->now, &progress));
    return progress;
}

void fleet_load_limits(struct fleet *fleet, struct batch *batch)
{
    static const uint64_t rejected[REJECTION_COUNT];

    scheduler_apply_load(fleet->scheduler,
                         &(struct metric_load){.metric = METRIC_MAX_USER_CONNECTIONS,
                                               .batch = batch,
                                               .rejected = rejected,
                                               .loaded_unix_ms = 1,
                                               .duration = NS_PER_SECOND},
                         fleet->now);
}

void fleet_run_until_results(struct fleet *fleet, unsigned results, int64_t limit)
{
    int64_t end = fleet->now + limit;
    bool all = false;

    while (!all && fleet->now < end) {
        fleet_run(fleet, NS_PER_SECOND);
        all = true;
        for (size_t i = 0; all && i < fleet->target_count; i++)
            all = !fleet->targets[i].present || fleet->targets[i].results >= results;
    }
    assert_true(all);
}
