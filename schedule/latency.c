#include "schedule/latency.h"

#include <string.h>

#include "core/clock.h"

#define FIRST_BOUND (10 * NS_PER_MS)
/* The weight of one observation when it is made; older ones shrink by 1/memory each. */
#define OBSERVATION_WEIGHT (1u << 20)
/* A range that holds less than this share of one observation says nothing about quantiles. */
#define NEGLIGIBLE_WEIGHT (OBSERVATION_WEIGHT / 16)

/* 2^(1/4), 2^(2/4), 2^(3/4) in 1/65536. */
static const int64_t quarter_powers[4] = {65536, 77936, 92682, 110218};

/* The upper bound of bucket i; the last one has none. */
static int64_t upper_bound(unsigned i)
{
    return (FIRST_BOUND << (i / 4)) * quarter_powers[i % 4] / 65536;
}

static unsigned bucket_of(int64_t duration)
{
    unsigned low = 0, high = LATENCY_BUCKETS - 1;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (duration <= upper_bound(middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The bucket of the shortest duration above `after`. */
static unsigned bucket_above(int64_t after)
{
    return after <= 0 ? 0 : bucket_of(after < INT64_MAX ? after + 1 : after);
}

void latency_init(struct latency *latency)
{
    memset(latency, 0, sizeof(*latency));
    latency->memory = LATENCY_MEMORY;
}

void latency_remember(struct latency *latency, size_t memory)
{
    if (memory < LATENCY_MEMORY_LEAST)
        memory = LATENCY_MEMORY_LEAST;
    latency->memory = memory < LATENCY_MEMORY ? (uint32_t)memory : LATENCY_MEMORY;
}

static void decay(struct latency *latency)
{
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        latency->weights[i] -= latency->weights[i] / latency->memory;
    if (latency->observations < UINT32_MAX)
        latency->observations++;
}

void latency_observe(struct latency *latency, int64_t duration)
{
    decay(latency);
    latency->weights[bucket_of(duration)] += OBSERVATION_WEIGHT;
}

void latency_observe_between(struct latency *latency, int64_t after, int64_t until)
{
    unsigned first = bucket_above(after);
    unsigned last = bucket_of(until);
    /* Every bucket starts with a little, so that an unseen range can be learned at all. */
    const uint64_t seed = OBSERVATION_WEIGHT / 64;
    uint64_t total = 0;

    decay(latency);
    for (unsigned i = first; i <= last; i++)
        total += latency->weights[i] + seed;
    for (unsigned i = first; i <= last; i++)
        latency->weights[i] += (uint32_t)(OBSERVATION_WEIGHT * (latency->weights[i] + seed) / total);
}

int64_t latency_quantile(const struct latency *latency, int64_t after, unsigned permille, int64_t fallback)
{
    unsigned first = bucket_above(after);
    uint64_t total = 0, wanted, sum = 0;

    for (unsigned i = first; i < LATENCY_BUCKETS; i++)
        total += latency->weights[i];
    if (total < NEGLIGIBLE_WEIGHT || after >= upper_bound(LATENCY_BUCKETS - 1))
        return fallback;
    wanted = total * permille / 1000;
    for (unsigned i = first; i < LATENCY_BUCKETS; i++) {
        sum += latency->weights[i];
        if (sum > wanted || (sum == wanted && sum == total))
            return upper_bound(i);
    }
    return upper_bound(LATENCY_BUCKETS - 1);
}
