"""The exporter's quota engine against what a user might write instead, in the same simulator."""

import lab
import naive
import quota

TARGETS = lab.long_or_short(200, 20)
LIMIT = quota.LIMIT
WORKERS = 16


def row(name, seconds, wait, before, after):
    """Of the simulator's statistics before and after."""
    delivered, calls, throttled = (
        after[key] - before[key] for key in ("results_delivered", "calls", "throttled")
    )
    cells = [f"{seconds:.1f} s", f"{calls / delivered:.2f}", throttled, after["worst_window"], f"{wait:.1f} s"]
    return [name, *cells]


def naive_row(sim, account, name, limiter, run):
    """An account for each policy, so that nobody inherits another one's window."""
    client = naive.Client(sim.url, lab.access_key(account), lab.SECRET)
    before = lab.account_stats(sim, lab.account_uid(account))
    result = run(naive.Refresh(client, limiter, [f"rm-bench{i:05}" for i in range(TARGETS)]))
    return row(name, result["seconds"], result["wait"], before, lab.account_stats(sim, lab.account_uid(account)))


def wait_so_far(running):
    """(sum, count) from submit to result."""
    return [running.sample(f"session_exporter_result_wait_seconds_{part}") for part in ("sum", "count")]


def our_rows(sim):
    rows = []
    with lab.exporter(sim, targets=TARGETS, rate_limit=LIMIT, interval="1h") as running:
        before = lab.account_stats(sim)
        after = lab.await_delivered(sim, TARGETS, 120)
        seconds = after["last_call_s"] - after["first_call_s"]
        lab.Await("the page has all results", 10).until(lambda: wait_so_far(running)[1] >= TARGETS)
        total, count = wait_so_far(running)
        rows.append(row("this exporter, first cycle after a start", seconds, total / count, before, after))
        for _ in range(2):
            before = lab.account_stats(sim)
            seconds = running.refresh()
            after = lab.account_stats(sim)
        lab.Await("the page has all results", 10).until(lambda: wait_so_far(running)[1] >= 3 * TARGETS)
        later_total, later_count = wait_so_far(running)
        wait = (later_total - total) / (later_count - count)
        rows.append(row("**this exporter, once it has learned**", seconds, wait, before, after))
    return rows


def verdict(learned):
    """Of the exporter's own row, once it has learned."""
    if float(learned[2]) <= quota.CALLS_AIM:
        return f"The exporter keeps to its aim of {quota.CALLS_AIM:.2f} calls per target."
    return (
        f"**The exporter misses its aim of {quota.CALLS_AIM:.2f} calls per target**: of a small account's refresh the end,"
        " when only slow results are left, has calls to spare, and then it asks earlier."
    )


def run():
    with lab.simulator(accounts=4, quota=LIMIT, **quota.NETWORK) as sim:
        rows = our_rows(sim)
        rows += [
            naive_row(
                sim, 1, "polls each second, perfect limiter", naive.Slots(LIMIT), lambda work: work.poll_each_second()
            ),
            naive_row(
                sim, 2, f"polls each second, bucket of {LIMIT}", naive.Bucket(LIMIT), lambda work: work.poll_each_second()
            ),
            naive_row(
                sim,
                3,
                f"{WORKERS} workers that wait for their results",
                naive.Slots(LIMIT),
                lambda work: work.wait_for_result(WORKERS),
            ),
        ]
    header = ["policy", "full refresh", "calls per target", "throttled", "most calls in 1 s", "submit to result, mean"]
    return lab.section(f"""## Against simpler policies

{TARGETS} targets of one account, the same simulator process and times as above, {LIMIT} calls a second
allowed; each policy has an account of its own and one run. The others are `bench/naive.py`. Two ask for each result every
second, and poll before they submit more; one of them keeps to the quota exactly, the other one has a token
bucket of {LIMIT} that is refilled with {LIMIT} a second and tries again after a second when throttled. The
third has {WORKERS} workers, each of which submits, and sleeps a second between polls until it has its result.

{lab.table(header, rows)}

{verdict(rows[1])}

Polls in vain are calls that no other target can have: at {LIMIT} calls a second a fleet whose cycle is
limited by the quota is refreshed as much less often as the calls per target say. The bucket spends its whole
capacity at once and a second's refill right after it, nearly twice the quota in one window. Workers that wait
are limited by their number. Where the exporter falls short: it asks when a result is most probably there, so
that the result has waited for a while; who polls every second has it sooner after the submit, and pays with
the time of the whole refresh. With only {TARGETS} targets much of the exporter's time is the wait for the
slowest results; the more targets, the nearer to the bound of {quota.bound(TARGETS):.1f} s for these (see
above), while the others stay at their calls per target.""")
