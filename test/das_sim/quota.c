#include "quota.h"

static const uint64_t burst_span = 100000;

static void raise_to(uint64_t *worst, uint64_t count)
{
    if (count > *worst)
        *worst = count;
}

bool quota_admit(struct account *account, const struct options *options, uint64_t now)
{
    uint64_t span = (uint64_t)options->window;

    if (window_count(&account->counted, now, span) >= (size_t)options->quota)
        return false;
    (void)window_add(&account->counted, now, span);
    return true;
}

static void foreign_call(struct account *account, const struct options *options, uint64_t at)
{
    struct tally *tally = &account->tally;

    tally->foreign_calls++;
    if (!quota_admit(account, options, at)) {
        tally->foreign_throttled++;
        return;
    }
    raise_to(&tally->worst_window_with_foreign,
             window_add(&account->attempted_all, at, (uint64_t)options->window));
}

/* Done lazily, in the order of time: the windows see the same events as if a timer
 * had made each call, and an idle account costs nothing. */
void quota_run_foreign(struct account *account, const struct options *options, uint64_t now)
{
    if (options->foreign_rate <= 0) {
        account->foreign_due_us = (double)now;
        return;
    }
    while (account->foreign_due_us <= (double)now) {
        foreign_call(account, options, (uint64_t)account->foreign_due_us);
        account->foreign_due_us += 1e6 / options->foreign_rate;
    }
}

void quota_attempt(struct account *account, const struct options *options, uint64_t now)
{
    struct tally *tally = &account->tally;
    uint64_t span = (uint64_t)options->window;
    size_t count;

    quota_run_foreign(account, options, now);
    tally->calls++;
    if (tally->first_call_us == 0)
        tally->first_call_us = now;
    tally->last_call_us = now;
    count = window_add(&account->attempted, now, span);
    tally->quota_exceeded += count > (size_t)options->quota;
    raise_to(&tally->worst_window, count);
    raise_to(&tally->worst_window_with_foreign, window_add(&account->attempted_all, now, span));
    raise_to(&tally->worst_100ms, window_add(&account->burst, now, burst_span));
}

void quota_restart(struct account *account)
{
    window_clear(&account->counted);
    window_clear(&account->attempted);
    window_clear(&account->attempted_all);
    window_clear(&account->burst);
}
