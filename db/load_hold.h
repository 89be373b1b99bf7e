/*
 * Whether a load is believed that has lost more than half of what is in force, of entries or of clusters: a job that fills the
 * tables anew, or a file that is being written, is empty for a moment. It is believed when another
 * load, at least LOAD_HOLD_TIME later, says no more than it; until then the old one stays. Pure, with
 * time as an argument. One for each scope.
 */
#ifndef DB_LOAD_HOLD_H
#define DB_LOAD_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

#define LOAD_HOLD_TIME (30 * NS_PER_SECOND)

/* What a load has. */
struct load_size {
    size_t entries;  /* instances, user limits or accounts */
    size_t clusters; /* instances with nodes, which come from a table of their own; else 0 */
};

struct load_hold {
    bool known; /* something is in force */
    struct load_size in_force;
    bool holding;
    struct load_size found; /* by the held load */
    int64_t since;          /* when it came */
};

enum load_belief {
    LOAD_BELIEVED,  /* put it in force */
    LOAD_HELD_ANEW, /* keep the old one; nothing was held, or something else */
    LOAD_HELD_STILL /* keep the old one, as was said before */
};

/* Judges a load; one that a person asked for is believed at once. */
enum load_belief load_hold_judge(struct load_hold *hold, struct load_size found, bool asked, int64_t now);

#endif
