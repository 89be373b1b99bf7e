#include "metrics/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/refcount.h"
#include "core/thread.h"
#include "metrics/exposition.h"
#include "metrics/page.h"

struct registry_slot {
    struct refcount refs; /* the registry's and, while it renders, the publisher's */

    /* guarded by slots_mutex */
    size_t index; /* in registry.slots */
    bool up;
    struct batch *batch; /* NULL: no data */
    int64_t expires_at;
    int64_t success_unix_ms; /* 0: never */

    /* constant */
    uint64_t sequence;
    size_t labels_length; /* 0: no health series */
    char labels[];        /* the label block of the health series */
};

/* What a publish holds of a slot while it renders. */
struct slot_hold {
    struct registry_slot *slot;
    struct batch *batch;   /* NULL: none */
    struct batch *expired; /* to be freed; NULL: none */
};

struct registry {
    pthread_mutex_t slots_mutex; /* guards what follows, and the slots as marked there */
    struct registry_slot **slots;
    size_t slot_count;
    size_t slot_capacity;
    uint64_t next_sequence;
    bool sorted;
    bool changed;
    int64_t expires_at; /* no batch expires earlier; exact right after a publish */

    pthread_mutex_t front_mutex; /* guards what follows */
    struct snapshot *front;
    uint64_t published;

    /* the publishing thread's: what is on the page, and what is held for it */
    struct page_target *targets;
    struct slot_hold *holds;
    size_t target_count;
    size_t target_capacity;
};

struct registry *registry_new(void)
{
    struct registry *registry = calloc(1, sizeof(*registry));
    const size_t no_lines[FAMILY_COUNT] = {0};
    struct strbuf empty;

    if (registry == NULL)
        return NULL;
    strbuf_init(&empty, 0);
    registry->front = snapshot_new(&empty, no_lines);
    if (registry->front == NULL) {
        free(registry);
        return NULL;
    }
    registry->sorted = true;
    registry->expires_at = CLOCK_NEVER;
    pthread_mutex_init(&registry->slots_mutex, NULL);
    pthread_mutex_init(&registry->front_mutex, NULL);
    return registry;
}

static void slot_put(struct registry_slot *slot)
{
    if (refcount_put(&slot->refs))
        free(slot);
}

void registry_free(struct registry *registry)
{
    size_t i;

    if (registry == NULL)
        return;
    for (i = 0; i < registry->slot_count; i++) {
        batch_put(registry->slots[i]->batch);
        slot_put(registry->slots[i]);
    }
    free(registry->slots);
    free(registry->targets);
    free(registry->holds);
    snapshot_put(registry->front);
    pthread_mutex_destroy(&registry->slots_mutex);
    pthread_mutex_destroy(&registry->front_mutex);
    free(registry);
}

static struct registry_slot *slot_new(const struct registry_key *key)
{
    struct strbuf labels;
    struct registry_slot *slot = NULL;

    strbuf_init(&labels, 0);
    if (key != NULL)
        exposition_labels(&labels, FAMILY_TARGET_UP,
                          (const char *[]){key->ins_id, key->node_id, key->aliyun_uid});
    if (!strbuf_failed(&labels))
        slot = calloc(1, sizeof(*slot) + labels.length);
    if (slot != NULL) {
        refcount_init(&slot->refs);
        slot->labels_length = labels.length;
        memcpy(slot->labels, strbuf_text(&labels), labels.length);
    }
    strbuf_release(&labels);
    return slot;
}

/* The mutex is held. */
static bool reserve_slot(struct registry *registry)
{
    size_t capacity = registry->slot_capacity > 0 ? 2 * registry->slot_capacity : 64;
    struct registry_slot **slots;

    if (registry->slot_count < registry->slot_capacity)
        return true;
    slots = reallocarray(registry->slots, capacity, sizeof(struct registry_slot *));
    if (slots == NULL)
        return false;
    registry->slots = slots;
    registry->slot_capacity = capacity;
    return true;
}

struct registry_slot *registry_add(struct registry *registry, const struct registry_key *key)
{
    struct registry_slot *slot = slot_new(key);
    bool added;

    if (slot == NULL)
        return NULL;
    mutex_lock(&registry->slots_mutex);
    added = reserve_slot(registry);
    if (added) {
        slot->sequence = registry->next_sequence++;
        slot->index = registry->slot_count;
        registry->slots[registry->slot_count++] = slot;
        registry->sorted = false;
        registry->changed = true;
    }
    mutex_unlock(&registry->slots_mutex);
    if (added)
        return slot;
    slot_put(slot);
    return NULL;
}

void registry_remove(struct registry *registry, struct registry_slot *slot)
{
    struct registry_slot *last;
    struct batch *batch;

    if (slot == NULL)
        return;
    mutex_lock(&registry->slots_mutex);
    last = registry->slots[--registry->slot_count];
    registry->slots[slot->index] = last;
    last->index = slot->index;
    registry->sorted = registry->sorted && last == slot;
    registry->changed = true;
    batch = slot->batch;
    slot->batch = NULL;
    mutex_unlock(&registry->slots_mutex);
    batch_put(batch);
    slot_put(slot);
}

void registry_put(struct registry *registry, struct registry_slot *slot, struct batch *batch,
                  int64_t expires_at, int64_t success_unix_ms)
{
    struct batch *previous;

    mutex_lock(&registry->slots_mutex);
    previous = slot->batch;
    slot->batch = batch;
    slot->up = true;
    slot->expires_at = expires_at;
    slot->success_unix_ms = success_unix_ms;
    if (expires_at < registry->expires_at)
        registry->expires_at = expires_at;
    registry->changed = true;
    mutex_unlock(&registry->slots_mutex);
    batch_put(previous);
}

void registry_fail(struct registry *registry, struct registry_slot *slot)
{
    mutex_lock(&registry->slots_mutex);
    registry->changed = registry->changed || slot->up;
    slot->up = false;
    mutex_unlock(&registry->slots_mutex);
}

void registry_touch(struct registry *registry)
{
    mutex_lock(&registry->slots_mutex);
    registry->changed = true;
    mutex_unlock(&registry->slots_mutex);
}

struct registry_pending registry_pending(struct registry *registry)
{
    struct registry_pending pending;

    mutex_lock(&registry->slots_mutex);
    pending = (struct registry_pending){registry->changed, registry->expires_at};
    mutex_unlock(&registry->slots_mutex);
    return pending;
}

static int compare_labels(const struct registry_slot *a, const struct registry_slot *b)
{
    size_t common = a->labels_length < b->labels_length ? a->labels_length : b->labels_length;
    int order = memcmp(a->labels, b->labels, common);

    return order != 0 ? order : (a->labels_length > b->labels_length) - (a->labels_length < b->labels_length);
}

static int compare_slots(const void *left, const void *right)
{
    const struct registry_slot *a = *(struct registry_slot *const *)left;
    const struct registry_slot *b = *(struct registry_slot *const *)right;
    int order = compare_labels(a, b);

    return order != 0 ? order : (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* The mutex is held. */
static void sort_slots(struct registry *registry)
{
    size_t i;

    if (registry->sorted)
        return;
    qsort(registry->slots, registry->slot_count, sizeof(struct registry_slot *), compare_slots);
    for (i = 0; i < registry->slot_count; i++)
        registry->slots[i]->index = i;
    registry->sorted = true;
}

/* The mutex is held. */
static bool reserve_targets(struct registry *registry)
{
    struct page_target *targets;
    struct slot_hold *holds;

    if (registry->slot_count <= registry->target_capacity)
        return true;
    targets = reallocarray(registry->targets, registry->slot_capacity, sizeof(*targets));
    if (targets == NULL)
        return false;
    registry->targets = targets;
    holds = reallocarray(registry->holds, registry->slot_capacity, sizeof(*holds));
    if (holds == NULL)
        return false;
    registry->holds = holds;
    registry->target_capacity = registry->slot_capacity;
    return true;
}

static bool is_duplicate(const struct registry_slot *previous, const struct registry_slot *slot)
{
    return previous != NULL && slot->labels_length > 0 && compare_labels(previous, slot) == 0;
}

/* The mutex is held. Takes references; an expired batch is taken from the slot. */
static void add_target(struct registry *registry, struct registry_slot *slot, int64_t now)
{
    struct slot_hold *hold = &registry->holds[registry->target_count];
    struct batch *batch = slot->batch;
    bool expired = batch != NULL && slot->expires_at <= now;

    refcount_get(&slot->refs);
    *hold = (struct slot_hold){.slot = slot};
    if (expired) {
        hold->expired = batch;
        slot->batch = NULL;
    } else if (batch != NULL) {
        hold->batch = batch_get(batch);
    }
    registry->targets[registry->target_count++] = (struct page_target){
        .labels = slot->labels,
        .labels_length = slot->labels_length,
        .batch = hold->batch,
        .up = slot->up,
        .success_unix_ms = slot->success_unix_ms,
    };
}

/* The mutex is held. */
static void add_targets(struct registry *registry, int64_t now)
{
    const struct registry_slot *previous = NULL;
    struct registry_slot *slot;
    size_t i;

    sort_slots(registry);
    registry->target_count = 0;
    registry->expires_at = CLOCK_NEVER;
    for (i = 0; i < registry->slot_count; i++) {
        slot = registry->slots[i];
        if (is_duplicate(previous, slot))
            continue;
        previous = slot;
        add_target(registry, slot, now);
        if (slot->batch != NULL && slot->expires_at < registry->expires_at)
            registry->expires_at = slot->expires_at;
    }
}

static bool gather_targets(struct registry *registry, int64_t now)
{
    bool gathered;

    mutex_lock(&registry->slots_mutex);
    gathered = reserve_targets(registry);
    if (gathered) {
        add_targets(registry, now);
        registry->changed = false;
    }
    mutex_unlock(&registry->slots_mutex);
    return gathered;
}

static void release_targets(struct registry *registry)
{
    struct slot_hold *hold;

    for (hold = registry->holds; hold < registry->holds + registry->target_count; hold++) {
        batch_put(hold->batch);
        batch_put(hold->expired);
        slot_put(hold->slot);
    }
    registry->target_count = 0;
}

static void swap_front(struct registry *registry, struct snapshot *snapshot)
{
    struct snapshot *previous;

    mutex_lock(&registry->front_mutex);
    previous = registry->front;
    registry->front = snapshot;
    registry->published++;
    mutex_unlock(&registry->front_mutex);
    snapshot_put(previous);
}

uint64_t registry_published(struct registry *registry)
{
    uint64_t published;

    mutex_lock(&registry->front_mutex);
    published = registry->published;
    mutex_unlock(&registry->front_mutex);
    return published;
}

bool registry_publish(struct registry *registry, int64_t now, const struct self_metrics *self)
{
    size_t family_ends[FAMILY_COUNT];
    struct snapshot *snapshot;
    struct strbuf lines;

    if (!gather_targets(registry, now))
        return false;
    strbuf_init(&lines, 0);
    page_render(registry->targets, registry->target_count, self, &lines, family_ends);
    release_targets(registry);
    snapshot = snapshot_new(&lines, family_ends);
    if (snapshot == NULL) {
        registry_touch(registry);
        return false;
    }
    swap_front(registry, snapshot);
    return true;
}

struct snapshot *registry_snapshot(struct registry *registry)
{
    struct snapshot *snapshot;

    mutex_lock(&registry->front_mutex);
    snapshot = snapshot_get(registry->front);
    mutex_unlock(&registry->front_mutex);
    return snapshot;
}
