/*
 * The bounded queue between the scheduler and the workers. One mutex, a leaf.
 */
#ifndef SCHEDULE_JOB_QUEUE_H
#define SCHEDULE_JOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "schedule/job.h"

struct job_queue;

/* NULL when memory runs out. */
struct job_queue *job_queue_new(size_t capacity);

/* Jobs still inside belong to whoever made them. NULL is allowed. */
void job_queue_free(struct job_queue *queue);

/*
 * Puts a job in at the end. False when it is full or closed: the job stays with the caller. Any
 * thread; does not block.
 */
bool job_queue_push(struct job_queue *queue, struct job *job);

/* Takes the first job; waits while there is none. NULL once the queue is closed. Workers. */
struct job *job_queue_pop(struct job_queue *queue);

/* Takes the first job without waiting; also from a closed queue. NULL when there is none. */
struct job *job_queue_try_pop(struct job_queue *queue);

/* Wakes all who wait and lets no job in or out by push and pop any more. Any thread. */
void job_queue_close(struct job_queue *queue);

size_t job_queue_length(struct job_queue *queue);

/* When the first job was dispatched; CLOCK_NEVER when there is none. Any thread. */
int64_t job_queue_oldest(struct job_queue *queue);

#endif
