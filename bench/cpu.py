"""CPU time that one DAS call costs the exporter."""

import subprocess
import tempfile
import time

import lab

TARGETS = lab.long_or_short(400, 40)
RATE = 400
SECONDS = lab.long_or_short(15, 3)
USERS = (6, 200)


def certificate(folder):
    """A key and a self-signed certificate for 127.0.0.1."""
    key, chain = f"{folder}/key.pem", f"{folder}/cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain],
        check=True,
        capture_output=True,
    )
    return key, chain


def measure(users, tls):
    """(calls, user µs a call, system µs a call)."""
    with tempfile.TemporaryDirectory(prefix="session_exporter_bench.") as folder:
        key, chain = certificate(folder) if tls else (None, None)
        options = {"tls_key": key, "tls_cert": chain} if tls else {}
        options |= {"completion_median": "100ms", "rtt": "20ms", "jitter": "5ms", "users": users, "session_list": 100_000}
        with lab.simulator(quota=100_000, **options) as sim:
            with lab.exporter(sim, targets=TARGETS, rate_limit=RATE, interval="2s", ca_file=chain) as running:
                lab.await_delivered(sim, TARGETS, 60)
                calls, cpu = lab.account_stats(sim)["calls"], running.cpu_seconds()
                time.sleep(SECONDS)
                calls = lab.account_stats(sim)["calls"] - calls
                user, system = (now - then for now, then in zip(running.cpu_seconds(), cpu))
    return calls, user / calls * 1e6, system / calls * 1e6


def run():
    rows = []
    for tls in (False, True):
        for users in USERS:
            calls, user, system = measure(users, tls)
            scheme = "https" if tls else "http"
            rows.append([scheme, users, f"{calls:,}", f"{user:.0f}", f"{system:.0f}"])
    header = ["scheme", "users of an instance", "calls", "user µs a call", "system µs a call"]
    return f"""## CPU time of a call

Everything the process used in {SECONDS} s ÷ the calls that the simulator counted, so signing, the connection, parsing,
scheduling and publishing are in it. Submits and polls alike; half of the calls bring a result,
which lists every session: about ten for each user.

{lab.table(header, rows)}"""
