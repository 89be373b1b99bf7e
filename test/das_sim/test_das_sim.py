"""Tests of the simulator itself: signatures, quota, protocol, every fault."""

import http.client
import json
import socket
import tempfile
import threading
import time
import unittest
from random import Random

from das_sim_client import (
    Simulator,
    canonical_query,
    expected_groups,
    expected_sessions,
    sign_v1,
    sign_v3,
    utc,
)

UID = "1000000000000001"
ACCOUNTS = ["--account", f"{UID}:testak:testsecret", "--account", f"{UID}:testak2:testsecret2",
            "--account", "1000000000000002:STS.TestAk:TestSecret:CAIS+token/=="]
QUICK = ["--rtt", "0", "--jitter", "0", "--slow-call-fraction", "0", "--foreign-rate", "0",
         "--completion-median", "0", "--quota", "100000", "--huge-size", "3MiB"]


class Base(unittest.TestCase):
    arguments = QUICK

    def setUp(self):
        self.sim = Simulator(*ACCOUNTS, *self.arguments)

    def tearDown(self):
        self.assertEqual(self.sim.stop(), 0)

    def call(self, instance="rm-test1", **more):
        return self.sim.call("testak", "testsecret", InstanceId=instance, **more)

    def ok(self, *args, **more):
        status, _, body = self.call(*args, **more)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def data(self, *args, **more):
        reply = self.ok(*args, **more)
        self.assertTrue(reply["Success"])
        return reply["Data"]

    def complete(self, instance, **more):
        """Data of the finished answer."""
        first = self.data(instance, **more)
        return self.data(instance, ResultId=first["ResultId"], **more)

    def assert_code(self, answer, status, code):
        self.assertEqual((answer[0], json.loads(answer[2])["Code"]), (status, code), answer[2])


class Signatures(Base):
    def v3(self, params=None, path=None, body=b"", drop=None, extra=None, key="testak",
           secret="testsecret", **more):
        params = params or {"InstanceId": "rm-test1"}
        headers = sign_v3(self.sim.host, params, key, secret, body=body, **more)
        for name in drop or []:
            del headers[name]
        headers.update(extra or {})
        return self.sim.post("/?" + (path or canonical_query(params)), headers, body)

    def test_accepted(self):
        self.assertEqual(self.v3()[0], 200)
        self.assertEqual(self.v3({"InstanceId": "rm-a b*c~d/e+f%g&h=i'(!)", "NodeId": "中文",
                                  "ResultId": ""})[0], 200)
        self.assertEqual(self.v3(path="InstanceId=rm%2dtest1")[0], 200)
        self.assertEqual(self.v3(body=b"a body")[0], 200)

    def test_refused(self):
        bad = "SignatureDoesNotMatch"
        self.assert_code(self.v3(secret="other"), 400, bad)
        self.assert_code(self.v3(path="InstanceId=rm-test2"), 400, bad)
        self.assert_code(self.v3(path="InstanceId=rm-test1&more=1"), 400, bad)
        self.assert_code(self.v3(extra={"x-acs-date": utc(1)}), 400, bad)
        self.assert_code(self.v3(x_acs_content_sha256="0" * 64), 400, bad)
        self.assert_code(self.v3(extra={"x-acs-extra": "1"}), 400, "IncompleteSignature")
        self.assert_code(self.v3(drop=["x-acs-version"]), 400, "IncompleteSignature")
        self.assert_code(self.v3(drop=["Authorization"]), 400, "IncompleteSignature")
        self.assert_code(self.v3(key="nobody"), 404, "InvalidAccessKeyId.NotFound")
        self.assert_code(self.v3(action="Other"), 404, "InvalidAction.NotFound")
        self.assert_code(self.v3(x_acs_version="2019-01-01"), 400, "InvalidVersion")
        self.assert_code(self.v3(x_acs_date=utc(-901)), 400, "InvalidTimeStamp.Expired")
        self.assert_code(self.v3(x_acs_date=utc(902)), 400, "InvalidTimeStamp.Expired")
        self.assert_code(self.v3(x_acs_date="yesterday"), 400, "InvalidTimeStamp.Format")
        self.assertEqual(self.v3(x_acs_date=utc(-890))[0], 200)
        self.assert_code(self.v3({"NodeId": "pi-1"}), 400, "InvalidParams")
        message = json.loads(self.v3(secret="other")[2])["Message"]
        self.assertIn("testak", message)
        self.assertIn("ACS3-HMAC-SHA256\n", message)
        self.assertEqual(self.sim.stats()["accounts"][UID]["auth_failures"], 12)
        self.assertEqual(self.v3(path="a=%zz")[0], 400)

    def test_nonce(self):
        self.assertEqual(self.v3(x_acs_signature_nonce="n1")[0], 200)
        self.assert_code(self.v3(x_acs_signature_nonce="n1"), 400, "SignatureNonceUsed")

    def test_token(self):
        def with_token(token):
            return self.sim.call("STS.TestAk", "TestSecret", token=token, InstanceId="rm-test1")

        self.assertEqual(with_token("CAIS+token/==")[0], 200)
        self.assert_code(with_token("other"), 400, "InvalidSecurityToken.Malformed")
        self.assert_code(with_token(None), 400, "MissingSecurityToken")

    def test_v1(self):
        form = "application/x-www-form-urlencoded"
        base = {"Action": "GetMySQLAllSessionAsync", "Version": "2020-01-16",
                "InstanceId": "rm-a b*~"}
        signed = sign_v1(base, "testak", "testsecret")
        query = {k: v for k, v in signed.items() if k != "InstanceId"}
        body = canonical_query({"InstanceId": base["InstanceId"]}).encode()
        path = "/?" + canonical_query(query)
        self.assertEqual(self.sim.post(path, {"Content-Type": form}, body)[0], 200)
        self.assert_code(self.sim.post(path, {"Content-Type": form}, body), 400, "SignatureNonceUsed")
        broken = "/?" + canonical_query(sign_v1(base, "testak", "other"))
        self.assert_code(self.sim.post(broken, {}), 400, "SignatureDoesNotMatch")

    def test_disabled_key(self):
        self.sim.control(disable_key="testak")
        self.assert_code(self.v3(), 403, "Forbidden.AccessKeyDisabled")
        self.assertEqual(self.v3(key="testak2", secret="testsecret2")[0], 200)
        self.sim.control(enable_key="testak")
        self.assertEqual(self.v3()[0], 200)


class Protocol(Base):
    def check_counts(self, data, instance, node="", generation=0):
        stats = {s["Key"]: (s["TotalCount"], s["ActiveCount"])
                 for s in data["SessionData"]["UserStats"]}
        self.assertEqual(stats, expected_sessions(instance, node, generation))
        total = sum(t for t, _ in stats.values())
        self.assertEqual(data["SessionData"]["TotalSessionCount"], total)
        groups = tuple({s["Key"]: s["TotalCount"] for s in data["SessionData"][group]}
                       for group in ("ClientStats", "DbStats"))
        self.assertEqual(groups, expected_groups(instance, node, generation))

    def test_sessions(self):
        for n in range(50):
            self.check_counts(self.complete(f"rm-test{n}"), f"rm-test{n}")
        self.check_counts(self.complete("pc-test1", NodeId="pi-b"), "pc-test1", "pi-b")
        self.check_counts(self.complete("pc-test1"), "pc-test1", "pi-test1")
        self.sim.control(generation=7)
        self.check_counts(self.complete("rm-test1"), "rm-test1", generation=7)

    def test_key_order_varies_and_sql_is_hostile(self):
        bodies, orders = [], set()
        for _ in range(20):
            data = self.complete("rm-test1")
            orders.add(list(data)[0])
            bodies += [s["SqlText"] for s in data["SessionData"]["SessionList"]]
        self.assertEqual(orders, {"SessionData", "ResultId"})
        self.assertTrue(any('"UserStats":[' in text for text in bodies))

    def test_phases(self):
        self.sim.control(completion_median="300ms", completion_sigma=0)
        first = self.data()
        self.assertRegex(first["ResultId"], "^async__[0-9a-f]{16}$")
        self.assertEqual((first["IsFinish"], first["State"], first["Fail"]), (False, "RUNNING", False))
        self.assertEqual(self.data(ResultId=first["ResultId"])["State"], "RUNNING")
        time.sleep(0.31)
        self.assertEqual(self.data(ResultId=first["ResultId"])["State"], "SUCCESS")
        total = self.sim.stats()["total"]
        self.assertEqual((total["submits"], total["polls"], total["results_delivered"]), (1, 2, 1))
        self.assertEqual((total["polls_per_delivered"], total["calls_per_delivered"]), (2, 3))

    def test_unknown_results(self):
        code = "InvalidParameter.ResultId"
        first = self.data("rm-test1")["ResultId"]
        self.assert_code(self.call("rm-test1", ResultId="async__0000000000000000"), 400, code)
        self.assert_code(self.call("rm-test1", ResultId="else"), 400, code)
        self.assert_code(self.call("rm-test2", ResultId=first), 400, code)
        other = self.sim.call("STS.TestAk", "TestSecret", token="CAIS+token/==",
                              InstanceId="rm-test1", ResultId=first)
        self.assert_code(other, 400, code)
        self.sim.control(result_lifetime="50ms")
        time.sleep(0.06)
        self.assert_code(self.call("rm-test1", ResultId=first), 400, code)

    def test_pages(self):
        self.assertEqual(self.sim.page("GET", "/nothing")[0], 404)
        self.assertEqual(self.sim.page("GET", "/")[0], 405)
        self.assertEqual(self.sim.control(nonsense=1)[0], 400)
        for bad in ("quota=-1", "rtt=5", "slow-call-fraction=2", "rtt=1s&seed=3", "deny=x",
                    "hang-uid=7", "instance-fault=rm-1:nonsense"):
            self.assertEqual(self.sim.page("POST", "/control?" + bad)[0], 400, bad)
        status, values = self.sim.control(rtt="1ms", quota=7, foreign_rate=2.5)
        self.assertEqual((status, values["rtt"], values["quota"], values["foreign-rate"]),
                         (200, 0.001, 7, 2.5))
        self.data()
        self.assertIn("rm-test1/", self.sim.stats(instances=True)["instances"])
        self.sim.page("POST", "/stats/reset")
        self.assertEqual(self.sim.stats()["total"]["calls"], 0)


class Quota(Base):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.log = self.directory.name + "/log"
        self.arguments = QUICK + ["--log", self.log]
        super().setUp()

    def hammer(self, threads, seconds):
        """The statuses of unpaced calls."""
        results = []

        def work():
            connection = self.sim.connect()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                results.append(self.sim.call("testak", "testsecret", connection,
                                             InstanceId="rm-test1")[0])
            connection.close()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return results

    def check_log(self, quota, window_us):
        """Replays the log by the documented rule. Returns the worst attempted window."""
        with open(self.log, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        admitted, attempted, worst = [], [], 0
        for line in lines:
            at = int(line[0].replace(".", ""))
            attempted = [t for t in attempted if at - t < window_us] + [at]
            admitted = [t for t in admitted if at - t < window_us]
            worst = max(worst, len(attempted))
            throttled = len(admitted) >= quota
            self.assertEqual(line[5] == "Throttling.User", throttled, line)
            if not throttled:
                admitted.append(at)
        return len(lines), worst

    def test_exact(self):
        self.sim.control(quota=20, window="500ms", rtt="5ms", jitter="5ms")
        results = self.hammer(8, 1.9)
        one = self.sim.stats()["accounts"][UID]
        self.assertEqual(self.sim.stop(), 0)
        self.assertEqual(self.check_log(20, 500000), (len(results), one["worst_window"]))
        self.assertEqual(one["throttled_quota"], results.count(400))
        self.assertGreater(one["quota_exceeded"], 0)

    def test_paced_stays_within(self):
        self.sim.control(quota=20, window="200ms")
        for _ in range(60):
            self.ok()
            time.sleep(0.0105)
        one = self.sim.stats()["accounts"][UID]
        self.assertEqual((one["throttled"], one["quota_exceeded"]), (0, 0))
        self.assertLessEqual(one["worst_window"], 20)

    def test_jitter_breaks_a_paced_client(self):
        """Perfectly spaced calls on separate connections, delayed unevenly."""
        self.sim.control(rtt="200ms", jitter="200ms", quota=10, window="200ms")
        threads = []
        for _ in range(80):
            threads.append(threading.Thread(target=self.call))
            threads[-1].start()
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        self.assertGreater(self.sim.stats()["total"]["worst_window"], 10)

    def test_foreign(self):
        self.sim.control(foreign_rate=50, quota=60)
        results = self.hammer(2, 2.5)
        one = self.sim.stats()["accounts"][UID]
        self.assertGreater(one["foreign_calls"], 100)
        self.assertLessEqual(results.count(200) + one["foreign_calls"] - one["foreign_throttled"],
                             60 * 4)
        self.assertGreater(one["worst_window_with_foreign"], one["worst_window"])

    def test_denials(self):
        self.sim.control(deny=3, retry_after=1500)
        for _ in range(3):
            answer = self.call()
            self.assert_code(answer, 400, "Throttling.User")
            self.assertEqual(answer[1]["x-acs-retry-after"], "1500")
        self.ok()
        self.sim.control(deny_uid=UID, deny_for="300ms", retry_after=0)
        self.assertNotIn("x-acs-retry-after", self.call()[1])
        time.sleep(0.31)
        self.ok()
        one = self.sim.stats()["accounts"][UID]
        self.assertEqual((one["throttled"], one["throttled_quota"]), (4, 0))

    def test_hang_uid(self):
        self.sim.control(hang_uid=UID)
        with self.assertRaises(TimeoutError):
            self.call(timeout=0.3)
        self.sim.control(hang_uid="")
        self.ok()
        self.assertEqual(self.sim.stats()["total"]["hung"], 1)


class Faults(Base):
    def test_results(self):
        data = self.complete("rm-failed-1")
        self.assertEqual((data["State"], data["Fail"]), ("FAIL", True))
        self.assertEqual(self.complete("rm-never-1")["State"], "RUNNING")
        self.assertTrue(self.data("rm-first-1")["IsFinish"])
        self.sim.control(completion_median="100ms", completion_sigma=0)
        first = self.data("pc-slow-1")["ResultId"]
        time.sleep(0.3)
        self.assertEqual(self.data("pc-slow-1", ResultId=first)["State"], "RUNNING")
        time.sleep(0.21)
        self.assertEqual(self.data("pc-slow-1", ResultId=first)["State"], "SUCCESS")

    def test_lost(self):
        first = self.data("rm-lost-1")["ResultId"]
        self.assert_code(self.call("rm-lost-1", ResultId=first), 400, "InvalidParameter.ResultId")
        self.assertEqual(self.complete("rm-lost-1")["State"], "SUCCESS")

    def test_replies(self):
        self.assertEqual(self.call("rm-html-1")[0], 502)
        self.assertIn(b"<html>", self.call("rm-html-1")[2])
        self.assertEqual(self.call("rm-xml-1")[0], 500)
        self.assertEqual(self.call("rm-emptybody-1")[2], b"")
        with self.assertRaises(ValueError):
            json.loads(self.call("rm-badjson-1")[2])
        deep = self.call("rm-deep-1")[2]
        self.assertEqual((deep.count(b"["), deep.count(b"]")), (200000, 200000))
        self.assertEqual(self.data("rm-types-1")["ResultId"], 12345)
        self.assertIsNone(self.data("rm-nodata-1"))
        self.assertIs(self.ok("rm-nosuccess-1")["Success"], False)
        self.assert_code(self.call("rm-forbidden-1"), 403, "Forbidden.RAM")
        self.assert_code(self.call("rm-flaky-1"), 503, "ServiceUnavailable")
        self.ok("rm-flaky-1")
        self.assert_code(self.call("rm-flaky-1"), 503, "ServiceUnavailable")
        self.assert_code(self.call("xx-1"), 404, "Forbidden.InstanceNotFound")

    def test_shapes(self):
        self.assertIsNone(self.complete("rm-nullstats-1")["SessionData"]["UserStats"])
        empty = self.complete("rm-empty-1")["SessionData"]
        self.assertEqual((empty["UserStats"], empty["TotalSessionCount"]), ([], 0))
        reply = self.ok("rm-intcode-1")
        done = self.ok("rm-intcode-1", ResultId=reply["Data"]["ResultId"])
        self.assertEqual({type(reply["Code"]), type(done["Code"])}, {int, str})
        self.assertEqual((done["Data"]["isFinish"], done["Data"]["State"]), (True, "success"))

    def test_clients_with_ports(self):
        stats = self.complete("rm-ports-1")["SessionData"]["ClientStats"]
        addresses = {s["Key"].rpartition(":")[0].strip("[]") for s in stats}
        self.assertEqual(addresses, expected_groups("rm-ports-1")[0].keys())
        self.assertEqual({s["TotalCount"] for s in stats}, {1})
        self.assertIn("[2001:db8::5]", {s["Key"].rpartition(":")[0] for s in stats})

    def test_lean(self):
        data = self.complete("rm-lean-1")["SessionData"]
        self.assertEqual((data["ClientStats"], data["DbStats"], data["MaxActiveTime"]), (None, "none", -1))
        self.assertNotIn("TotalSessionCount", data)
        self.assertTrue(data["UserStats"])

    def test_strange(self):
        first = self.data("rm-strange-1")["ResultId"]
        body = self.call("rm-strange-1", ResultId=first)[2]
        self.assertIn(b"broken_\xff\xfe\xc3(", body)
        self.assertNotIn(b"broken_@", body)
        names = [s["Key"] for s in json.loads(body.decode(errors="replace"))
                 ["Data"]["SessionData"]["UserStats"]]
        for name in ('quote"d', "back\\slash", "new\nline", "tab\tbed", "中文", ""):
            self.assertIn(name, names)
        self.assertIn(255, [len(n) for n in names])

    def test_huge(self):
        first = self.data("rm-huge-1")["ResultId"]
        body = self.call("rm-huge-1", ResultId=first)[2]
        self.assertGreater(len(body), 3 << 20)
        data = json.loads(body)["Data"]["SessionData"]
        stats = {s["Key"]: (s["TotalCount"], s["ActiveCount"]) for s in data["UserStats"]}
        self.assertEqual(stats, expected_sessions("rm-huge-1"))
        self.assertGreater(len(data["SessionList"]), 5000)

    def test_wire(self):
        with self.assertRaises(ConnectionResetError):
            self.call("rm-reset-1")
        with self.assertRaises(http.client.IncompleteRead):
            self.call("rm-truncated-1")
        with self.assertRaises(TimeoutError):
            self.call("rm-hang-1", timeout=0.3)
        with self.assertRaises(TimeoutError):
            self.call("rm-drip-1", timeout=0.03)
        self.ok("rm-drip-poll-1")

    def test_phase_and_run_time(self):
        first = self.data("rm-html-poll-1")["ResultId"]
        self.assertEqual(self.call("rm-html-poll-1", ResultId=first)[0], 502)
        self.assertEqual(self.call("rm-html-submit-1")[0], 502)
        self.sim.control(instance_fault="rm-test1:html")
        self.assertEqual(self.call()[0], 502)
        self.sim.control(instance_fault="rm-html-1:none")
        self.ok("rm-html-1")
        self.sim.control(instance_fault="rm-test1:")
        self.ok()

    def test_garbage(self):
        random = Random(1)
        lines = [b"POST / HTTP/1.1\r\n", b"GET \r\n\r\n", b"POST /?a=%00 HTTP/1.1\r\n\r\n",
                 b"Content-Length: -1\r\n\r\n", b"Content-Length: 99999999999\r\n\r\n",
                 b"Authorization: ACS3-HMAC-SHA256 Credential=testak,SignedHeaders=;,Signature=\xff\r\n",
                 b"Authorization: ACS3-HMAC-SHA256 Credential=testak,SignedHeaders=a;b,Signature=1\r\n",
                 b"x-acs-action: GetMySQLAllSessionAsync\r\n", b"\r\n\r\n", random.randbytes(50)]
        host, port = self.sim.host.split(":")
        for _ in range(300):
            with socket.create_connection((host, int(port)), 1) as raw:
                raw.sendall(b"".join(random.choices(lines, k=random.randint(1, 8))))
                if random.random() < 0.5:
                    raw.settimeout(0.01)
                    try:
                        raw.recv(65536)
                    except OSError:
                        pass
        self.ok()

    def test_stop_with_calls_in_flight(self):
        self.sim.control(rtt="2s")
        threads = [threading.Thread(target=self.swallow, args=(name,))
                   for name in ("rm-test1", "rm-hang-1", "rm-drip-1", "rm-huge-1")]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        self.assertEqual(self.sim.stop(), 0)
        for thread in threads:
            thread.join()

    def swallow(self, instance):
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.call(instance)


if __name__ == "__main__":
    unittest.main()
