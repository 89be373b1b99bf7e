"""A full cycle under the quota: how near to the bound, and never a call too many."""

import statistics
import time

import lab

TARGETS = lab.long_or_short(200, 20)
LIMIT = 60
CALLS_PER_TARGET = 2
COLD_RUNS = lab.long_or_short(3, 1)
STEADY_INTERVAL_S = lab.long_or_short(10, 2)
STEADY_SECONDS = lab.long_or_short(60, 3)
NETWORK = {"completion_median": "1s", "rtt": "50ms", "jitter": "20ms"}


def cold_run():
    with lab.simulator(quota=LIMIT, **NETWORK) as sim:
        with lab.exporter(sim, targets=TARGETS, rate_limit=LIMIT, interval="60s"):
            return lab.await_delivered(sim, TARGETS, 120)


def steady_run():
    """After a first cycle, when the completion times have been learned."""
    with lab.simulator(quota=LIMIT, **NETWORK) as sim:
        with lab.exporter(sim, targets=TARGETS, rate_limit=LIMIT, interval=f"{STEADY_INTERVAL_S}s"):
            lab.await_delivered(sim, 2 * TARGETS, 120)
            lab.get_json(sim.url, "/stats/reset", "POST")
            time.sleep(STEADY_SECONDS)
            return lab.account_stats(sim)


def counts(stats):
    return [stats["worst_window"], stats["quota_exceeded"], stats["throttled"], f"{stats['calls_per_delivered']:.2f}"]


def run():
    bound = CALLS_PER_TARGET * TARGETS / LIMIT
    rows, lengths = [], []
    for number in range(COLD_RUNS):
        stats = cold_run()
        lengths.append(stats["last_call_s"] - stats["first_call_s"])
        rows.append([f"cold {number + 1}", f"{lengths[-1]:.1f} s", *counts(stats)])
    steady = steady_run()
    rows.append([f"steady, every {STEADY_INTERVAL_S} s", "–", *counts(steady)])
    length = statistics.median(lengths)
    return f"""## A full cycle under the quota

{TARGETS} targets of one account, `rate_limit = {LIMIT}`, a simulator that rejects call {LIMIT + 1} in any second.
A result takes 1 s in the median (log-normal, σ 0.5), a call 50 ± 20 ms. A *cold* cycle is the first after a
start, before anything is known of the completion times; its length is from the first call to the last.
After a start no call is made for one window (1 s), which is not in the length.

{lab.table(["run", "length", "most calls in 1 s", "calls over the quota", "throttled", "calls per result"], rows)}

Nobody can be faster than {CALLS_PER_TARGET} calls per target ÷ {LIMIT} per second = {bound:.1f} s, and a result has to be
computed before its last call. The median of the cold cycles is {length:.1f} s, {length / bound:.2f} × that bound.
{verdict(steady, rows)}"""


def verdict(steady, rows):
    lines = []
    if any(row[2] > LIMIT or row[3] or row[4] for row in rows):
        lines.append("**The quota was exceeded**; that must not happen.")
    if round(steady["calls_per_delivered"], 2) > 2.1:
        lines.append("**More than 2.1 calls per result in the steady state**: the aim is missed.")
    return "\n".join(lines) or "The quota was never exceeded, and the steady state costs at most 2.1 calls per result."
