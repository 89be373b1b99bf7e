"""The inventory database comes, goes, changes and is wrong; what was known stays in use."""

import re
import signal

import harness
import fleet
from fleet import Instance, UID, UID2

ONE, TWO = Instance("rm-test1", "one", users=(("app", 5),)), Instance("rm-test2", "two")
LOADED = "session_exporter_inventory_last_success_timestamp_seconds"
HELD = "session_exporter_inventory_held_loads_total"
LOAD_FAILED = "inventory load failed"


class Inventory(harness.Case):
    def run_on(self, instances=(ONE, TWO), **changes):
        self.sim = self.simulator()
        self.db = self.database(instances)
        self.exporter = self.start_on(self.db, self.sim, **changes)
        return self.exporter

    def test_an_added_instance_appears(self):
        exporter = self.run_on([ONE])
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.db.sql(fleet.statements([TWO]))
        exporter.wait_sessions(fleet.sessions([ONE, TWO]))

    def test_a_removed_instance_leaves_the_page(self):
        exporter = self.run_on()
        exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        self.db.sql("DELETE FROM instance_list WHERE ins_id = 'rm-test2'")
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.assertIsNone(exporter.up("rm-test2"))
        self.assertNotIn(("rm-test2", ""), exporter.targets())

    def test_a_removed_limit_leaves_the_page(self):
        exporter = self.run_on([Instance("rm-test1", "one", users=(("app", 5), ("report", 7)))])
        exporter.wait_for("the limits", exporter.limits)
        self.db.sql("DELETE FROM instance_users WHERE username = 'report'")
        exporter.wait_for("its end", lambda: exporter.limits() == {("rm-test1", "app"): 5})

    def test_an_emptied_table_is_not_believed_until_a_reload_is_asked_for(self):
        exporter = self.run_on()
        exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        self.db.sql("DELETE FROM instance_list")
        line = exporter.wait_log("inventory load held back: it lost more than half; the old one stays until a load at "
                                 "least 30 s later says the same, or a reload is asked for")
        self.assertEqual((line["scope"], line["found"], line["in_force"]), ("instances", "0", "2"))
        exporter.wait_for("the count", lambda: exporter.value(HELD))
        self.sim.control(generation=1)
        exporter.wait_sessions(fleet.sessions([ONE, TWO], 1))
        self.assertIn("inventory_held", exporter.get("/api/v1/overview").text)
        self.assertEqual(exporter.post("/-/reload").status, 200)
        exporter.wait_sessions({})
        exporter.wait_log("inventory not as expected")

    def test_a_held_load_is_believed_at_a_signal(self):
        exporter = self.run_on()
        exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        self.db.sql("DELETE FROM instance_list")
        exporter.wait_for("the load that is held", lambda: exporter.value(HELD))
        exporter.send(signal.SIGHUP)
        exporter.wait_for("an empty inventory", lambda: exporter.targets() == {}, timeout=25)

    def test_a_value_that_is_not_understood_is_named_once(self):
        exporter = self.run_on([ONE])
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.db.sql("ALTER TABLE instance_list MODIFY ins_status varchar(20);"
                    "INSERT INTO instance_list (id, ins_id, ins_type, aliyun_uid, ins_status)"
                    f" VALUES (17, 'rm-test9', 'RDS', '{UID}', 'aktiv')")
        line = exporter.wait_log("inventory not as expected")
        self.assertEqual(line["remark"], "instance 'rm-test9' (row 17): ins_status is 'aktiv', expected 0 or 1")
        loaded = exporter.value(LOADED)
        exporter.wait_for("another load", lambda: exporter.value(LOADED) > loaded + 1)
        self.assertEqual(len(exporter.logs("inventory not as expected")), 1)

    def test_check_fails_when_no_instance_is_left(self):
        exporter = self.run_on([ONE])
        self.db.sql("UPDATE instance_list SET engine = 'mongodb'")
        check = self.run_program("--config.file=" + exporter.config, "--check")
        self.assertEqual(check.returncode, 1)
        self.assertIn("warning: every row of instances is left out: 1 not_mysql\n", check.stdout)
        self.assertEqual(check.stderr, "check failed: not one instance is left, see the warnings above\n")

    def test_a_new_name_is_shown(self):
        exporter = self.run_on([ONE])
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.db.sql("UPDATE instance_list SET ins_name = 'renamed'")
        exporter.wait_sessions(Instance("rm-test1", "renamed").sessions())

    def test_a_new_node_type_is_shown(self):
        exporter = self.run_on([ONE])
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.db.sql("UPDATE instance_list SET ins_is_readonly = 1")
        exporter.wait_sessions(Instance("rm-test1", "one", readonly=1).sessions())

    def test_an_instance_can_move_to_another_account(self):
        exporter = self.run_on([ONE], uids=(UID, UID2))
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.db.sql(f"UPDATE instance_list SET aliyun_uid = '{UID2}'")
        exporter.wait_sessions(Instance("rm-test1", "one", uid=UID2).sessions())
        self.assertIsNone(exporter.up("rm-test1", uid=UID))

    def test_an_excluded_instance_is_not_asked(self):
        exporter = self.run_on(inventory={"exclude": "rm-*2"})
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.assertEqual(list(self.sim.stats(True)["instances"]), ["rm-test1/"])

    def test_a_missing_users_table_costs_no_sessions(self):
        self.sim = self.simulator()
        self.db = self.database([ONE])
        self.db.sql("DROP TABLE instance_users")
        exporter = self.start_on(self.db, self.sim)
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.assertIn("instance_users", exporter.wait_log(LOAD_FAILED)["error"])


class Outage(harness.Case):
    """These kill the server, so it is not shared."""

    def setUp(self):
        super().setUp()
        self.server = harness.start_mariadb()
        self.addCleanup(self.server.close)
        self.sim = self.simulator()
        self.db = self.server.create("inventory", [ONE])

    def test_samples_stay_and_age_is_visible_while_the_database_is_gone(self):
        exporter = self.start_on(self.db, self.sim)
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.server.kill()
        exporter.wait_log(LOAD_FAILED)
        loaded = exporter.value(LOADED)
        self.sim.control(generation=5)
        exporter.wait_sessions(ONE.sessions(5))
        self.assertEqual(exporter.value(LOADED), loaded)
        self.assertEqual(exporter.limits(), {("rm-test1", "app"): 5})

    def test_loads_go_on_after_the_database_is_back(self):
        exporter = self.start_on(self.db, self.sim)
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.server.kill()
        exporter.wait_log(LOAD_FAILED)
        self.server.start()
        self.db.sql(fleet.statements([TWO]))
        exporter.wait_sessions(fleet.sessions([ONE, TWO]))
        exporter.wait_log("inventory source recovered")

    def test_a_database_that_hangs_costs_no_sessions_and_is_used_again(self):
        exporter = self.start_on(self.db, self.sim, mysql={"connect_timeout": "1s"})
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            exporter.wait_log(LOAD_FAILED)
            self.sim.control(generation=1)
            exporter.wait_sessions(ONE.sessions(1))
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        self.db.sql(fleet.statements([TWO]))
        exporter.wait_sessions(fleet.sessions([ONE, TWO], 1))

    def test_a_database_that_is_absent_at_start_is_waited_for(self):
        self.server.kill()
        exporter = self.start_on(self.db, self.sim)
        reply = exporter.wait_for("the reason", lambda: next(
            (reply for reply in [exporter.get("/-/ready")] if "no inventory yet: " in reply.text), None))
        self.assertEqual(reply.status, 503)
        self.assertIn(self.server.socket, reply.text)
        self.assertEqual(exporter.get("/-/healthy").status, 200)
        self.server.start()
        exporter.wait_ready()
        exporter.wait_sessions(fleet.sessions([ONE]))

    def test_an_outage_is_logged_once(self):
        exporter = self.start_on(self.db, self.sim)
        exporter.wait_sessions(fleet.sessions([ONE]))
        self.server.kill()
        exporter.wait_log(LOAD_FAILED)
        self.sim.control(generation=1)
        exporter.wait_sessions(ONE.sessions(1))
        self.sim.control(generation=2)
        exporter.wait_sessions(ONE.sessions(2))
        self.assertEqual(len(exporter.logs(LOAD_FAILED)), 1)


class Wrong(harness.Case):
    """What is wrong with the database is said at start, by the running exporter and by --check."""

    def wrong(self, named, prepare="", **mysql):
        sim, db = self.simulator(), self.database([ONE])
        if prepare:
            db.sql(prepare)
        exporter = self.start_on(db, sim, mysql=mysql)
        line = exporter.wait_log(LOAD_FAILED)
        self.assertRegex(line["error"], named)
        self.assertEqual(exporter.get("/-/ready").status, 503)
        self.assertRegex(exporter.get("/-/ready").text, named)
        check = self.run_program("--config.file=" + exporter.config, "--check")
        self.assertEqual(check.returncode, 1, check.stderr)
        self.assertRegex(check.stderr, rf"\A[^\n]*{named.pattern}[^\n]*\n\Z")

    def test_wrong_password(self):
        self.wrong(re.compile("Access denied for user 'exporter'"), password="wrongpassword1")

    def test_unknown_database(self):
        self.wrong(re.compile("nowhere"), database="nowhere")

    def test_missing_table(self):
        self.wrong(re.compile("instance_node_id"), "DROP TABLE instance_node_id")

    def test_missing_column(self):
        self.wrong(re.compile("ins_type"), "ALTER TABLE instance_list DROP COLUMN ins_type")

    def test_nobody_listens(self):
        self.wrong(re.compile("/nowhere"), socket="/nowhere")


if __name__ == "__main__":
    harness.main()
