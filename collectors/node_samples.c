#include "collectors/node_samples.h"

#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "metrics/exposition.h"

/* A key with its exported form: keys that differ only in broken UTF-8 are the same there. */
struct entry {
    const char *key;      /* as in the reply */
    size_t offset;        /* of the exported key */
    const char *exported; /* the exported key, once all are there */
    int64_t value;
};

/* The entries of a group while they become samples. */
struct tally {
    struct entry *entries;
    size_t count;
    struct strbuf exported;
};

static void add_sample(struct batch *batch, enum family_id family, const struct target *target,
                       const char *key, int64_t value)
{
    const struct instance *instance = target->instance;
    const char *values[FAMILY_LABELS_MAX] = {instance->ins_id, instance->ins_name, instance->ins_type,
                                             instance->aliyun_uid};
    size_t count = 4;

    if (key != NULL)
        values[count++] = key;
    values[count++] = target->node_id;
    values[count] = node_type_name(target->node_type);
    batch_add(batch, family, values, value);
}

void node_samples_add(struct batch *batch, enum family_id family, const struct target *target, int64_t value)
{
    add_sample(batch, family, target, NULL, value);
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int compare_keys(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    return strcmp(a->exported, b->exported);
}

static int compare_values(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = (a->value < b->value) - (a->value > b->value);

    return order != 0 ? order : compare_keys(a, b);
}

static int64_t value_of(const struct das_sessions *sessions, size_t column)
{
    int64_t value;

    memcpy(&value, (const char *)sessions + column, sizeof(value));
    return value;
}

/* Takes the group over as it is. False when memory runs out; to be released in any case. */
static bool tally_init(struct tally *tally, const struct das_group *group, size_t column)
{
    size_t i;

    strbuf_init(&tally->exported, 0);
    tally->count = group->count;
    tally->entries = calloc(group->count > 0 ? group->count : 1, sizeof(*tally->entries));
    if (tally->entries == NULL)
        return false;
    for (i = 0; i < group->count; i++) {
        tally->entries[i] = (struct entry){.key = group->sessions[i].key,
                                           .offset = tally->exported.length,
                                           .value = value_of(&group->sessions[i], column)};
        exposition_label_value(&tally->exported, group->sessions[i].key);
        strbuf_append_char(&tally->exported, '\0');
    }
    if (strbuf_failed(&tally->exported))
        return false;
    for (i = 0; i < tally->count; i++)
        tally->entries[i].exported = tally->exported.data + tally->entries[i].offset;
    return true;
}

static void tally_release(struct tally *tally)
{
    free(tally->entries);
    strbuf_release(&tally->exported);
}

/* Leaves one entry of those with equal keys, with the sum of their values. */
static void tally_merge(struct tally *tally)
{
    struct entry *last = tally->entries;
    struct entry *entry;

    if (tally->count == 0)
        return;
    qsort(tally->entries, tally->count, sizeof(*tally->entries), compare_keys);
    for (entry = last + 1; entry < tally->entries + tally->count; entry++) {
        if (compare_keys(last, entry) == 0)
            last->value = add_saturating(last->value, entry->value);
        else
            *++last = *entry;
    }
    tally->count = (size_t)(last - tally->entries) + 1;
}

static void tally_limit(struct tally *tally, size_t most, struct node_samples_rest *rest)
{
    *rest = (struct node_samples_rest){0};
    if (tally->count <= most)
        return;
    qsort(tally->entries, tally->count, sizeof(*tally->entries), compare_values);
    for (; tally->count > most; tally->count--) {
        rest->count++;
        rest->sum = add_saturating(rest->sum, tally->entries[tally->count - 1].value);
    }
}

bool node_samples_add_keyed(struct batch *batch, enum family_id family, const struct target *target,
                            const struct das_group *group, size_t column, size_t most,
                            struct node_samples_rest *rest)
{
    struct tally tally;
    bool done = tally_init(&tally, group, column);
    size_t i;

    *rest = (struct node_samples_rest){0};
    if (done) {
        tally_merge(&tally);
        tally_limit(&tally, most, rest);
        for (i = 0; i < tally.count; i++)
            add_sample(batch, family, target, tally.entries[i].key, tally.entries[i].value);
    }
    tally_release(&tally);
    return done;
}
