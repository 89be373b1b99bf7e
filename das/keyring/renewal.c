#include "das/keyring/renewal.h"

/* Uniformly in [low, high]. */
static int64_t between(int64_t low, int64_t high, uint64_t random)
{
    return low + (int64_t)(random % (uint64_t)(high - low + 1));
}

void renewal_init(struct renewal *renewal, int64_t now)
{
    *renewal = (struct renewal){.due = now, .expires = CLOCK_NEVER};
}

int64_t renewal_next(const struct renewal *renewal)
{
    return renewal->due < renewal->expires ? renewal->due : renewal->expires;
}

void renewal_start(struct renewal *renewal, int64_t now)
{
    renewal->started = now;
    renewal->due = CLOCK_NEVER;
}

void renewal_issued(struct renewal *renewal, int64_t life, uint64_t random, int64_t now)
{
    int64_t delay = between(clock_scale(life, 75, 100), clock_scale(life, 85, 100), random);

    renewal->expires = clock_add(now, life);
    renewal->due = clock_add(now, delay > RENEWAL_GAP ? delay : RENEWAL_GAP);
    renewal->backoff = 0;
}

void renewal_read(struct renewal *renewal, uint64_t random, int64_t now)
{
    renewal->due = clock_add(now, between(RENEWAL_FILE_MIN, RENEWAL_FILE_MAX, random));
    renewal->backoff = 0;
}

void renewal_settle(struct renewal *renewal)
{
    renewal->due = CLOCK_NEVER;
    renewal->backoff = 0;
}

bool renewal_failure_lasts(enum error_class class)
{
    switch (class) {
    case ERROR_CREDENTIALS:
    case ERROR_TOKEN_EXPIRED:
    case ERROR_CLOCK_SKEW:
    case ERROR_CONFIG:
    case ERROR_REFUSED:
        return true;
    default:
        return false;
    }
}

static int64_t double_within(int64_t backoff, int64_t first, int64_t last)
{
    if (backoff < first)
        return first;
    return backoff < last / 2 ? 2 * backoff : last;
}

void renewal_fail(struct renewal *renewal, enum error_class class, uint64_t random, int64_t now)
{
    if (class == ERROR_CLOCK_SKEW)
        renewal->backoff = RENEWAL_LASTING_FIRST;
    else if (renewal_failure_lasts(class))
        renewal->backoff = double_within(renewal->backoff, RENEWAL_LASTING_FIRST, RENEWAL_LASTING_MAX);
    else
        renewal->backoff = double_within(renewal->backoff, RENEWAL_PASSING_FIRST, RENEWAL_PASSING_MAX);
    renewal->due = clock_add(now, between(clock_scale(renewal->backoff, 75, 100), renewal->backoff, random));
}

void renewal_wait(struct renewal *renewal)
{
    renewal->due = CLOCK_NEVER;
}

void renewal_hasten(struct renewal *renewal, int64_t now)
{
    int64_t earliest = renewal->started > 0 ? clock_add(renewal->started, RENEWAL_GAP) : now;
    int64_t due = earliest > now ? earliest : now;

    if (due < renewal->due)
        renewal->due = due;
}

bool renewal_expired(const struct renewal *renewal, int64_t now)
{
    return now >= renewal->expires;
}
