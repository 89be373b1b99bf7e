"""An account without valid credentials is down, says why in its own words, and comes back; no other notices."""

import os

import harness
import fleet
from credentials_case import (CredentialsCase, ECS, EXTERNAL_ID, KEY, OIDC, PASSWORD, ROLE, SECRET, STATIC, TABLE,
                              TABLE_SECRET, TEMPORARY, URI, fernet_column, instances, role_arn, with_broken_mac)


class StsDown(CredentialsCase):
    def test_nothing_happens_while_the_old_token_is_valid(self):
        self.simulate("--token-lifetime=15s")
        self.run_accounts(STATIC, ROLE)
        self.wait_generation(1, STATIC, ROLE)
        self.sim.control(sts_down=503)
        self.exporter.wait_log("no new credentials")
        self.wait_generation(2, STATIC, ROLE)
        self.sim.control(sts_down=0)
        self.exporter.wait_for("a new token", lambda: self.issued(ROLE) == 2)
        self.exporter.wait_log("credentials work again")
        self.wait_generation(3, STATIC, ROLE)
        self.assert_never_failed(STATIC, ROLE)

    def down_past_expiry(self, uid, word, **controls):
        self.simulate("--token-lifetime=4s")
        self.run_accounts(STATIC, uid)
        self.wait_generation(1, STATIC, uid)
        self.sim.control(**controls)
        self.assert_down(uid, word)
        self.assert_others_go_on(STATIC)
        self.sim.control(**{name: 0 for name in controls})
        self.wait_generation(9, STATIC, uid)
        self.assertEqual(self.account_up(uid), 1)

    def test_past_expiry_the_account_is_down_and_comes_back_by_itself(self):
        self.down_past_expiry(ROLE, f"cannot assume the role {role_arn(ROLE)}", sts_down=503)
        self.assertEqual(self.sim.stats()["accounts"][ROLE]["expired_tokens"], 0)

    def test_the_metadata_service_past_expiry(self):
        self.down_past_expiry(ECS, "no credentials from the ECS metadata service", imds_down=500)

    def test_the_credentials_uri_past_expiry(self):
        self.down_past_expiry(URI, "no credentials from the credentials URI", credentials_down=500)

    def test_a_hanging_sts_delays_nobody_else(self):
        self.simulate()
        self.sim.control(sts_hang=1)
        self.run_accounts(STATIC, ROLE, OIDC, ECS, URI)
        self.wait_generation(1, STATIC, ECS, URI)
        self.assertEqual(self.account_up(ROLE), 0)


class Refused(CredentialsCase):
    def refuse(self, uid, *words, prepare=lambda: None, auth_failures=True, **changes):
        """The account has never had credentials; all others work. Returns what is said of it."""
        self.sim.allow(auth_failures=auth_failures)
        prepare()
        self.run_accounts(STATIC, uid, **changes)
        message = self.assert_down(uid, *words)
        self.assert_others_go_on(STATIC)
        lines = self.exporter.logs("no new credentials", aliyun_uid=uid)
        self.assertEqual(len(lines), 1, lines)
        self.assertEqual(self.exporter.logs("target failed", aliyun_uid=uid), [])
        self.assertEqual(self.sim.stats()["accounts"].get(uid, {}).get("calls", 0), 0)
        return message

    def test_a_role_that_may_not_be_assumed(self):
        self.simulate()
        self.sim.control(role_deny=role_arn(ROLE))
        self.refuse(ROLE, role_arn(ROLE), "NoPermission", "trust policy")
        # Its own fetch, and that of --check.
        self.assertLessEqual(self.sim.stats()["sts"]["calls"], 2)

    def test_a_role_that_trusts_again_comes_back_with_a_reload(self):
        self.simulate()
        self.sim.control(role_deny=role_arn(ROLE))
        self.refuse(ROLE, "NoPermission")
        self.sim.control(role_allow=role_arn(ROLE))
        self.assertEqual(self.exporter.post("/-/reload").status, 200)
        self.wait_generation(9, STATIC, ROLE)
        self.assertEqual(self.account_up(ROLE), 1)

    def test_another_external_id(self):
        self.simulate()
        self.refuse(ROLE, "NoPermission", **{"account_" + ROLE: {"external_id": "other"}})

    def test_a_role_that_does_not_exist(self):
        self.simulate(roles=[])
        self.refuse(ROLE, "EntityNotExist.Role", "check role_arn")

    def test_a_caller_with_a_wrong_key_names_the_caller(self):
        self.simulate()
        self.sim.allow(auth_failures=True)
        self.run_accounts(STATIC, ROLE, account_default={"access_key_id": KEY, "access_key_secret": "wrongsecret1"},
                          **{"account_" + ROLE: {"source_account": None}})
        self.assert_down(ROLE, "SignatureDoesNotMatch", "check the access_key_secret that assumes the role")
        self.assert_others_go_on(STATIC)

    def test_another_oidc_token(self):
        self.simulate()
        self.sim.control(oidc_token="SimTokenOther")
        self.refuse(OIDC, "AuthenticationFail.OIDCToken.Invalid", "check oidc_token_file")

    def test_an_oidc_token_file_that_cannot_be_read(self):
        self.simulate()
        self.refuse(OIDC, "oidc_token_file", "/nowhere", **{"account_" + OIDC: {"oidc_token_file": "/nowhere"}})

    def test_an_oidc_token_file_that_comes_later(self):
        self.simulate()
        self.refuse(OIDC, "oidc_token_file", "later", **{"account_" + OIDC: {"oidc_token_file": "later"}})
        os.rename(self.path("oidc_token"), self.path("later"))
        self.assertEqual(self.exporter.post("/-/reload").status, 200)
        self.wait_generation(9, OIDC)

    def test_another_role_of_the_ecs_instance(self):
        self.simulate()
        self.refuse(ECS, "metadata service", "check the name of the RAM role", **{"account_" + ECS: {"ecs_role": "other"}})

    def test_redirects_are_not_followed(self):
        self.simulate()
        self.sim.control(sts_down=302, imds_down=302, credentials_down=302)
        self.run_accounts(STATIC, *TEMPORARY)
        for uid in TEMPORARY:
            self.assert_down(uid, "302")
        stats = self.sim.stats()
        self.assertEqual((stats["bad_requests"], stats["metadata"]["requests"].get("other", 0)), (0, 0))
        self.assert_others_go_on(STATIC)


class Files(CredentialsCase):
    """A secret file that goes bad while the exporter runs: the key that was in it stays in use."""

    def spoil(self, *words):
        self.assertEqual(self.exporter.logs("no new credentials"), [])
        yield
        self.exporter.wait_log("no new credentials")
        message = self.account(STATIC)["error"]["message"]
        for word in words:
            self.assertIn(word, message)
        self.wait_generation(2, STATIC)
        self.assert_never_failed(STATIC)

    def run_static(self):
        self.simulate()
        self.run_accounts(STATIC)
        self.wait_generation(1, STATIC)

    def test_readable_for_everybody(self):
        self.run_static()
        for _ in self.spoil("access_key_secret_file", "every user may read this secret", "chmod o= "):
            os.chmod(self.path("secret"), 0o644)
        os.chmod(self.path("secret"), 0o600)
        self.exporter.wait_log("credentials work again")

    def test_missing(self):
        self.run_static()
        for _ in self.spoil("access_key_secret_file", "cannot open the file", self.path("secret")):
            os.rename(self.path("secret"), self.path("gone"))
        os.rename(self.path("gone"), self.path("secret"))
        self.exporter.wait_log("credentials work again")

    def test_empty(self):
        self.run_static()
        for _ in self.spoil("access_key_secret_file", "is empty"):
            self.write("secret", "")

    def test_readable_for_everybody_at_the_start_is_refused_with_the_command_that_mends_it(self):
        self.simulate()
        sections = fleet.ini(self.sections(STATIC))
        os.chmod(self.path("secret"), 0o644)
        result = self.run_config(sections)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\A[^\n]*every user may read this secret[^\n]*chmod o= '[^']*/secret'[^\n]*\n\Z")


class Table(CredentialsCase):
    def run_table(self, *words, column=None, password=PASSWORD):
        """The row cannot be used; another account works."""
        self.simulate()
        sections = self.table(column=column)
        self.db.sql(fleet.statements(instances(STATIC)))
        self.password = password
        self.run_accounts(STATIC, environment={"ENCRYPTION_PASSWORD": password}, **sections)
        self.assert_down(TABLE, *words)
        self.assert_others_go_on(STATIC)
        self.assertEqual(len(self.exporter.logs("no new credentials", aliyun_uid=TABLE)), 1)
        self.assertEqual(self.sim.stats()["accounts"][TABLE]["calls"], 0)

    def test_wrong_password(self):
        self.run_table(TABLE, "another password", password="othercanary")

    def test_broken_hmac(self):
        self.run_table(TABLE, "HMAC", "changed afterwards", column=with_broken_mac(fernet_column(TABLE_SECRET)))

    def test_a_cut_token(self):
        self.run_table(TABLE, "encrypt the secret again", column=fernet_column(TABLE_SECRET)[:80])

    def test_a_secret_that_is_not_encrypted(self):
        self.run_table(TABLE, "encrypt the secret again", column=TABLE_SECRET)

    def test_a_mended_row_comes_back_without_a_reload(self):
        self.run_table("HMAC", column=with_broken_mac(fernet_column(TABLE_SECRET)))
        self.add_row(TABLE, "testak6", fernet_column(TABLE_SECRET))
        self.wait_generation(9, STATIC, TABLE)

    def test_a_password_that_changes_with_its_file(self):
        self.simulate()
        self.write_secret("password", "othercanary")
        sections = self.table()
        sections["accounts"] = {"source": "database", "encryption_password_file": "password"}
        self.run_accounts(**sections)
        self.exporter.wait_for("the account down", lambda: self.account_up(TABLE) == 0 and self.account(TABLE)["error"])
        self.write_secret("password", PASSWORD)
        self.wait_generation(1, TABLE)


if __name__ == "__main__":
    harness.main()
