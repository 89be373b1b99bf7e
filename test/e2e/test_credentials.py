"""Where the credentials of an account come from, and how they change while the exporter runs."""

import os
import threading
import time

import harness
import fleet
from credentials_case import (CredentialsCase, ECS, EXPIRY, KEY, KINDS, OIDC, OIDC_TOKEN, PASSWORD, ROLE, SECRET, STATIC,
                              TABLE, TABLE_SECRET, TEMPORARY, URI, fernet_column, instances, role_arn)

NEW_KEY, NEW_SECRET = "testak9", "testsecret9"


class Sources(CredentialsCase):
    def test_a_default_role_with_uid_serves_every_account(self):
        self.simulate(roles=[role_arn(uid) for uid in (ROLE, OIDC, ECS)])
        default = {"access_key_id": KEY, "access_key_secret": SECRET, "role_arn": role_arn("{uid}")}
        self.run_accounts(targets=instances(ROLE, OIDC, ECS), account_default=default)
        self.exporter.wait_sessions(fleet.sessions(instances(ROLE, OIDC, ECS)))
        sts = self.sim.stats()["sts"]
        self.assertEqual(sts["roles"], {role_arn(uid): 1 for uid in (ROLE, OIDC, ECS)})
        self.assertEqual(sts["callers"], {STATIC: 3})

    def run_environment(self, uid, **variables):
        environment = {"ALIBABA_CLOUD_" + name: value for name, value in variables.items()}
        self.run_accounts(targets=instances(uid), environment=environment)
        self.exporter.wait_sessions(fleet.sessions(instances(uid)))

    def test_an_access_key_of_the_environment(self):
        self.simulate()
        self.run_environment(STATIC, ACCESS_KEY_ID=KEY, ACCESS_KEY_SECRET=SECRET)

    def test_a_role_of_the_environment_assumed_by_its_access_key(self):
        self.simulate(roles=[role_arn(ROLE)])
        self.run_environment(ROLE, ACCESS_KEY_ID=KEY, ACCESS_KEY_SECRET=SECRET, ROLE_ARN=role_arn(ROLE))

    def test_an_oidc_role_of_the_environment(self):
        self.simulate()
        self.run_environment(OIDC, ROLE_ARN=role_arn(OIDC), OIDC_PROVIDER_ARN=f"acs:ram::{OIDC}:oidc-provider/ack-rrsa",
                             OIDC_TOKEN_FILE=self.write_secret("oidc_token", OIDC_TOKEN))

    def test_an_ecs_role_of_the_environment(self):
        self.simulate()
        self.run_environment(ECS, ECS_METADATA="ecs-exporter")

    def test_a_credentials_uri_of_the_environment(self):
        self.simulate()
        self.run_environment(URI, CREDENTIALS_URI=f"{self.sim.metadata_url}/credentials?uid={URI}")

    def test_proxies_of_the_environment_are_not_asked(self):
        self.simulate()
        dead = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")}
        self.run_accounts(STATIC, *TEMPORARY, environment={**dead, "no_proxy": ""})
        self.exporter.wait_sessions(fleet.sessions(instances(STATIC, *TEMPORARY)))

    def test_expiry_is_exported_for_what_expires(self):
        self.simulate("--token-lifetime=1000s")
        self.run_accounts(STATIC, *TEMPORARY)
        self.exporter.wait_sessions(fleet.sessions(instances(STATIC, *TEMPORARY)))
        page = self.exporter.metrics()
        for uid in TEMPORARY:
            self.assertAlmostEqual(page.value(EXPIRY, aliyun_uid=uid), time.time() + 1000, delta=harness.PATIENCE)
        uids = {dict(labels)["aliyun_uid"] for _, labels, _ in page.families[EXPIRY].samples}
        self.assertEqual(uids, set(TEMPORARY))


class Changes(CredentialsCase):
    """While one account changes, its targets never fail."""

    def test_a_rotated_secret_file_needs_neither_restart_nor_reload(self):
        self.simulate(f"--account={STATIC}:{NEW_KEY}:{NEW_SECRET}")
        os.mkdir(self.path("old")), os.mkdir(self.path("new"))
        for folder, key, secret in (("old", KEY, SECRET), ("new", NEW_KEY, NEW_SECRET)):
            self.write(folder + "/id", key)
            self.write_secret(folder + "/secret", secret)
        os.symlink("old", self.path("keys"))
        self.run_accounts(STATIC, account_1000000000000001={
            "access_key_id_file": "keys/id", "access_key_id": None, "access_key_secret_file": "keys/secret"})
        self.wait_generation(1, STATIC)
        os.symlink("new", self.path("keys.new"))
        os.rename(self.path("keys.new"), self.path("keys"))
        self.exporter.wait_log("credentials replaced")
        self.sim.control(disable_key=KEY)
        self.wait_generation(2, STATIC)
        self.assert_never_failed(STATIC)
        self.assertEqual(self.exporter.logs("configuration reloaded"), [])

    def run_table(self, *arguments):
        self.simulate(*arguments)
        self.run_accounts(environment={"ENCRYPTION_PASSWORD": PASSWORD}, **self.table())
        self.wait_generation(1, TABLE)

    def test_readiness_waits_for_the_accounts_table(self):
        self.simulate()
        self.run_accounts(environment={"ENCRYPTION_PASSWORD": PASSWORD}, **self.table())
        self.exporter.wait_ready()
        self.assertEqual(self.exporter.sessions(), fleet.sessions(instances(TABLE)))

    def test_a_changed_row_of_the_accounts_table(self):
        self.run_table(f"--account={TABLE}:{NEW_KEY}:{NEW_SECRET}")
        self.add_row(TABLE, NEW_KEY, fernet_column(NEW_SECRET))
        self.exporter.wait_log("credentials replaced")
        self.sim.control(disable_key="testak6")
        self.wait_generation(2, TABLE)
        self.assert_never_failed(TABLE)

    def test_a_row_that_comes_and_one_that_is_switched_off(self):
        self.run_table()
        self.db.sql(fleet.statements(instances(STATIC)))
        self.exporter.wait_for("its targets", lambda: len(self.exporter.targets()) == 4)
        self.add_row(STATIC, KEY, fernet_column(SECRET))
        self.wait_generation(2, TABLE, STATIC)
        self.db.sql(f"UPDATE aliyun_uids SET status = 0 WHERE aliyun_uid = '{TABLE}'")
        self.exporter.wait_for("its end", lambda: {
            target["state"] for target in self.exporter.targets().values() if target["aliyun_uid"] == TABLE}
            == {"no_credentials"})
        self.wait_generation(3, STATIC)

    def test_a_token_that_expires_early_is_renewed_once_and_the_calls_repeated(self):
        self.simulate().allow(auth_failures=True)
        self.run_accounts(STATIC, ROLE)
        self.wait_generation(1, STATIC, ROLE)
        self.sim.control(expire_tokens=ROLE)
        self.wait_generation(2, STATIC, ROLE)
        self.assert_never_failed(STATIC, ROLE)
        self.assertEqual(self.issued(ROLE), 2)
        self.assertEqual(self.sim.stats()["sts"]["calls"], 2)
        self.assertGreater(self.sim.stats()["accounts"][ROLE]["expired_tokens"], 0)

    def test_a_token_of_each_kind_that_expires_early(self):
        self.simulate().allow(auth_failures=True)
        self.run_accounts(STATIC, *TEMPORARY)
        self.wait_generation(1, STATIC, *TEMPORARY)
        for uid in TEMPORARY:
            self.sim.control(expire_tokens=uid)
        self.wait_generation(2, STATIC, *TEMPORARY)
        self.assert_never_failed(STATIC, *TEMPORARY)

    def test_an_oidc_token_that_changes_is_read_at_the_next_refresh(self):
        self.simulate().allow(auth_failures=True)
        self.run_accounts(OIDC)
        self.wait_generation(1, OIDC)
        self.write_secret("oidc_token", "SimTokenOidcSecond")
        self.sim.control(oidc_token="SimTokenOidcSecond", expire_tokens=OIDC)
        self.wait_generation(2, OIDC)
        self.assert_never_failed(OIDC)


class Reloads(CredentialsCase):
    def reload(self, *uids, **changes):
        self.exporter.configure(self.sections(*uids, **changes))
        return self.exporter.post("/-/reload")

    def test_an_account_of_another_kind_while_calls_are_in_flight_loses_nothing(self):
        self.simulate("--rtt=100ms", "--jitter=50ms", roles=[role_arn(STATIC)])
        static = {"access_key_id": KEY, "access_key_secret_file": "secret", "role_arn": None}
        role = {"role_arn": role_arn(STATIC)}
        uri = {"access_key_id": None, "access_key_secret_file": None,
               "credentials_uri": f"{self.sim.metadata_url}/credentials?uid={STATIC}"}
        name = "account_" + STATIC
        self.run_accounts(STATIC, **{name: static})
        expected = fleet.sessions(instances(STATIC))
        self.exporter.wait_sessions(expected)
        for change in (role, static, uri, role, uri, static):
            # Not by the metric: the page is made once a second, and always between two calls, maybe.
            self.exporter.wait_for("a call", lambda: any(
                target["state"] == "calling" for target in self.exporter.targets().values()))
            self.assertEqual(self.reload(STATIC, **{name: change}).status, 200)
            self.assertEqual(self.exporter.sessions(), expected)
            self.assertEqual(self.account_up(STATIC), 1)
        self.wait_generation(1, STATIC)
        self.assert_never_failed(STATIC)

    def test_a_failed_reload_keeps_every_account(self):
        self.simulate()
        self.run_accounts(STATIC, *TEMPORARY)
        self.wait_generation(1, STATIC, *TEMPORARY)
        calls = self.sim.stats()["sts"]["calls"]
        reply = self.reload(STATIC, *TEMPORARY, **{"account_" + ECS: {"credentials_uri": "http://127.0.0.1:9/"}})
        self.assertEqual(reply.status, 400)
        self.assertRegex(reply.text, r"exporter\.ini:\d+: ")
        self.exporter.wait_for("the metric", lambda: self.exporter.value(
            "session_exporter_config_last_reload_successful") == 0)
        self.wait_generation(2, STATIC, *TEMPORARY)
        self.assert_never_failed(STATIC, *TEMPORARY)
        self.assertEqual(self.sim.stats()["sts"]["calls"], calls)

    def test_a_reload_that_changes_nothing_asks_for_no_credentials(self):
        self.simulate()
        self.run_accounts(STATIC, *TEMPORARY)
        self.wait_generation(1, STATIC, *TEMPORARY)
        for _ in range(3):
            self.assertEqual(self.reload(STATIC, *TEMPORARY).status, 200)
        self.wait_generation(2, STATIC, *TEMPORARY)
        self.assertEqual([self.issued(uid) for uid in TEMPORARY], [1, 1, 1, 1])

    def test_reloads_that_hurry_lose_nothing(self):
        self.simulate("--token-lifetime=6s")
        self.run_accounts(STATIC, *TEMPORARY)
        self.wait_generation(1, STATIC, *TEMPORARY)
        stop = threading.Event()
        statuses = set()

        def hurry():
            limit = 10
            while not stop.is_set():
                limit = 30 - limit
                statuses.add(self.reload(STATIC, *TEMPORARY, das={"rate_limit": limit}).status)

        thread = threading.Thread(target=hurry)
        thread.start()
        try:
            for generation in range(2, 7):
                self.wait_generation(generation, STATIC, *TEMPORARY)
                time.sleep(1)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(statuses, {200})
        self.assert_never_failed(STATIC, *TEMPORARY)


if __name__ == "__main__":
    harness.main()
