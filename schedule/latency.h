/*
 * A decaying histogram of durations on a logarithmic scale: the recent distribution in constant
 * memory, with quantiles. Fresh observations outweigh old ones, so a change of the world is
 * followed within about as many observations as it remembers. Pure integers; not synchronised.
 */
#ifndef SCHEDULE_LATENCY_H
#define SCHEDULE_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_BUCKETS 48 /* 10 ms times 2^(i/4): up to about 40 s */

/* How many observations count: at the beginning, and at most; and at least. */
#define LATENCY_MEMORY       200
#define LATENCY_MEMORY_LEAST 20

struct latency {
    uint32_t weights[LATENCY_BUCKETS];
    uint32_t observations; /* ever, saturating */
    uint32_t memory;
};

/* An empty histogram. */
void latency_init(struct latency *latency);

/* From now on about the last `memory` observations count, within the bounds above. */
void latency_remember(struct latency *latency, size_t memory);

/* A duration that was measured exactly. */
void latency_observe(struct latency *latency, int64_t duration);

/*
 * A duration known only to lie in (after, until]: its weight is shared among the buckets of that
 * range in proportion to what they hold (Turnbull's self-consistency for interval-censored
 * data, J. R. Statist. Soc. B 38, 1976), so that finding something finished at a poll does not
 * pretend that it finished at the moment of the poll.
 */
void latency_observe_between(struct latency *latency, int64_t after, int64_t until);

/*
 * The duration below which a thousandth `permille` of those longer than `after` lie; `fallback`
 * when too little is known about them.
 */
int64_t latency_quantile(const struct latency *latency, int64_t after, unsigned permille, int64_t fallback);

#endif
