/*
 * What targets ask of a quota: the engine stretches their interval by it, and --check says so before anything
 * runs. Pure.
 */
#ifndef SCHEDULE_DEMAND_H
#define SCHEDULE_DEMAND_H

#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/limiter.h"

#define DEMAND_ROUND_TRIP (50 * NS_PER_MS) /* assumed until measured */

/* So many calls in each window; a slot is taken for the window and the round trip: see core/limiter.h. */
struct quota {
    int64_t calls;
    int64_t window;
    int64_t round_trip;
};

struct demand {
    double per_second; /* calls for a result of every target in each interval */
    int64_t cycle;     /* ns in which the quota allows a result of every target, whatever the interval */
};

/* A result costs calls_per_result thousandths of a call. */
static inline struct demand demand_of(size_t targets, int64_t calls_per_result, int64_t interval,
                                      const struct quota *quota)
{
    int64_t calls = ((int64_t)targets * calls_per_result + 999) / 1000;

    return (struct demand){
        .per_second = limiter_per_second(calls, interval),
        .cycle = clock_scale(quota->window + quota->round_trip, calls, quota->calls),
    };
}

#endif
