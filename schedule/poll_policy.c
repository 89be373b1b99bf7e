#include "schedule/poll_policy.h"

/* Quantiles, in thousandths, of the completion time at which to poll. */
#define QUANTILE_SCARCE   950
#define QUANTILE_EARLY    750
#define QUANTILE_EARLIEST 250
#define QUANTILE_HORIZON  990
/* Below this number of observations the start values rule. */
#define ENOUGH_OBSERVATIONS 8
/* The most that is saved up for early polls: 30 of them. */
#define CREDIT_MAX 30000
/* The most that is owed after a time of many polls in vain: what 50 results bring in. */
#define DEBT_MAX (50 * POLL_MISSES_ALLOWED)

void poll_policy_init(struct poll_policy *policy)
{
    latency_init(&policy->completion);
    policy->credit = 0;
}

void poll_policy_expect(struct poll_policy *policy, size_t targets)
{
    latency_remember(&policy->completion, 2 * targets);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

/*
 * The more was saved up, the earlier. That is also how a world that became faster is noticed: a
 * result found at a late poll does not say how long it had been there.
 */
static unsigned early_quantile(int64_t credit)
{
    return QUANTILE_EARLY - (unsigned)(credit * (QUANTILE_EARLY - QUANTILE_EARLIEST) / CREDIT_MAX);
}

int64_t poll_policy_next(const struct poll_policy *policy, int64_t asked, bool slack)
{
    bool early = slack && policy->credit > 0;
    /* With nothing learned: 1 s, then half (a quarter) as long again each time. */
    int64_t fallback = asked == 0 ? POLL_START : asked + asked / (early ? 4 : 2);
    unsigned permille = early ? early_quantile(policy->credit) : QUANTILE_SCARCE;
    int64_t next = fallback;

    if (policy->completion.observations >= ENOUGH_OBSERVATIONS)
        next = latency_quantile(&policy->completion, asked, permille, fallback);
    return asked + clamp(next - asked, POLL_SHORTEST, POLL_LONGEST);
}

void poll_policy_found(struct poll_policy *policy, int64_t asked, int64_t found)
{
    latency_observe_between(&policy->completion, asked, found);
    policy->credit += POLL_MISSES_ALLOWED;
    if (policy->credit > CREDIT_MAX)
        policy->credit = CREDIT_MAX;
}

void poll_policy_missed(struct poll_policy *policy)
{
    policy->credit -= 1000;
    if (policy->credit < -DEBT_MAX)
        policy->credit = -DEBT_MAX;
}

int64_t poll_policy_horizon(const struct poll_policy *policy)
{
    int64_t horizon = latency_quantile(&policy->completion, 0, QUANTILE_HORIZON, 4 * POLL_START);

    return clamp(horizon, POLL_SHORTEST, POLL_LONGEST);
}
