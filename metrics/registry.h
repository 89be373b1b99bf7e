/*
 * The double-buffered registry: behind, the last good batch of every target; in front, one
 * finished snapshot that scrapes read.
 *
 * Writers change slots under one mutex for a moment. One publisher thread gathers references
 * under that mutex, renders without it, and swaps the front pointer under a second mutex that
 * guards nothing else. Readers only ever take the second, to load the pointer and take a
 * reference. Nobody holds both. Nothing is freed while a mutex is held.
 *
 * Cost for n slots: add, remove, put and fail are O(1); a publish is O(n) plus the copied bytes,
 * and O(n log n) for the first one after slots came or went; a scrape does not depend on n.
 */
#ifndef METRICS_REGISTRY_H
#define METRICS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/batch.h"
#include "metrics/self_metrics.h"
#include "metrics/snapshot.h"

struct registry;
struct registry_slot;

/* Identity of a slot; texts are copied. */
struct registry_key {
    const char *ins_id;
    const char *node_id;
    const char *aliyun_uid;
};

/* What the page lacks. */
struct registry_pending {
    bool changed;       /* something changed since the last publish */
    int64_t expires_at; /* when the next batch expires (monotonic ns), CLOCK_NEVER: none will */
};

/* NULL when memory runs out. The first snapshot is an empty page. */
struct registry *registry_new(void);
void registry_free(struct registry *registry); /* NULL is allowed; no thread may use it any more */

/*
 * A place for one target's data. With key NULL the slot has no health series of its own (the
 * user limits; one such slot for a family). NULL when memory runs out. Slots appear on the page
 * ordered by their key as exported; of slots whose exported keys are equal only the oldest
 * appears, since Prometheus would refuse the whole page. Any thread.
 */
struct registry_slot *registry_add(struct registry *registry, const struct registry_key *key);

/*
 * Takes the slot and its series off the page at the next publish; frees the slot. NULL is
 * allowed. Any thread.
 */
void registry_remove(struct registry *registry, struct registry_slot *slot);

/*
 * A cycle succeeded: the batch (whose reference the registry takes over) replaces the last one;
 * it stays until expires_at (monotonic ns) unless replaced again. success_unix_ms is exported.
 * Any thread.
 */
void registry_put(struct registry *registry, struct registry_slot *slot, struct batch *batch,
                  int64_t expires_at, int64_t success_unix_ms);

/* A cycle failed: target_up becomes 0, the last good batch stays until its time. Any thread. */
void registry_fail(struct registry *registry, struct registry_slot *slot);

/* Something else on the page changed (counters): publish at the next opportunity. Any thread. */
void registry_touch(struct registry *registry);

/*
 * What there is to publish. When nothing changed, expires_at is the moment of the next expiry;
 * when something did, it may be earlier than that. Any thread.
 */
struct registry_pending registry_pending(struct registry *registry);

/*
 * Renders and swaps. Batches with expires_at <= now are dropped first. False when memory ran out:
 * the old snapshot stays in front and the registry stays changed. One thread at a time.
 */
bool registry_publish(struct registry *registry, int64_t now, const struct self_metrics *self);

/* How many publishes succeeded. Any thread. */
uint64_t registry_published(struct registry *registry);

/* The front snapshot with a reference for the caller. Never NULL. Any thread, never waits long. */
struct snapshot *registry_snapshot(struct registry *registry);

#endif
