"""One target per fault of DAS beside a healthy one: who fails, how it is shown and said, and who does not."""

import re
import unittest

import harness
import fleet
from fleet import Instance, UID

HEALTHY = Instance("rm-test1", "healthy")

# Instance: the class of its error, and whether DAS gives a RequestId.
FAILING = {
    "rm-failed-1": ("remote", True),
    "rm-never-1": ("timed_out", False),
    "rm-html-1": ("transient", False),
    "rm-xml-1": ("transient", True),
    "rm-badjson-1": ("malformed", False),
    "rm-deep-1": ("malformed", False),
    "rm-types-1": ("remote", False),
    "rm-types-poll-1": ("malformed", False),
    "rm-emptybody-1": ("malformed", False),
    "rm-nullstats-1": ("malformed", True),
    "rm-nodata-1": ("remote", True),
    "rm-nosuccess-1": ("remote", True),
    "rm-forbidden-1": ("refused", True),
    "rm-huge-poll-1": ("too_large", False),
    "rm-reset-1": ("transient", False),
    "rm-truncated-1": ("transient", False),
    "rm-hang-1": ("transient", False),
    "rm-drip-1": ("transient", False),
    "rm-html-poll-1": ("transient", False),
    "rm-reset-poll-1": ("transient", False),
    "rm-hang-poll-1": ("transient", False),
}
# Odd, but good answers in the end.
WORKING = ["rm-first-1", "rm-slow-1", "rm-lost-1", "rm-flaky-1", "rm-intcode-1"]
REQUEST_ID = re.compile(r"[0-9A-F-]{36}")

QUICK = {"timeout": "2s", "connect_timeout": "1s", "result_timeout": "3s", "max_response_size": "1MiB"}
# Every target is asked a few times in a test, and what an error line says is said once.
CYCLE = {"interval": "2s"}


class EveryFault(unittest.TestCase):
    """One run of the whole fleet; each test looks at one side of it."""

    @classmethod
    def setUpClass(cls):
        cls.owner = harness.Case()
        cls.owner.setUp()
        cls.addClassCleanup(cls.owner.tearDown)
        cls.sim = cls.owner.simulator("--completion-median", "200ms", "--completion-sigma", "0")
        instances = [HEALTHY, *(Instance(ins_id, ins_id) for ins_id in [*FAILING, *WORKING])]
        cls.exporter = cls.owner.start(cls.sim, instances, das=QUICK, metric_db_user_session_count=CYCLE)
        cls.exporter.wait_ready()
        cls.exporter.wait_for("two failed cycles of each", cls.failed_twice)

    @classmethod
    def failed_twice(cls):
        targets = cls.exporter.targets()
        return all(targets[ins_id, ""]["failures"] >= (1 if error == "refused" else 2)
                   for ins_id, (error, _) in FAILING.items())

    def test_the_healthy_target_has_its_values(self):
        sessions = self.exporter.sessions()
        for labels, total in HEALTHY.sessions().items():
            self.assertEqual(sessions[labels], total)

    def test_odd_but_good_answers_are_taken(self):
        expected = fleet.sessions(Instance(ins_id, ins_id) for ins_id in WORKING)
        self.exporter.wait_for("their values", lambda: expected.items() <= self.exporter.sessions().items())

    def test_failing_targets_have_no_samples(self):
        self.assertFalse({labels[0] for labels in self.exporter.sessions()} & FAILING.keys())

    def test_failing_targets_are_not_up(self):
        targets = self.exporter.targets()
        self.assertEqual({self.exporter.up(ins_id) for ins_id in FAILING}, {0})
        self.assertEqual({targets[ins_id, ""]["up"] for ins_id in FAILING}, {False})

    def test_targets_page_shows_the_class_of_the_error(self):
        targets = self.exporter.targets()
        shown = {ins_id: targets[ins_id, ""]["error"]["class"] for ins_id in FAILING}
        self.assertEqual(shown, {ins_id: error for ins_id, (error, _) in FAILING.items()})

    def test_targets_page_shows_the_request_id_that_das_gave(self):
        targets = self.exporter.targets()
        for ins_id in (ins_id for ins_id, (_, has_id) in FAILING.items() if has_id):
            with self.subTest(ins_id):
                self.assertRegex(targets[ins_id, ""]["error"]["request_id"], REQUEST_ID)

    def test_each_failure_is_logged_once_however_often_it_repeats(self):
        for ins_id, (error, has_id) in FAILING.items():
            with self.subTest(ins_id):
                lines = self.exporter.logs("target failed", ins_id=ins_id)
                self.assertEqual([line["class"] for line in lines], [error])
                if has_id:
                    self.assertRegex(lines[0]["request_id"], REQUEST_ID)

    def test_failures_are_counted_by_reason(self):
        page = self.exporter.metrics()
        for reason in {error for error, _ in FAILING.values()} - {"timed_out"} | {"result_lost"}:
            with self.subTest(reason):
                self.assertGreater(sum(page.value("session_exporter_api_request_failures_total", aliyun_uid=UID,
                                                  phase=phase, reason=reason) for phase in ("submit", "poll")), 0)

    def test_the_account_stays_up(self):
        self.assertEqual(self.exporter.value("session_exporter_account_up", aliyun_uid=UID), 1)

    def test_a_refused_target_is_asked_seldom(self):
        instances = self.sim.stats(True)["instances"]
        self.assertLess(instances["rm-forbidden-1/"]["submits"] * 2, instances["rm-failed-1/"]["submits"])


class OneTarget(harness.Case):
    def run_one(self, ins_id, *arguments, **changes):
        self.sim = self.simulator(*arguments)
        self.instance = Instance(ins_id)
        self.exporter = self.start(self.sim, [self.instance], **changes)
        return self.exporter

    def users(self):
        return {labels[4]: value for labels, value in self.exporter.sessions().items()}

    def test_no_sessions_are_a_success_without_samples(self):
        exporter = self.run_one("rm-empty-1")
        exporter.wait_for("success", lambda: exporter.up("rm-empty-1") == 1)
        self.assertEqual(exporter.sessions(), {})

    def test_a_huge_answer_within_the_limit_is_read(self):
        self.run_one("rm-huge-1", "--huge-size", "20MiB").wait_sessions(self.instance.sessions())

    def test_strange_user_names_are_exported_escaped(self):
        exporter = self.run_one("rm-strange-1")
        exporter.wait_for("samples", exporter.sessions)
        users = self.users()
        for name in ('quote"d', "back\\slash", "", "broken_\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"):
            with self.subTest(name):
                self.assertTrue(any(user.startswith(name) for user in users), users)
        for part in ("\n", "\t", "中文", '{le="1"} 2 # x'):
            with self.subTest(part):
                self.assertTrue(any(part in user for user in users), users)

    def test_last_good_values_stay_while_a_target_fails(self):
        exporter = self.run_one("rm-test1")
        exporter.wait_sessions(self.instance.sessions())
        self.sim.control(instance_fault="rm-test1:failed")
        exporter.wait_for("a failed cycle", lambda: exporter.up("rm-test1") == 0)
        self.assertEqual(exporter.sessions(), self.instance.sessions())

    def test_values_are_gone_after_stale_after(self):
        exporter = self.run_one("rm-test1", metric_db_user_session_count={"stale_after": "3s"})
        exporter.wait_sessions(self.instance.sessions())
        self.sim.control(instance_fault="rm-test1:failed")
        exporter.wait_sessions({})
        self.assertEqual(exporter.up("rm-test1"), 0)

    def test_values_return_when_the_target_recovers(self):
        exporter = self.run_one("rm-test1", metric_db_user_session_count={"stale_after": "2s"})
        exporter.wait_sessions(self.instance.sessions())
        self.sim.control(instance_fault="rm-test1:failed")
        exporter.wait_sessions({})
        self.sim.control(instance_fault="rm-test1:none", generation=3)
        exporter.wait_sessions(self.instance.sessions(3))
        self.assertEqual(exporter.up("rm-test1"), 1)

    def test_recovery_is_logged_once(self):
        exporter = self.run_one("rm-test1")
        exporter.wait_sessions(self.instance.sessions())
        self.sim.control(instance_fault="rm-test1:failed")
        exporter.wait_log("target failed")
        self.sim.control(instance_fault="rm-test1:none")
        exporter.wait_log("target works again")
        self.sim.control(generation=1)
        exporter.wait_sessions(self.instance.sessions(1))
        self.assertEqual(len(exporter.logs("target works again", ins_id="rm-test1")), 1)


if __name__ == "__main__":
    harness.main()
