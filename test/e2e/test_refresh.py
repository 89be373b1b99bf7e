"""POST /refresh brings values up to date between the intervals."""

import harness
import fleet
from fleet import Instance, UID, UID2

ONE, TWO = Instance("rm-test1", "one", users=(("app", 5),)), Instance("rm-test2", "two")
CLUSTER = Instance("pc-test1", "three", "PolarDB", uid=UID2, nodes=(("pi-test1", "write"), ("pi-test2", "read")))
FLEET = [ONE, TWO, CLUSTER]
SELDOM = {"interval": "1h", "stale_after": "2h"}


class Refresh(harness.Case):
    def setUp(self):
        super().setUp()
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, FLEET, (UID, UID2), metric_db_user_session_count=SELDOM,
                                   metric_db_max_user_connections=SELDOM, inventory={"refresh_interval": "1h"})
        self.exporter.wait_sessions(fleet.sessions(FLEET))
        self.exporter.wait_ready()

    def post(self, **query):
        return self.exporter.post("/refresh", **query)

    def refresh(self, **query):
        """A finished one, after the simulator's values have changed."""
        self.sim.control(generation=1)
        reply = self.post(wait="30s", **query)
        self.assertEqual(reply.status, 200, reply.text)
        self.assertEqual(reply.json["state"], "finished")
        return reply.json

    def expect(self, new, old=()):
        """The values on the page once the renewal of the page is through."""
        self.exporter.wait_sessions({**fleet.sessions(old), **fleet.sessions(new, 1)})

    def test_all(self):
        self.assertEqual(self.refresh()["targets"], 5)  # four nodes and the users table
        self.expect(FLEET)

    def test_by_ins_id(self):
        self.assertEqual(self.refresh(ins_id="rm-test1")["targets"], 1)
        self.expect([ONE], [TWO, CLUSTER])

    def test_a_cluster_is_all_its_nodes(self):
        self.assertEqual(self.refresh(ins_id="pc-test1")["targets"], 2)
        self.expect([CLUSTER], [ONE, TWO])

    def test_by_aliyun_uid(self):
        self.assertEqual(self.refresh(aliyun_uid=UID)["targets"], 2)
        self.expect([ONE, TWO], [CLUSTER])

    def test_sessions_by_metric(self):
        self.assertEqual(self.refresh(metric="db_user_session_count")["targets"], 4)
        self.expect(FLEET)

    def test_limits_by_metric(self):
        self.write_inventory([Instance("rm-test1", "one", users=(("app", 6),)), TWO, CLUSTER])
        self.assertEqual(self.refresh(metric="db_max_user_connections")["targets"], 1)
        self.exporter.wait_for("the new limit", lambda: self.exporter.limits() == {("rm-test1", "app"): 6})
        self.expect([], FLEET)

    def test_without_wait_it_is_accepted_and_progress_is_shown(self):
        self.sim.control(completion_median="2s", completion_sigma=0, generation=1)
        reply = self.post()
        self.assertEqual(reply.status, 202)
        self.assertEqual((reply.json["targets"], reply.json["done"] < 5), (5, True))
        self.assertEqual(reply.json["status_url"], "/refresh/" + reply.json["refresh_id"])
        progress = self.exporter.wait_for("its end", lambda: next((
            progress for progress in [self.exporter.get(reply.json["status_url"]).json]
            if progress["state"] == "finished"), None))
        self.assertEqual((progress["targets"], progress["done"], progress["failed"]), (5, 5, 0))
        self.expect(FLEET)

    def test_a_wait_that_is_too_short_is_answered_202(self):
        self.sim.control(completion_median="5s", completion_sigma=0)
        reply = self.post(wait="200ms")
        self.assertEqual((reply.status, reply.json["state"]), (202, "running"))

    def test_a_repeated_one_joins_the_first(self):
        self.sim.control(completion_median="2s", completion_sigma=0)
        first, second = self.post().json, self.post().json
        self.assertEqual((first["joined"], second["joined"]), (False, True))
        self.assertEqual(first["refresh_id"], second["refresh_id"])
        self.exporter.wait_for("its end", lambda: self.exporter.get(first["status_url"]).json["state"] == "finished")
        self.assertEqual(self.sim.stats()["total"]["submits"], 2 * 4)

    def test_failed_targets_are_counted(self):
        self.sim.control(instance_fault="rm-test1:failed")
        self.assertEqual(self.refresh()["failed"], 1)

    def test_it_is_counted_as_manual(self):
        self.refresh(ins_id="rm-test1")
        self.exporter.wait_for("the counter", lambda: self.exporter.value(
            "session_exporter_refreshes_total", metric="db_user_session_count", trigger="manual") == 1)

    def test_unknown_names_are_404(self):
        for query in ({"ins_id": "rm-nobody"}, {"aliyun_uid": "1"}, {"metric": "nothing"}):
            with self.subTest(query):
                self.assertEqual(self.post(**query).status, 404)

    def test_an_unknown_id_is_404(self):
        self.assertEqual(self.exporter.get("/refresh/0123456789abcdef").status, 404)

    def test_unknown_and_empty_parameters_are_400(self):
        for query in ({"instance": "rm-test1"}, {"ins_id": ""}, {"wait": "soon"}):
            with self.subTest(query):
                self.assertEqual(self.post(**query).status, 400)

    def test_get_is_405_with_allow(self):
        reply = self.exporter.get("/refresh")
        self.assertEqual((reply.status, reply.headers["Allow"]), (405, "POST, OPTIONS"))

    def test_a_body_is_refused(self):
        reply = self.exporter.request("POST", "/refresh", {"Content-Length": "0", "Transfer-Encoding": "chunked"})
        self.assertEqual(reply.status // 100, 4)


if __name__ == "__main__":
    harness.main()
