"""The optional metrics: off by default, true to the reply, limited, and gone at once when switched off."""

import subprocess

import harness
import fleet
import das_sim_client
from fleet import Instance, UID

ONE = Instance("rm-test1", "one")
CLUSTER = Instance("pc-test1", "cluster", "PolarDB", nodes=(("pi-test1", "write"), ("pi-test2", "read")))
FLEET = [ONE, CLUSTER]

NODE_METRICS = ("db_node_sessions", "db_node_active_sessions", "db_node_longest_active_session_seconds")
KEYED_METRICS = {"db_user_active_sessions": "db_user", "db_client_sessions": "client", "db_schema_sessions": "db_name"}
ALL = {name: "yes" for name in (*NODE_METRICS, *KEYED_METRICS)}
NODE_LABELS = ("ins_id", "ins_name", "ins_type", "aliyun_uid", "node_id", "node_type")


def nodes(instances=FLEET):
    """[(instance, node id, label values of the node before and after a key)]"""
    return [(instance, node, (instance.ins_id, instance.ins_name, instance.ins_type.lower(), UID), (node, kind))
            for instance in instances for node, kind in instance.targets()]


def expected_nodes(name, instances=FLEET):
    result = {}
    for instance, node, before, after in nodes(instances):
        users = das_sim_client.expected_sessions(instance.ins_id, node).values()
        active = sum(active for _, active in users)
        result[before + after] = {"db_node_sessions": sum(total for total, _ in users),
                                  "db_node_active_sessions": active,
                                  "db_node_longest_active_session_seconds": 60 if active else 0}[name]
    return result


def groups(instance, node):
    """{metric: {key: value}} of one node."""
    users = das_sim_client.expected_sessions(instance.ins_id, node)
    clients, schemas = das_sim_client.expected_groups(instance.ins_id, node)
    return {"db_user_active_sessions": {user: active for user, (_, active) in users.items()},
            "db_client_sessions": clients, "db_schema_sessions": schemas}


def expected_keyed(name, most=100, instances=FLEET):
    """({series: value}, {overflow series: value}, series in the overflow)"""
    kept, overflow, count = {}, {}, 0
    for instance, node, before, after in nodes(instances):
        ranked = sorted(groups(instance, node)[name].items(), key=lambda item: (-item[1], item[0].encode()))
        kept.update({(*before, key, *after): value for key, value in ranked[:most]})
        if ranked[most:]:
            overflow[before + after] = sum(value for _, value in ranked[most:])
            count += len(ranked[most:])
    return kept, overflow, count


class OptionalMetrics(harness.Case):
    def run_with(self, instances=FLEET, arguments=(), **optional):
        self.sim = self.simulator(*arguments)
        self.exporter = self.start(self.sim, instances, optional_metrics=optional)
        self.exporter.wait_ready()
        return self.exporter

    def reload(self, **optional):
        self.exporter.configure(fleet.configuration(self.sim.url, optional_metrics=optional))
        self.assertEqual(self.exporter.post("/-/reload").status, 200)

    def series(self, name):
        return fleet.series(self.exporter.metrics(), name, NODE_LABELS)

    def keyed(self, name):
        labels = (*NODE_LABELS[:4], KEYED_METRICS[name], *NODE_LABELS[4:])
        return fleet.series(self.exporter.metrics(), name, labels)

    def wait_equal(self, what, probe, expected):
        self.exporter.wait_for(f"{what}: {expected}", lambda: probe() == expected)

    def overflowed(self, name):
        return self.exporter.value("session_exporter_overflowed_series", metric=name)

    def test_nothing_of_them_is_on_the_page_by_default(self):
        page = self.run_with().get("/metrics").text
        for name in (*ALL, "overflow"):
            self.assertNotIn(name, page)

    def test_each_has_the_values_of_the_reply(self):
        self.run_with(**ALL)
        for name in NODE_METRICS:
            with self.subTest(name):
                self.wait_equal(name, lambda: self.series(name), expected_nodes(name))
        for name in KEYED_METRICS:
            with self.subTest(name):
                self.wait_equal(name, lambda: self.keyed(name), expected_keyed(name)[0])
                self.assertEqual((self.series(name + "_overflow"), self.overflowed(name)), ({}, 0))

    def test_one_alone_brings_no_other(self):
        for name in ALL:
            with self.subTest(name):
                self.run_with(**{name: "yes"})
                self.exporter.wait_for(name, lambda: name in self.exporter.metrics().families)
                page = self.exporter.metrics().families
                self.assertEqual([other for other in ALL if other in page], [name])
                self.exporter.wait_sessions(fleet.sessions(FLEET))

    def test_they_cost_no_call(self):
        seldom = {"interval": "1h", "stale_after": "2h"}
        calls = []
        for optional in ({}, ALL):
            sim = self.simulator()
            exporter = self.start(sim, FLEET, optional_metrics=optional, metric_db_user_session_count=seldom)
            exporter.wait_sessions(fleet.sessions(FLEET))
            calls.append(sim.stats()["total"]["submits"])
        self.assertEqual(calls, [3, 3])

    def test_the_largest_are_kept_and_the_others_counted(self):
        self.run_with(**ALL, series_per_target=2)
        for name in KEYED_METRICS:
            kept, overflow, count = expected_keyed(name, 2)
            with self.subTest(name):
                self.wait_equal(name, lambda: self.keyed(name), kept)
                self.wait_equal(name, lambda: self.series(name + "_overflow"), overflow)
                self.wait_equal(name, lambda: self.overflowed(name), count)
                self.assertGreater(count, 0)

    def test_many_clients_are_never_more_than_the_limit(self):
        self.run_with([ONE], ("--clients", "2000", "--users", "60"), db_client_sessions="yes")
        page = self.exporter.wait_for("clients", lambda: next((
            page for page in [self.exporter.metrics()] if "db_client_sessions_overflow" in page.families), None))
        kept = [value for _, _, value in page.families["db_client_sessions"].samples]
        (_, _, others), = page.families["db_client_sessions_overflow"].samples
        self.assertEqual(len(kept), 100)
        self.assertEqual(sum(kept) + others, sum(
            value for _, _, value in page.families["db_user_session_count"].samples))

    def test_a_limit_changes_by_reload(self):
        self.run_with(**ALL, series_per_target=2)
        self.wait_equal("two", lambda: self.keyed("db_client_sessions"), expected_keyed("db_client_sessions", 2)[0])
        self.reload(**ALL, series_per_target=1)
        self.wait_equal("one", lambda: self.keyed("db_client_sessions"), expected_keyed("db_client_sessions", 1)[0])

    def test_switched_on_by_reload_they_come_with_the_next_result(self):
        self.run_with()
        self.reload(db_client_sessions="yes")
        self.wait_equal("clients", lambda: self.keyed("db_client_sessions"), expected_keyed("db_client_sessions")[0])

    def test_switched_off_by_reload_they_leave_before_the_next_result(self):
        self.sim = self.simulator()
        seldom = {"interval": "1h", "stale_after": "2h"}
        self.exporter = self.start(self.sim, FLEET, optional_metrics=ALL, metric_db_user_session_count=seldom)
        self.wait_equal("nodes", lambda: self.series("db_node_sessions"), expected_nodes("db_node_sessions"))
        submits = self.sim.stats()["total"]["submits"]
        self.exporter.configure(fleet.configuration(self.sim.url, metric_db_user_session_count=seldom))
        self.assertEqual(self.exporter.post("/-/reload").status, 200)
        self.exporter.wait_for("their end", lambda: not any(
            name in self.exporter.get("/metrics").text for name in ALL))
        self.assertEqual(self.exporter.sessions(), fleet.sessions(FLEET))
        self.assertEqual(self.sim.stats()["total"]["submits"], submits)

    def test_clients_are_added_up_over_their_ports(self):
        ports = Instance("rm-ports-1", "ports")
        self.run_with([ports], db_client_sessions="yes")
        expected = expected_keyed("db_client_sessions", instances=[ports])[0]
        self.assertIn("2001:db8::5", {series[4] for series in expected})
        self.wait_equal("clients", lambda: self.keyed("db_client_sessions"), expected)

    def test_what_a_reply_lacks_is_missing_and_the_users_are_there(self):
        lean = Instance("rm-lean-1", "lean")
        self.run_with([lean, ONE], **ALL)
        self.exporter.wait_sessions(fleet.sessions([lean, ONE]))
        for name in NODE_METRICS:
            self.wait_equal(name, lambda: self.series(name), expected_nodes(name, [ONE]))
        for name in ("db_client_sessions", "db_schema_sessions"):
            self.wait_equal(name, lambda: self.keyed(name), expected_keyed(name, instances=[ONE])[0])

    def test_strange_names_keep_the_page_valid(self):
        self.run_with([Instance("rm-strange-1")], **ALL)
        self.exporter.wait_for("them", lambda: any(
            series[4] == '{le="1"} 2 # x' for series in self.keyed("db_user_active_sessions")))

    def test_promtool_complains_about_the_given_name_only(self):
        _, promtool = harness.find_prometheus()
        self.run_with(**ALL, series_per_target=2)
        self.exporter.wait_for("all of them", lambda: "db_schema_sessions_overflow" in self.exporter.metrics().families)
        result = subprocess.run([promtool, "check", "metrics"], input=self.exporter.get("/metrics").body,
                                capture_output=True)
        complaints = [line for line in result.stderr.decode().split("\n") if line]
        self.assertEqual([line.split()[0] for line in complaints], ["db_user_session_count"], complaints)

    def test_they_are_refused_without_the_metric_whose_replies_they_need(self):
        self.run_with()
        self.exporter.configure(fleet.configuration(
            self.sim.url, optional_metrics={"db_node_sessions": "yes"}, metric_db_user_session_count={"enabled": "no"}))
        reply = self.exporter.post("/-/reload")
        self.assertEqual(reply.status, 400)
        self.assertRegex(reply.text, r"db_node_sessions in \[optional_metrics\] is yes, expected no")


if __name__ == "__main__":
    harness.main()
