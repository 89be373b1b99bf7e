"""The queries of dashboard, rules and alerts on what a real Prometheus has scraped from a real exporter."""

import math
import re
import unittest

import harness
import fleet
import promql
import queries
from fleet import Instance, UID, UID2
from prometheus_server import Server

LIMITS = tuple((user, 100) for user in ("app_user", "report_user", "etl_user"))
FLEET = [
    Instance("rm-test1", "orders", users=LIMITS),
    Instance("rm-test2", "orders_replica", readonly=1),
    Instance("pc-test1", "ledger", "polardb", nodes=(("pi-test1", "write"), ("pi-test2", "read")), users=LIMITS),
    Instance("rm-test3", "stock", uid=UID2, users=LIMITS),
]
VARIABLES = {"$__rate_interval": "10s", "$job": "sessions"}


def substituted(expression):
    """As Grafana sends it, with All in every variable that may have it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$[a-z]\w*", ".*", expression)


class Run(unittest.TestCase):
    """One run for all tests of a class; begin() starts what they look at."""

    @classmethod
    def setUpClass(cls):
        harness.find_prometheus()
        cls.owner = harness.Case()
        cls.owner.setUp()
        cls.addClassCleanup(cls.owner.tearDown)
        cls.addClassCleanup(cls.owner.doCleanups)
        cls.begin()

    def wait_data(self, expression):
        def has_data():
            return any(not math.isnan(value) for _, value in self.server.query(expression))

        harness.wait_for("data of " + expression, has_data)


class Healthy(Run):
    @classmethod
    def begin(cls):
        # The credentials of the second account expire, so that no query is empty for want of any.
        cls.sim = cls.owner.simulator("--completion-median", "100ms", "--imds-listen", "127.0.0.1:0")
        uri = {"credentials_uri": f"{cls.sim.metadata_url}/credentials?uid={UID2}"}
        cls.exporter = cls.owner.start(cls.sim, FLEET, **{f"account_{UID2}": uri})
        cls.exporter.wait_sessions(fleet.sessions(FLEET))
        cls.server = Server(cls.owner, [cls.exporter.port], queries.RULES)

    def test_every_query_of_the_dashboard_has_data(self):
        for title, expression, _ in queries.panel_queries(queries.dashboard()):
            with self.subTest(title, expression=expression):
                self.wait_data(substituted(expression))

    def test_every_legend_names_labels_that_the_series_have(self):
        for title, expression, legend in queries.panel_queries(queries.dashboard()):
            with self.subTest(title, expression=expression):
                self.wait_labels(substituted(expression), queries.legend_labels(legend))

    def wait_labels(self, expression, labels):
        harness.wait_for(f"{labels} in {expression}", lambda: any(
            labels <= series.keys() for series, _ in self.server.query(expression)))

    def test_every_variable_of_the_dashboard_has_values(self):
        for name, selector, label in queries.variable_queries(queries.dashboard()):
            with self.subTest(name):
                self.wait_labels(substituted(selector), {label})

    def test_one_value_of_every_variable_narrows_the_dashboard(self):
        total = FLEET[3].sessions()["rm-test3", "stock", "rds", UID2, "app_user", "", "write"]
        sessions = next(expression for title, expression, _ in queries.panel_queries(queries.dashboard())
                        if title == "Sessions")
        for name, value in (("$ins_id", "rm-test3"), ("$aliyun_uid", UID2), ("$db_user", "app_user")):
            sessions = sessions.replace(name, value)
        harness.wait_for(sessions, lambda: self.server.value(substituted(sessions)) == total)

    def test_the_expressions_read_from_the_rule_files_are_those_of_prometheus(self):
        written = {name for path in queries.RULES for name in queries.rules(path)}
        self.assertEqual({rule["name"] for rule in self.server.rules()}, written)

    def test_every_rule_is_evaluated_without_an_error(self):
        harness.wait_for("an evaluation of each rule",
                         lambda: all(rule["health"] != "unknown" for rule in self.server.rules()))
        for rule in self.server.rules():
            with self.subTest(rule["name"]):
                self.assertEqual(rule["health"], "ok", rule.get("lastError"))

    def test_every_recording_rule_has_data(self):
        for rule in self.server.rules():
            if rule["type"] == "recording":
                with self.subTest(rule["name"]):
                    self.wait_data(rule["name"])

    def test_every_selector_of_every_alert_has_data(self):
        # Without the comparison, which is rightly empty while all is well.
        for rule in self.server.rules():
            for selector in promql.parse(rule["query"])[0]:
                with self.subTest(rule["name"], selector=selector.text):
                    self.wait_data(selector.text)

    def test_every_expression_on_the_pages_is_valid(self):
        for page in ("README.md", "docs/runbooks.md", "docs/migration.md", "docs/migration.zh-CN.md"):
            expressions = queries.page_queries(page)
            self.assertGreater(len(expressions), 1, page)
            for expression in expressions:
                with self.subTest(page, expression=expression):
                    self.server.query(expression)

    def test_no_alert_is_pending_while_all_is_well(self):
        harness.wait_for("the end of all alerts", lambda: not self.server.query("ALERTS"),
                         context=lambda: self.server.query("ALERTS"))


def busy_instance():
    """An instance whose app_user has enough sessions for a limit that alerts."""
    return next(instance for instance in (Instance(f"rm-busy{i}", "busy") for i in range(100))
                if fleet.sessions([instance])[instance.ins_id, "busy", "rds", UID, "app_user", "", "write"] >= 10)


class Trouble(Run):
    """Everything that goes wrong within seconds; each alert must at least be pending."""

    @classmethod
    def begin(cls):
        cls.sim = cls.owner.simulator()
        cls.sim.allow(auth_failures=True, throttled=True)
        cls.busy = busy_instance()
        cls.busy.users = (("app_user", 10),)
        instances = [cls.busy, *(Instance(f"rm-failed-{i}") for i in range(7)),
                     *(Instance(f"rm-test{i}", uid=UID2) for i in range(3))]
        cls.exporter = cls.owner.start(cls.sim, instances, uids=(UID, UID2),
                                       **{f"account_{UID}": fleet.account(UID, rate_limit=1)},
                                       metric_db_user_session_count={"interval": "1s", "stale_after": "60s"})
        cls.lost = cls.owner.start(cls.sim, inventory={"file": "missing.ini"})
        cls.server = Server(cls.owner, [cls.exporter.port, cls.lost.port], queries.RULES)
        cls.exporter.wait_ready()
        harness.wait_for("the account as it was", lambda: cls.server.query(
            f'count_over_time(session_exporter_account_up{{aliyun_uid="{UID2}"}}[1m]) > 5'))
        cls.sim.control(disable_key=fleet.KEYS[UID2][0])
        cls.sim.control(deny=5)
        cls.exporter.configure("[nonsense]\n")
        cls.exporter.post("/-/reload")

    def expect(self, alert, **labels):
        wanted = ",".join(f'{name}="{value}"' for name, value in {"alertname": alert, **labels}.items())
        harness.wait_for(alert, lambda: self.server.query(f"ALERTS{{{wanted}}}"),
                         context=lambda: self.server.query("ALERTS"))

    def test_a_user_above_its_limit(self):
        self.expect("MySQLUserAtConnectionLimit", ins_id=self.busy.ins_id, db_user="app_user", severity="critical")
        self.expect("MySQLUserNearConnectionLimit", ins_id=self.busy.ins_id, db_user="app_user", severity="warning")

    def test_a_refused_key(self):
        self.expect("SessionExporterAccountDown", aliyun_uid=UID2)
        self.expect("SessionExporterAccountUnusable", aliyun_uid=UID2)

    def test_failing_targets(self):
        self.expect("SessionExporterTargetStale", ins_id="rm-failed-0", aliyun_uid=UID)
        self.expect("SessionExporterAccountBlind", aliyun_uid=UID)

    def test_throttling(self):
        self.expect("SessionExporterThrottled")

    def test_too_many_targets(self):
        self.expect("SessionExporterOvercommitted", aliyun_uid=UID)

    def test_a_bad_configuration(self):
        self.expect("SessionExporterReloadFailed", instance=f"127.0.0.1:{self.exporter.port}")

    def test_no_inventory(self):
        self.expect("SessionExporterInventoryMissing", instance=f"127.0.0.1:{self.lost.port}")


class Gone(harness.Case):
    def setUp(self):
        harness.find_prometheus()
        super().setUp()
        self.exporter = self.start(self.simulator(), FLEET, uids=(UID, UID2))
        self.exporter.wait_sessions(fleet.sessions(FLEET))
        self.server = Server(self, [self.exporter.port], queries.RULES)
        harness.wait_for("a scrape", lambda: self.server.query("user:db_max_user_connections:limit"))

    def wait_alert(self, name):
        harness.wait_for(name, lambda: self.server.query(f'ALERTS{{alertname="{name}"}}'))

    def test_an_exporter_that_has_ended(self):
        self.exporter.stop()
        self.wait_alert("SessionExporterDown")
        self.wait_alert("SessionExporterAbsent")

    def test_limits_that_are_gone(self):
        self.write_inventory([Instance("rm-test1", "orders")])
        self.wait_alert("SessionExporterLimitsMissing")


if __name__ == "__main__":
    harness.main()
