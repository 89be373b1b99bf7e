"""
Drives the exporter, the simulator of DAS, a private MariaDB and Prometheus.

Case is the base of all tests: what it starts is stopped and judged after each test. The exporter
must end with exit code 0, in time, with nothing but log lines on standard error; the simulator must
have seen no call beyond the quota and nothing else that the test did not ask for. No output of the exporter
may hold a secret: every answer, log, command line and output of a command is searched for all that are known.
"""

import dataclasses
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import warnings

import canary
import fleet
import das_sim_client
import openmetrics_check

EXPORTER = os.environ.get("EXPORTER", "")
SANITIZED = os.environ.get("SANITIZE", "") != ""
PATIENCE = 120 if SANITIZED else 40  # s until a condition that is waited for must have come true
STOP_LIMIT = 60 if SANITIZED else 2  # s from the signal to the end
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
ROOT = os.path.join(fleet.HERE, "..", "..")

QUIET = ["--rtt", "0", "--jitter", "0", "--slow-call-fraction", "0", "--foreign-rate", "0",
         "--completion-median", "0", "--quota", "20", "--window", "100ms"]


def command(program, *arguments):
    """A command whose process does not outlive the test's, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL", program, *arguments]


def wait_for(what, probe, timeout=PATIENCE, context=lambda: ""):
    """The first true value of probe(). Fails after timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; {context()}")
        time.sleep(0.02)


@dataclasses.dataclass
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


LOGFMT = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^" =]*)(?: |$)')


def parse_log_line(line):
    """The fields of a log line of either format. ValueError when it is none."""
    if line.startswith("{"):
        return json.loads(line)
    fields, at = {}, 0
    while at < len(line):
        match = LOGFMT.match(line, at)
        if not match:
            raise ValueError(f"no log line: {line!r}")
        fields[match[1]] = json.loads(match[2]) if match[2].startswith('"') else match[2]
        at = match.end()
    if not {"ts", "level", "msg"} <= fields.keys():
        raise ValueError(f"no log line: {line!r}")
    return fields


class Exporter:
    """The exporter as a process; waits until it listens, unless it is told not to."""

    def __init__(self, folder, sections, arguments=(), environment=None, secrets=None, listens=True):
        self.folder = folder
        self.config = os.path.join(folder, "exporter.ini")
        self.log = os.path.join(folder, f"exporter-{time.monotonic_ns()}.log")
        self.environment = {**os.environ, **(environment or {})}
        self.secrets = secrets or canary.Canary()
        self.secrets.add_environment(self.environment)
        self.configure(sections)
        if not any(argument.startswith("--web.listen-address=") for argument in arguments):
            arguments = ("--web.listen-address=127.0.0.1:0", *arguments)
        with open(self.log, "ab") as log, open(self.log + ".stdout", "ab") as out:
            self.process = subprocess.Popen(
                command(EXPORTER, "--config.file=" + self.config, *arguments),
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=folder, env=self.environment)
        if listens:
            self.wait_listening()

    def wait_listening(self):
        self.port = int(self.wait_log(lambda line: line["msg"] == "listening")["port"])

    def configure(self, sections):
        """Writes the file; a running exporter is not told."""
        text = sections if isinstance(sections, str) else fleet.ini(sections)
        self.secrets.add_configuration(text, self.folder, self.environment)
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
        os.rename(self.config + ".new", self.config)

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def logs(self, message=None, **fields):
        """Log lines with that message and those fields, as dicts."""
        lines = [parse_log_line(line) for line in self.log_text().split("\n")[:-1]]
        return [line for line in lines if message in (None, line["msg"])
                and all(line.get(key) == value for key, value in fields.items())]

    def wait_for(self, what, probe, timeout=PATIENCE):
        def probe_living():
            if self.process.poll() is not None:
                raise AssertionError(f"the exporter ended with {self.process.returncode}: {self.log_text()}")
            return probe()

        return wait_for(what, probe_living, timeout, self.describe)

    def describe(self):
        """What a failed test wants to know."""
        lines = [line for line in self.log_text().split("\n") if "loaded" not in line]
        try:
            targets = self.get("/api/v1/targets").text[:6000]
        except OSError as error:
            targets = str(error)
        return "\n".join(["log:", *lines[-40:], "targets:", targets])

    def wait_log(self, condition, timeout=PATIENCE):
        """The first log line that fits: a function of it, or its message."""
        fits = condition if callable(condition) else lambda line: line["msg"] == condition
        return self.wait_for("a log line", lambda: next(filter(fits, self.logs()), None), timeout)

    def request(self, method, path, headers=None, timeout=PATIENCE, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            reply = connection.getresponse()
            response = Response(reply.status, reply.headers, reply.read())
        finally:
            connection.close()
        self.secrets.add_authorization((headers or {}).get("Authorization", ""))
        self.secrets.search(f"the body of {method} {path}", response.body)
        self.secrets.search(f"the head of {method} {path}", str(response.headers))
        return response

    def get(self, path, **headers):
        return self.request("GET", path, {key.replace("_", "-"): value for key, value in headers.items()})

    def post(self, path, **query):
        return self.request("POST", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def metrics(self):
        """The page, strictly checked."""
        return openmetrics_check.check(self.get("/metrics", Accept=OPENMETRICS).body)

    def value(self, name, **labels):
        return self.metrics().value(name, **labels)

    def sessions(self):
        return fleet.series(self.metrics(), "db_user_session_count", fleet.SESSION_LABELS)

    def limits(self):
        return fleet.series(self.metrics(), "db_max_user_connections", fleet.LIMIT_LABELS)

    def targets(self):
        """{(ins_id, node_id): target} of /api/v1/targets"""
        reply = self.get("/api/v1/targets").json
        return {(target["ins_id"], target["node_id"]): target for target in reply["targets"]}

    def up(self, ins_id, node_id="", uid=fleet.UID):
        return self.value("session_exporter_target_up", ins_id=ins_id, node_id=node_id, aliyun_uid=uid)

    def wait_sessions(self, expected):
        self.wait_for("the expected sessions", lambda: self.sessions() == expected)

    def wait_ready(self):
        self.wait_for("readiness", lambda: self.get("/-/ready").status == 200)

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Ends it. Returns the seconds that took; 0 when it had ended."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_LIMIT + 30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - started

    def judge(self, number=signal.SIGTERM):
        """Stops it and says what is wrong with how it ended."""
        running = self.process.poll() is None
        if running:
            yield from self.judge_process()
        seconds = self.stop(number)
        self.secrets.search("standard error", self.log_text())
        try:
            self.logs()
        except ValueError as error:
            yield f"standard error has more than log lines: {error}"
        if self.process.returncode != 0:
            yield f"exit code {self.process.returncode}: {self.log_text()[-6000:]}"
        if running and seconds > STOP_LIMIT:
            yield f"stopping took {seconds:.2f} s"
        if os.path.getsize(self.log + ".stdout") > 0:
            yield f"something is on standard output: {self.log}.stdout"

    def judge_process(self):
        """Says what is wrong with the running process, seen from outside."""
        with open(f"/proc/{self.process.pid}/cmdline", "rb") as file:
            self.secrets.search("the command line", file.read())
        for path in self.written_files():
            if path not in (self.log, self.log + ".stdout"):
                yield f"it writes to the file {path}"

    def written_files(self):
        """Regular files that it has open for writing. None where only the superuser may see them."""
        folder = f"/proc/{self.process.pid}/fd/"
        try:
            descriptors = os.listdir(folder)
        except PermissionError:
            return
        for descriptor in descriptors:
            try:
                path = os.readlink(folder + descriptor)
                with open(f"/proc/{self.process.pid}/fdinfo/{descriptor}", encoding="ascii") as file:
                    flags = int(re.search(r"^flags:\s*([0-7]+)", file.read(), re.MULTILINE)[1], 8)
                if flags & os.O_ACCMODE != os.O_RDONLY and os.path.isfile(path):
                    yield path
            except FileNotFoundError:
                pass


class Simulator(das_sim_client.Simulator):
    """The simulator with both accounts, without any disturbance but what the arguments add."""

    def __init__(self, *arguments, binary=None):
        accounts = [f"--account={uid}:{key}:{secret}" for uid, (key, secret) in fleet.KEYS.items()]
        super().__init__(*command(binary or os.environ["DAS_SIM"])[1:], *accounts, *QUIET, *arguments,
                         binary="setpriv")
        self.allowed = {}

    def allow(self, **counts):
        """What else than no trouble the test expects: throttled, auth_failures, bad_requests = True."""
        self.allowed.update(counts)

    def connect(self, timeout=10):
        if not self.url.startswith("https:"):
            return super().connect(timeout)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1_1
        return http.client.HTTPSConnection(self.host, timeout=timeout, context=context)

    def judge(self):
        """Stops it and says what it has seen that it should not."""
        if self.process.poll() is None:
            stats = self.stats()
            seen = {**stats["total"], "bad_requests": stats["bad_requests"]}
            for name in ("quota_exceeded", "throttled", "auth_failures", "bad_requests"):
                if seen[name] != 0 and not self.allowed.get(name):
                    yield f"the simulator counted {name} {seen[name]}: {seen}"
        code = self.stop()
        if code != 0:
            yield f"the simulator ended with {code}"


class Mariadb:
    """A private server on a Unix socket. create() makes databases with the tables of the inventory."""

    USER, PASSWORD = "exporter", "mysqlcanary"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="e2e-db-")
        self.socket = os.path.join(self.folder, "socket")
        self.process = None
        self.environment = {**os.environ, "TMPDIR": self.folder}  # servers side by side must not meet in /tmp
        self.log = open(os.path.join(self.folder, "log"), "ab")
        try:
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
                 "--skip-name-resolve", "--innodb-log-file-size=4M", "--datadir=" + self.folder + "/data",
                 "--user=root" if os.getuid() == 0 else "--force"], check=True, stdout=self.log, stderr=self.log,
                env=self.environment)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        program = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
        self.process = subprocess.Popen(
            command(program, "--no-defaults", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M",
                    "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve", "--skip-networking",
                    f"--datadir={self.folder}/data", "--socket=" + self.socket,
                    *(["--user=root"] if os.getuid() == 0 else [])),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)
        wait_for("MariaDB", lambda: self.run("SELECT 1").returncode == 0)

    def run(self, sql, database=None):
        return subprocess.run(
            ["mariadb", "--no-defaults", "--user=root", "--socket=" + self.socket, "--batch", "--skip-column-names",
             "--default-character-set=utf8mb4", *([database] if database else [])],
            input=sql, capture_output=True, text=True)

    def sql(self, sql, database=None):
        result = self.run(sql, database)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return result.stdout

    def create(self, database, instances=()):
        with open(os.environ["SCHEMA"], encoding="utf-8") as schema:
            tables = schema.read()
        self.sql(f"CREATE DATABASE {database}; USE {database};\n{tables}\n{fleet.statements(instances)}")
        self.sql(f"CREATE USER IF NOT EXISTS {self.USER}@localhost IDENTIFIED BY '{self.PASSWORD}';" + "".join(
            f"GRANT SELECT ON {database}.{table} TO {self.USER}@localhost;"
            for table in ("instance_list", "instance_node_id", "instance_users", "aliyun_uids")))
        return Database(self, database)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclasses.dataclass
class Database:
    server: Mariadb
    name: str

    def sql(self, sql):
        return self.server.sql(sql, self.name)

    def configuration(self, **more):
        """The section [mysql]."""
        return {"socket": self.server.socket, "user": Mariadb.USER, "password": Mariadb.PASSWORD,
                "database": self.name, **more}


class Case(unittest.TestCase):
    """Base of the tests. maxDiff shows long pages whole."""

    maxDiff = None
    mariadb_server = None

    @classmethod
    def tearDownClass(cls):
        if cls.mariadb_server is not None:
            cls.mariadb_server.close()
            cls.mariadb_server = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="e2e-")
        self.exporters, self.simulators, self.databases = [], [], 0
        self.secrets = canary.Canary()

    def tearDown(self):
        exporters = [wrong for exporter in self.exporters for wrong in exporter.judge()]
        simulators = [wrong for simulator in self.simulators for wrong in simulator.judge()]
        cores = ["there is a core file: " + name for name in os.listdir(self.folder) if name.startswith("core")]
        shutil.rmtree(self.folder)
        self.assertEqual(exporters + simulators + cores + self.secrets.judge(), [])

    def simulator(self, *arguments):
        simulator = Simulator(*arguments)
        self.simulators.append(simulator)
        return simulator

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """A file of the test's folder, put in place as a whole, for its owner only. Returns its path."""
        with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
        os.rename(self.path(name) + ".new", self.path(name))
        return self.path(name)

    def write_secret(self, name, secret, mode=0o600):
        """The same for a file that holds a secret, which is searched for from now on."""
        self.secrets.add(secret)
        path = self.write(name, secret + "\n")
        os.chmod(path, mode)
        return path

    def write_inventory(self, instances):
        return self.write("inventory.ini", fleet.inventory_file(instances))

    def start(self, simulator, instances=None, uids=(fleet.UID,), arguments=(), environment=None, **changes):
        """An exporter with a configuration for that simulator; instances go into its inventory file."""
        if instances is not None:
            self.write_inventory(instances)
        return self.start_with(fleet.configuration(simulator.url, uids, **changes), arguments, environment)

    def start_with(self, sections, arguments=(), environment=None):
        exporter = Exporter(self.folder, sections, arguments, environment, self.secrets)
        self.exporters.append(exporter)
        return exporter

    def run_program(self, *arguments, environment=None, input=None):
        """The exporter as a command that ends by itself, in the test's folder."""
        environment = {**os.environ, **(environment or {})}
        self.secrets.add_environment(environment)
        result = subprocess.run([EXPORTER, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                                cwd=self.folder, env=environment, input=input,
                                stdin=subprocess.DEVNULL if input is None else None)
        for name in ("stdout", "stderr"):
            self.secrets.search(f"{name} of {arguments}", getattr(result, name))
        return result

    def run_config(self, sections, *arguments, environment=None):
        """The same with that configuration."""
        text = sections if isinstance(sections, str) else fleet.ini(sections)
        self.secrets.add_configuration(text, self.folder, {**os.environ, **(environment or {})})
        config = self.write("exporter.ini", text)
        return self.run_program("--config.file=" + config, *arguments, environment=environment)

    def database(self, instances=()):
        """A database with the inventory's tables in the server that the tests of a class share."""
        if type(self).mariadb_server is None:
            type(self).mariadb_server = start_mariadb()
        self.databases += 1
        name = f"{self._testMethodName}_{self.databases}"[-60:]
        return self.mariadb_server.create(name, instances)

    def start_on(self, database, simulator, mysql=None, **changes):
        """An exporter whose inventory is a database."""
        inventory = {"source": "mysql", "file": None, "refresh_interval": "1s", **changes.pop("inventory", {})}
        return self.start(simulator, mysql=database.configuration(**(mysql or {})), inventory=inventory, **changes)


def start_mariadb():
    if shutil.which("mariadb-install-db") is None or shutil.which("mariadb") is None:
        raise unittest.SkipTest("MariaDB is not installed (mariadb-install-db, mariadbd, mariadb)")
    return Mariadb()


def find_prometheus():
    """(prometheus, promtool), or a skipped test."""
    paths = []
    for name in ("prometheus", "promtool"):
        path = os.environ.get(name.upper()) or shutil.which(name)
        if path is None:
            script = os.path.join(ROOT, "tools", "prometheus.sh")
            result = subprocess.run([script, name], capture_output=True, text=True)
            path = result.stdout.strip()
            if result.returncode != 0:
                raise unittest.SkipTest(f"{name} cannot be had: {result.stderr.strip()}")
        paths.append(path)
    return paths


def main():
    for name in ("EXPORTER", "DAS_SIM", "SCHEMA"):
        if name not in os.environ:
            raise SystemExit(f"the environment variable {name} is not set; ctest sets it")
    unittest.main(verbosity=2)
