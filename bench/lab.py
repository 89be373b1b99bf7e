"""What every benchmark needs: the exporter and the simulator as real programs, on loopback."""

import contextlib
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def program(variable, path):
    """What bench.sh has built, unless the environment names another one."""
    return pathlib.Path(os.environ.get(variable, ROOT / path))


EXPORTER = program("EXPORTER", "build/release/mysql_session_exporter")
DAS_SIM = program("DAS_SIM", "build/das_sim/das_sim")
BARE_CIVETWEB = program("BARE_CIVETWEB", "build/model/test/bench/bare_civetweb")
QUOTA_MODEL = program("QUOTA_MODEL", "build/model/test/bench/quota_model")
SHORT = "--short" in sys.argv
UID = "1000000000000001"
SECRET = "benchsecret"
START_LIMIT = 30

sys.path.insert(0, str(ROOT / "test/das_sim"))
from das_sim_client import Simulator  # noqa: E402  pylint: disable=wrong-import-position


def long_or_short(measured, tried):
    """How much of something: `tried` only shows that the benchmark works, its figures mean nothing."""
    return tried if SHORT else measured


def account_uid(number):
    return str(int(UID) + number)


def access_key(number):
    return f"benchkey{number}"


def simulator(accounts=1, **options):
    """A das_sim without foreign calls, slow calls or faults; options as named in its --help."""
    options = {"foreign_rate": "0", "slow_call_fraction": "0", **options}
    arguments = [f"--account={account_uid(i)}:{access_key(i)}:{SECRET}" for i in range(accounts)]
    arguments += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return Simulator(*arguments, binary=str(DAS_SIM))


def get_json(url, path, method="GET", timeout=30):
    """Of the simulator or the exporter. Both are ours and on loopback: no certificate is checked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(url + path, method=method)
    with urllib.request.urlopen(request, timeout=timeout, context=context) as response:
        return json.load(response)


def account_stats(sim, uid=UID):
    return get_json(sim.url, "/stats")["accounts"][uid]


class Await:
    """Repeats a question until the answer is true."""

    def __init__(self, what, limit, interval=0.02):
        self.what, self.limit, self.interval = what, limit, interval

    def until(self, question):
        deadline = time.monotonic() + self.limit
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {self.limit} s: {self.what}")
            time.sleep(self.interval)
        return answer


class Exporter:
    """The release binary with an inventory file of RDS instances, `targets` of each account."""

    def __init__(self, folder, sim, targets, rate_limit, interval, ca_file=None, accounts=1, workers=16):
        self.folder = pathlib.Path(folder)
        (self.folder / "inventory.ini").write_text(
            "".join(
                f"[instance rm-bench{i:05}]\nins_name=bench_{i:05}\nins_type=rds\n"
                f"aliyun_uid={account_uid(i // targets)}\nins_is_readonly=0\n"
                for i in range(accounts * targets)
            )
        )
        (self.folder / "exporter.ini").write_text(
            f"[exporter]\nworkers = {workers}\n"
            f"[web]\nlisten = 127.0.0.1:0\n"
            f"[inventory]\nsource = file\nfile = inventory.ini\nrefresh_interval = 1h\n"
            f"[das]\nendpoint = {sim.url}\nrate_limit = {rate_limit}\n"
            + (f"ca_file = {ca_file}\n" if ca_file else "")
            + f"[metric db_user_session_count]\ninterval = {interval}\nstale_after = 2h\n"
            f"[metric db_max_user_connections]\nenabled = no\n"
            + "".join(
                f"[account {account_uid(i)}]\naccess_key_id = {access_key(i)}\naccess_key_secret = {SECRET}\n"
                for i in range(accounts)
            )
        )
        self.log = open(self.folder / "exporter.log", "w+", encoding="utf-8")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(EXPORTER), f"--config.file={self.folder}/exporter.ini"],
            stderr=self.log,
            stdin=subprocess.DEVNULL,
        )
        self.host = f"127.0.0.1:{self._await_port()}"

    def _await_port(self):
        """The system chooses the port; the log names it."""

        def port_in_log():
            text = (self.folder / "exporter.log").read_text(encoding="utf-8")
            if self.process.poll() is not None:
                raise RuntimeError("the exporter ended: " + text[-2000:])
            found = re.search(r"msg=listening .*port=(\d+)", text)
            return found and found.group(1)

        return Await("the exporter listens", START_LIMIT).until(port_in_log)

    def cpu_seconds(self):
        """(user, system) so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return int(fields[11]) / ticks, int(fields[12]) / ticks

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def refresh(self, uid=None):
        """A manual refresh of the sessions, of all targets or of one account's: its seconds."""
        path = "/refresh?metric=db_user_session_count&wait=5m" + (f"&aliyun_uid={uid}" if uid else "")
        answer = get_json(f"http://{self.host}", path, "POST", timeout=310)
        if answer["state"] != "finished" or answer["failed"] > 0:
            raise RuntimeError(f"a refresh that did not succeed: {answer}")
        return answer["elapsed_seconds"]

    def sample(self, series):
        """The value of one series of /metrics."""
        with urllib.request.urlopen(f"http://{self.host}/metrics", timeout=30) as response:
            for line in response.read().decode().splitlines():
                if line.startswith(series + " "):
                    return float(line.split()[-1])
        raise RuntimeError(f"/metrics has no {series}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(15)
        self.log.close()


@contextlib.contextmanager
def exporter(sim, **options):
    with tempfile.TemporaryDirectory(prefix="session_exporter_bench.") as folder:
        running = Exporter(folder, sim, **options)
        try:
            yield running
        finally:
            running.stop()


def await_delivered(sim, count, limit, uid=UID):
    """The simulator's account statistics once that many results were fetched."""

    def delivered():
        stats = account_stats(sim, uid)
        return stats if stats["results_delivered"] >= count else None

    return Await(f"{count} results", limit).until(delivered)


def table(header, rows):
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines)


def section(text):
    """Markdown with its paragraphs filled; headings and tables stay as they are."""

    def fill(block):
        if block.startswith(("#", "|")):
            return block
        return textwrap.fill(" ".join(block.split()), 110, break_long_words=False, break_on_hyphens=False)

    return "\n\n".join(fill(block) for block in text.strip().split("\n\n"))
