#include "collectors/optional_metrics.h"

#include <string.h>

#include "collectors/node_samples.h"
#include "das/elide.h"

/* Where the numbers of a metric are. */
struct source {
    enum family_id family;
    enum family_id overflow; /* of a keyed metric */
    bool keyed;
    size_t group;  /* in struct das_reply, of a keyed metric */
    size_t column; /* in struct das_sessions of that group, or in struct das_node */
};

#define NODE_SOURCE(id, name, value, help)                                                                   \
    [OPTIONAL_##id] = {.family = FAMILY_##id, .column = offsetof(struct das_node, value)},
#define KEYED_SOURCE(id, name, member, count, label, help)                                                   \
    [OPTIONAL_##id] = {.family = FAMILY_##id,                                                                \
                       .overflow = FAMILY_##id##_OVERFLOW,                                                   \
                       .keyed = true,                                                                        \
                       .group = offsetof(struct das_reply, member),                                          \
                       .column = offsetof(struct das_sessions, count)},

static const struct source sources[OPTIONAL_METRIC_COUNT] = {OPTIONAL_METRICS(NODE_SOURCE, KEYED_SOURCE)};

static unsigned part_of(const struct source *source)
{
    if (source->keyed && source->group == offsetof(struct das_reply, clients))
        return DAS_PART_CLIENTS;
    if (source->keyed && source->group == offsetof(struct das_reply, schemas))
        return DAS_PART_SCHEMAS;
    return 0;
}

unsigned optional_metrics_parts(const struct optional_metrics_config *config)
{
    unsigned parts = 0;

    for (int id = 0; id < OPTIONAL_METRIC_COUNT; id++) {
        if (config->enabled[id])
            parts |= part_of(&sources[id]);
    }
    return parts;
}

static void add_node(struct batch *batch, const struct target *target, const struct das_node *node,
                     const struct source *source)
{
    int64_t value;

    memcpy(&value, (const char *)node + source->column, sizeof(value));
    if (value >= 0)
        node_samples_add(batch, source->family, target, value);
}

static bool add_keyed(struct batch *batch, const struct target *target, const struct das_reply *reply,
                      const struct source *source, size_t most)
{
    struct node_samples_rest rest;
    struct das_group group;

    memcpy(&group, (const char *)reply + source->group, sizeof(group));
    if (!node_samples_add_keyed(batch, source->family, target, &group, source->column, most, &rest))
        return false;
    if (rest.count > 0) {
        node_samples_add(batch, source->overflow, target, rest.sum);
        batch_add_overflowed(batch, source->family, rest.count);
    }
    return true;
}

bool optional_metrics_add(struct batch *batch, const struct target *target, const struct das_reply *reply,
                          const struct optional_metrics_config *config)
{
    bool added = true;

    for (int id = 0; id < OPTIONAL_METRIC_COUNT && added; id++) {
        const struct source *source = &sources[id];

        if (!config->enabled[id])
            continue;
        if (source->keyed)
            added = add_keyed(batch, target, reply, source, (size_t)config->series_per_target);
        else
            add_node(batch, target, &reply->node, source);
    }
    return added;
}
