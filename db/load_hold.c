#include "db/load_hold.h"

static bool lost_more_than_half(size_t before, size_t now)
{
    return now < before && now < before - now;
}

enum load_belief load_hold_judge(struct load_hold *hold, struct load_size found, bool asked, int64_t now)
{
    bool shrunk = hold->known && (lost_more_than_half(hold->in_force.entries, found.entries) ||
                                  lost_more_than_half(hold->in_force.clusters, found.clusters));
    bool same =
        hold->holding && found.entries <= hold->found.entries && found.clusters <= hold->found.clusters;

    if (!shrunk || asked || (same && now - hold->since >= LOAD_HOLD_TIME)) {
        *hold = (struct load_hold){.known = true, .in_force = found};
        return LOAD_BELIEVED;
    }
    if (same)
        return LOAD_HELD_STILL;
    hold->holding = true;
    hold->found = found;
    hold->since = now;
    return LOAD_HELD_ANEW;
}
