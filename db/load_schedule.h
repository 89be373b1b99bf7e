/*
 * When to load what: the decisions of the inventory thread, pure and with time as an argument.
 *
 * Each scope has its own interval. Scopes that are due together are taken together, so that one
 * transaction reads them. Due times keep their phase (no drift) and skip what was missed (no
 * catch-up storm). Not synchronised.
 */
#ifndef DB_LOAD_SCHEDULE_H
#define DB_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/source.h"

struct load_timer {
    int64_t interval;  /* ns; 0: the scope is not wanted */
    int64_t planned;   /* when it is due */
    bool requested;    /* due at once; survives a load that was already running */
    bool running;      /* taken, not yet reported */
    uint64_t failures; /* in a row */
};

struct load_schedule {
    struct load_timer timers[LOAD_SCOPE_COUNT];
    uint64_t jitter_seed;
};

/* Nothing is wanted yet. The seed tells exporters apart that lost the same database. */
void load_schedule_init(struct load_schedule *schedule, uint64_t jitter_seed);

/* Sets the intervals, one per scope, 0 for a scope that is not wanted. What is wanted is due at once. */
void load_schedule_configure(struct load_schedule *schedule, const int64_t intervals[LOAD_SCOPE_COUNT],
                             int64_t now);

/* False when that one scope has no interval. */
bool load_schedule_wanted(const struct load_schedule *schedule, enum load_scope scope);

/* Makes the wanted ones of `scopes` due at once. Those running are due again when they end. */
void load_schedule_request(struct load_schedule *schedule, unsigned scopes, int64_t now);

/* The scopes that are due; they count as running until reported. 0 when none is. */
unsigned load_schedule_take(struct load_schedule *schedule, int64_t now);

/*
 * Reports the scopes of one take: `loaded` are the good ones, the rest of `taken` failed and is
 * due after 1 s, 2 s, 4 s …, at most its interval or a minute, less up to a quarter of jitter.
 */
void load_schedule_finish(struct load_schedule *schedule, unsigned taken, unsigned loaded, int64_t now);

/* When the next take can give something; CLOCK_NEVER when nothing is wanted or all is running. */
int64_t load_schedule_next(const struct load_schedule *schedule);

#endif
