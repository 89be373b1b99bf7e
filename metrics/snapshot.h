/*
 * One finished page, immutable and reference-counted, in both formats. The sample lines are kept
 * once and shared by the formats. A format's gzip form is made at its first use, once.
 */
#ifndef METRICS_SNAPSHOT_H
#define METRICS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "metrics/exposition.h"
#include "metrics/family.h"

struct snapshot;

/* One piece of the page; the page is the pieces in order. */
struct snapshot_part {
    const char *bytes;
    size_t length;
};

/*
 * Builds a page from one strbuf of sample lines and the end offset of each family's lines in it;
 * families without lines are left out, header included. Takes the content of `lines` over, also
 * on failure. NULL when memory runs out.
 */
struct snapshot *snapshot_new(struct strbuf *lines, const size_t family_ends[FAMILY_COUNT]);

struct snapshot *snapshot_get(struct snapshot *snapshot);
void snapshot_put(struct snapshot *snapshot); /* NULL is allowed */

/* The pieces of a format; valid while the reference is held. *length: the sum of all. */
const struct snapshot_part *snapshot_parts(const struct snapshot *snapshot, enum exposition_format format,
                                           size_t *count, size_t *length);

/*
 * The gzip form of a format. The first caller compresses, others wait for it; later calls are
 * free. False when memory runs out: serve the plain parts.
 */
bool snapshot_gzip(struct snapshot *snapshot, enum exposition_format format, struct snapshot_part *gzip);

#endif
