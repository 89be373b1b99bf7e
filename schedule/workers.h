/*
 * The threads that ask. A worker takes a call, has the collector make its one request, and returns it. It never
 * sleeps, never waits for a result that is computed and never waits for the quota.
 */
#ifndef SCHEDULE_WORKERS_H
#define SCHEDULE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "schedule/call_queue.h"
#include "schedule/mailbox.h"

struct workers;

/* collector, queue and mailbox outlive them. Takes its own reference to config. NULL: no memory. */
struct workers *workers_new(struct config *config, const struct collector *collector,
                            struct call_queue *queue, struct mailbox *mailbox);

/* Starts config.exporter.workers threads. False with *error; those started end at workers_stop. */
bool workers_start(struct workers *workers, struct error *error);

/* Another configuration, for the collector from each worker's next call on. Any thread. */
void workers_configure(struct workers *workers, struct config *config);

/*
 * True unless a call waits for longer than `limit` ns and no worker took one for as long: the watchdog's
 * second pulse. Any thread.
 */
bool workers_alive(struct workers *workers, int64_t now, int64_t limit);

/* Aborts calls under way, ends and joins the threads. Closes the queue. Fast: no call is awaited. */
void workers_stop(struct workers *workers);
void workers_free(struct workers *workers); /* NULL is allowed */

#endif
