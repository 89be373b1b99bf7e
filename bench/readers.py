"""Does a flood of readers keep the calls from going out?"""

import subprocess
import time

import lab

ACCOUNTS = lab.long_or_short(20, 4)
TARGETS = lab.long_or_short(1500, 50)
LIMIT = 50
CONNECTIONS = 64
SECONDS = lab.long_or_short(20, 2)
WORKERS = 128
AIM = 0.95
PATHS = (
    "/-/healthy",
    "/metrics",
    "/",
    "/targets",
    "/targets?ins_id=rm-bench00001",
    "/api/v1/overview",
    "/api/v1/targets?ins_id=rm-bench00001",
    "/api/v1/targets",
)


def calls(sim):
    stats = lab.get_json(sim.url, "/stats")["accounts"]
    return sum(stats[lab.account_uid(i)]["calls"] for i in range(ACCOUNTS))


def rate(sim, seconds):
    """Calls to DAS a second from now on."""
    before, began = calls(sim), time.monotonic()
    time.sleep(seconds)
    return (calls(sim) - before) / (time.monotonic() - began)


def rate_with_readers(sim, running, path):
    """(calls to DAS a second, answers a second)"""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS + 2}s", "--timeout", "30s", f"http://{running.host}{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as readers:
        time.sleep(1)
        reached = rate(sim, SECONDS)
        text = readers.communicate()[0]
    if readers.returncode != 0:
        raise RuntimeError("wrk saw errors:\n" + text)
    return reached, float(text.split("Requests/sec:")[1].split()[0])


def measure():
    """(calls a second without readers, [(path, calls a second, answers a second)])"""
    interval = f"{max(2 * TARGETS // LIMIT, 2)}s"
    network = {"completion_median": "1s", "rtt": "20ms", "jitter": "5ms"}
    with lab.simulator(accounts=ACCOUNTS, quota=LIMIT, **network) as sim:
        with lab.exporter(
            sim, targets=TARGETS, rate_limit=LIMIT, interval=interval, accounts=ACCOUNTS, workers=WORKERS
        ) as running:
            lab.Await("every target was asked once", 300, 0.5).until(lambda: calls(sim) >= 2 * ACCOUNTS * TARGETS)
            idle = [rate(sim, SECONDS)]
            measured = [(path, *rate_with_readers(sim, running, path)) for path in PATHS]
            idle.append(rate(sim, SECONDS))
    return sum(idle) / len(idle), measured


def run():
    idle, measured = measure()
    rows = [["none", f"{idle:.0f}", "–", "1.00"]]
    rows += [[f"`{path}`", f"{made:.0f}", f"{answers:,.0f}", f"{made / idle:.2f}"] for path, made, answers in measured]
    least = min(made / idle for _, made, _ in measured)
    met = f"The aim, at least {AIM} on every path, is met." if least >= AIM else f"**The aim, at least {AIM}, is missed.**"
    return lab.section(f"""## With readers

{ACCOUNTS * TARGETS:,} targets in {ACCOUNTS} accounts, `rate_limit = {LIMIT}` each, which the targets use up;
{CONNECTIONS} connections that ask for one path without a pause, {SECONDS} s for each row. The load generator and the
simulator want the same processors.

{lab.table(["readers on", "calls to DAS a second", "answers a second", "÷ none"], rows)}

{met}""")
