/*
 * When to ask for a result: each poll costs quota, each delay costs freshness. One policy per
 * account and engine; it learns the distribution of completion times from what polls find.
 * Pure; owned by the scheduler thread. All times are ns since the submit was answered.
 */
#ifndef SCHEDULE_POLL_POLICY_H
#define SCHEDULE_POLL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "schedule/latency.h"

#define POLL_START    NS_PER_SECOND /* the first poll while nothing is known */
#define POLL_SHORTEST (NS_PER_SECOND / 2)
#define POLL_LONGEST  (30 * NS_PER_SECOND)

/* The share of results that may cost a poll more than one, in thousandths. */
#define POLL_MISSES_ALLOWED 80

struct poll_policy {
    struct latency completion;
    int64_t credit; /* polls in vain that may still be risked, in thousandths */
};

void poll_policy_init(struct poll_policy *policy);

/* So many targets are asked in one cycle: what was learned is forgotten within about two. */
void poll_policy_expect(struct poll_policy *policy, size_t targets);

/*
 * The time of the next poll, given that the result was not there at `asked` (0: never asked).
 * `slack`: calls that are not used now are lost anyway, so that an earlier poll costs nobody
 * anything; how often that may go wrong is limited by what POLL_MISSES_ALLOWED has saved up.
 */
int64_t poll_policy_next(const struct poll_policy *policy, int64_t asked, bool slack);

/* A result was there at `found`, and was not there yet at `asked` (0: never asked before). */
void poll_policy_found(struct poll_policy *policy, int64_t asked, int64_t found);

/* A poll was in vain. */
void poll_policy_missed(struct poll_policy *policy);

/* The time within which nearly all results come. */
int64_t poll_policy_horizon(const struct poll_policy *policy);

#endif
