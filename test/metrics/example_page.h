/* A registry with one of everything: what the golden pages show. */
#ifndef TEST_METRICS_EXAMPLE_PAGE_H
#define TEST_METRICS_EXAMPLE_PAGE_H

#include "metrics/registry.h"
#include "metrics/self_metrics.h"

/* Fills *self with fixed numbers; what it points to is constant. */
void example_self_metrics(struct self_metrics *self);

/*
 * A published registry: an RDS instance with users, one whose names need escapes and repair, a
 * PolarDB node that failed, one never asked, and the user limits. NULL when memory runs out.
 */
struct registry *example_registry(void);

#endif
