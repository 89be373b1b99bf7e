/*
 * What follows from other credentials of an account: sleeping jobs go on, or all fall asleep; one
 * that was down gets its chance.
 */
#include "schedule/scheduler_state.h"

/* It failed for its account's sake, and the account has got other keys since. */
static bool was_waiting_for_keys(const struct job *job)
{
    return job->state == TARGET_WAITING && !job->up && job->error != NULL &&
           error_class_is_of_account(job->error->class);
}

static void go_on(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_NO_CREDENTIALS || was_waiting_for_keys(job))
        cycle_due(s, job, now);
}

/* Those in a worker's hands follow when they come back, those that wait when they are due. */
static void stop(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_READY)
        cycle_due(s, job, now);
    else if (job->state == TARGET_NO_CREDENTIALS && job->lane->credentials_error.class != ERROR_NONE)
        full_cycle_tried(s, job); /* their first ones cannot be had */
}

void scheduler_credentials_changed(struct scheduler *s, const char *aliyun_uid, int64_t now)
{
    struct lane *lane = roster_find_lane(s, aliyun_uid);
    bool replaced;

    if (lane == NULL)
        return;
    replaced = scheduler_look_up_credentials(s, lane);
    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        struct job *job = CONTAINER_OF(node, struct job, member);

        if (lane->credentials == NULL)
            stop(s, job, now);
        else if (replaced)
            go_on(s, job, now);
    }
    if (!replaced && lane->renewing && lane->credentials_error.class != ERROR_NONE)
        failure_of_renewal(s, lane, now);
    scheduler_place_lane(s, lane, now);
    scheduler_changed(s);
}
