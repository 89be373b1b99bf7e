"""Every sample on the page is the value that the simulator computed, with exactly the fixed labels."""

import harness
import fleet
from fleet import Instance, UID, UID2

RDS = Instance("rm-test1", "orders", "RDS", users=(("app_user", 100), ("report_user", 20)))
READONLY = Instance("rm-test2", "orders_ro", "rds", readonly=1)
CLUSTER = Instance("pc-test1", "ledger", "PolarDB", nodes=(("pi-test1", "write"), ("pi-test2", "read")),
                   users=(("app_user", 0),))
OTHER = Instance("rm-test3", "other account", "RDS", uid=UID2)
FLEET = [RDS, READONLY, CLUSTER, OTHER]
LIMITS = {("rm-test1", "app_user"): 100, ("rm-test1", "report_user"): 20, ("pc-test1", "app_user"): 0}


class Pipeline(harness.Case):
    def run_fleet(self, instances=FLEET, **changes):
        self.sim = self.simulator()
        self.db = self.database(instances)
        self.exporter = self.start_on(self.db, self.sim, uids=(UID, UID2), **changes)
        return self.exporter

    def rejected(self, reason):
        return self.exporter.value("session_exporter_inventory_rejected_rows", reason=reason)

    def test_every_session_count_is_the_simulators(self):
        self.run_fleet().wait_sessions(fleet.sessions(FLEET))

    def test_every_limit_is_the_tables(self):
        self.run_fleet().wait_for("limits", lambda: self.exporter.limits() == LIMITS)

    def test_sample_lines_have_the_fixed_labels_in_the_fixed_order(self):
        exporter = self.run_fleet()
        exporter.wait_sessions(fleet.sessions(FLEET))
        sessions = fleet.sessions([RDS])
        total = sessions["rm-test1", "orders", "rds", UID, "app_user", "", "write"]
        page = exporter.get("/metrics").text
        self.assertIn('\ndb_user_session_count{ins_id="rm-test1",ins_name="orders",ins_type="rds",'
                      f'aliyun_uid="{UID}",db_user="app_user",node_id="",node_type="write"}} {total}\n', page)
        self.assertIn('\ndb_max_user_connections{ins_id="rm-test1",username="app_user"} 100\n', page)

    def test_new_values_come_with_the_next_interval(self):
        exporter = self.run_fleet()
        exporter.wait_sessions(fleet.sessions(FLEET))
        self.sim.control(generation=7)
        exporter.wait_sessions(fleet.sessions(FLEET, 7))

    def test_limits_follow_the_table(self):
        exporter = self.run_fleet()
        exporter.wait_for("limits", lambda: exporter.limits() == LIMITS)
        self.db.sql("UPDATE instance_users SET max_user_connections = 7 WHERE username = 'report_user'")
        exporter.wait_for("the new limit", lambda: exporter.limits() == {**LIMITS, ("rm-test1", "report_user"): 7})

    def test_disabled_instances_are_counted_and_not_asked(self):
        exporter = self.run_fleet([RDS, Instance("rm-test9", status=0)])
        exporter.wait_sessions(fleet.sessions([RDS]))
        self.assertEqual(self.rejected("disabled"), 1)
        self.assertEqual(list(self.sim.stats(True)["instances"]), ["rm-test1/"])

    def test_mongodb_is_counted_and_not_asked(self):
        exporter = self.run_fleet([RDS, Instance("rm-test9", ins_type="Mongodb", engine="mongodb")])
        exporter.wait_sessions(fleet.sessions([RDS]))
        self.assertEqual(self.rejected("not_mysql"), 1)
        self.assertEqual(list(self.sim.stats(True)["instances"]), ["rm-test1/"])

    def test_of_duplicate_rows_one_is_used(self):
        exporter = self.run_fleet([Instance("rm-test1", "older"), Instance("rm-test1", "newer")])
        exporter.wait_sessions(fleet.sessions([Instance("rm-test1", "newer")]))
        self.assertEqual(self.rejected("duplicate_instance"), 1)

    def test_of_duplicate_users_the_highest_limit_is_used(self):
        exporter = self.run_fleet([Instance("rm-test1", users=(("app", 5), ("app", 9), ("app", 7)))])
        exporter.wait_for("the limit", lambda: exporter.limits() == {("rm-test1", "app"): 9})
        self.assertEqual(self.rejected("duplicate_user"), 2)

    def test_a_cluster_without_nodes_is_counted(self):
        exporter = self.run_fleet([RDS, Instance("pc-test9", ins_type="PolarDB")])
        exporter.wait_sessions(fleet.sessions([RDS]))
        self.assertEqual(self.rejected("no_nodes"), 1)

    def test_strange_names_come_through_unchanged(self):
        strange = Instance("rm-test1", 'a "quoted" \\ back\\nslash 中文 {le="1"} 2 # x')
        self.run_fleet([strange]).wait_sessions(fleet.sessions([strange]))

    def test_two_calls_give_one_complete_answer(self):
        exporter = self.run_fleet()
        exporter.wait_sessions(fleet.sessions(FLEET))
        self.assertEqual(self.sim.stats()["total"]["polls_per_delivered"], 1)

    def test_a_disabled_metric_is_not_collected(self):
        exporter = self.run_fleet(metric_db_user_session_count={"enabled": "no"})
        exporter.wait_for("limits", lambda: exporter.limits() == LIMITS)
        self.assertEqual(exporter.sessions(), {})
        self.assertEqual(self.sim.stats()["total"]["calls"], 0)


if __name__ == "__main__":
    harness.main()
