#include "metrics/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/refcount.h"
#include "core/thread.h"
#include "metrics/exposition.h"

#define SELF_METRICS_SIZE_GUESS ((size_t)16 * 1024)
#define HEALTH_LINE_SIZE_GUESS  ((size_t)80) /* name and value of a health line */

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

/* What a publish takes from a slot: all it needs once the mutex is free. */
struct slot_view {
    struct registry_slot *slot;
    struct batch *batch;   /* NULL: none */
    struct batch *expired; /* to be freed; NULL: none */
    bool up;
    int64_t success_unix_ms;
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

    /* the publishing thread's */
    struct slot_view *views;
    size_t view_count;
    size_t view_capacity;
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
    free(registry->views);
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
static bool reserve_views(struct registry *registry)
{
    struct slot_view *views;

    if (registry->slot_count <= registry->view_capacity)
        return true;
    views = reallocarray(registry->views, registry->slot_capacity, sizeof(*views));
    if (views == NULL)
        return false;
    registry->views = views;
    registry->view_capacity = registry->slot_capacity;
    return true;
}

static bool is_duplicate(const struct registry_slot *previous, const struct registry_slot *slot)
{
    return previous != NULL && slot->labels_length > 0 && compare_labels(previous, slot) == 0;
}

/* The mutex is held. Takes references; an expired batch moves into the view. */
static void view_slot(struct slot_view *view, struct registry_slot *slot, int64_t now)
{
    bool expired = slot->batch != NULL && slot->expires_at <= now;

    refcount_get(&slot->refs);
    *view = (struct slot_view){
        .slot = slot,
        .expired = expired ? slot->batch : NULL,
        .up = slot->up,
        .success_unix_ms = slot->success_unix_ms,
    };
    if (expired)
        slot->batch = NULL;
    else if (slot->batch != NULL)
        view->batch = batch_get(slot->batch);
}

/* The mutex is held. */
static void view_slots(struct registry *registry, int64_t now)
{
    const struct registry_slot *previous = NULL;
    struct registry_slot *slot;
    size_t i;

    sort_slots(registry);
    registry->view_count = 0;
    registry->expires_at = CLOCK_NEVER;
    for (i = 0; i < registry->slot_count; i++) {
        slot = registry->slots[i];
        if (is_duplicate(previous, slot))
            continue;
        previous = slot;
        view_slot(&registry->views[registry->view_count++], slot, now);
        if (slot->batch != NULL && slot->expires_at < registry->expires_at)
            registry->expires_at = slot->expires_at;
    }
}

static bool gather_views(struct registry *registry, int64_t now)
{
    bool gathered;

    mutex_lock(&registry->slots_mutex);
    gathered = reserve_views(registry);
    if (gathered) {
        view_slots(registry, now);
        registry->changed = false;
    }
    mutex_unlock(&registry->slots_mutex);
    return gathered;
}

static void release_views(struct registry *registry)
{
    struct slot_view *view;

    for (view = registry->views; view < registry->views + registry->view_count; view++) {
        batch_put(view->batch);
        batch_put(view->expired);
        slot_put(view->slot);
    }
    registry->view_count = 0;
}

/* Makes room for the whole page at once, so that a large one is not copied while it grows. */
static void reserve_lines(const struct registry *registry, struct strbuf *lines)
{
    const struct slot_view *view;
    size_t total = SELF_METRICS_SIZE_GUESS;
    size_t length;
    int id;

    for (view = registry->views; view < registry->views + registry->view_count; view++) {
        total += 2 * (HEALTH_LINE_SIZE_GUESS + view->slot->labels_length);
        for (id = 0; id < FAMILY_COLLECTED_COUNT && view->batch != NULL; id++) {
            batch_lines(view->batch, (enum family_id)id, &length);
            total += length;
        }
    }
    strbuf_reserve(lines, total);
}

static void render_collected(const struct registry *registry, enum family_id family, struct strbuf *lines,
                             size_t *sample_count)
{
    const struct slot_view *view;
    const char *text;
    size_t length;

    *sample_count = 0;
    for (view = registry->views; view < registry->views + registry->view_count; view++) {
        if (view->batch == NULL)
            continue;
        text = batch_lines(view->batch, family, &length);
        strbuf_append(lines, text, length);
        *sample_count += batch_sample_count(view->batch, family);
    }
}

static void append_health_start(const struct slot_view *view, enum family_id family, struct strbuf *lines)
{
    strbuf_append_text(lines, family_get(family)->name);
    strbuf_append(lines, view->slot->labels, view->slot->labels_length);
    strbuf_append_char(lines, ' ');
}

static void render_target_up(const struct registry *registry, struct strbuf *lines)
{
    const struct slot_view *view;

    for (view = registry->views; view < registry->views + registry->view_count; view++) {
        if (view->slot->labels_length == 0)
            continue;
        append_health_start(view, FAMILY_TARGET_UP, lines);
        strbuf_append_text(lines, view->up ? "1\n" : "0\n");
    }
}

static void render_target_last_success(const struct registry *registry, struct strbuf *lines)
{
    const struct slot_view *view;

    for (view = registry->views; view < registry->views + registry->view_count; view++) {
        if (view->slot->labels_length == 0 || view->success_unix_ms <= 0)
            continue;
        append_health_start(view, FAMILY_TARGET_LAST_SUCCESS, lines);
        exposition_unix_ms(lines, view->success_unix_ms);
        strbuf_append_char(lines, '\n');
    }
}

static void render_series(const size_t sample_counts[FAMILY_COLLECTED_COUNT], struct strbuf *lines)
{
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++)
        exposition_sample_uint(lines, FAMILY_SERIES, (const char *[]){family_get((enum family_id)id)->name},
                               sample_counts[id]);
}

static void render_page(const struct registry *registry, const struct self_metrics *self,
                        struct strbuf *lines, size_t family_ends[FAMILY_COUNT])
{
    size_t sample_counts[FAMILY_COLLECTED_COUNT];
    int id;

    reserve_lines(registry, lines);
    for (id = 0; id < FAMILY_COUNT; id++) {
        if (id < FAMILY_COLLECTED_COUNT)
            render_collected(registry, (enum family_id)id, lines, &sample_counts[id]);
        else if (id == FAMILY_TARGET_UP)
            render_target_up(registry, lines);
        else if (id == FAMILY_TARGET_LAST_SUCCESS)
            render_target_last_success(registry, lines);
        else if (id == FAMILY_SERIES)
            render_series(sample_counts, lines);
        else
            self_metrics_render(self, (enum family_id)id, lines);
        family_ends[id] = lines->length;
    }
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

    if (!gather_views(registry, now))
        return false;
    strbuf_init(&lines, 0);
    render_page(registry, self, &lines, family_ends);
    release_views(registry);
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
