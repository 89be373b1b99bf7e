"""Logs are whole lines of one format, and secrets are in no output."""

import json
import signal

import harness
import fleet
from fleet import Instance, UID

FLEET = [Instance("rm-test1", users=(("app", 5),)), Instance("rm-failed-1"), Instance("rm-html-1")]
KEY, SECRET, TOKEN = "canaryak", "CanarySecret0001", "CanaryToken0001/+=="
PAGES = ["/", "/metrics", "/targets", "/api/v1/targets", "/-/healthy", "/-/ready", "/refresh/x", "/nothing"]


class Format(harness.Case):
    def first_cycle(self, *arguments):
        exporter = self.start(self.simulator(), FLEET, arguments=arguments)
        exporter.wait_log("first cycle done")
        return exporter

    def test_json_lines_are_objects_with_time_level_and_message(self):
        exporter = self.first_cycle("--log.format=json")
        for line in exporter.log_text().split("\n")[:-1]:
            self.assertLessEqual({"ts", "level", "msg"}, json.loads(line).keys())

    def test_logfmt_lines_have_time_level_and_message(self):
        exporter = self.first_cycle()
        for line in exporter.log_text().split("\n")[:-1]:
            self.assertRegex(line, r"\Ats=\S+Z level=(debug|info|warn|error) msg=")


class Secrets(harness.Case):
    def run_with(self, **changes):
        account = {"access_key_id": KEY, "access_key_secret": SECRET, "security_token": TOKEN, **changes}
        sim = self.simulator(f"--account={UID}:{KEY}:{SECRET}:{TOKEN}")
        sim.allow(auth_failures=True)
        self.exporter = self.start_on(self.database(FLEET), sim, exporter={"log_level": "debug"},
                                      **{f"account_{UID}": account})
        return self.exporter

    def everything(self):
        """Log, pages and command line."""
        exporter = self.exporter
        with open(f"/proc/{exporter.process.pid}/cmdline", encoding="utf-8") as file:
            texts = {"command line": file.read()}
        texts.update({page: exporter.get(page).text for page in PAGES})
        texts["POST /refresh"] = exporter.post("/refresh", wait="10s").text
        texts["POST /-/reload"] = exporter.post("/-/reload").text
        exporter.configure("[account 1]\naccess_key_secrets = " + SECRET + "\n")
        texts["bad reload"] = exporter.post("/-/reload").text
        texts["log"] = exporter.log_text()
        return texts

    def assert_no_secrets(self, *secrets):
        for name, text in self.everything().items():
            for secret in (SECRET, TOKEN, harness.Mariadb.PASSWORD, *secrets):
                with self.subTest(name):
                    self.assertNotIn(secret, text)

    def test_none_while_all_is_well(self):
        self.run_with().wait_for("success", lambda: self.exporter.up("rm-test1") == 1)
        self.assert_no_secrets()

    def test_none_when_das_repeats_what_was_signed(self):
        self.run_with(access_key_secret="CanaryWrong0001").wait_log("account down")
        self.assert_no_secrets("CanaryWrong0001", "StringToSign")

    def test_none_when_the_token_is_refused(self):
        self.run_with(security_token="CanaryOther0001").wait_log("account down")
        self.assert_no_secrets("CanaryOther0001")

    def test_none_when_the_database_refuses_the_password(self):
        self.exporter = self.start_on(self.database(FLEET), self.simulator(), mysql={"password": "CanaryDb0001"},
                                      exporter={"log_level": "debug"})
        self.assertEqual(self.exporter.wait_log("inventory load failed")["in_force"], "nothing yet")
        self.assert_no_secrets("CanaryDb0001")

    def test_none_in_the_log_of_a_stop(self):
        exporter = self.run_with()
        exporter.wait_for("success", lambda: exporter.up("rm-test1") == 1)
        exporter.stop(signal.SIGINT)
        for secret in (SECRET, TOKEN, harness.Mariadb.PASSWORD):
            self.assertNotIn(secret, exporter.log_text())


if __name__ == "__main__":
    harness.main()
