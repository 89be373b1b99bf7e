#include "core/limiter.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A queue of times at which slots come free; times only ever grow from front to back. */
struct cooling_slots {
    int64_t *free_at;
    size_t capacity;
    size_t first;
    size_t count;
};

struct limiter {
    int64_t calls;  /* N */
    int64_t window; /* W */
    int64_t inflight;
    /* Two queues, since an unanswered call's slot stays taken longer than those after it. */
    struct cooling_slots answered;
    struct cooling_slots unanswered;
    int64_t not_before; /* start-up window and x-acs-retry-after */
    int64_t arrival;    /* GCRA's theoretical arrival time of the next call */
    bool cut;           /* the rate was cut since the start */
    int64_t cut_at;
    int64_t calls_before_cut;
};

/* The cubic is reckoned in these units of LIMITER_RECOVERY, so that a cube fits into 63 bits. */
#define CUBIC_UNIT        INT64_C(1024)
#define CUBIC_UNITS_CUBED (CUBIC_UNIT * CUBIC_UNIT * CUBIC_UNIT)
/* The share that a cut takes away, in tenths. */
#define CUT_TENTHS 3

static void cooling_expire(struct cooling_slots *slots, int64_t now)
{
    while (slots->count > 0 && slots->free_at[slots->first] <= now) {
        slots->first = (slots->first + 1) % slots->capacity;
        slots->count--;
    }
}

static int64_t *cooling_at(const struct cooling_slots *slots, size_t i)
{
    return &slots->free_at[(slots->first + i) % slots->capacity];
}

static void cooling_add(struct cooling_slots *slots, int64_t free_at)
{
    assert(slots->count < slots->capacity);
    slots->count++;
    *cooling_at(slots, slots->count - 1) = free_at;
}

static int64_t cooling_next(const struct cooling_slots *slots)
{
    return slots->count > 0 ? *cooling_at(slots, 0) : CLOCK_NEVER;
}

/* Makes room for `capacity` times; nothing else changes. */
static bool cooling_reserve(struct cooling_slots *slots, size_t capacity)
{
    int64_t *free_at;

    if (capacity <= slots->capacity)
        return true;
    free_at = calloc(capacity, sizeof(*free_at));
    if (free_at == NULL)
        return false;
    for (size_t i = 0; i < slots->count; i++)
        free_at[i] = *cooling_at(slots, i);
    free(slots->free_at);
    *slots = (struct cooling_slots){.free_at = free_at, .capacity = capacity, .count = slots->count};
    return true;
}

static void cooling_delay(struct cooling_slots *slots, int64_t old_window, int64_t new_window)
{
    for (size_t i = 0; i < slots->count; i++)
        *cooling_at(slots, i) = clock_add(*cooling_at(slots, i) - old_window, new_window);
}

static int64_t spacing(const struct limiter *limiter, int64_t effective)
{
    return limiter->window / effective;
}

struct limiter *limiter_new(int64_t calls, int64_t window, int64_t now)
{
    struct limiter *limiter = calloc(1, sizeof(*limiter));

    if (limiter == NULL)
        return NULL;
    if (!limiter_reserve(limiter, calls)) {
        limiter_free(limiter);
        return NULL;
    }
    limiter->window = window;
    limiter_configure(limiter, calls, window, now);
    limiter->not_before = clock_add(now, window);
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    if (limiter == NULL)
        return;
    free(limiter->answered.free_at);
    free(limiter->unanswered.free_at);
    free(limiter);
}

bool limiter_reserve(struct limiter *limiter, int64_t calls)
{
    /* Calls still out come back into the queues, whatever the new N is. */
    size_t taken = (size_t)limiter->inflight + limiter->answered.count + limiter->unanswered.count;
    size_t capacity = (size_t)calls > taken ? (size_t)calls : taken;

    return cooling_reserve(&limiter->answered, capacity) && cooling_reserve(&limiter->unanswered, capacity);
}

void limiter_configure(struct limiter *limiter, int64_t calls, int64_t window, int64_t now)
{
    int64_t latest_arrival;

    assert(calls >= 1 && calls <= LIMITER_CALLS_MAX && window > 0);
    assert((size_t)calls <= limiter->answered.capacity && (size_t)calls <= limiter->unanswered.capacity);
    /* Calls that the shorter window has forgotten count in the longer one. */
    if (window > limiter->window && limiter->not_before < clock_add(now, window))
        limiter->not_before = clock_add(now, window);
    /* The wait after a start is one window, whichever is in force. */
    if (window < limiter->window && limiter->not_before > clock_add(now, window))
        limiter->not_before = clock_add(now, window);
    cooling_delay(&limiter->answered, limiter->window, window);
    cooling_delay(&limiter->unanswered, limiter->window, window);
    limiter->calls = calls;
    limiter->window = window;
    /* What was paced for a lower rate need not wait for it. */
    latest_arrival = clock_add(now, LIMITER_BURST * spacing(limiter, calls));
    if (limiter->arrival > latest_arrival)
        limiter->arrival = latest_arrival;
}

/* The largest r with r³ ≤ value, for value < 2^33. */
static int64_t cube_root(int64_t value)
{
    int64_t root = 0;

    for (int64_t bit = 1024; bit > 0; bit /= 2) {
        int64_t candidate = root + bit;

        if (candidate * candidate * candidate <= value)
            root = candidate;
    }
    return root;
}

/* Rounded towards minus infinity: a rate that is not quite reached is not reached. */
static int64_t divide_down(int64_t numerator, int64_t denominator)
{
    int64_t quotient = numerator / denominator;

    return numerator % denominator < 0 ? quotient - 1 : quotient;
}

/*
 * CUBIC (RFC 9438 section 4.2): L + C·(t − K)³ with L the rate before the cut and K the time at
 * which L is reached again. C is such that a cut from N takes LIMITER_RECOVERY to get back to N.
 */
int64_t limiter_effective(const struct limiter *limiter, int64_t now)
{
    int64_t calls = limiter->calls;
    int64_t before = limiter->calls_before_cut < calls ? limiter->calls_before_cut : calls;
    int64_t since = now - limiter->cut_at;
    int64_t offset, cube, allowed;

    if (!limiter->cut || since >= 3 * LIMITER_RECOVERY)
        return calls;
    offset = clock_scale(since > 0 ? since : 0, CUBIC_UNIT, LIMITER_RECOVERY) -
             cube_root(before * CUBIC_UNITS_CUBED / calls);
    cube = offset * offset * offset / (CUBIC_UNIT * CUBIC_UNIT);
    allowed = before + divide_down(calls * CUT_TENTHS * cube, 10 * CUBIC_UNIT);
    if (allowed < 1)
        return 1;
    return allowed < calls ? allowed : calls;
}

int64_t limiter_used(struct limiter *limiter, int64_t now)
{
    cooling_expire(&limiter->answered, now);
    cooling_expire(&limiter->unanswered, now);
    return limiter->inflight + (int64_t)(limiter->answered.count + limiter->unanswered.count);
}

/* When pacing and the waiting times imposed from outside allow the next call. */
static int64_t paced_at(const struct limiter *limiter, int64_t effective)
{
    int64_t paced = limiter->arrival - (LIMITER_BURST - 1) * spacing(limiter, effective);

    return paced > limiter->not_before ? paced : limiter->not_before;
}

/* When a slot can come free without an answer to a call that is out. */
static int64_t slot_at(struct limiter *limiter, int64_t effective, int64_t now)
{
    int64_t answered = cooling_next(&limiter->answered);
    int64_t unanswered = cooling_next(&limiter->unanswered);
    int64_t next = answered < unanswered ? answered : unanswered;

    /* While the rate recovers, slots are added by time alone. */
    if (effective < limiter->calls) {
        int64_t recovered = clock_add(now, LIMITER_RECOVERY / CUBIC_UNIT);

        next = recovered < next ? recovered : next;
    }
    return next;
}

bool limiter_idle(struct limiter *limiter, int64_t now)
{
    return limiter_used(limiter, now) == 0;
}

int64_t limiter_next(struct limiter *limiter, int64_t now)
{
    int64_t effective = limiter_effective(limiter, now);
    int64_t next = paced_at(limiter, effective);

    if (limiter_used(limiter, now) >= effective) {
        int64_t slot = slot_at(limiter, effective, now);

        next = slot > next ? slot : next;
    }
    return next > now ? next : now;
}

bool limiter_acquire(struct limiter *limiter, int64_t now)
{
    int64_t effective = limiter_effective(limiter, now);

    if (now < paced_at(limiter, effective) || limiter_used(limiter, now) >= effective)
        return false;
    limiter->inflight++;
    limiter->arrival = (limiter->arrival > now ? limiter->arrival : now) + spacing(limiter, effective);
    return true;
}

void limiter_release(struct limiter *limiter, enum limiter_outcome outcome, int64_t now)
{
    assert(limiter->inflight > 0);
    limiter->inflight--;
    cooling_expire(&limiter->answered, now);
    cooling_expire(&limiter->unanswered, now);
    if (outcome == LIMITER_ANSWERED)
        cooling_add(&limiter->answered, clock_add(now, limiter->window));
    else if (outcome == LIMITER_UNANSWERED)
        cooling_add(&limiter->unanswered, clock_add(now, limiter->window + LIMITER_UNANSWERED_GRACE));
}

bool limiter_throttled(struct limiter *limiter, int64_t dispatched_at, int64_t retry_after, int64_t now)
{
    int64_t wait = retry_after < LIMITER_RETRY_AFTER_MAX ? retry_after : LIMITER_RETRY_AFTER_MAX;
    int64_t until = clock_add(now, wait > 0 ? wait : 0);

    if (until > limiter->not_before)
        limiter->not_before = until;
    /* For a window after a cut the server still counts what was sent before it. */
    if (limiter->cut && dispatched_at < clock_add(limiter->cut_at, limiter->window))
        return false;
    limiter->calls_before_cut = limiter_effective(limiter, now);
    limiter->cut = true;
    limiter->cut_at = now;
    return true;
}

int64_t limiter_calls(const struct limiter *limiter)
{
    return limiter->calls;
}

int64_t limiter_window(const struct limiter *limiter)
{
    return limiter->window;
}

double limiter_per_second(int64_t calls, int64_t window)
{
    return (double)calls * (double)NS_PER_SECOND / (double)window;
}

int64_t limiter_inflight(const struct limiter *limiter)
{
    return limiter->inflight;
}
