#include "db/load_schedule.h"

#include "core/clock.h"
#include "core/text.h"

#define FIRST_RETRY    NS_PER_SECOND
#define LONGEST_RETRY  (60 * NS_PER_SECOND)
#define JITTER_STEPS   1024
#define JITTER_DIVISOR 4 /* the jitter takes off up to this part of a delay */

void load_schedule_init(struct load_schedule *schedule, uint64_t jitter_seed)
{
    *schedule = (struct load_schedule){.jitter_seed = jitter_seed};
}

static unsigned scope_at(int index)
{
    return 1u << index;
}

void load_schedule_configure(struct load_schedule *schedule, const int64_t intervals[LOAD_SCOPE_COUNT],
                             int64_t now)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++)
        schedule->timers[i].interval = intervals[i];
    load_schedule_request(schedule, LOAD_ALL, now);
}

void load_schedule_request(struct load_schedule *schedule, unsigned scopes, int64_t now)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        struct load_timer *timer = &schedule->timers[i];

        if ((scopes & scope_at(i)) == 0 || timer->interval == 0)
            continue;
        timer->requested = true;
        timer->planned = now;
    }
}

bool load_schedule_wanted(const struct load_schedule *schedule, enum load_scope scope)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        if (scope_at(i) == (unsigned)scope)
            return schedule->timers[i].interval != 0;
    }
    return false;
}

static bool timer_due(const struct load_timer *timer, int64_t now)
{
    return timer->interval != 0 && !timer->running && timer->planned <= now;
}

unsigned load_schedule_take(struct load_schedule *schedule, int64_t now)
{
    unsigned taken = 0;

    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        struct load_timer *timer = &schedule->timers[i];

        if (!timer_due(timer, now))
            continue;
        timer->running = true;
        timer->requested = false;
        taken |= scope_at(i);
    }
    return taken;
}

/*
 * The same number of failures gives scopes the same delay, so that those that fail together stay
 * together.
 */
static int64_t retry_delay(const struct load_timer *timer, uint64_t jitter_seed)
{
    int64_t longest = timer->interval < LONGEST_RETRY ? timer->interval : LONGEST_RETRY;
    int64_t delay = FIRST_RETRY;
    uint64_t hash = text_hash(TEXT_HASH_START, &jitter_seed, sizeof(jitter_seed));
    int64_t steps;

    for (uint64_t i = 1; i < timer->failures && delay < longest; i++)
        delay *= 2;
    if (delay > longest)
        delay = longest;
    hash = text_hash(hash, &timer->failures, sizeof(timer->failures));
    steps = (int64_t)(hash % JITTER_STEPS);
    return delay - clock_scale(delay, steps, (int64_t)JITTER_STEPS * JITTER_DIVISOR);
}

static void timer_succeeded(struct load_timer *timer, int64_t now)
{
    timer->failures = 0;
    if (timer->requested)
        return;
    timer->planned = clock_add(timer->planned, timer->interval);
    if (timer->planned <= now)
        timer->planned = clock_add(now, timer->interval);
}

static void timer_failed(struct load_timer *timer, uint64_t jitter_seed, int64_t now)
{
    timer->failures++;
    if (!timer->requested)
        timer->planned = clock_add(now, retry_delay(timer, jitter_seed));
}

void load_schedule_finish(struct load_schedule *schedule, unsigned taken, unsigned loaded, int64_t now)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        struct load_timer *timer = &schedule->timers[i];

        if ((taken & scope_at(i)) == 0)
            continue;
        timer->running = false;
        if ((loaded & scope_at(i)) != 0)
            timer_succeeded(timer, now);
        else
            timer_failed(timer, schedule->jitter_seed, now);
    }
}

int64_t load_schedule_next(const struct load_schedule *schedule)
{
    int64_t next = CLOCK_NEVER;

    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        const struct load_timer *timer = &schedule->timers[i];

        if (timer->interval != 0 && !timer->running && timer->planned < next)
            next = timer->planned;
    }
    return next;
}
