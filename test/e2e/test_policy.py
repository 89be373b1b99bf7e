"""
What each class of failure leads to, seen from outside, for the classes that test_faults, test_throttle
and test_accounts do not have: trouble of the whole account, and the way back.
"""

import harness
import fleet
from fleet import Instance, KEYS, UID, UID2

GOOD = [Instance(f"rm-test{i}", f"good {i}") for i in range(1, 4)]
BAD = [Instance(f"rm-test{i}", f"bad {i}", uid=UID2) for i in range(4, 8)]
STS = ("testak3", "testsecret3", "tokencanary3")


class Policy(harness.Case):
    def run_both(self, *arguments, **account2):
        self.sim = self.simulator(*arguments)
        self.sim.allow(auth_failures=True)
        self.exporter = self.start(self.sim, GOOD + BAD, (UID, UID2), **{f"account_{UID2}": account2})
        return self.exporter

    def account_up(self, uid):
        return self.exporter.value("session_exporter_account_up", aliyun_uid=uid)

    def failures(self, reason, uid=UID2):
        page = self.exporter.metrics()
        return sum(page.value("session_exporter_api_request_failures_total", aliyun_uid=uid, phase=phase,
                              reason=reason) for phase in ("submit", "poll"))

    def wait_down(self, uid, reason):
        self.exporter.wait_for("the account down",
                               lambda: self.account_up(uid) == 0 and self.exporter.logs("account down"))
        lines = self.exporter.logs("account down", aliyun_uid=uid)
        self.assertEqual([line["class"] for line in lines], [reason])
        self.assertEqual(lines[0]["next_probe_seconds"], "10" if reason == "clock_skew" else "60")
        return lines[0]

    def pass_intervals(self):
        """The good account is asked twice more."""
        for generation in (1, 2):
            self.sim.control(generation=generation)
            self.exporter.wait_for("new values of the good account", lambda: fleet.sessions(
                GOOD, generation).items() <= self.exporter.sessions().items())

    def refresh(self, uid):
        """A manual refresh: it may ask an account that is down. Returns its progress."""
        reply = self.exporter.post("/refresh", aliyun_uid=uid, metric="db_user_session_count", wait="30s")
        self.assertEqual(reply.status, 200, reply.text)
        return reply.json

    def recover(self, uid):
        self.refresh(uid)
        self.exporter.wait_for("the account up", lambda: self.account_up(uid) == 1)
        self.exporter.wait_log("account works again")
        self.exporter.wait_sessions(fleet.sessions(GOOD + BAD, 2))

    def test_credentials_that_work_again_bring_all_targets_back_at_once(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.sim.control(disable_key=KEYS[UID2][0])
        self.wait_down(UID2, "credentials")
        refused = self.sim.stats()["accounts"][UID2]["auth_failures"]
        self.pass_intervals()
        # What was under way together, then nobody asks before the probe after a minute.
        self.assertLessEqual(refused, len(BAD))
        self.assertEqual(self.sim.stats()["accounts"][UID2]["auth_failures"], refused)
        self.assertGreater(self.failures("credentials"), 0)
        self.sim.control(enable_key=KEYS[UID2][0])
        self.recover(UID2)

    def test_a_refresh_of_an_account_that_is_down_asks_once_and_fails(self):
        exporter = self.run_both(access_key_secret="wrongsecret2")
        self.wait_down(UID2, "credentials")
        exporter.wait_sessions(fleet.sessions(GOOD))
        before = self.sim.stats()["accounts"][UID2]["calls"]
        progress = self.refresh(UID2)
        self.assertEqual((progress["targets"], progress["done"], progress["failed"]), (len(BAD),) * 3)
        self.assertLessEqual(self.sim.stats()["accounts"][UID2]["calls"] - before, 1)

    def test_a_skewed_clock_is_said_once_with_the_servers_date(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        # A second late is too late for a server without patience.
        self.sim.control(clock_tolerance="1us", rtt="2500ms")
        for uid in (UID, UID2):
            line = self.wait_down(uid, "clock_skew")
            self.assertRegex(line["error"], r"the clock of this machine is \d+ s (ahead of|behind) the server")
        self.assertGreater(self.failures("clock_skew"), 0)
        self.sim.control(clock_tolerance="15m", rtt="0", generation=2)
        for uid in (UID, UID2):
            self.refresh(uid)
        exporter.wait_sessions(fleet.sessions(GOOD + BAD, 2))
        self.assertEqual((self.account_up(UID), self.account_up(UID2)), (1, 1))

    def assert_token_refused(self, **account2):
        key, secret, token = STS
        exporter = self.run_both("--account", ":".join([UID2, *STS]), access_key_id=key, access_key_secret=secret,
                                 **account2)
        # The keyring has nothing newer, and says so.
        self.assertIn("still gives the same credentials", self.wait_down(UID2, "credentials")["error"])
        self.pass_intervals()
        self.assertEqual(self.account_up(UID), 1)
        self.assertGreater(self.failures("token_expired"), 0)
        self.assertLessEqual(self.sim.stats()["accounts"][UID2]["auth_failures"], len(BAD))
        exporter.configure(fleet.configuration(self.sim.url, (UID, UID2), **{f"account_{UID2}": {
            "access_key_id": key, "access_key_secret": secret, "security_token": token}}))
        self.assertEqual(exporter.post("/-/reload").status, 200)
        exporter.wait_sessions(fleet.sessions(GOOD + BAD, 2))
        self.assertEqual(self.account_up(UID2), 1)

    def test_an_expired_token_takes_the_account_down_until_a_new_one_comes(self):
        self.assert_token_refused(security_token="expiredtoken3")

    def test_a_missing_token_takes_the_account_down_until_one_comes(self):
        self.assert_token_refused()

    def test_a_refused_target_is_that_targets_trouble_only(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.sim.control(instance_fault="rm-test4:forbidden")
        exporter.wait_for("the refusal", lambda: exporter.up("rm-test4", uid=UID2) == 0)
        self.pass_intervals()
        self.assertEqual(self.account_up(UID2), 1)
        self.assertGreater(self.failures("refused"), 0)
        exporter.wait_for("the others' values",
                          lambda: fleet.sessions(BAD[1:], 2).items() <= exporter.sessions().items())

    def test_a_lost_result_is_asked_for_once_more(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.sim.control(instance_fault="rm-test4:lost")
        exporter.wait_for("a lost result", lambda: self.failures("result_lost") > 0)
        self.pass_intervals()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD, 2))
        self.assertEqual(exporter.logs("target failed"), [])

    def test_transient_trouble_is_tried_three_times(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.sim.control(instance_fault="rm-test4:html")
        exporter.wait_for("the failure", lambda: exporter.up("rm-test4", uid=UID2) == 0)
        self.assertGreaterEqual(self.failures("transient"), 3)
        self.assertEqual(self.account_up(UID2), 1)
        self.sim.control(instance_fault="rm-test4:none")
        exporter.wait_for("recovery", lambda: exporter.up("rm-test4", uid=UID2) == 1)


if __name__ == "__main__":
    harness.main()
