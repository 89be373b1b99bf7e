/*
 * One call of the quota: what the scheduler hands to a worker and gets back. It is in one place at a time, which
 * owns it: the queue of calls, a worker, the mailbox, the scheduler.
 */
#ifndef SCHEDULE_CALL_H
#define SCHEDULE_CALL_H

#include <stdint.h>

#include "collectors/collector.h"
#include "core/list.h"

struct call {
    struct list_node link; /* in the queue, then in the mailbox */
    /* set by the scheduler */
    struct credentials *credentials; /* a reference */
    const struct target *target;     /* valid while the call is out */
    char *continuation;              /* owned; NULL: the first step of a cycle */
    int64_t dispatched_at;
    /* set by the worker */
    struct step_result result;
    int64_t ended_at; /* when the worker was done with it */
};

/* Drops what the worker got and brought; the continuation stays. */
static inline void call_clear(struct call *call)
{
    credentials_put(call->credentials);
    call->credentials = NULL;
    step_result_release(&call->result);
}

#endif
