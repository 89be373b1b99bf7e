"""What test_torture.py and test_torture_whole.py share: an exporter whose allocations can be made to fail."""

import concurrent.futures
import contextlib
import http.client
import mmap
import os
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
NEVER = 1 << 60
COMMANDS = (["--check"], ["--check=offline"], ["--encrypt-secret"], ["--hash-password=app"])
SENTENCE = re.compile(r'^(mysql_session_exporter: .*\w.*|.* level=error msg="cannot start" .*error="?\w.*)$')


class Allocations:
    """What the library that is preloaded shares with the test."""

    LAYOUT = struct.Struct("=7q")
    STACKS = struct.Struct(f"={1 << 16}q")

    def __init__(self, folder):
        self.path = os.path.join(folder, "allocations")
        size = self.LAYOUT.size + self.STACKS.size
        with open(self.path, "wb") as file:
            file.truncate(size)
        with open(self.path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), size)
        self.fail()
        self.environment = {"LD_PRELOAD": os.environ["FAIL_ALLOCATIONS"], "ALLOCATIONS": self.path}

    def fail(self, before=NEVER, burst=1, every=0, stack=0, recording=0):
        """
        The next `before`, or those until one with that call stack, succeed, then `burst` fail; or one of `every` fails.
        While it is recording, call stacks are noted.
        """
        self.LAYOUT.pack_into(self.shared, 0, self.made(), before, burst, every, 0, stack, recording)

    def stop_failing(self):
        self.LAYOUT.pack_into(self.shared, 0, self.made(), NEVER, 1, 0, self.failed(), 0, 0)

    def made(self):
        return self.LAYOUT.unpack_from(self.shared)[0]

    def failed(self):
        """How many, since it was last told to fail."""
        return self.LAYOUT.unpack_from(self.shared)[4]

    def stacks(self):
        return set(self.STACKS.unpack_from(self.shared, self.LAYOUT.size)) - {0}

    @contextlib.contextmanager
    def failing(self, **how):
        self.fail(**how)
        try:
            yield
        finally:
            self.stop_failing()


class Case(harness.Case):
    @classmethod
    def setUpClass(cls):
        made = Certificates(cls)
        made.make("good", "IP:127.0.0.1")
        cls.certificates = made.folder

    def setUp(self):
        super().setUp()
        self.sim = self.simulator("--tls-cert", f"{self.certificates}/good.pem", "--tls-key",
                                  f"{self.certificates}/good.key")
        self.sim.allow(bad_requests=True, quota_exceeded=True, throttled=True)  # several exporters, one account
        self.table = self.database(FLEET)

    def sections(self):
        return fleet.configuration(
            self.sim.url, das={"ca_file": f"{self.certificates}/ca.pem"}, mysql=self.table.configuration(),
            inventory={"source": "mysql", "file": None, "refresh_interval": "1s"})

    def launch(self, **how):
        """An exporter in a folder of its own, which may end at once."""
        folder = tempfile.mkdtemp(dir=self.folder)
        allocations = Allocations(folder)
        allocations.fail(**how)
        exporter = harness.Exporter(folder, self.sections(), environment=allocations.environment,
                                    secrets=self.secrets, listens=False)
        return exporter, allocations

    def start_tortured(self, **how):
        exporter, allocations = self.launch(**how)
        self.exporters.append(exporter)
        exporter.wait_listening()
        exporter.wait_sessions(fleet.sessions(FLEET))
        return exporter, allocations

    @staticmethod
    def ended_with_a_sentence(exporter):
        lines = exporter.log_text().strip().split("\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            exporter.process.wait(harness.STOP_LIMIT)
        return exporter.process.returncode == 1 and SENTENCE.match(lines[-1]) is not None

    @staticmethod
    def serves(exporter):
        try:
            return exporter.sessions() == fleet.sessions(FLEET)
        except (OSError, http.client.HTTPException):
            return False

    def life(self, **how):
        """(What is wrong with a life in which those allocations fail, None when nothing is; its allocations.)"""
        exporter, allocations = self.launch(**how)
        try:
            return self.judge_life(exporter, allocations), allocations
        except (AssertionError, ValueError) as error:
            return str(error), allocations
        finally:
            exporter.stop()
            shutil.rmtree(exporter.folder)

    def judge_life(self, exporter, allocations):
        try:
            exporter.wait_listening()
        except (AssertionError, ValueError):  # a line of the command, not of the log
            if self.ended_with_a_sentence(exporter):
                return None
            return exporter.log_text()[-3000:] + f"exit code {exporter.process.poll()}"
        exporter.wait_for("a failure", lambda: allocations.failed() > 0 or exporter.logs("first cycle done"))
        allocations.stop_failing()
        exporter.wait_for("sessions", lambda: self.serves(exporter))
        return "; ".join(exporter.judge()) or None

    def last_moments(self, **how):
        """The same of its stop."""
        exporter, allocations = self.start_tortured()
        self.exporters.remove(exporter)
        allocations.fail(**how)
        return "; ".join(exporter.judge()) or None, allocations

    def command(self, arguments, **how):
        """The same of a command, in a folder of its own. Returns (what is wrong, its allocations)."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            allocations = Allocations(folder)
            allocations.fail(**how)
            environment = {**allocations.environment, "ENCRYPTION_PASSWORD": "canarypassword"}
            text = fleet.ini(self.sections())
            self.secrets.add_configuration(text, folder, {**os.environ, **environment})
            config = self.write(f"{os.path.basename(folder)}.ini", text)
            result = self.run_program("--config.file=" + config, *arguments, environment=environment)
            said = result.stderr + result.stdout
            good = result.returncode == 0 or (result.returncode == 1 and re.search(r"\w", said))
            return None if good else f"exit code {result.returncode}: {said}", allocations

    @staticmethod
    def side_by_side(count, function, jobs):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(function, jobs))
