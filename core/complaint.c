#include "core/complaint.h"

#include "core/clock.h"

#define FIRST_QUIET   (60 * NS_PER_SECOND)
#define LONGEST_QUIET (3600 * NS_PER_SECOND)

bool complaint_raise(struct complaint *complaint, int kind, int64_t now, uint64_t *repeats)
{
    *repeats = complaint->repeats;
    if (complaint->kind == kind && now < complaint->next_ns) {
        *repeats = ++complaint->repeats;
        return false;
    }
    complaint->repeats = 0;
    if (complaint->kind != kind)
        complaint->quiet_ns = FIRST_QUIET;
    else
        complaint->quiet_ns =
            complaint->quiet_ns * 2 < LONGEST_QUIET ? complaint->quiet_ns * 2 : LONGEST_QUIET;
    complaint->kind = kind;
    complaint->next_ns = clock_add(now, complaint->quiet_ns);
    return true;
}

bool complaint_settle(struct complaint *complaint, uint64_t *repeats)
{
    bool was_open = complaint->kind != 0;

    *repeats = complaint->repeats;
    *complaint = (struct complaint){.kind = 0};
    return was_open;
}
