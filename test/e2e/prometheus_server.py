"""A real Prometheus for tests."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

import harness

CONFIG = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: %s
scrape_configs:
  - job_name: sessions
    static_configs:
      - targets: %s
%s"""


class Server:
    """Prometheus that scrapes some ports and evaluates some rule files; waits until it is ready."""

    def __init__(self, case, ports, rules=(), how=""):
        """how: further lines of the scrape configuration."""
        program, _ = harness.find_prometheus()
        config = case.write("prometheus.yml", CONFIG % (
            json.dumps([os.path.abspath(path) for path in rules]), json.dumps([f"127.0.0.1:{port}" for port in ports]), how))
        log_path = case.path("prometheus.log")
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                harness.command(program, "--config.file=" + config, "--storage.tsdb.path=" + case.path("tsdb"),
                                "--web.listen-address=127.0.0.1:0", "--log.level=debug"),
                stdout=log, stderr=log, cwd=case.folder)
        case.addCleanup(self.stop)
        self.url = "http://127.0.0.1:%d" % harness.wait_for("Prometheus", self.find_port)
        harness.wait_for("its readiness", self.ready)

    def find_port(self):
        """Its log says port 0: the kernel knows better."""
        sockets = set()
        for name in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                sockets.add(os.readlink(f"/proc/{self.process.pid}/fd/{name}"))
            except FileNotFoundError:
                pass
        with open("/proc/net/tcp", encoding="ascii") as table:
            for fields in (line.split() for line in table):
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    return int(fields[1].split(":")[1], 16)
        return None

    def ready(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        """The data of an API's answer."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        return [(series["metric"], float(series["value"][1]))
                for series in self.get("query", query=expression)["result"]]

    def rules(self):
        """The rules of all groups, as Prometheus sees them."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def value(self, expression):
        values = [value for _, value in self.query(expression)]
        return values[0] if len(values) == 1 else None

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
