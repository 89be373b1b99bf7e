#include "schedule/job.h"

#include <stdlib.h>

struct job *job_new(void)
{
    return calloc(1, sizeof(struct job));
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
