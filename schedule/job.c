#include "schedule/job.h"

#include <assert.h>
#include <stdlib.h>

#define TO(state) (1u << TARGET_##state)

/* Where each state may lead to. */
static const unsigned transitions[TARGET_STATE_ALL] = {
    [TARGET_JOINING] = TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS),
    [TARGET_WAITING] = TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS),
    [TARGET_READY] = TO(CALLING) | TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS),
    [TARGET_CALLING] =
        TO(COMPUTING) | TO(RETRYING) | TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS) | TO(LEAVING),
    [TARGET_COMPUTING] = TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS),
    [TARGET_RETRYING] = TO(READY) | TO(WAITING) | TO(NO_CREDENTIALS),
    [TARGET_NO_CREDENTIALS] = TO(READY),
    [TARGET_LEAVING] = 0,
};

bool job_may_enter(enum target_state from, enum target_state to)
{
    return (transitions[from] >> to & 1) != 0;
}

void job_enter(struct job *job, enum target_state state)
{
    assert(job_may_enter(job->state, state));
    job->state = state;
}

bool job_spend(struct job *job, enum remedy remedy)
{
    bool first = (job->spent >> remedy & 1) == 0;

    job->spent |= 1u << remedy;
    return first;
}

struct job *job_new(void)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job != NULL)
        job->state = TARGET_JOINING;
    return job;
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    call_clear(&job->call);
    free(job->call.continuation);
    inventory_put(job->inventory);
    inventory_put(job->next_inventory);
    free(job->error);
    free(job);
}
