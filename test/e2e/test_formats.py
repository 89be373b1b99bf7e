"""The pages as HTTP: formats, encodings, methods, paths, and health before and after the first cycle."""

import gzip
import subprocess
import unittest

import harness
import fleet
import openmetrics_check
from fleet import Instance

FLEET = [Instance("rm-test1", 'a "quoted" \\ name', users=(("app", 5),)),
         Instance("pc-test1", "中文", "PolarDB", nodes=(("pi-test1", "write"),))]
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_ACCEPT = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


class Pages(unittest.TestCase):
    """One exporter whose page does not change any more."""

    @classmethod
    def setUpClass(cls):
        cls.owner = harness.Case()
        cls.owner.setUp()
        cls.addClassCleanup(cls.owner.tearDown)
        seldom = {"interval": "1h", "stale_after": "2h"}
        cls.exporter = cls.owner.start(cls.owner.simulator(), FLEET, inventory={"refresh_interval": "1h"},
                                       metric_db_user_session_count=seldom,
                                       metric_db_max_user_connections=seldom)
        cls.exporter.wait_sessions(fleet.sessions(FLEET))
        cls.exporter.wait_for("the last renewal", lambda: cls.exporter.value(
            "session_exporter_refresh_duration_seconds", metric="db_user_session_count"))

    @classmethod
    def page(cls, **headers):
        return cls.exporter.get("/metrics", **headers).body

    def test_text_is_the_default(self):
        self.assertEqual(self.exporter.get("/metrics").headers["Content-Type"], TEXT)

    def test_openmetrics_for_who_names_it(self):
        self.assertEqual(self.exporter.get("/metrics", Accept=PROMETHEUS_ACCEPT).headers["Content-Type"], OPENMETRICS)

    def test_text_for_who_prefers_it(self):
        accept = "application/openmetrics-text;q=0.3, text/plain;q=0.9"
        self.assertEqual(self.exporter.get("/metrics", Accept=accept).headers["Content-Type"], TEXT)

    def test_text_is_valid(self):
        openmetrics_check.check(self.page(), text=True)

    def test_openmetrics_is_valid(self):
        openmetrics_check.check(self.page(Accept=PROMETHEUS_ACCEPT))

    def test_both_have_the_same_samples(self):
        def samples(page):
            return [line for line in page.decode().split("\n") if not line.startswith("#")]

        self.assertEqual(samples(self.page()), samples(self.page(Accept=PROMETHEUS_ACCEPT)))

    def test_gzip_equals_identity(self):
        for accept in ("*/*", PROMETHEUS_ACCEPT):
            with self.subTest(accept):
                reply = self.exporter.get("/metrics", Accept=accept, Accept_Encoding="gzip")
                self.assertEqual(reply.headers["Content-Encoding"], "gzip")
                self.assertEqual(gzip.decompress(reply.body), self.page(Accept=accept))

    def test_gzip_can_be_refused(self):
        reply = self.exporter.get("/metrics", Accept_Encoding="gzip;q=0, *;q=0")
        self.assertIsNone(reply.headers["Content-Encoding"])

    def test_promtool_complains_about_the_given_name_only(self):
        _, promtool = harness.find_prometheus()
        result = subprocess.run([promtool, "check", "metrics"], input=self.page(), capture_output=True)
        complaints = [line for line in result.stderr.decode().split("\n") if line]
        self.assertEqual([line.split()[0] for line in complaints], ["db_user_session_count"], complaints)

    def test_head_has_the_length_and_no_body(self):
        reply = self.exporter.request("HEAD", "/metrics")
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(int(reply.headers["Content-Length"]), len(self.page()))

    def test_collect_parameters_are_ignored(self):
        self.assertEqual(self.exporter.get("/metrics?collect[]=nothing").body, self.page())

    def test_other_paths_are_404(self):
        for path in ("/metrics/x", "/nothing", "/api/v1/nothing", "/..%2f", "//metrics"):
            with self.subTest(path):
                self.assertEqual(self.exporter.get(path).status, 404)

    def test_other_methods_are_405_with_allow(self):
        for method, path, allow in (("POST", "/metrics", "GET, HEAD, OPTIONS"),
                                    ("DELETE", "/targets", "GET, HEAD, OPTIONS"),
                                    ("GET", "/-/reload", "POST, OPTIONS"), ("PUT", "/refresh", "POST, OPTIONS")):
            with self.subTest(path):
                reply = self.exporter.request(method, path)
                self.assertEqual((reply.status, reply.headers["Allow"]), (405, allow))

    def test_pages_for_people_are_html(self):
        for path in ("/", "/targets"):
            with self.subTest(path):
                reply = self.exporter.get(path)
                self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/html; charset=utf-8"))

    def test_names_with_quotes_are_json(self):
        names = {target["ins_name"] for target in self.exporter.targets().values()}
        self.assertIn('a "quoted" \\ name', names)

    def test_health_and_readiness_are_200(self):
        for path in ("/-/healthy", "/health", "/-/ready"):
            with self.subTest(path):
                self.assertEqual(self.exporter.get(path).status, 200)


class FirstCycle(harness.Case):
    def test_ready_is_503_and_says_why_until_the_first_cycle_is_done(self):
        sim = self.simulator("--completion-median", "3s", "--completion-sigma", "0")
        exporter = self.start(sim, FLEET, metric_db_user_session_count={"interval": "60s"})
        exporter.wait_log("inventory loaded")
        reply = exporter.wait_for("the inventory", lambda: next((
            reply for reply in [exporter.get("/-/ready")] if "inventory" not in reply.text), None))
        self.assertEqual((reply.status, reply.text), (503, "the first cycle is under way\n"))
        self.assertEqual(exporter.get("/-/healthy").status, 200)
        exporter.wait_ready()
        exporter.wait_sessions(fleet.sessions(FLEET))

    def test_ready_comes_with_failing_targets_too(self):
        sim = self.simulator()
        exporter = self.start(sim, [Instance("rm-failed-1")])
        exporter.wait_ready()
        self.assertEqual(exporter.up("rm-failed-1"), 0)

    def test_an_empty_inventory_is_ready(self):
        self.start(self.simulator(), []).wait_ready()

    def test_the_page_before_the_first_cycle_is_valid(self):
        exporter = self.start(self.simulator("--completion-median", "5s", "--completion-sigma", "0"), FLEET)
        self.assertEqual(exporter.sessions(), {})


if __name__ == "__main__":
    harness.main()
