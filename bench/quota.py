"""A refresh of 1 000 targets of one account: time, calls, throttling."""

import lab

TARGETS = lab.long_or_short(1000, 30)
LIMIT = 60
CALLS_PER_TARGET = 2
COMPLETION_S = lab.long_or_short(2, 1)
REFRESHES = lab.long_or_short(3, 1)
NETWORK = {"completion_median": f"{COMPLETION_S}s", "completion_sigma": "0.5", "rtt": "80ms", "jitter": "40ms"}
TIME_AIM = 1.12
CALLS_AIM = 2.10


def bound(targets):
    """Seconds: all calls at the full rate, and one result that is still to be computed."""
    return CALLS_PER_TARGET * targets / LIMIT + COMPLETION_S


def measure():
    """[(seconds, statistics)] of the first cycle and of the refreshes after it."""
    with lab.simulator(quota=LIMIT, **NETWORK) as sim:
        with lab.exporter(sim, targets=TARGETS, rate_limit=LIMIT, interval="1h") as running:
            stats = lab.await_delivered(sim, TARGETS, 180)
            measured = [(stats["last_call_s"] - stats["first_call_s"], stats)]
            for _ in range(REFRESHES):
                lab.get_json(sim.url, "/stats/reset", "POST")
                measured.append((running.refresh(), lab.account_stats(sim)))
    return measured


def counts(stats):
    return [f"{stats['calls'] / stats['results_delivered']:.3f}", stats["throttled"], stats["worst_window"]]


def row(name, seconds, stats):
    return [name, f"{seconds:.1f} s", f"{seconds / bound(TARGETS):.2f}", *counts(stats)]


def verdict(warm):
    misses = []
    if any(seconds > TIME_AIM * bound(TARGETS) for seconds, _ in warm):
        misses.append(f"a refresh took longer than {TIME_AIM} × the bound")
    if any(stats["calls"] > CALLS_AIM * stats["results_delivered"] for _, stats in warm):
        misses.append(f"a refresh took more than {CALLS_AIM} calls per target")
    if any(stats["throttled"] or stats["worst_window"] > LIMIT for _, stats in warm):
        misses.append("the quota was exceeded")
    if misses:
        return "**Missed: " + "; ".join(misses) + ".**"
    return "All refreshes after the first cycle meet the aims."


def run():
    cold, *warm = measure()
    rows = [row("first cycle after a start", *cold)]
    rows += [row(f"refresh {number + 1}", *measured) for number, measured in enumerate(warm)]
    header = ["run", "length", "÷ bound", "calls per target", "throttled", "most calls in 1 s"]
    return lab.section(f"""## A refresh of {TARGETS:,} targets

One account, `rate_limit = {LIMIT}`, a simulator that rejects call {LIMIT + 1} in any second. A result takes
{COMPLETION_S} s in the median (log-normal, σ 0.5), a call 80 ± 40 ms. The refreshes are `POST
/refresh?wait=`, one after the other. The bound is {CALLS_PER_TARGET} × {TARGETS} ÷ {LIMIT} s and one median
computation, {bound(TARGETS):.1f} s; the aims are {TIME_AIM} × that ({TIME_AIM * bound(TARGETS):.1f} s),
{CALLS_AIM:.2f} calls per target and no throttled call.

{lab.table(header, rows)}

{verdict(warm)} What is left above the bound is first the price of never exceeding the quota: a slot is taken
until one second after the *answer*, so that {LIMIT} slots make {LIMIT} ÷ 1.08 = {LIMIT / 1.08:.1f} calls a second
with this round trip, and all calls take {CALLS_PER_TARGET * TARGETS * 1.08 / LIMIT:.1f} s. The rest is the wait for the slowest
results at the end, which are polled rarely; it differs from run to run. The first cycle is slower and costs more calls because
nothing is known of the completion times yet: the first polls come after 1 s and most of them are in vain.""")
