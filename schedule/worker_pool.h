/*
 * The threads that talk to DAS. A worker takes a job, makes its one HTTP request, renders the
 * samples if there are any, and returns the job. It never sleeps, never waits for DAS to finish
 * computing and never waits for the quota.
 */
#ifndef SCHEDULE_WORKER_POOL_H
#define SCHEDULE_WORKER_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "schedule/job_queue.h"
#include "schedule/mailbox.h"

struct worker_pool;

/* queue and mailbox outlive the pool. Takes its own reference to config. NULL: no memory. */
struct worker_pool *worker_pool_new(struct config *config, struct job_queue *queue, struct mailbox *mailbox);

/* Starts config.exporter.workers threads. False with *error; those started end at worker_pool_stop. */
bool worker_pool_start(struct worker_pool *pool, struct error *error);

/* Uses the [das] and [optional_metrics] sections of another configuration from each worker's next call on. Any thread. */
void worker_pool_configure(struct worker_pool *pool, struct config *config);

/*
 * True unless a job waits for longer than `limit` ns and no worker took one for as long: the watchdog's
 * second pulse. Any thread.
 */
bool worker_pool_alive(struct worker_pool *pool, int64_t now, int64_t limit);

/* Aborts calls under way, ends and joins the threads. Closes the queue. Fast: no call is awaited. */
void worker_pool_stop(struct worker_pool *pool);
void worker_pool_free(struct worker_pool *pool); /* NULL is allowed */

#endif
