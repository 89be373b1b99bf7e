"""--check tries every account and --encrypt-secret makes what the accounts table holds."""

import re

import harness
import fleet
from credentials_case import (CredentialsCase, ECS, KEY, KINDS, PASSWORD, ROLE, SECRET, STATIC, TABLE, TABLE_KEY,
                              TABLE_SECRET, TEMPORARY, URI, fernet_column, fernet_secret, instances, role_arn)

COLUMNS = ("account", "credentials", "expire", "targets", "need/s", "limit/s", "full cycle", "verdict")
ROW = re.compile(r"^  (?P<account>\d+) +(?P<credentials>[a-z]+) +(?P<expire>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) +"
                 r"(?P<targets>\d+) +(?P<need>[\d.]+) +(?P<limit>[\d.]+) +(?P<cycle>[\d.]+) s  (?P<verdict>.+)$", re.MULTILINE)


class Check(CredentialsCase):
    def check_accounts(self, *uids, option="--check", environment=None, **changes):
        """(result, {uid: row of the table})"""
        result = self.run_config(self.sections(*uids, **changes), option,
                                 environment={"ENCRYPTION_PASSWORD": PASSWORD, **(environment or {})})
        return result, {row["account"]: row.groupdict() for row in ROW.finditer(result.stdout)}

    def every_kind(self, option):
        self.simulate("--token-lifetime=1000s")
        sections = self.table()
        self.db.sql(fleet.statements(instances(STATIC, *TEMPORARY)))
        return self.check_accounts(STATIC, *TEMPORARY, option=option, **sections)

    def test_a_line_for_each_account(self):
        result, rows = self.every_kind("--check")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        for column in COLUMNS:
            self.assertIn(column, result.stdout)
        self.assertEqual({uid: row["credentials"] for uid, row in rows.items()}, KINDS)
        self.assertEqual({uid for uid, row in rows.items() if row["expire"] != "-"}, set(TEMPORARY))
        self.assertEqual({(row["targets"], row["limit"], row["verdict"]) for row in rows.values()}, {("2", "200.0", "ok")})

    def test_one_signed_call_for_each_account(self):
        self.every_kind("--check")
        stats = self.sim.stats()
        self.assertEqual({uid: stats["accounts"][uid]["calls"] for uid in KINDS}, dict.fromkeys(KINDS, 1))
        self.assertEqual(stats["sts"]["outcomes"], {"issued": 2})

    def test_offline_it_makes_none(self):
        result, rows = self.every_kind("--check=offline")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        self.assertEqual({uid: row["credentials"] for uid, row in rows.items()}, KINDS)
        stats = self.sim.stats()
        self.assertEqual((stats["total"]["calls"], stats["sts"]["calls"], stats["metadata"]["requests"]), (0, 0, {}))

    def test_one_bad_account_fails_it_and_the_others_are_tried(self):
        self.simulate()
        self.sim.control(role_deny=role_arn(ROLE))
        result, rows = self.check_accounts(STATIC, *TEMPORARY)
        self.assertEqual(result.returncode, 1)
        self.assertIn("NoPermission", rows[ROLE]["verdict"])
        self.assertEqual({row["verdict"] for uid, row in rows.items() if uid != ROLE}, {"ok"})
        self.assertRegex(result.stderr, r"\Acheck failed: [^\n]+\n\Z")

    def test_a_key_that_das_refuses(self):
        self.simulate().allow(auth_failures=True)
        result, rows = self.check_accounts(STATIC, URI, **{"account_" + STATIC: {
            "access_key_secret_file": None, "access_key_secret": "wrongsecret1"}})
        self.assertEqual(result.returncode, 1)
        self.assertIn("SignatureDoesNotMatch", rows[STATIC]["verdict"])
        self.assertEqual(rows[URI]["verdict"], "ok")

    def test_an_account_without_credentials(self):
        self.simulate()
        result, rows = self.check_accounts(STATIC, targets=instances(STATIC, ECS))
        self.assertEqual(result.returncode, 1)
        self.assertEqual(rows[ECS]["credentials"], "none")
        self.assertIn("[account default]", rows[ECS]["verdict"])


class EncryptSecret(CredentialsCase):
    def encrypt(self, secret, password=PASSWORD, *arguments):
        self.secrets.add(secret.strip(), password)
        return self.run_program("--encrypt-secret", *arguments, input=secret,
                                environment={"ENCRYPTION_PASSWORD": password} if password else {})

    def assert_column(self, result, secret, password=PASSWORD):
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\A[A-Za-z0-9_=-]+\n\Z")
        self.assertEqual(fernet_secret(result.stdout.strip(), password), secret)

    def test_another_implementation_decrypts_it(self):
        self.assert_column(self.encrypt("canarysecret0001"), "canarysecret0001")

    def test_the_end_of_the_line_does_not_belong_to_the_secret(self):
        self.assert_column(self.encrypt("canarysecret0001\n"), "canarysecret0001")

    def test_the_password_may_come_from_the_configuration(self):
        self.write_secret("password", "filepassword1")
        config = self.write("exporter.ini", "[inventory]\nsource = file\n[accounts]\nencryption_password_file = password\n"
                                            "[das]\nendpoint = http://127.0.0.1:9\n")
        self.assert_column(self.encrypt("canarysecret0001", "", "--config.file=" + config), "canarysecret0001",
                           "filepassword1")

    def test_each_time_it_is_another_one(self):
        self.assertNotEqual(self.encrypt("canarysecret0001").stdout, self.encrypt("canarysecret0001").stdout)

    def test_the_exporter_reads_it(self):
        self.simulate()
        column = self.encrypt(TABLE_SECRET).stdout.strip()
        self.run_accounts(environment={"ENCRYPTION_PASSWORD": PASSWORD}, **self.table(column=column))
        self.wait_generation(1, TABLE)

    def assert_refused(self, result, words):
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"\Amysql_session_exporter: [^\n]+\n\Z")
        self.assertIn(words, result.stderr)

    def test_nothing_on_standard_input(self):
        self.assert_refused(self.encrypt(""), "standard input")

    def test_two_lines(self):
        self.assert_refused(self.encrypt("canarysecret0001\ncanarysecret0002\n"), "several lines")

    def test_no_password(self):
        config = self.write("exporter.ini", "[inventory]\nsource = file\n[das]\nendpoint = http://127.0.0.1:9\n")
        self.assert_refused(self.encrypt("canarysecret0001", "", "--config.file=" + config), "ENCRYPTION_PASSWORD")

    def test_an_empty_password(self):
        self.assert_refused(self.run_program("--encrypt-secret", input="canarysecret0001",
                                             environment={"ENCRYPTION_PASSWORD": ""}), "ENCRYPTION_PASSWORD")

    def test_a_secret_as_an_argument_is_refused_and_not_repeated(self):
        self.secrets.add("canarysecret0001")
        result = self.run_program("--encrypt-secret=canarysecret0001", input="")
        self.assertEqual((result.returncode, result.stdout), (2, ""))


if __name__ == "__main__":
    harness.main()
