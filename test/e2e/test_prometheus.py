"""A real Prometheus scrapes the exporter."""

import harness
import fleet
from fleet import Instance, UID
from prometheus_server import Server

ONE, TWO = Instance("rm-test1", "one", users=(("app_user", 100),)), Instance("rm-test2", "two")

class Prometheus(harness.Case):
    def setUp(self):
        harness.find_prometheus()
        super().setUp()
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, [ONE, TWO])
        self.exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        self.server = Server(self, [self.exporter.port])

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
