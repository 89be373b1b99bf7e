/*
 * The publisher thread: publishes the registry at once when it starts, then at most once a second
 * while something changed, and exactly when something expires. When publishing itself takes long
 * both are stretched, so that it takes at most a tenth of the time.
 */
#ifndef METRICS_PUBLISHER_H
#define METRICS_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/error.h"
#include "metrics/registry.h"

#define PUBLISH_GAP NS_PER_SECOND /* between the starts of two publishes for changes */
/* Rates change by time alone, so the page is renewed without a cause, too. */
#define PUBLISH_IDLE_GAP   (10 * NS_PER_SECOND)
#define PUBLISH_DUTY_SHARE 10 /* a publish may take one part in so many of the time */

struct publisher;

/* When to publish next, as far as the last publish decides it. All 0 before the first. */
struct publish_pace {
    bool published;      /* at least one succeeded */
    int64_t change_from; /* the earliest time to publish a change */
    int64_t expiry_from; /* the earliest time to publish an expiry */
    int64_t idle_from;   /* when to publish although nothing happened */
};

/* Notes a publish that went from `started` to `ended` (monotonic ns). Pure. */
void publish_pace_note(struct publish_pace *pace, int64_t started, int64_t ended, bool succeeded);

/* The time of the next publish, which may have passed. Pure. */
int64_t publish_pace_next(const struct publish_pace *pace, const struct registry_pending *pending);

/*
 * Fills *self for one publish; called on the publisher thread, no lock held. What it points to
 * stays valid until the next call. False: keep the old page (memory ran out).
 */
typedef bool publisher_gather_fn(void *context, struct self_metrics *self);

/* The registry and the context outlive the publisher. NULL when memory runs out. */
struct publisher *publisher_new(struct registry *registry, publisher_gather_fn *gather, void *context);

/* Starts the thread, once. False with *error. */
bool publisher_start(struct publisher *publisher, struct error *error);

/*
 * Call after changing the registry. Cheap enough for every result: it signals only when the
 * thread sleeps and does not know yet that something changed. Any thread, does not block.
 */
void publisher_wake(struct publisher *publisher);

/* Ends and joins the thread, after the publish under way if there is one. Idempotent. */
void publisher_stop(struct publisher *publisher);

/* Stopped, or never started. NULL is allowed. */
void publisher_free(struct publisher *publisher);

#endif
