#include "metrics/histogram.h"

#include "core/clock.h"

const double histogram_bounds[HISTOGRAM_BOUNDS] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

void histogram_observe(struct histogram *histogram, int64_t duration_ns)
{
    double seconds = duration_ns > 0 ? (double)duration_ns / (double)NS_PER_SECOND : 0;
    size_t bucket = 0;

    while (bucket < HISTOGRAM_BOUNDS && seconds > histogram_bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum += seconds;
}
