"""An account with bad credentials is down, visibly, after few calls, and no other account with it."""

import harness
import fleet
from fleet import Instance, UID, UID2

GOOD = [Instance(f"rm-test{i}", f"good {i}") for i in range(1, 4)]
BAD = [Instance(f"rm-test{i}", f"bad {i}", uid=UID2) for i in range(4, 8)]


class Accounts(harness.Case):
    def run_both(self, **account2):
        self.sim = self.simulator()
        self.sim.allow(auth_failures=True)
        self.exporter = self.start(self.sim, GOOD + BAD, (UID, UID2), **{f"account_{UID2}": account2})
        return self.exporter

    def account_up(self, uid):
        return self.exporter.value("session_exporter_account_up", aliyun_uid=uid)

    def bad_targets(self):
        targets = self.exporter.targets()
        return [targets[instance.ins_id, ""] for instance in BAD]

    def assert_down(self, code, error="credentials"):
        exporter = self.exporter
        exporter.wait_for("the account down", lambda: self.account_up(UID2) == 0 and exporter.logs("account down"))
        exporter.wait_for("its targets down", lambda: all(target["error"] for target in self.bad_targets()))
        self.assertEqual({target["error"]["class"] for target in self.bad_targets()}, {error})
        self.assertEqual({target["error"]["code"] for target in self.bad_targets()}, {code})
        self.assertEqual(self.account_up(UID), 1)

    def assert_others_go_on(self):
        self.sim.control(generation=1)
        self.exporter.wait_sessions(fleet.sessions(GOOD, 1))
        self.sim.control(generation=2)
        self.exporter.wait_sessions(fleet.sessions(GOOD, 2))

    def test_wrong_secret(self):
        self.run_both(access_key_secret="wrongsecret2")
        self.assert_down("SignatureDoesNotMatch")
        self.assert_others_go_on()

    def test_unknown_key(self):
        self.run_both(access_key_id="nobody")
        self.assert_down("InvalidAccessKeyId.NotFound")
        self.assert_others_go_on()

    def test_disabled_key(self):
        exporter = self.run_both()
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.sim.control(disable_key=fleet.KEYS[UID2][0])
        self.assert_down("Forbidden.AccessKeyDisabled")
        self.assertEqual(exporter.sessions().keys(), fleet.sessions(GOOD + BAD).keys())

    def test_a_bad_account_is_asked_a_few_times_only(self):
        self.run_both(access_key_secret="wrongsecret2")
        self.assert_down("SignatureDoesNotMatch")
        self.assert_others_go_on()
        # The calls that were under way together when the first one failed, and no more.
        self.assertLessEqual(self.sim.stats()["accounts"][UID2]["auth_failures"], len(BAD))

    def test_it_is_logged_once_and_says_what_to_do(self):
        self.run_both(access_key_secret="wrongsecret2")
        self.assert_down("SignatureDoesNotMatch")
        self.assert_others_go_on()
        lines = self.exporter.logs("account down")
        self.assertEqual([line["aliyun_uid"] for line in lines], [UID2])
        self.assertIn("check access_key_secret", lines[0]["error"])
        self.assertEqual(self.exporter.logs("target failed"), [])

    def test_new_keys_bring_the_account_back(self):
        exporter = self.run_both(access_key_secret="wrongsecret2")
        self.assert_down("SignatureDoesNotMatch")
        exporter.configure(fleet.configuration(self.sim.url, (UID, UID2)))
        self.assertEqual(exporter.post("/-/reload").status, 200)
        exporter.wait_sessions(fleet.sessions(GOOD + BAD))
        self.assertEqual(self.account_up(UID2), 1)

    def test_an_account_without_section_is_never_asked(self):
        self.sim = self.simulator()
        exporter = self.exporter = self.start(self.sim, GOOD + BAD)
        exporter.wait_sessions(fleet.sessions(GOOD))
        self.assertEqual({target["state"] for target in self.bad_targets()}, {"no_credentials"})
        self.assertEqual(self.account_up(UID2), 0)
        self.assertEqual(exporter.value("session_exporter_inventory_rejected_rows", reason="no_credentials"), 4)
        self.assertEqual(self.sim.stats()["accounts"][UID2]["calls"], 0)


if __name__ == "__main__":
    harness.main()
