"""A real Prometheus scrapes the exporter."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

import harness
import fleet
from fleet import Instance, UID

ONE, TWO = Instance("rm-test1", "one", users=(("app_user", 100),)), Instance("rm-test2", "two")

CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: sessions
    static_configs:
      - targets: ["127.0.0.1:%d"]
"""


class Server:
    """Prometheus with one scrape target; waits until it is ready."""

    def __init__(self, case, port):
        program, _ = harness.find_prometheus()
        config = case.write("prometheus.yml", CONFIG % port)
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

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        url = self.url + "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=10) as reply:
            result = json.load(reply)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression):
        values = [value for _, value in self.query(expression)]
        return values[0] if len(values) == 1 else None

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Prometheus(harness.Case):
    def setUp(self):
        harness.find_prometheus()
        super().setUp()
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, [ONE, TWO])
        self.exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        self.server = Server(self, self.exporter.port)

    def wait_value(self, expression, expected):
        harness.wait_for(expression, lambda: self.server.value(expression) == expected,
                         context=lambda: f"{self.server.query(expression)} instead of {expected}")

    def test_the_target_is_up(self):
        self.wait_value('up{job="sessions"}', 1)

    def test_a_sample_has_the_expected_value(self):
        total = ONE.sessions()["rm-test1", "one", "rds", UID, "app_user", "", "write"]
        self.wait_value('db_user_session_count{ins_id="rm-test1",db_user="app_user"}', total)

    def test_every_series_of_the_page_is_stored(self):
        count = len(fleet.sessions([ONE, TWO]))
        self.wait_value("count(db_user_session_count)", count)
        self.wait_value('session_exporter_series{metric="db_user_session_count"}', count)

    def test_both_metrics_join(self):
        total = ONE.sessions()["rm-test1", "one", "rds", UID, "app_user", "", "write"]
        self.wait_value('db_user_session_count / on (ins_id, db_user) group_left '
                        'label_replace(db_max_user_connections > 0, "db_user", "$1", "username", "(.*)")', total / 100)

    def test_series_end_at_once_when_a_target_vanishes(self):
        # Without a stale marker they would be seen for five minutes more.
        self.wait_value('count(db_user_session_count{ins_id="rm-test2"})', len(TWO.sessions()))
        self.write_inventory([ONE])
        self.wait_value('count(db_user_session_count{ins_id="rm-test2"})', None)
        self.wait_value('count(db_user_session_count{ins_id="rm-test1"})', len(ONE.sessions()))


if __name__ == "__main__":
    harness.main()
