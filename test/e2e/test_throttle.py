"""Throttling lowers the rate once per burst, it grows back, and no target is lost."""

import harness
import fleet
from fleet import Instance, UID, UID2

FLEET = [Instance(f"rm-test{i}", f"name {i}") for i in range(40)]
OTHER = [Instance("rm-test91", "other", uid=UID2)]
SELDOM = {"interval": "1h", "stale_after": "2h"}


class Throttle(harness.Case):
    def rate(self, uid=UID):
        return self.exporter.value("session_exporter_api_rate_effective", aliyun_uid=uid)

    def simulator(self, *arguments):
        sim = super().simulator(*arguments)
        sim.allow(throttled=True)
        return sim

    def stop_and_read(self, sim, log):
        """The fields of each line of a simulator's log."""
        sim.stop()
        with open(log, encoding="utf-8") as lines:
            return [line.split("\t") for line in lines]

    def run_burst(self):
        # All 20 calls of a window are out before the first answer says that it is denied.
        sim = self.simulator("--rtt", "600ms")
        sim.control(deny=20)
        self.exporter = self.start(sim, FLEET, exporter={"workers": 64}, metric_db_user_session_count=SELDOM)
        self.exporter.wait_for("all denials", lambda: self.exporter.value(
            "session_exporter_api_throttled_total", aliyun_uid=UID) == 20)
        return self.exporter

    def test_a_burst_is_one_cut_by_three_tenths(self):
        exporter = self.run_burst()
        rates = [self.rate()]
        exporter.wait_sessions(fleet.sessions(FLEET))
        rates.append(self.rate())
        lines = exporter.logs("account throttled")
        self.assertEqual([line["calls_per_window"] for line in lines], ["14"])
        self.assertTrue(140 <= rates[0] <= rates[1] < 200, rates)

    def test_the_rate_grows_back_to_the_limit_and_never_beyond(self):
        exporter = self.run_burst()
        rates = []

        def recovered():
            rates.append(self.rate())
            return rates[-1] >= 200

        # The page is renewed with what changes, so something has to.
        exporter.configure(fleet.configuration(self.simulators[0].url, exporter={"workers": 64}))
        self.assertEqual(exporter.post("/-/reload").status, 200)
        exporter.wait_for("the full rate", recovered)
        self.assertEqual(rates, sorted(rates))
        self.assertEqual(rates[-1], 200)
        exporter.wait_log("account back at its full rate")

    def test_no_target_is_lost(self):
        exporter = self.run_burst()
        exporter.wait_sessions(fleet.sessions(FLEET))
        self.assertEqual({target["up"] for target in exporter.targets().values()}, {True})
        self.assertEqual(exporter.logs("target failed"), [])

    def test_retry_after_is_honoured(self):
        log = self.path("calls.log")
        sim = self.simulator("--rtt", "200ms", "--log", log)
        sim.control(deny=5, retry_after=4000)
        self.exporter = self.start(sim, FLEET, metric_db_user_session_count=SELDOM)
        self.exporter.wait_sessions(fleet.sessions(FLEET))
        calls = self.stop_and_read(sim, log)
        denied = [float(fields[0]) for fields in calls if "Throttling" in fields[5]]
        # Calls that were out when the first denial was read are no offence.
        after = [float(fields[0]) for fields in calls if float(fields[0]) > denied[0] + 0.3]
        self.assertGreater(min(after) - denied[0], 3.9)

    def test_another_account_goes_on(self):
        sim = self.simulator()
        self.exporter = self.start(sim, FLEET + OTHER, (UID, UID2))
        self.exporter.wait_sessions(fleet.sessions(FLEET + OTHER))
        sim.control(deny_uid=UID, deny_for="1h")
        sim.control(generation=1)
        self.exporter.wait_sessions({**fleet.sessions(FLEET), **fleet.sessions(OTHER, 1)})
        sim.control(generation=2)
        self.exporter.wait_sessions({**fleet.sessions(FLEET), **fleet.sessions(OTHER, 2)})
        self.assertEqual(self.rate(UID2), 200)
        sim.control(deny_uid=UID, deny_for="0")
        self.exporter.wait_sessions(fleet.sessions(FLEET + OTHER, 2))

    def test_the_limit_over_all_accounts_holds(self):
        log = self.path("calls.log")
        sim = self.simulator("--rtt", "20ms", "--jitter", "20ms", "--log", log)
        fleets = FLEET + [Instance(f"rm-test1{i:02}", uid=UID2) for i in range(40)]
        self.exporter = self.start(sim, fleets, (UID, UID2), das={"total_rate_limit": 10})
        self.exporter.wait_sessions(fleet.sessions(fleets))
        times = sorted(float(fields[0]) for fields in self.stop_and_read(sim, log))
        self.assertGreater(len(times), 2 * len(fleets))
        self.assertGreaterEqual(min(last - first for first, last in zip(times, times[10:])), 0.1)

    def test_a_quota_shared_with_another_tool_still_serves_everyone(self):
        sim = self.simulator("--foreign-rate", "100")
        self.exporter = self.start(sim, FLEET)
        self.exporter.wait_sessions(fleet.sessions(FLEET))


if __name__ == "__main__":
    harness.main()
