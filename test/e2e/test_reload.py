"""A changed configuration takes effect by SIGHUP and by HTTP; a bad one changes nothing."""

import signal
import time

import harness
import fleet
from fleet import Instance, UID, UID2

ONE, OTHER = Instance("rm-test1", "one", users=(("app", 5),)), Instance("rm-test2", "other", uid=UID2)
SUCCESSFUL = "session_exporter_config_last_reload_successful"
SELDOM = {"interval": "1h", "stale_after": "2h"}


class Reload(harness.Case):
    def run_with(self, **changes):
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, [ONE, OTHER], **changes)
        self.exporter.wait_sessions(ONE.sessions())
        return self.exporter

    def by_http(self, uids=(UID,), **changes):
        self.exporter.configure(fleet.configuration(self.sim.url, uids, **changes))
        return self.exporter.post("/-/reload")

    def by_signal(self, uids=(UID,), **changes):
        before = len(self.exporter.logs("configuration reloaded"))
        self.exporter.configure(fleet.configuration(self.sim.url, uids, **changes))
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for("the reload", lambda: len(self.exporter.logs("configuration reloaded")) > before)

    def test_an_interval_by_signal(self):
        self.run_with(metric_db_user_session_count=SELDOM)
        self.by_signal()
        self.sim.control(generation=1)
        self.exporter.wait_sessions(ONE.sessions(1))

    def test_an_interval_by_http(self):
        self.run_with(metric_db_user_session_count=SELDOM)
        self.assertEqual(self.by_http().status, 200)
        self.sim.control(generation=1)
        self.exporter.wait_sessions(ONE.sessions(1))

    def test_a_rate_limit(self):
        self.run_with()
        self.assertEqual(self.by_http(das={"rate_limit": 10}).status, 200)
        for name in ("limit", "effective"):
            self.exporter.wait_for(name, lambda: self.exporter.value(
                f"session_exporter_api_rate_{name}", aliyun_uid=UID) == 100)

    def test_a_new_account(self):
        self.run_with()
        self.assertEqual(self.exporter.targets()["rm-test2", ""]["state"], "no_credentials")
        self.assertEqual(self.by_http((UID, UID2)).status, 200)
        self.exporter.wait_sessions(fleet.sessions([ONE, OTHER]))

    def test_a_removed_account(self):
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, [ONE, OTHER], (UID, UID2),
                                   metric_db_user_session_count={"stale_after": "3s"})
        self.exporter.wait_sessions(fleet.sessions([ONE, OTHER]))
        self.assertEqual(self.by_http(metric_db_user_session_count={"stale_after": "3s"}).status, 200)
        self.exporter.wait_for("its end", lambda: self.exporter.targets()["rm-test2", ""]["state"] == "no_credentials")
        self.exporter.wait_sessions(ONE.sessions())

    def test_another_inventory_file(self):
        self.run_with()
        self.write("other.ini", fleet.inventory_file([Instance("rm-test3", "three")]))
        self.assertEqual(self.by_http(inventory={"file": "other.ini", "refresh_interval": "1h"}).status, 200)
        self.exporter.wait_sessions(Instance("rm-test3", "three").sessions())

    def test_another_endpoint(self):
        self.run_with()
        self.sim = self.simulator("--generation", "4")
        self.assertEqual(self.by_http().status, 200)
        self.exporter.wait_sessions(ONE.sessions(4))

    def test_a_disabled_metric_leaves_the_page_until_it_is_enabled(self):
        for name, series, labels in (("db_user_session_count", self.session_series, ONE.sessions().keys()),
                                     ("db_max_user_connections", self.limit_series, {("rm-test1", "app")})):
            with self.subTest(name):
                self.run_with()
                self.exporter.wait_for("the series", lambda: series() == labels)
                self.assertEqual(self.by_http(**{"metric_" + name: {"enabled": "no"}}).status, 200)
                self.exporter.wait_for("their end", lambda: not series())
                self.assertEqual(self.exporter.post("/refresh", metric=name).status, 409)
                self.assertEqual(self.by_http().status, 200)
                self.exporter.wait_for("their return", lambda: series() == labels)

    def session_series(self):
        return self.exporter.sessions().keys()

    def limit_series(self):
        return self.exporter.limits().keys()

    def test_a_log_level(self):
        self.run_with()
        self.assertEqual(self.by_http(exporter={"log_level": "error"}).status, 200)
        count = len(self.exporter.logs("inventory loaded"))
        self.sim.control(generation=1)
        self.exporter.wait_sessions(ONE.sessions(1))
        self.assertLessEqual(len(self.exporter.logs("inventory loaded")) - count, 1)

    def test_a_bad_file_is_400_with_the_reason_and_the_old_one_stays(self):
        exporter = self.run_with()
        reply = self.by_http(das={"rate_limit": "many"})
        self.assertEqual(reply.status, 400)
        self.assertRegex(reply.text, r"exporter\.ini:\d+: .*rate_limit.*'many'")
        exporter.wait_for("the metric", lambda: exporter.value(SUCCESSFUL) == 0)
        self.sim.control(generation=1)
        exporter.wait_sessions(ONE.sessions(1))

    def test_a_bad_file_by_signal_is_logged(self):
        exporter = self.run_with()
        exporter.configure("[nonsense]\n")
        exporter.send(signal.SIGHUP)
        self.assertIn("exporter.ini:1:", exporter.wait_log("reload failed, the old configuration stays")["error"])

    def test_a_repaired_file_is_taken(self):
        exporter = self.run_with()
        self.by_http(das={"rate_limit": "many"})
        exporter.wait_for("the metric", lambda: exporter.value(SUCCESSFUL) == 0)
        before = time.time()
        self.assertEqual(self.by_http().status, 200)
        exporter.wait_for("the metric", lambda: exporter.value(SUCCESSFUL) == 1)
        reloaded = exporter.value("session_exporter_config_last_reload_success_timestamp_seconds")
        self.assertAlmostEqual(reloaded, before, delta=harness.PATIENCE)

    def test_a_key_that_needs_a_restart_is_named(self):
        self.run_with()
        reply = self.by_http(exporter={"workers": 3})
        self.assertEqual(reply.status, 400)
        self.assertRegex(reply.text, "workers.*restart")

    def test_samples_stay_through_many_reloads(self):
        exporter = self.run_with()
        for limit in range(5, 20):
            self.assertEqual(self.by_http(das={"rate_limit": limit}).status, 200)
            self.assertEqual(exporter.sessions(), ONE.sessions())

    def test_get_is_405(self):
        self.assertEqual(self.run_with().get("/-/reload").status, 405)


if __name__ == "__main__":
    harness.main()
