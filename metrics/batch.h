/*
 * The samples of one target from one cycle: finished lines, grouped by family, sealed when
 * complete and immutable from then on. Built by one thread, then shared by reference.
 */
#ifndef METRICS_BATCH_H
#define METRICS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/family.h"

struct batch;

/* A batch being built. NULL when memory runs out. */
struct batch *batch_new(void);

/*
 * Adds one sample of a collected family (id < FAMILY_COLLECTED_COUNT); `values` as in
 * exposition_sample_int. A second sample with the same labels (as exported, after UTF-8 repair)
 * is dropped at sealing and counted there: Prometheus refuses a whole page that holds one.
 * Memory trouble is remembered until batch_seal.
 */
void batch_add(struct batch *batch, enum family_id family, const char *const *values, int64_t value);

/*
 * Says that the batch lacks `count` samples of a limited family, whose values are in its overflow
 * family instead. Adds up.
 */
void batch_add_overflowed(struct batch *batch, enum family_id family, size_t count);

/*
 * Ends building, once: sorts the lines of each family by their labels, drops duplicates (the
 * first added stays). O(n log n) in the samples of this batch. False when memory ran out at any
 * time: the batch must be put back and not be used. *duplicates (may be NULL) is the number of
 * samples dropped.
 */
bool batch_seal(struct batch *batch, size_t *duplicates);

/* The lines of one family, each ended by '\n'; *length 0 when there are none. Sealed only. */
const char *batch_lines(const struct batch *batch, enum family_id family, size_t *length);

/* Number of samples of one family. Sealed only. */
size_t batch_sample_count(const struct batch *batch, enum family_id family);

/* What batch_add_overflowed was told of one family. Sealed only; 0 for one without samples. */
size_t batch_overflowed(const struct batch *batch, enum family_id family);

struct batch *batch_get(struct batch *batch);
void batch_put(struct batch *batch); /* NULL is allowed */

#endif
