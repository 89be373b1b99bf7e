"""
Allocations fail at any moment of the program's life, in its own code and in every library: it ends with exit code 1
and a sentence, or it goes on and is well again afterwards; never a signal, never a hang.

The environment variable TORTURE=whole goes through every allocation, else a sample is taken; TORTURE_SEED picks another.
"""

import concurrent.futures
import contextlib
import http.client
import mmap
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile

import harness
import fleet
from certificates import Certificates
from fleet import Instance

FLEET = [Instance(f"rm-test{i}", users=(("app", 5),)) for i in range(3)]
WHOLE = os.environ.get("TORTURE") == "whole"
SEED = int(os.environ.get("TORTURE_SEED", "1"))
SIDE_BY_SIDE = 6
NEVER = 1 << 60
BURSTS = (1, 2, 30, 1000)
SENTENCE = re.compile(r'^(mysql_session_exporter: .*\w.*|.* level=error msg="cannot start" .*error="?\w.*)$')


class Allocations:
    """What the library that is preloaded shares with the test."""

    LAYOUT = struct.Struct("=5q")

    def __init__(self, folder):
        self.path = os.path.join(folder, "allocations")
        with open(self.path, "wb") as file:
            file.write(self.LAYOUT.pack(0, NEVER, 0, 0, 0))
        with open(self.path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), self.LAYOUT.size)
        self.environment = {"LD_PRELOAD": os.environ["FAIL_ALLOCATIONS"], "ALLOCATIONS": self.path}

    def fail(self, before=NEVER, burst=1, every=0):
        """The next `before` succeed, then `burst` fail; or one of `every` fails."""
        made, failed = self.made(), self.failed()
        self.LAYOUT.pack_into(self.shared, 0, made, before, burst, every, failed)

    def made(self):
        return self.LAYOUT.unpack_from(self.shared)[0]

    def failed(self):
        return self.LAYOUT.unpack_from(self.shared)[4]

    @contextlib.contextmanager
    def failing(self, **how):
        self.fail(**how)
        try:
            yield
        finally:
            self.fail()


def sample(count, size):
    """One of each of `size` equal parts of range(count), so that early and late are there; in the whole form all."""
    if WHOLE or count <= size:
        return list(range(count))
    chance = random.Random(SEED)
    return [chance.randrange(part * count // size, (part + 1) * count // size) for part in range(size)]


class Torture(harness.Case):
    @classmethod
    def setUpClass(cls):
        made = Certificates(cls)
        made.make("good", "IP:127.0.0.1")
        cls.certificates = made.folder

    def setUp(self):
        super().setUp()
        self.sim = self.simulator("--tls-cert", f"{self.certificates}/good.pem", "--tls-key",
                                  f"{self.certificates}/good.key")
        self.sim.allow(bad_requests=True)
        self.table = self.database(FLEET)

    def sections(self):
        return fleet.configuration(
            self.sim.url, das={"ca_file": f"{self.certificates}/ca.pem"}, mysql=self.table.configuration(),
            inventory={"source": "mysql", "file": None, "refresh_interval": "1s"})

    def launch(self, before=NEVER, burst=1):
        """An exporter in a folder of its own, which may end at once."""
        folder = tempfile.mkdtemp(dir=self.folder)
        allocations = Allocations(folder)
        allocations.fail(before, burst)
        exporter = harness.Exporter(folder, self.sections(), environment=allocations.environment,
                                    secrets=self.secrets, listens=False)
        return exporter, allocations

    def start_tortured(self):
        exporter, allocations = self.launch()
        self.exporters.append(exporter)
        exporter.wait_listening()
        exporter.wait_sessions(fleet.sessions(FLEET))
        return exporter, allocations

    def ended_with_a_sentence(self, exporter):
        lines = exporter.log_text().strip().split("\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            exporter.process.wait(harness.STOP_LIMIT)
        return exporter.process.returncode == 1 and SENTENCE.match(lines[-1]) is not None

    def life(self, before, burst):
        """What is wrong with a life in which those allocations fail; None when nothing is."""
        exporter, allocations = self.launch(before, burst)
        try:
            try:
                exporter.wait_listening()
            except (AssertionError, ValueError):  # a line of the command, not of the log
                if self.ended_with_a_sentence(exporter):
                    return None
                return exporter.log_text()[-3000:] + f"exit code {exporter.process.poll()}"
            exporter.wait_for("sessions", lambda: allocations.fail() or self.serves(exporter))
            return "; ".join(exporter.judge()) or None
        except (AssertionError, ValueError) as error:
            return str(error)
        finally:
            exporter.stop()
            shutil.rmtree(exporter.folder)

    @staticmethod
    def serves(exporter):
        try:
            return exporter.sessions() == fleet.sessions(FLEET)
        except (OSError, http.client.HTTPException):
            return False

    def lives(self, moments, burst):
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            verdicts = pool.map(lambda moment: (moment, self.life(moment, burst)), moments)
            return [f"allocation {moment}, {burst} in a row: {wrong}" for moment, wrong in verdicts if wrong]

    def start_length(self):
        """How many allocations there are until it listens and has made its first calls."""
        exporter, allocations = self.launch()
        try:
            exporter.wait_listening()
            exporter.wait_sessions(fleet.sessions(FLEET))
            return allocations.made()
        finally:
            exporter.stop()

    def test_at_the_start(self):
        length = self.start_length()
        for burst in BURSTS:
            with self.subTest(burst=burst):
                self.assertEqual(self.lives(sample(length, 12), burst), [])

    def survives(self, action, size=60):
        """Each allocation of an action fails in turn: the program stays, and the next scrape is right."""
        exporter, allocations = self.start_tortured()
        before = allocations.made()
        action(exporter)
        length = allocations.made() - before + 5
        for burst in BURSTS:
            for moment in sample(length, size):
                with allocations.failing(before=moment, burst=burst):
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        action(exporter)
                exporter.wait_for(f"a good scrape after allocation {moment}, {burst} in a row",
                                  lambda: self.serves(exporter))

    def test_requests(self):
        for path, headers in (("/metrics", {}), ("/metrics", {"Accept-Encoding": "gzip"}), ("/", {}),
                              ("/targets", {}), ("/api/v1/targets", {}), ("/-/healthy", {}), ("/-/ready", {})):
            with self.subTest(path, **headers):
                self.survives(lambda exporter: exporter.request("GET", path, headers, timeout=20), 15)

    def test_a_reload(self):
        self.survives(lambda exporter: exporter.post("/-/reload"))

    def test_a_refresh(self):
        self.survives(lambda exporter: exporter.post("/refresh", ins_id="rm-test1", wait="3s"), 10)

    def test_cycles_and_loads(self):
        exporter, allocations = self.start_tortured()
        for every in random.Random(SEED).sample(range(20, 3000), 200 if WHOLE else 8):
            with self.subTest(every=every):
                goal = allocations.made() + 4000
                with allocations.failing(every=every):
                    exporter.wait_for("cycles", lambda: allocations.made() > goal)
                exporter.wait_for("good targets", lambda: self.serves(exporter) and all(
                    exporter.up(instance.ins_id) == 1 for instance in FLEET))

    def test_the_stop(self):
        for burst in BURSTS:
            for moment in range(4 if WHOLE else 1):
                with self.subTest(moment=moment, burst=burst):
                    exporter, allocations = self.start_tortured()
                    self.exporters.remove(exporter)
                    allocations.fail(moment, burst)
                    self.assertEqual(list(exporter.judge()), [])

    def test_commands(self):
        for arguments in (["--check"], ["--check=offline"], ["--encrypt-secret"], ["--hash-password=app"]):
            allocations = Allocations(self.folder)
            environment = {**allocations.environment, "ENCRYPTION_PASSWORD": "canarypassword"}

            def run():
                return self.run_config(self.sections(), *arguments, environment=environment)
            with self.subTest(arguments):
                self.assertIn(run().returncode, (0, 1))
            for moment in sample(allocations.made(), 30):
                with self.subTest(arguments, moment=moment):
                    allocations.fail(moment)
                    result = run()
                    self.assertIn(result.returncode, (0, 1), result.stderr)
                    if result.returncode == 1:
                        self.assertRegex(result.stderr + result.stdout, r"\w")


if __name__ == "__main__":
    harness.main()
