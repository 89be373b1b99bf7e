/*
 * The quota of one account: never more than N calls in any window W as the server counts them,
 * whatever the delays between here and there.
 *
 * Two rules, both must allow a call:
 *
 * Window slots. There are N. A call takes one when it is dispatched; the slot is free again W
 * after its answer (or its certain failure) was seen. A call without an answer may still be
 * counted up to UNANSWERED_GRACE after we gave up, so its slot stays taken that much longer.
 * Why this is exact: of any N+1 counted calls take the one dispatched last. One of the other N
 * must have given its slot back before that dispatch, hence was answered at least W before it,
 * hence was counted at least W before the last one was sent. So the two are W apart, and no
 * window W holds all N+1.
 *
 * Pacing. Calls are W/N apart with a burst of LIMITER_BURST (a token bucket in its GCRA form,
 * ITU-T I.371 annex A), so that gateways which count shorter windows are content too.
 *
 * A throttled answer lowers N for a while: multiplied by 0.7, once per burst (only if the call
 * was dispatched a window or more after the last cut, when the server has forgotten what was sent
 * before it), then back to N along a cubic (RFC 9438 figure 1, concave part) in LIMITER_RECOVERY.
 *
 * Pure integer arithmetic; time is an argument, never read. Not synchronised: the scheduler
 * thread owns it. After limiter_new nothing allocates.
 */
#ifndef CORE_LIMITER_H
#define CORE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

#define LIMITER_CALLS_MAX        100000 /* the largest N */
#define LIMITER_BURST            3      /* calls that may go back to back */
#define LIMITER_UNANSWERED_GRACE (5 * NS_PER_SECOND)
#define LIMITER_RECOVERY         (30 * NS_PER_SECOND) /* from a cut back to N */
#define LIMITER_RETRY_AFTER_MAX  (60 * NS_PER_SECOND)

struct limiter;

/*
 * N = calls per window (1 … LIMITER_CALLS_MAX), window in ns (> 0). The first call is allowed one
 * window after `now`: calls of a process that just ended are still counted. NULL when memory
 * runs out.
 */
struct limiter *limiter_new(int64_t calls, int64_t window, int64_t now);
void limiter_free(struct limiter *limiter); /* NULL is allowed */

/*
 * Makes room for a later limiter_configure with so many calls. False when memory runs out. Nothing
 * changes otherwise.
 */
bool limiter_reserve(struct limiter *limiter, int64_t calls);

/*
 * New N (reserved before) and window, with calls out. Nothing is forgotten: slots that are taken
 * stay taken, reckoned with the new window; when the window grows, the next call waits for one
 * whole new window, since calls that the old one had forgotten count in it.
 */
void limiter_configure(struct limiter *limiter, int64_t calls, int64_t window, int64_t now);

/*
 * The earliest time >= now at which limiter_acquire can succeed, as far as is known now;
 * CLOCK_NEVER when that depends on an answer still out.
 */
int64_t limiter_next(struct limiter *limiter, int64_t now);

/* Takes a slot and a token. False, and nothing taken, when not allowed at `now`. */
bool limiter_acquire(struct limiter *limiter, int64_t now);

/* How a call that limiter_acquire let go has ended. */
enum limiter_outcome {
    LIMITER_ANSWERED,   /* an answer, or a failure after which the server cannot count it later */
    LIMITER_UNANSWERED, /* nothing came back: it may be counted later */
    LIMITER_UNSENT,     /* never left this process: the slot is free at once */
};
void limiter_release(struct limiter *limiter, enum limiter_outcome outcome, int64_t now);

/*
 * The server throttled a call that was dispatched at dispatched_at. True when this cut the rate,
 * false when it belongs to a burst already answered. retry_after in ns (0: not given) is a lower
 * bound for the next call, clamped to LIMITER_RETRY_AFTER_MAX.
 */
bool limiter_throttled(struct limiter *limiter, int64_t dispatched_at, int64_t retry_after, int64_t now);

/* Calls per window now allowed, 1 … N. */
int64_t limiter_effective(const struct limiter *limiter, int64_t now);

/* So many calls in each window, as calls per second. */
double limiter_per_second(int64_t calls, int64_t window);

/* N and W as configured. */
int64_t limiter_calls(const struct limiter *limiter);
int64_t limiter_window(const struct limiter *limiter);

/* Slots that are taken: calls that are out, and those that the server may still count. */
int64_t limiter_used(struct limiter *limiter, int64_t now);

/* Calls that went out and were not released. */
int64_t limiter_inflight(const struct limiter *limiter);

/* True when no slot is taken: freeing the limiter and making a new one forgets nothing. */
bool limiter_idle(struct limiter *limiter, int64_t now);

#endif
