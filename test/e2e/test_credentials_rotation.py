"""Accounts of every kind in one process, whose tokens live for ten seconds: no sample fails for two minutes."""

import os
import time

import harness
import fleet
from credentials_case import CredentialsCase, EXPIRY, KINDS, OIDC, PASSWORD, ROLE, STATIC, TABLE, TEMPORARY, instances

SECONDS = int(os.environ.get("E2E_ROTATION_SECONDS", "30" if harness.SANITIZED else "120"))
LIFE = 30 if harness.SANITIZED else 10
OLDEST = 20 if harness.SANITIZED else 6  # s that a sample may be old: the interval is 1 s


class Rotation(CredentialsCase):
    def test_no_sample_fails_while_every_token_is_renewed_many_times(self):
        self.simulate(f"--token-lifetime={LIFE}s", "--imds-renew-at=0.5")
        sections = self.table()
        self.db.sql(fleet.statements(instances(*TEMPORARY, STATIC)))
        exporter = self.run_accounts(STATIC, *TEMPORARY, environment={"ENCRYPTION_PASSWORD": PASSWORD}, **sections)
        expected = fleet.sessions(instances(*KINDS))
        exporter.wait_sessions(expected)
        self.watch(expected)
        self.judge_end()

    def watch(self, expected):
        self.expiries = {uid: set() for uid in KINDS}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            page = self.exporter.metrics()
            self.assertEqual(fleet.series(page, "db_user_session_count", fleet.SESSION_LABELS), expected)
            for uid in KINDS:
                self.assertEqual(page.value("session_exporter_account_up", aliyun_uid=uid), 1)
                self.expiries[uid].add(page.value(EXPIRY, aliyun_uid=uid) if uid in TEMPORARY else None)
            for instance in instances(*KINDS):
                labels = {"ins_id": instance.ins_id, "node_id": "", "aliyun_uid": instance.uid}
                self.assertEqual(page.value("session_exporter_target_up", **labels), 1, labels)
                age = time.time() - page.value("session_exporter_target_last_success_timestamp_seconds", **labels)
                self.assertLess(age, OLDEST, labels)
            time.sleep(0.5)

    def judge_end(self):
        page, stats = self.exporter.metrics(), self.sim.stats()
        failures = page.families.get("session_exporter_api_request_failures")
        self.assertEqual([sample for sample in (failures.samples if failures else ()) if sample[2] != 0], [])
        self.assertEqual([line for line in self.exporter.logs() if line["level"] in ("warn", "error")], [])
        self.assertEqual(stats["total"]["expired_tokens"], 0)
        issued = {uid: stats["accounts"][uid]["tokens_issued"] for uid in TEMPORARY}
        for uid in TEMPORARY:
            with self.subTest(KINDS[uid]):
                # Renewed after 75 to 85 % of a life that is cut to whole seconds.
                self.assertGreaterEqual(issued[uid], SECONDS // LIFE)
                self.assertLessEqual(issued[uid], SECONDS / ((LIFE - 1) * 0.75) + 2)
                self.assertGreaterEqual(len(self.expiries[uid]), SECONDS // LIFE)
        self.assertEqual(stats["sts"]["outcomes"], {"issued": issued[ROLE] + issued[OIDC]})
        self.assertEqual(stats["sts"]["actions"], {"AssumeRole": issued[ROLE], "AssumeRoleWithOIDC": issued[OIDC]})
        self.assertEqual(stats["sts"]["callers"], {STATIC: issued[ROLE]})
        self.assertEqual(set(stats["metadata"]["outcomes"]), {"ok"})
        self.assertGreater(stats["accounts"][TABLE]["calls"], SECONDS)


if __name__ == "__main__":
    harness.main()
