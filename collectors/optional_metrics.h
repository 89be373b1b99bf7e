/*
 * The metrics of config/optional_metrics.h: the translator between a DAS reply and their samples.
 * Pure.
 */
#ifndef COLLECTORS_OPTIONAL_METRICS_H
#define COLLECTORS_OPTIONAL_METRICS_H

#include <stdbool.h>

#include "config/config.h"
#include "das/reply.h"
#include "db/inventory.h"
#include "metrics/batch.h"

/* What to ask: the parts of a reply (enum das_part) that the metrics which are on need. */
unsigned optional_metrics_parts(const struct optional_metrics_config *config);

/*
 * Adds the samples of the metrics that are on. A metric whose numbers the reply does not have gets
 * none: missing is never 0. False when memory ran out.
 */
bool optional_metrics_add(struct batch *batch, const struct target *target, const struct das_reply *reply,
                          const struct optional_metrics_config *config);

#endif
