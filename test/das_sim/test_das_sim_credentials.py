"""Tests of the simulator's temporary credentials: STS, metadata server, credentials URI."""

import json
import os
import subprocess
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from das_sim_client import (
    FORM_TYPE,
    ROLE_PATH,
    STS_FORM,
    STS_VERSION,
    Simulator,
    canonical_query,
    sign_v1,
    utc,
)
from test_das_sim import ACCOUNTS, QUICK, UID, Base

ROLE_UID = "1000000000000003"
IMDS_UID = "1000000000000004"
URI_UID = "1000000000000005"
ROLE = f"acs:ram::{ROLE_UID}:role/exporter"
GUARDED = f"acs:ram::{ROLE_UID}:role/guarded"
PROVIDER = f"acs:ram::{ROLE_UID}:oidc-provider/ack-rrsa-test1"
OIDC_TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
ARGUMENTS = ["--role", ROLE, "--role", f"{GUARDED}:ext-1/a:b", "--oidc-token", OIDC_TOKEN,
             "--imds-listen", "127.0.0.1:0", "--imds-role", f"ecs-exporter:{IMDS_UID}"]


def seconds_left(credentials):
    at = datetime.strptime(credentials["Expiration"], "%Y-%m-%dT%H:%M:%SZ")
    return at.replace(tzinfo=timezone.utc).timestamp() - time.time()


class Credentials(Base):
    arguments = QUICK + ARGUMENTS

    def assume(self, arn=ROLE, **more):
        return self.sim.assume_role("testak", "testsecret", arn, **more)

    def assume_with_oidc(self, arn=ROLE, provider=PROVIDER, oidc_token=OIDC_TOKEN, **more):
        return self.sim.assume_role_with_oidc(arn, provider, oidc_token, **more)

    def credentials(self, answer):
        self.assertEqual(answer[0], 200, answer[2])
        return json.loads(answer[2])["Credentials"]

    def use(self, credentials, status=200):
        answer = self.sim.call_with(credentials, InstanceId="rm-test1")
        self.assertEqual(answer[0], status, answer[2])
        return answer

    def assert_expired(self, credentials):
        self.assert_code(self.use(credentials, 403), 403, "InvalidSecurityToken.Expired")

    def await_expiry(self, credentials):
        while seconds_left(credentials) > -0.01:
            time.sleep(0.01)

    def account(self, uid):
        return self.sim.stats()["accounts"][uid]


class AssumeRole(Credentials):
    def test_credentials_of_the_role_serve_its_account(self):
        reply = json.loads(self.assume()[2])
        credentials = reply["Credentials"]
        self.assertRegex(credentials["AccessKeyId"], r"^STS\.[A-Za-z0-9]{20}$")
        self.assertEqual(len(credentials["SecurityToken"]), 1500)
        self.assertEqual(reply["AssumedRoleUser"]["Arn"], ROLE + "/test-session")
        self.assertTrue(3598 < seconds_left(credentials) <= 3600)
        self.use(credentials)
        self.assertEqual((self.account(ROLE_UID)["calls"], self.account(UID)["calls"]), (1, 0))

    def test_credentials_are_fresh_each_time_and_all_valid(self):
        given = [self.credentials(self.assume()) for _ in range(3)]
        for name in "AccessKeyId", "AccessKeySecret", "SecurityToken":
            self.assertEqual(len({one[name] for one in given}), 3)
        for one in given:
            self.use(one)

    def test_a_restarted_simulator_does_not_know_old_credentials(self):
        before = self.credentials(self.assume())
        with Simulator(*ACCOUNTS, *self.arguments) as other:
            other.assume_role("testak", "testsecret", ROLE)
            answer = other.call_with(before, InstanceId="rm-test1")
        self.assert_code(answer, 404, "InvalidAccessKeyId.NotFound")

    def test_quota_is_of_the_account_of_the_role(self):
        self.sim.control(quota=3, window="60s")
        given = [self.credentials(self.assume()) for _ in range(4)]
        self.assertEqual([self.sim.call_with(one, InstanceId="rm-test1")[0] for one in given],
                         [200, 200, 200, 400])
        self.ok()

    def test_token_is_verified_by_the_operation(self):
        credentials = self.credentials(self.assume())
        other = self.credentials(self.assume())["SecurityToken"]
        key, secret = credentials["AccessKeyId"], credentials["AccessKeySecret"]
        self.assert_code(self.sim.call(key, secret, InstanceId="rm-test1"), 400, "MissingSecurityToken")
        self.assert_code(self.sim.call(key, secret, token=other, InstanceId="rm-test1"), 400,
                         "InvalidSecurityToken.Malformed")
        self.assert_code(self.sim.call(key, "other", token=credentials["SecurityToken"],
                                       InstanceId="rm-test1"), 400, "SignatureDoesNotMatch")

    def test_signature_is_verified(self):
        def assume(key="testak", secret="testsecret", **more):
            return self.sim.assume_role(key, secret, ROLE, **more)

        self.assert_code(assume(secret="other"), 400, "SignatureDoesNotMatch")
        self.assert_code(assume(key="nobody"), 404, "InvalidAccessKeyId.NotFound")
        self.assert_code(assume(Timestamp=utc(-901)), 400, "InvalidTimeStamp.Expired")
        self.assertEqual(assume(SignatureNonce="n1")[0], 200)
        self.assert_code(assume(SignatureNonce="n1"), 400, "SignatureNonceUsed")
        self.assert_code(assume(token="else"), 400, "InvalidSecurityToken.Malformed")
        self.sim.control(disable_key="testak")
        self.assert_code(assume(), 403, "Forbidden.AccessKeyDisabled")

    def signed(self, **more):
        return sign_v1({"Action": "AssumeRole", "Version": STS_VERSION, "RoleArn": ROLE,
                        "RoleSessionName": "test-session", **more}, "testak", "testsecret")

    def test_form_is_part_of_the_signature(self):
        changed = dict(self.signed(), RoleSessionName="other-session")
        self.assert_code(self.sim.sts(changed), 400, "SignatureDoesNotMatch")
        added = dict(self.signed(), DurationSeconds="900")
        self.assert_code(self.sim.sts(added), 400, "SignatureDoesNotMatch")
        unsigned = {k: v for k, v in self.signed().items() if k != "AccessKeyId"}
        self.assert_code(self.sim.sts(unsigned), 400, "MissingAccessKeyId")
        incomplete = {k: v for k, v in self.signed().items() if k != "Signature"}
        self.assert_code(self.sim.sts(incomplete), 400, "IncompleteSignature")

    def test_parameters_have_their_places(self):
        in_query = "/?" + canonical_query(self.signed())
        self.assert_code(self.sim.post(in_query, FORM_TYPE), 400, "InvalidParameter")
        form = canonical_query(self.signed(Action="AssumeRole")).encode()
        answer = self.sim.post(f"/?Action=AssumeRole&Version={STS_VERSION}&Format=JSON", FORM_TYPE, form)
        self.assert_code(answer, 400, "InvalidParameter")
        self.assert_code(self.sim.sts(self.signed(), {"Content-Type": "text/plain"}), 400,
                         "SignatureDoesNotMatch")

    def test_system_parameters_are_verified(self):
        self.assert_code(self.assume(Format="XML"), 400, "InvalidParameter.Format")
        self.assert_code(self.assume(Version="2014-05-26"), 400, "InvalidVersion")
        self.assert_code(self.assume(Action="GetSomething"), 404, "InvalidAction.NotFound")
        self.assertEqual(self.sim.stats()["sts"]["actions"], {"AssumeRole": 2, "unknown": 1})

    def test_roles_that_may_not_be_assumed(self):
        self.assert_code(self.assume(ROLE + "2"), 404, "EntityNotExist.Role")
        self.assert_code(self.assume(GUARDED), 403, "NoPermission")
        self.assert_code(self.assume(GUARDED, ExternalId="ext-2"), 403, "NoPermission")
        self.use(self.credentials(self.assume(GUARDED, ExternalId="ext-1/a:b")))
        self.sim.control(role_deny=ROLE)
        self.assert_code(self.assume(), 403, "NoPermission")
        self.sim.control(role_allow=ROLE)
        self.assertEqual(self.assume()[0], 200)

    def test_wrong_parameters(self):
        for missing in "RoleArn", "RoleSessionName":
            more = {"arn": None} if missing == "RoleArn" else {missing: None}
            self.assert_code(self.assume(**more), 400, "Missing" + missing)
        for arn in ("exporter", "acs:ram::x:role/a", f"acs:ram::{ROLE_UID}:role/", ROLE + ":x",
                    f"acs:ram::{ROLE_UID}:user/a", "acs:"):
            self.assert_code(self.assume(arn), 400, "InvalidParameter.RoleArn")
        for name in "a", "a b", "x" * 65, "名字":
            self.assert_code(self.assume(RoleSessionName=name), 400, "InvalidParameter.RoleSessionName")
        for duration in "899", "3601", "x", "", "-1", "900s", "9" * 30:
            self.assert_code(self.assume(DurationSeconds=duration), 400,
                             "InvalidParameter.DurationSeconds")
        for policy in "x", "[]", "{}", '{"Version":1,"Statement":[]}':
            self.assert_code(self.assume(Policy=policy), 400, "InvalidParameter.PolicyGrammar")
        self.assert_code(self.assume(Policy="x" * 2049), 400, "InvalidParameter.PolicySize")
        self.assertEqual(self.assume(Policy='{"Version":"1","Statement":[]}')[0], 200)

    def test_duration(self):
        self.assertTrue(898 < seconds_left(self.credentials(self.assume(DurationSeconds=900))) <= 900)
        self.sim.control(role_max_duration="12h")
        self.assertGreater(seconds_left(self.credentials(self.assume(DurationSeconds=43200))), 43198)
        self.sim.control(token_lifetime="30s")
        self.assertLessEqual(seconds_left(self.credentials(self.assume(DurationSeconds=900))), 30)

    def test_a_role_can_be_assumed_with_temporary_credentials(self):
        first = self.sim.uri_credentials(UID)
        pair = first["AccessKeyId"], first["AccessKeySecret"]
        chained = self.sim.assume_role(*pair, ROLE, token=first["SecurityToken"])
        self.use(self.credentials(chained))
        self.assert_code(self.sim.assume_role(*pair, ROLE), 400, "MissingSecurityToken")
        self.sim.control(expire_tokens=UID)
        self.assert_code(self.sim.assume_role(*pair, ROLE, token=first["SecurityToken"]), 403,
                         "InvalidSecurityToken.Expired")
        self.assertEqual(self.sim.stats()["sts"]["callers"], {UID: 3})

    def test_outages(self):
        for down, status in ("1", 503), ("302", 302), ("500", 500):
            self.sim.control(sts_down=down)
            self.assert_code(self.assume(), status, "ServiceUnavailable")
        self.assertEqual(self.sim.control(sts_down="200")[0], 400)
        self.sim.control(sts_down=0, sts_hang=1)
        with self.assertRaises(TimeoutError):
            self.assume(timeout=0.3)
        self.sim.control(sts_hang=0, sts_deny=1)
        self.assert_code(self.assume(), 400, "Throttling.User")
        self.assertEqual(self.assume()[0], 200)
        self.ok()
        self.assertEqual(self.sim.stats()["sts"]["outcomes"],
                         {"ServiceUnavailable": 3, "hang": 1, "Throttling.User": 1, "issued": 1})

    def test_stats(self):
        for _ in range(3):
            self.assume()
        self.assume(ROLE + "2")
        stats = self.sim.stats()
        self.assertEqual(stats["sts"], {"calls": 4, "worst_second": 4, "actions": {"AssumeRole": 4},
                                        "outcomes": {"issued": 3, "EntityNotExist.Role": 1},
                                        "callers": {UID: 4}, "roles": {ROLE: 3, GUARDED: 0}})
        self.assertEqual(stats["accounts"][ROLE_UID]["tokens_issued"], 3)
        self.assertEqual((stats["total"]["calls"], stats["total"]["auth_failures"]), (0, 0))
        self.sim.page("POST", "/stats/reset")
        self.assertEqual(self.sim.stats()["sts"]["calls"], 0)


class AssumeRoleWithOidc(Credentials):
    def test_credentials_of_the_role_serve_its_account(self):
        self.use(self.credentials(self.assume_with_oidc()))
        stats = self.sim.stats()
        self.assertEqual(stats["accounts"][ROLE_UID]["calls"], 1)
        self.assertEqual(stats["sts"]["actions"], {"AssumeRoleWithOIDC": 1})

    def test_refused(self):
        code = "AuthenticationFail.OIDCToken.Invalid"
        self.assert_code(self.assume_with_oidc(oidc_token="other"), 400, code)
        self.assert_code(self.assume_with_oidc(oidc_token=OIDC_TOKEN + "\n"), 400, code)
        self.assert_code(self.assume_with_oidc(oidc_token=None), 400, "MissingOIDCToken")
        self.assert_code(self.assume_with_oidc(provider=None), 400, "MissingOIDCProviderArn")
        self.assert_code(self.assume_with_oidc(provider=ROLE), 400, "InvalidParameter.OIDCProviderArn")
        foreign = f"acs:ram::{UID}:oidc-provider/ack-rrsa-test1"
        self.assert_code(self.assume_with_oidc(provider=foreign), 403, "AuthenticationFail.NoPermission")
        self.assert_code(self.assume_with_oidc(ROLE + "2"), 404, "EntityNotExist.Role")
        self.assert_code(self.assume_with_oidc(DurationSeconds=1), 400, "InvalidParameter.DurationSeconds")
        self.sim.control(role_deny=ROLE)
        self.assert_code(self.assume_with_oidc(), 403, "AuthenticationFail.NoPermission")

    def test_the_valid_token_can_be_exchanged(self):
        self.sim.control(oidc_token="next")
        self.assert_code(self.assume_with_oidc(), 400, "AuthenticationFail.OIDCToken.Invalid")
        self.use(self.credentials(self.assume_with_oidc(oidc_token="next")))
        self.sim.control(oidc_token="")
        self.assert_code(self.assume_with_oidc(oidc_token=""), 400, "MissingOIDCToken")

    def test_token_in_the_query_is_refused(self):
        params = {"Action": "AssumeRoleWithOIDC", "Version": STS_VERSION, "Format": "JSON",
                  "RoleArn": ROLE, "RoleSessionName": "test-session", "OIDCProviderArn": PROVIDER,
                  "OIDCToken": OIDC_TOKEN}
        self.assertEqual(self.sim.sts(params)[0], 200)
        self.assertIn("OIDCToken", STS_FORM)
        self.assert_code(self.sim.post("/?" + canonical_query(params), FORM_TYPE), 400, "InvalidParameter")


class Expiry(Credentials):
    def every_kind(self):
        return [self.credentials(self.assume()), self.credentials(self.assume_with_oidc()),
                self.sim.role_credentials("ecs-exporter"), self.sim.uri_credentials(URI_UID)]

    def test_credentials_expire_exactly_when_they_say(self):
        self.sim.control(token_lifetime="2s")
        given = self.every_kind()
        for one in given:
            self.assertTrue(0 < seconds_left(one) <= 2)
            self.use(one)
        for one in given:
            self.await_expiry(one)
            self.assert_expired(one)
        accounts = self.sim.stats()["accounts"]
        self.assertEqual([accounts[uid]["expired_tokens"] for uid in (ROLE_UID, IMDS_UID, URI_UID)],
                         [2, 1, 1])

    def test_expired_at_once_on_demand_for_one_account(self):
        given = self.every_kind()
        self.sim.control(expire_tokens=ROLE_UID)
        for one in given[:2]:
            self.assert_expired(one)
        for one in given[2:] + self.every_kind():
            self.use(one)
        self.assertEqual(self.account(ROLE_UID)["expired_tokens"], 2)
        self.assertEqual(self.sim.control(expire_tokens="1")[0], 400)

    def test_expired_tokens_count_as_calls_and_not_against_the_quota(self):
        self.sim.control(quota=1, window="60s")
        old = self.credentials(self.assume())
        self.sim.control(expire_tokens=ROLE_UID)
        self.assert_expired(old)
        self.use(self.credentials(self.assume()))
        one = self.account(ROLE_UID)
        self.assertEqual((one["calls"], one["auth_failures"], one["tokens_issued"]), (2, 1, 2))

    def test_size_of_the_token(self):
        self.sim.control(token_size=20000)
        credentials = self.sim.uri_credentials(URI_UID)
        self.assertEqual(len(credentials["SecurityToken"]), 20000)
        self.use(credentials)

    def test_only_the_last_are_known(self):
        self.sim.control(token_size=16)
        first = self.sim.uri_credentials(URI_UID)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.sim.uri_credentials(URI_UID), range(19999)))
        self.use(first)
        last = self.sim.uri_credentials(URI_UID)
        self.assert_code(self.use(first, 404), 404, "InvalidAccessKeyId.NotFound")
        self.use(last)


class Metadata(Credentials):
    def test_credentials_of_the_role_serve_its_account(self):
        header = self.sim.metadata_token()
        self.assertEqual(self.sim.metadata(ROLE_PATH, headers=header)[2], "ecs-exporter")
        credentials = self.sim.role_credentials("ecs-exporter", header)
        self.assertEqual(credentials["Code"], "Success")
        self.assertTrue(3598 < seconds_left(credentials) <= 3600)
        self.use(credentials)
        self.assertEqual(self.account(IMDS_UID)["calls"], 1)
        self.assertEqual(self.sim.stats()["metadata"],
                         {"requests": {"token": 1, "role_name": 1, "role": 1}, "outcomes": {"ok": 3}})

    def test_hardened_mode_wants_a_token(self):
        def status(headers=None):
            return [self.sim.metadata(ROLE_PATH + role, headers=headers)[0] for role in ("", "ecs-exporter")]

        name = "X-aliyun-ecs-metadata-token"
        self.assertEqual(status(), [403, 403])
        for bad in "else", "f" * 32 + "==", self.sim.metadata_token()[name] + "=":
            self.assertEqual(status({name: bad}), [401, 401])
        self.assertEqual(status(self.sim.metadata_token()), [200, 200])
        self.sim.control(imds_hardened=0)
        self.assertEqual((status(), status({name: "else"})), ([200, 200], [401, 401]))

    def test_metadata_token_expires(self):
        header = self.sim.metadata_token(1)
        self.assertEqual(self.sim.metadata(ROLE_PATH, headers=header)[0], 200)
        time.sleep(1.01)
        self.assertEqual(self.sim.metadata(ROLE_PATH, headers=header)[0], 401)
        header = self.sim.metadata_token()
        self.sim.control(imds_forget_tokens=1)
        self.assertEqual(self.sim.metadata(ROLE_PATH, headers=header)[0], 401)

    def test_metadata_token_wants_its_lifetime(self):
        name = "X-aliyun-ecs-metadata-token-ttl-seconds"
        for headers in {}, {name: "0"}, {name: "21601"}, {name: "x"}:
            self.assertEqual(self.sim.metadata("/latest/api/token", "PUT", headers)[0], 400)
        self.assertEqual(self.sim.metadata("/latest/api/token", "GET", {name: "60"})[0], 405)

    def test_what_is_not_there(self):
        header = self.sim.metadata_token()
        for path in ROLE_PATH + "other", ROLE_PATH[:-1], "/latest", "/moved":
            self.assertEqual(self.sim.metadata(path, headers=header)[0], 404, path)
        self.assertEqual(self.sim.metadata("/?a=%zz")[0], 400)

    def test_old_server_without_tokens(self):
        self.sim.control(imds_token_404=1)
        ttl = {"X-aliyun-ecs-metadata-token-ttl-seconds": "60"}
        self.assertEqual(self.sim.metadata("/latest/api/token", "PUT", ttl)[0], 404)
        self.use(json.loads(self.sim.metadata(ROLE_PATH + "ecs-exporter")[2]))

    def test_outages(self):
        self.sim.control(imds_down=404)
        for path, method in ("/latest/api/token", "PUT"), (ROLE_PATH, "GET"):
            self.assertEqual(self.sim.metadata(path, method)[0], 404)
        self.sim.control(imds_down=302)
        self.assertEqual(self.sim.metadata(ROLE_PATH)[1]["Location"], "/moved")
        self.sim.control(imds_down="hang")
        with self.assertRaises(TimeoutError):
            self.sim.metadata(ROLE_PATH, timeout=0.3)
        self.sim.uri_credentials(URI_UID)
        self.assertEqual(self.sim.control(imds_down=0)[1]["imds-down"], 0)
        self.sim.role_credentials("ecs-exporter")

    def test_the_same_credentials_for_a_share_of_their_life(self):
        def key():
            return self.sim.role_credentials("ecs-exporter", header)["AccessKeyId"]

        header = self.sim.metadata_token()
        self.assertNotEqual(key(), key())
        self.sim.control(imds_renew_at=0.5, token_lifetime="4s")
        self.sim.control(expire_tokens=IMDS_UID)
        first, got = key(), time.monotonic()
        self.assertEqual(key(), first)
        while key() == first:
            self.assertLess(time.monotonic() - got, 2.1)
        self.assertGreater(time.monotonic() - got, 1.4)
        second = key()
        self.sim.control(expire_tokens=IMDS_UID)
        self.assertNotEqual(key(), second)


class CredentialsUri(Credentials):
    def test_credentials_of_any_account(self):
        for uid in UID, URI_UID:
            credentials = self.sim.uri_credentials(uid)
            self.assertEqual(credentials["Code"], "Success")
            self.use(credentials)
            self.assertEqual(self.account(uid)["calls"], 1)
        self.assertEqual(self.sim.stats()["metadata"]["requests"], {"uri": 2})

    def test_wrong_requests(self):
        for path in "/credentials", "/credentials?uid=", "/credentials?uid=x":
            self.assertEqual(self.sim.metadata(path)[0], 404)
        self.assertEqual(self.sim.metadata("/credentials?uid=1", "POST")[0], 405)

    def test_outages(self):
        path = f"/credentials?uid={URI_UID}"
        for down, status in (1, 503), (302, 302), (403, 403):
            self.sim.control(credentials_down=down)
            self.assertEqual(self.sim.metadata(path)[0], status)
        self.sim.control(credentials_down="hang")
        with self.assertRaises(TimeoutError):
            self.sim.metadata(path, timeout=0.3)
        self.sim.role_credentials("ecs-exporter")
        self.sim.control(credentials_down=0)
        self.sim.uri_credentials(URI_UID)


class Program(unittest.TestCase):
    def test_no_static_key_is_needed_with_a_metadata_server(self):
        with Simulator(*QUICK, "--imds-listen=127.0.0.1:0") as sim:
            self.assertRegex(sim.metadata_url, r"^http://127\.0\.0\.1:\d+$")
            credentials = sim.uri_credentials(URI_UID)
            self.assertEqual(sim.call_with(credentials, InstanceId="rm-test1")[0], 200)

    def test_without_a_role_the_instance_has_none(self):
        with Simulator(*QUICK, "--imds-listen", "127.0.0.1:0") as sim:
            header = sim.metadata_token()
            for path in ROLE_PATH, ROLE_PATH + "ecs-exporter":
                self.assertEqual(sim.metadata(path, headers=header)[0], 404)

    def test_calls_to_sts_are_in_the_log(self):
        with tempfile.TemporaryDirectory() as directory:
            log = os.path.join(directory, "log")
            with Simulator(*ACCOUNTS, *QUICK, *ARGUMENTS, "--log", log) as sim:
                sim.assume_role("testak", "testsecret", ROLE)
                sim.assume_role_with_oidc(ROLE, PROVIDER, "other")
            with open(log, encoding="utf-8") as lines:
                self.assertEqual([line.rstrip("\n").split("\t")[1:] for line in lines],
                                 [[UID, "AssumeRole", ROLE, "-", "issued"],
                                  ["-", "AssumeRoleWithOIDC", ROLE, "-",
                                   "AuthenticationFail.OIDCToken.Invalid"]])

    def test_wrong_options(self):
        for wrong in (["--role", "x"], ["--role", ROLE, "--role", ROLE + ":again"],
                      ["--imds-role", "name"], ["--imds-role", "name:x"], ["--sts-down", "200"],
                      ["--imds-hardened", "2"], ["--imds-listen"]):
            done = subprocess.run([os.environ["DAS_SIM"], *ACCOUNTS, *wrong], capture_output=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), wrong)


if __name__ == "__main__":
    unittest.main()
