#include "db/load_hold.h"

enum load_belief load_hold_judge(struct load_hold *hold, size_t found, bool asked, int64_t now)
{
    bool shrunk = hold->known && found < hold->in_force && found < hold->in_force - found;
    bool same = hold->holding && found <= hold->found;

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
