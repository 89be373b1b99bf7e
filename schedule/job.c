#include "schedule/job.h"

#include <stdlib.h>

struct job *job_new(void)
{
    return calloc(1, sizeof(struct job));
}

void job_clear_call(struct job *job)
{
    struct call *call = &job->call;

    credentials_put(call->credentials);
    free(call->new_result_id);
    batch_put(call->batch);
    call->credentials = NULL;
    call->new_result_id = NULL;
    call->batch = NULL;
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    job_clear_call(job);
    free(job->call.result_id);
    inventory_put(job->inventory);
    inventory_put(job->next_inventory);
    free(job->error);
    free(job);
}
