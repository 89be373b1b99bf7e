/*
 * The bounded queue between the scheduler and the workers. One mutex, a leaf.
 */
#ifndef SCHEDULE_CALL_QUEUE_H
#define SCHEDULE_CALL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "schedule/call.h"

struct call_queue;

/* NULL when memory runs out. */
struct call_queue *call_queue_new(size_t capacity);

/* Calls still inside belong to whoever made them. NULL is allowed. */
void call_queue_free(struct call_queue *queue);

/*
 * Puts a call in at the end. False when it is full or closed: the call stays with the caller. Any
 * thread; does not block.
 */
bool call_queue_push(struct call_queue *queue, struct call *call);

/* Takes the first call; waits while there is none. NULL once the queue is closed. Workers. */
struct call *call_queue_pop(struct call_queue *queue);

/* Takes the first call without waiting; also from a closed queue. NULL when there is none. */
struct call *call_queue_try_pop(struct call_queue *queue);

/* Wakes all who wait and lets no call in or out by push and pop any more. Any thread. */
void call_queue_close(struct call_queue *queue);

size_t call_queue_length(struct call_queue *queue);

/* When the first call was dispatched; CLOCK_NEVER when there is none. Any thread. */
int64_t call_queue_oldest(struct call_queue *queue);

#endif
