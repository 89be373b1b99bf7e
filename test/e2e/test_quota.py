"""
The quota is never exceeded, whatever the network does: N of the exporter is N of the simulator, which
counts each call on arrival, and the base class fails a test when one was too many (P1, P18).
"""

import os
import random
import signal
import time

import harness
import fleet
from fleet import Instance, UID

FLEET = [Instance(f"rm-test{i}", f"name {i}") for i in range(60)]
STRICT = ["--quota", "50", "--window", "1s", "--completion-median", "300ms", "--completion-sigma", "0.5"]
LIMITS = {"rate_limit": 50, "rate_window": "1s"}
# Two calls a target in 2 s are more than the quota allows: it is always used up.
BUSY = {"interval": "2s", "stale_after": "10m"}
CYCLES = 4


class Quota(harness.Case):
    def run_fleet(self, *arguments, instances=FLEET, das=None):
        self.sim = self.simulator(*STRICT, *arguments)
        self.exporter = self.start(self.sim, instances, das={**LIMITS, **(das or {})}, exporter={"workers": 64},
                                   metric_db_user_session_count=BUSY)
        return self.exporter

    def wait_generations(self, instances=FLEET):
        """Every target is asked again and again."""
        for generation in range(1, CYCLES + 1):
            self.sim.control(generation=generation)
            expected = fleet.sessions(instances, generation)
            self.exporter.wait_for("the new values",
                                   lambda: expected.items() <= self.exporter.sessions().items(), 2 * harness.PATIENCE)

    def used(self):
        """The most calls in a window, of those that are allowed."""
        return self.sim.stats()["total"]["worst_window"] / 50

    def test_jitter_of_200_ms(self):
        self.run_fleet("--rtt", "100ms", "--jitter", "100ms")
        self.wait_generations()
        self.assertGreater(self.used(), 0.6)

    def test_one_call_in_twenty_takes_three_seconds(self):
        self.run_fleet("--rtt", "50ms", "--jitter", "20ms", "--slow-call-fraction", "0.05", "--slow-call-delay", "3s")
        self.wait_generations()
        self.assertGreater(self.used(), 0.4)

    def test_one_call_in_a_hundred_hangs_until_the_timeout(self):
        hanging = [Instance("rm-hang-1"), Instance("rm-hang-poll-1")]
        self.run_fleet("--rtt", "50ms", "--jitter", "50ms", instances=FLEET + hanging, das={"connect_timeout": "1s", "timeout": "2s"})
        self.wait_generations()
        stats = self.sim.stats()["total"]
        self.assertGreater(stats["calls"], 400)
        self.assertGreater(sum(self.exporter.value("session_exporter_api_request_failures_total", aliyun_uid=UID,
                                                   phase=phase, reason="transient")
                               for phase in ("submit", "poll")), 2)

    def test_reloads_of_the_limit(self):
        exporter = self.run_fleet("--rtt", "100ms", "--jitter", "100ms")
        for limit in (50, 7, 50, 30, 50, 1, 50):
            exporter.configure(fleet.configuration(
                self.sim.url, das={**LIMITS, "rate_limit": limit}, exporter={"workers": 64},
                metric_db_user_session_count=BUSY))
            self.assertEqual(exporter.post("/-/reload").status, 200)
            time.sleep(0.7)  # calls under each limit are what this is about
        self.wait_generations()

    def test_p18_a_crash_loop(self):
        self.run_fleet("--rtt", "100ms", "--jitter", "100ms")
        dice = random.Random(18)
        for _ in range(8):
            time.sleep(dice.uniform(1, 2))  # any moment will do
            os.kill(self.exporter.process.pid, signal.SIGKILL)
            self.exporter.process.wait()
            self.exporters.remove(self.exporter)
            self.exporter = self.start(self.sim, FLEET, das=LIMITS, exporter={"workers": 64},
                                       metric_db_user_session_count=BUSY)
        self.exporter.wait_sessions(fleet.sessions(FLEET))
        self.assertGreater(self.sim.stats()["total"]["calls"], 200)

    def test_nothing_is_asked_before_the_first_window_has_passed(self):
        self.run_fleet()
        log = self.exporter.wait_log("listening")
        self.assertTrue(log)
        self.exporter.wait_sessions(fleet.sessions(FLEET))
        self.assertGreater(self.sim.stats()["total"]["first_call_s"], 1.0)


class SharedQuota(harness.Case):
    """Another tool calls DAS with the same account: 30 of its 60 calls a second."""

    SECONDS = 45

    def test_half_of_the_quota_taken_by_another_tool_causes_no_throttle_storm(self):
        sim = self.simulator("--quota", "60", "--window", "1s", "--foreign-rate", "30", "--rtt", "50ms",
                             "--jitter", "20ms", "--completion-median", "300ms", "--completion-sigma", "0.5")
        sim.allow(throttled=True)
        exporter = self.start(sim, FLEET, das={"rate_limit": 60, "rate_window": "1s"}, exporter={"workers": 32},
                              metric_db_user_session_count=BUSY)
        exporter.wait_sessions(fleet.sessions(FLEET))
        rates, end = [], time.monotonic() + self.SECONDS
        while time.monotonic() < end:
            rates.append(exporter.value("session_exporter_api_rate_effective", aliyun_uid=UID))
            time.sleep(0.2)
        stats, page = sim.stats()["total"], exporter.metrics()
        cuts = sum(after < before for before, after in zip(rates, rates[1:]))
        self.assertLessEqual(cuts, self.SECONDS / 10 + 1, rates)
        self.assertLess(stats["throttled"], 0.04 * stats["calls"], stats)
        self.assertGreater(stats["calls"] - stats["throttled"], 0.6 * 30 * self.SECONDS, stats)
        self.assertEqual(page.value("session_exporter_api_rate_limit", aliyun_uid=UID), 60)
        self.assertGreater(page.value("session_exporter_api_throttled_total", aliyun_uid=UID), 0)
        self.assertGreater(page.value("session_exporter_api_rate_demand", aliyun_uid=UID), 60)


class Overcommitted(harness.Case):
    """60 targets every 2 s are 60 calls a second and more; 10 are allowed."""

    def start_overcommitted(self):
        self.sim = self.simulator(*STRICT)
        return self.start(self.sim, FLEET, das={**LIMITS, "rate_limit": 10}, metric_db_user_session_count=BUSY)

    def test_it_is_said_at_the_start_once(self):
        exporter = self.start_overcommitted()
        line = exporter.wait_log(lambda line: line["msg"].startswith("account overcommitted"))
        self.assertEqual((line["aliyun_uid"], line["targets"], line["interval_seconds"]), (UID, "60", "2"))
        self.assertGreaterEqual(int(line["cycle_seconds"]), 12)
        exporter.wait_sessions(fleet.sessions(FLEET))
        self.assertEqual(len([line for line in exporter.logs() if line["msg"].startswith("account overcommitted")]), 1)

    def test_it_is_in_the_metrics(self):
        exporter = self.start_overcommitted()
        exporter.wait_sessions(fleet.sessions(FLEET))
        page = exporter.metrics()
        self.assertGreater(page.value("session_exporter_api_rate_demand", aliyun_uid=UID), 60)
        self.assertEqual(page.value("session_exporter_api_rate_limit", aliyun_uid=UID), 10)

    def test_it_is_in_the_api(self):
        exporter = self.start_overcommitted()
        exporter.wait_sessions(fleet.sessions(FLEET))
        account = exporter.get("/api/v1/targets").json["accounts"][0]
        self.assertEqual((account["aliyun_uid"], account["rate_limit"]), (UID, 10))
        self.assertGreater(account["rate_demand"], 60)
        self.assertGreater(account["cycle_seconds"], 12)
        self.assertIn("account_overcommitted", self.findings(exporter))

    def findings(self, exporter):
        return [finding["code"] for finding in exporter.get("/api/v1/overview").json["findings"]]

    def test_a_higher_limit_ends_it(self):
        exporter = self.start_overcommitted()
        exporter.wait_log(lambda line: line["msg"].startswith("account overcommitted"))
        exporter.configure(fleet.configuration(self.sim.url, das={**LIMITS, "rate_limit": 50},
                                               metric_db_user_session_count={"interval": "10s", "stale_after": "1m"}))
        self.assertEqual(exporter.post("/-/reload").status, 200)
        exporter.wait_log("account within its quota again")
        self.assertNotIn("account_overcommitted", self.findings(exporter))


if __name__ == "__main__":
    harness.main()
