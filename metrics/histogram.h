/* A fixed-bucket histogram of durations. Not synchronised; copied freely. */
#ifndef METRICS_HISTOGRAM_H
#define METRICS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 12

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* plain, the last is above every bound */
    double sum;                            /* seconds */
};

/* Upper bounds in seconds: 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60. */
extern const double histogram_bounds[HISTOGRAM_BOUNDS];

void histogram_observe(struct histogram *histogram, int64_t duration_ns);

#endif
