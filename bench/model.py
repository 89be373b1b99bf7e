"""The scheduler under a virtual clock: large fleets, and the CPU time of its decisions."""

import json
import re
import shutil
import statistics
import subprocess
import tempfile

import lab
import quota

REFRESHES = lab.long_or_short(2, 1)
LARGE = (1, lab.long_or_short(100_000, 2_000))
MANY = (lab.long_or_short(100, 3), 1_000)
SMALL = (lab.long_or_short(100, 5), 100)
# accounts, targets of each
FLEETS = ((1, 1_000), (1, lab.long_or_short(10_000, 1_500)), LARGE, MANY, SMALL)


def model(fleet, refreshes, under=()):
    """(result, what was said on stderr)"""
    command = [*under, str(lab.QUOTA_MODEL), *map(str, fleet), str(refreshes)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(finished.stdout), finished.stderr


def instructions(fleet):
    """Executed in scheduler_step for each call of a first cycle; of one account, since it takes its time."""
    if lab.SHORT or fleet[0] > 1 or not shutil.which("valgrind"):
        return "–"
    with tempfile.TemporaryDirectory(prefix="session_exporter_bench.") as folder:
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        result, log = model(fleet, 0, [*callgrind, "--toggle-collect=scheduler_step"])
    calls = result["first"]["calls_per_target"] * fleet[0] * fleet[1]
    return f"{int(re.search(r'Collected : ([0-9]+)', log).group(1)) / calls:,.0f}"


def name_of(fleet):
    return f"{fleet[0]} × {fleet[1]:,}"


def length_rows(fleet, phases):
    rows = []
    for number, phase in enumerate(phases):
        if number in (0, 1, len(phases) - 1):
            cells = [f"refresh {number}" if number else "first cycle"]
            cells += [f"{phase[key]:.1f} s" for key in ("seconds_median", "computed_median")]
            cells += [f"{phase['seconds_median'] / quota.bound(fleet[1]):.2f}"]
            cells += [f"{phase[key]:.1f} s" for key in ("seconds_longest", "computed_longest")]
            rows.append([name_of(fleet), *cells, f"{phase['calls_per_target']:.3f}"])
    return rows


def cpu_of(phases):
    """The refresh that was disturbed least."""
    return min(phase["cpu_us_per_call"] for phase in phases[1:])


def cost_row(fleet, phases):
    steps = statistics.mean(phase["steps_per_call"] for phase in phases)
    longest = max(phase["longest_step_ms"] for phase in phases)
    return [name_of(fleet), f"{cpu_of(phases):.2f} µs", instructions(fleet), f"{steps:.2f}", f"{longest:.1f} ms"]


def verdict(phases_of):
    lines = []
    for fleet, phases in phases_of.items():
        ratio = max(phase["seconds_median"] for phase in phases[1:]) / quota.bound(fleet[1])
        calls = max(phase["calls_per_target"] for phase in phases[1:])
        missed = [f"the median account took up to {ratio:.2f} × the bound"] if ratio > quota.TIME_AIM else []
        missed += [f"a refresh cost up to {calls:.2f} calls per target"] if calls > quota.CALLS_AIM else []
        if missed:
            lines.append(f"**{name_of(fleet)}: {' and '.join(missed)}; the aims are missed.**")
    return "\n".join([*lines, "The other refreshes meet the aims." if lines else "All refreshes meet the aims."])


def run():
    phases_of = {}
    for fleet in FLEETS:
        result, _ = model(fleet, REFRESHES)
        phases_of[fleet] = [result["first"], *result["refreshes"]]
    lengths = [row for fleet, phases in phases_of.items() for row in length_rows(fleet, phases)]
    costs = [cost_row(fleet, phases) for fleet, phases in phases_of.items()]
    cpu = {fleet: cpu_of(phases) for fleet, phases in phases_of.items()}
    small = phases_of[SMALL][-1]
    header = ["accounts × targets", "run", "median account", "of it computed by", "÷ bound"]
    header += ["slowest account", "last result computed", "calls per target"]
    cost_header = ["accounts × targets", "CPU per call", "instructions per call", "steps per call", "longest step"]
    return lab.section(f"""## Large fleets, by simulation

The scheduler's own code with a virtual clock. The fleet of its tests plays the workers and DAS, with the same
quota ({quota.LIMIT} a second), completion and round-trip times as above, and ends the program when any window
of an account holds more than {quota.LIMIT} calls. *Computed by* is when DAS had the last result: nobody can
be done earlier.

{lab.table(header, lengths)}

{verdict(phases_of)}

Where it falls short: the bound counts one median computation, but an account is done with its slowest one. Of
1,000 the slowest takes about five times the median, of {MANY[0] * MANY[1]:,} more than eight times; in a
large account it usually ends before the quota does, in a small one everybody waits for it. And who is slow is
polled rarely: the results of {SMALL[1]} targets were computed after {small['computed_median']:.1f} s in the
median account, and there after {small['seconds_median']:.1f} s; in the slowest of {SMALL[0]} accounts after
{small['seconds_longest']:.1f} s.

What the decisions cost, in the one thread that makes them: CPU time of `scheduler_step()` ÷ calls, of the
least disturbed refresh; the time of the simulated fleet is not in it. A call takes about two and a half
steps. The instructions are those of a first cycle, counted by callgrind where Valgrind is installed.

{lab.table(cost_header, costs)}

From 1,000 to {LARGE[1]:,} targets of an account the CPU time of a call grows by a factor of
{cpu[LARGE] / cpu[1, 1_000]:.2f}; {MANY[0] * MANY[1]:,} targets in {MANY[0]} accounts cost
{cpu[MANY] / cpu[1, 1_000]:.2f} × as much as 1,000 in one. The instructions hardly grow: what does is probably
the waiting for memory, since {LARGE[1]:,} targets no longer fit into the processor's caches. {MANY[0]}
accounts at {quota.LIMIT} calls a second need {MANY[0] * quota.LIMIT * cpu[MANY] / 1e4:.1f} % of one core for
the decisions. The longest step is one in which all targets become due at once.""")
