/*
 * The lines of a page: those of the collected families from the targets' batches, the targets'
 * health, and what the exporter says about itself. Pure.
 */
#ifndef METRICS_PAGE_H
#define METRICS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "metrics/batch.h"
#include "metrics/family.h"
#include "metrics/self_metrics.h"

/* One target on the page; borrowed. */
struct page_target {
    const char *labels;        /* the label block of its health series */
    size_t labels_length;      /* 0: it has no health series */
    const struct batch *batch; /* sealed; NULL: no data */
    bool up;
    int64_t success_unix_ms; /* 0: never */
};

/*
 * Appends the lines of all families in the order of the page; family_ends[id] is where those of a
 * family end. Families of optional metrics that are off have none, whatever the batches hold, so
 * that they leave the page at once when they are switched off. `lines` says whether memory ran out.
 */
void page_render(const struct page_target *targets, size_t count, const struct self_metrics *self,
                 struct strbuf *lines, size_t family_ends[FAMILY_COUNT]);

#endif
