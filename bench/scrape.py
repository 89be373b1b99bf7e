"""/metrics with 100 000 series, against CivetWeb alone writing the same bytes."""

import contextlib
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile

import lab

SERIES = lab.long_or_short(100_000, 1_000)
USERS = 100
TARGETS = lab.long_or_short(1160, 20)
CONNECTIONS = 4
PAIRS = lab.long_or_short(5, 1)
SECONDS = lab.long_or_short(3, 1)
RATIO_AIM = 0.8
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def raw_response(host, gzip):
    """The whole response as it is on the wire, head included."""
    name, port = host.split(":")
    encoding = "Accept-Encoding: gzip\r\n" if gzip else ""
    with socket.create_connection((name, int(port)), timeout=30) as connection:
        connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n{encoding}\r\n".encode())
        received = bytearray()
        length = None
        while length is None or len(received) < length:
            received += connection.recv(1 << 20)
            head, found, _ = received.partition(b"\r\n\r\n")
            if found and length is None:
                length = len(head) + 4 + int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    return bytes(received)


def wrk(host, gzip, connections):
    """(requests per second, p50 ms, p99 ms)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "30s", "--latency"]
    command += ["-H", "Accept-Encoding: gzip"] if gzip else []
    text = subprocess.run([*command, f"http://{host}/metrics"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError("wrk saw errors:\n" + text)

    def latency(percentile):
        number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(number) * UNITS[unit]

    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), latency(50), latency(99)


@contextlib.contextmanager
def bare_civetweb(identity, gzip):
    with tempfile.TemporaryDirectory(prefix="session_exporter_bench.") as folder:
        files = [pathlib.Path(folder, name) for name in ("identity", "gzip")]
        for file, response in zip(files, (identity, gzip)):
            file.write_bytes(response)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = "127.0.0.1:%d" % probe.getsockname()[1]
        process = subprocess.Popen([lab.BARE_CIVETWEB, host, *files], stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("bare_civetweb did not start")
            yield host
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def paired(ours, bare, gzip):
    """Medians over pairs run one right after the other, in turns."""
    pairs = []
    for number in range(PAIRS):
        hosts = (ours, bare) if number % 2 == 0 else (bare, ours)
        measured = {host: wrk(host, gzip, CONNECTIONS) for host in hosts}
        pairs.append((measured[ours], measured[bare]))
    return {
        "ours": [statistics.median(pair[0][i] for pair in pairs) for i in range(3)],
        "bare": [statistics.median(pair[1][i] for pair in pairs) for i in range(3)],
        "ratio": statistics.median(pair[0][0] / pair[1][0] for pair in pairs),
    }


def compare(running):
    rows, ratios = [], []
    responses = {gzip: raw_response(running.host, gzip) for gzip in (False, True)}
    with bare_civetweb(responses[False], responses[True]) as bare:
        for gzip, encoding in ((False, "identity"), (True, "gzip")):
            alone = wrk(running.host, gzip, 1)
            result = paired(running.host, bare, gzip)
            ratios.append(result["ratio"])
            for name in ("ours", "bare"):
                rate, p50, p99 = result[name]
                label = "exporter" if name == "ours" else "bare CivetWeb"
                rows.append([encoding, label, f"{len(responses[gzip]):,}", f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}"])
            rows[-2] += [f"{alone[1]:.1f} / {alone[2]:.1f}", f"**{result['ratio']:.2f}**"]
            rows[-1] += ["–", "–"]
    header = ["encoding", "server", "bytes", "requests/s", "p50 ms", "p99 ms", "one client p50 / p99 ms", "ratio"]
    return responses[False], lab.table(header, rows), ratios


def series_of(response):
    lines = response.partition(b"\r\n\r\n")[2].splitlines()
    return sum(1 for line in lines if line and not line.startswith(b"#"))


def run():
    with lab.simulator(quota=100_000, users=USERS, session_list=0, completion_median="0", rtt="0", jitter="0") as sim:
        with lab.exporter(sim, targets=TARGETS, rate_limit=1000, interval="1h") as running:
            lab.await_delivered(sim, TARGETS, 120)
            lab.Await("the page is complete", 30, 0.5).until(
                lambda: series_of(raw_response(running.host, False)) >= SERIES
            )
            before = running.resident_bytes()
            page, figures, ratios = compare(running)
            after = running.resident_bytes()
    aim = f"at least {RATIO_AIM}"
    word = f"The aim, {aim} in both encodings, is met." if min(ratios) >= RATIO_AIM else f"**The aim, {aim}, is missed.**"
    return f"""## /metrics with 100 000 series

{TARGETS} targets × {USERS} users, {series_of(page):,} series in all. wrk with {CONNECTIONS} connections on the same machine, {PAIRS} pairs
of {SECONDS} s for each encoding, the exporter and the bare handler in turns; the medians. The bare handler is
CivetWeb with the same options and build that writes the exporter's own response, head included, from memory.
The ratio is of the requests per second, pair by pair.

{figures}

{word} Resident memory of the exporter: {before / 2**20:.0f} MiB before, {after / 2**20:.0f} MiB after the scrapes."""
