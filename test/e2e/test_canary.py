"""The search for secrets that every test of this folder makes finds them, wherever they are put on purpose."""

import gzip
import http.client
import os
import unittest

import harness
import canary
import fleet
from fleet import Instance, UID

SECRET = "Canary&Secret/0001"


class Forms(unittest.TestCase):
    def assert_found(self, output, secret=SECRET):
        found = canary.Canary()
        found.add(secret)
        found.search("here", output)
        self.assertEqual(len(found.judge()), 1, found.judge())
        self.assertRegex(found.judge()[0], r"\Ahere holds the secret ")

    def test_plain(self):
        self.assert_found(f"password={SECRET}.")

    def test_bytes(self):
        self.assert_found(b"\xff\x00" + SECRET.encode())

    def test_compressed(self):
        self.assert_found(gzip.compress(SECRET.encode()))

    def test_in_a_url(self):
        self.assert_found("/?x=Canary%26Secret%2F0001&y")
        self.assert_found("/?x=Canary%26Secret%2f0001&y")

    def test_in_html(self):
        self.assert_found("<p>Canary&amp;Secret/0001</p>")

    def test_in_json(self):
        self.assert_found('{"x": "Canary&Secret\\/0001"}')
        self.assert_found('{"x": "quoted \\"canary\\""}', 'quoted "canary"')

    def test_in_base64(self):
        self.assert_found("Authorization: Basic Q2FuYXJ5JlNlY3JldC8wMDAx")

    def test_what_the_simulator_issues_is_known_beforehand(self):
        found = canary.Canary()
        found.search("here", "x SimSecretAbCdEf CAIS%2B%2FSimTokenAbC")
        self.assertEqual(len(found.judge()), 2)

    def test_nothing_is_found_where_nothing_is(self):
        found = canary.Canary()
        found.add(SECRET)
        found.search("here", "Canary Secret 0001")
        self.assertEqual(found.judge(), [])


class Sources(unittest.TestCase):
    def known(self, text, environment=()):
        found = canary.Canary()
        found.add_configuration(text, os.path.dirname(os.path.abspath(__file__)), dict(environment))
        return set(found.forms.values()) - set(canary.ISSUED)

    def test_secret_keys_of_a_configuration(self):
        self.assertEqual(self.known("[account 1]\naccess_key_id = nosecret1\naccess_key_secret = secret0001\n"
                                    "security_token=token00001\n[mysql]\npassword = word000001\n"),
                         {"secret0001", "token00001", "word000001"})

    def test_a_variable_of_the_environment(self):
        self.assertEqual(self.known("password = ${WORD}\n", {"WORD": "secret0001"}), {"secret0001"})

    def test_the_lines_of_a_file(self):
        self.assertIn('if __name__ == "__main__":', self.known(f"password_file = {os.path.basename(__file__)}\n"))


class Leaks(harness.Case):
    """The exporter shows names of instances, so that a secret in one is a leak that can be had at will."""

    INSTANCE = Instance("rm-html-1", "testsecret1", users=(("app", 5),))

    def leaks(self):
        """What was found, which is no failure of this test."""
        found = self.secrets.judge()
        self.secrets.found.clear()
        return found

    def assert_leak(self, where):
        found = self.leaks()
        self.assertTrue(any(sentence.startswith(where + " holds the secret testsecret1") for sentence in found), found)

    def run_leaking(self, instance=INSTANCE, **more):
        self.exporter = self.start(self.simulator(), [instance], **more)
        return self.exporter

    def judge(self):
        """What is wrong with the exporter now, instead of at the end of the test."""
        self.exporters.remove(self.exporter)
        return list(self.exporter.judge())

    def test_none_without_one(self):
        exporter = self.run_leaking(Instance("rm-test1"))
        exporter.wait_sessions(Instance("rm-test1").sessions())
        for page in ("/", "/api/v1/overview", "/api/v1/targets", "/metrics", "/nothing"):
            exporter.get(page)
        self.assertEqual(self.judge(), [])
        self.assertEqual(self.leaks(), [])

    def test_in_a_page(self):
        exporter = self.run_leaking(Instance("rm-test1", "testsecret1"))
        exporter.wait_for("targets", lambda: exporter.get("/api/v1/targets").json["targets"])
        self.assert_leak("the body of GET /api/v1/targets")

    def test_in_a_compressed_page(self):
        exporter = self.run_leaking(Instance("rm-test1", "testsecret1"))
        exporter.wait_for("the page", lambda: b"app_user" in gzip.decompress(
            exporter.get("/metrics", Accept_Encoding="gzip").body))
        self.assert_leak("the body of GET /metrics")

    def test_in_a_header(self):
        exporter = self.run_leaking(Instance("rm-test1"))
        exporter.wait_ready()
        original = http.client.HTTPResponse.begin

        def begin(reply):
            original(reply)
            reply.headers["X-Leak"] = "testsecret1"

        http.client.HTTPResponse.begin = begin
        self.addCleanup(setattr, http.client.HTTPResponse, "begin", original)
        exporter.get("/")
        self.assert_leak("the head of GET /")

    def test_in_the_log(self):
        exporter = self.run_leaking(Instance("rm-html-testsecret1"))
        exporter.wait_log("target failed")
        self.assertEqual(self.judge(), [])
        self.assert_leak("standard error")

    def test_on_the_command_line(self):
        exporter = self.run_leaking(arguments=["--config.file=" + self.write("testsecret1.ini", self.configuration())])
        exporter.wait_ready()
        self.assertEqual(self.judge(), [])
        self.assert_leak("the command line")

    def configuration(self):
        self.write_inventory([self.INSTANCE])
        return fleet.ini(fleet.configuration("http://127.0.0.1:9"))

    def test_in_the_output_of_a_command(self):
        os.mkdir(self.path("testsecret1"))
        self.write_inventory([self.INSTANCE])
        self.secrets.add(fleet.KEYS[UID][1])
        self.run_program("--config.file=" + self.write("testsecret1/exporter.ini", self.configuration()), "--check")
        self.assertTrue(any(sentence.startswith("stdout of ") or sentence.startswith("stderr of ")
                            for sentence in self.leaks()))

    def test_a_file_that_is_written_is_seen(self):
        exporter = self.run_leaking(Instance("rm-test1"))
        exporter.log += ".other"
        with open(exporter.log, "w", encoding="ascii"), open(exporter.log + ".stdout", "w", encoding="ascii"):
            pass
        self.assertTrue(any("it writes to the file" in wrong for wrong in self.judge()))

    def test_a_core_file_fails_the_test(self):
        class Inner(harness.Case):
            def runTest(self):
                self.write("core.1", "")

        result = unittest.TestResult()
        Inner().run(result)
        self.assertEqual(len(result.failures), 1)
        self.assertIn("core.1", result.failures[0][1])

    def test_a_leak_fails_the_test(self):
        class Inner(harness.Case):
            def runTest(self):
                self.secrets.add(SECRET)
                self.secrets.search("here", SECRET)

        result = unittest.TestResult()
        Inner().run(result)
        self.assertEqual(len(result.failures), 1)
        self.assertIn("here holds the secret", result.failures[0][1])


if __name__ == "__main__":
    harness.main()
