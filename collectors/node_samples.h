/*
 * Samples that say of which node they are: the labels of the instance, an optional key, the node.
 * Pure.
 */
#ifndef COLLECTORS_NODE_SAMPLES_H
#define COLLECTORS_NODE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "das/reply.h"
#include "db/inventory.h"
#include "metrics/batch.h"

/* Adds the one sample that a family has of the target. */
void node_samples_add(struct batch *batch, enum family_id family, const struct target *target, int64_t value);

/* What had no room. */
struct node_samples_rest {
    size_t count; /* of samples */
    int64_t sum;  /* of their values */
};

/*
 * Adds a sample for each key of the group, at most `most`: those with the largest values, of equal
 * ones those that sort first. Keys that are the same as exported are added up before that; sums
 * end at INT64_MAX. `column` is the offset of the value in struct das_sessions. O(n log n). False
 * when memory ran out.
 */
bool node_samples_add_keyed(struct batch *batch, enum family_id family, const struct target *target,
                            const struct das_group *group, size_t column, size_t most,
                            struct node_samples_rest *rest);

#endif
