"""The command line, and what a wrong configuration says: exit code 1 and one line that names the place."""

import os
import re
import socket

import harness
import fleet
from fleet import Instance, UID

FLEET = [Instance("rm-test1", users=(("app", 5),)),
         Instance("pc-test1", ins_type="PolarDB", nodes=(("pi-test1", "write"), ("pi-test2", "read")))]


class Program(harness.Case):
    def sections(self, **changes):
        return fleet.configuration("http://127.0.0.1:9", **changes)


class CommandLine(Program):
    def test_help(self):
        result = self.run_program("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--config.file", "--web.listen-address", "--log.level", "--log.format", "--check", "--health", "--version"):
            with self.subTest(option):
                self.assertIn(option, result.stdout)

    def test_version(self):
        result = self.run_program("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\Amysql_session_exporter \d+\.\d+\.\d+ \(revision \S+\)\n\Z")

    def test_wrong_usage_is_2_and_one_line(self):
        for arguments in (["--nothing"], ["--log.level"], ["--log.level=loud"], ["--log.format=xml"], ["serve"],
                          ["-x"]):
            with self.subTest(arguments):
                result = self.run_program(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertRegex(result.stderr, r"\Amysql_session_exporter: [^\n]+; see --help\n\Z")


class BadConfiguration(Program):
    def refused(self, sections, *named, arguments=(), environment=None):
        for command in ((), ("--check",)):
            with self.subTest(command):
                result = self.run_config(sections, *command, *arguments, environment=environment)
                self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
                self.assertRegex(result.stderr, r"\A[^\n]+\n\Z")
                for part in named:
                    self.assertRegex(result.stderr, part)

    def refused_at(self, text, line, *named):
        self.refused(text, rf"exporter\.ini:{line}:", *named)

    def good(self):
        return fleet.ini(self.sections())

    def line_of(self, text, part):
        return text[:text.index(part)].count("\n") + 1

    def replaced(self, old, new, *named):
        text = self.good()
        self.assertIn(old, text)
        self.refused_at(text.replace(old, new, 1), self.line_of(text, old), *named)

    def test_unknown_section(self):
        self.replaced("[web]", "[wep]", "wep")

    def test_unknown_key(self):
        self.replaced("listen =", "listem =", "listem")

    def test_bad_duration(self):
        self.replaced("refresh_interval = 1s", "refresh_interval = soon", "refresh_interval", "soon", "duration")

    def test_number_out_of_range(self):
        self.replaced("rate_limit = 20", "rate_limit = 0", "rate_limit")

    def test_bad_choice(self):
        self.replaced("source = file", "source = redis", "source", "redis")

    def test_duplicate_key(self):
        self.refused_at(self.good() + "access_key_id = again\n", self.good().count("\n") + 1, "access_key_id", "again")

    def test_duplicate_account(self):
        text = self.good()
        again = text + fleet.ini({f"account {UID}": fleet.account(UID)})
        self.refused_at(again, text.count("\n") + 1, UID)

    def test_line_that_is_no_entry(self):
        self.replaced("source = file", "source", "key = value")

    def test_unset_environment_variable(self):
        self.replaced("access_key_secret = testsecret1", "access_key_secret = ${NOT_SET_ANYWHERE}",
                      "NOT_SET_ANYWHERE")

    def test_missing_ca_file(self):
        sections = self.sections()
        sections["das"]["ca_file"] = "nothing.pem"
        self.refused(sections, r"exporter\.ini", r"\[das\] ca_file", "nothing.pem")

    def test_missing_secret_file(self):
        self.replaced("access_key_secret = testsecret1", "access_key_secret_file = missing_secret", "missing_secret")

    def test_secret_file_for_everybody(self):
        os.chmod(self.write("open_secret", "testsecret1\n"), 0o644)
        self.replaced("access_key_secret = testsecret1", "access_key_secret_file = open_secret",
                      r"every user may read this secret", r"chmod o= '[^']*/open_secret'", "defaultMode: 0440")

    def test_secret_file_that_is_a_named_pipe(self):
        os.mkfifo(self.path("pipe"))
        self.replaced("access_key_secret = testsecret1", "access_key_secret_file = pipe",
                      r"/pipe is a named pipe, expected a regular file")

    def test_configuration_that_is_a_folder(self):
        result = self.run_program("--config.file=" + self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\A[^\n]*is a folder, expected a regular file[^\n]*\n\Z")

    def test_value_and_file(self):
        self.write("key", "testak1\n")
        self.refused(self.good() + "access_key_id_file = key\n", "access_key_id", r"exporter\.ini:\d+:")

    def test_account_without_secret(self):
        self.refused(self.sections(**{f"account_{UID}": {"access_key_secret": None}}), UID, "access_key_secret",
                     r"exporter\.ini:\d+:")

    def account_refused(self, keys, *named, uid=UID):
        """An account with these keys alone, in place of the good ones."""
        self.refused(self.sections(uids=(), **{f"account_{uid}": keys}), rf"\[account {uid}\]", *named)

    def test_account_with_two_sources(self):
        self.account_refused({**fleet.account(UID), "ecs_role": "auto"}, "both 'access_key_id' and 'ecs_role'")

    def test_role_that_nobody_assumes(self):
        self.account_refused({"role_arn": f"acs:ram::{UID}:role/exporter"}, "nothing assumes the role",
                             r"exporter\.ini:\d+:")

    def test_role_that_is_no_arn(self):
        self.account_refused({**fleet.account(UID), "role_arn": "exporter"}, "expected acs:ram::UID:role/NAME")

    def test_role_of_an_unknown_account(self):
        self.account_refused({"role_arn": f"acs:ram::{UID}:role/exporter", "source_account": "1"},
                             "source_account is '1'")

    def test_account_without_source(self):
        self.account_refused({"rate_limit": "5"}, "no source of credentials")

    def test_default_role_of_one_account(self):
        self.account_refused({**fleet.account(UID), "role_arn": f"acs:ram::{UID}:role/exporter"}, r"without \{uid\}",
                             uid="default")

    def test_bad_session_name(self):
        self.account_refused({**fleet.account(UID), "role_arn": f"acs:ram::{UID}:role/exporter",
                              "role_session_name": "a b"}, "role_session_name: expected 2 to 64 letters")

    def test_plain_http_to_credentials_of_another_host(self):
        self.account_refused({"credentials_uri": "http://192.0.2.1/canary"}, "credentials_uri: plain http")

    def test_bad_endpoints_of_credentials(self):
        self.refused(self.sections(accounts={"sts_endpoint": "http://192.0.2.1"}), r"\[accounts\] sts_endpoint")
        self.refused(self.sections(accounts={"metadata_endpoint": "http://192.0.2.1"}),
                     r"\[accounts\] metadata_endpoint")

    def test_accounts_table_without_a_database(self):
        self.refused(self.sections(accounts={"source": "database"}), r"source in \[accounts\] is database",
                     r"exporter\.ini:\d+:")

    def test_stale_after_below_interval(self):
        self.refused(self.sections(metric_db_user_session_count={"interval": "10s", "stale_after": "5s"}),
                     "stale_after", r"exporter\.ini:\d+:")

    def test_mysql_without_database(self):
        self.refused(self.sections(inventory={"source": "mysql"}, mysql={"host": "127.0.0.1", "user": "x"}),
                     "database", r"exporter\.ini:\d+:")

    def test_plain_http_to_another_host(self):
        self.refused(self.sections(das={"endpoint": "http://192.0.2.1"}), r"\[das\] endpoint: plain http", "loopback")

    def test_a_proxy_that_cannot_be_used_is_not_shown(self):
        self.refused(self.sections(accounts={"sts_proxy": "http://proxyuser:CanaryProxy01@x@192.0.2.1:3128"}),
                     r"\[accounts\] sts_proxy cannot be used; expected http://HOST:PORT")

    def test_endpoint_that_is_no_url(self):
        self.refused(self.sections(das={"endpoint": "das.example"}), r"\[das\] endpoint: not a URL")

    def test_missing_file(self):
        result = self.run_program("--config.file=" + self.path("nothing.ini"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\A[^\n]*nothing\.ini[^\n]*No such file[^\n]*\n\Z")

    def test_a_secret_in_a_bad_line_is_not_shown(self):
        result = self.run_config(self.good().replace("access_key_secret = ", "access_key_secrets = "))
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("testsecret1", result.stderr)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:%d" % other.getsockname()[1]
            result = self.run_config(self.sections(web={"listen": address}))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rf"\A[^\n]*{address}[^\n]*\n\Z")

    def test_bad_listen_address(self):
        for address in ("nonsense", "127.0.0.1:99999", "127.0.0.1"):
            with self.subTest(address):
                result = self.run_config(self.sections(web={"listen": address}))
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr, rf"\A[^\n]*{re.escape(address)}[^\n]*\n\Z")


class ListenAddress(Program):
    def test_the_option_may_be_repeated(self):
        self.write_inventory(FLEET)
        with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
            ports = [first.getsockname()[1], second.getsockname()[1]]
        self.start_with(self.sections(), arguments=[f"--web.listen-address=127.0.0.1:{port}" for port in ports])
        for port in ports:
            with self.subTest(port):
                socket.create_connection(("127.0.0.1", port)).close()


class ClearText(Program):
    """A database at a public address, asked without TLS; 192.0.2.0/24 answers nobody."""

    def public(self):
        return self.sections(inventory={"source": "mysql", "file": None},
                             mysql={"host": "192.0.2.20", "user": "x", "database": "x", "connect_timeout": "1s"})

    def test_check_warns(self):
        result = self.run_config(self.public(), "--check")
        self.assertIn("warning: the inventory database is asked without TLS over a public network "
                      "(192.0.2.20 is 192.0.2.20); set tls in [mysql]\n", result.stdout)

    def test_the_start_warns(self):
        exporter = self.start_with(self.public())
        exporter.wait_log(lambda line: line["msg"].startswith("the inventory database is asked without TLS")
                          and line["level"] == "warn" and line["address"] == "192.0.2.20")


class Check(Program):
    def test_a_good_one_prints_accounts_and_calls_per_second(self):
        sim = self.simulator()
        self.write_inventory(FLEET)
        result = self.run_config(
            fleet.configuration(sim.url, metric_db_user_session_count={"interval": "60s"}), "--check")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("2 instances, 3 targets", result.stdout)
        self.assertRegex(result.stdout, rf"\n *{UID} +static +- +3 +0\.1 +200\.0 +0 s  ok\n")

    def test_it_makes_one_call_for_each_account(self):
        sim = self.simulator()
        self.write_inventory(FLEET)
        result = self.run_config(fleet.configuration(sim.url), "--check")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sim.stats()["total"]["calls"], 1)

    def test_a_wrong_secret_is_1_with_what_to_do(self):
        sim = self.simulator()
        sim.allow(auth_failures=True)
        self.write_inventory(FLEET)
        result = self.run_config(
            fleet.configuration(sim.url, **{f"account_{UID}": {"access_key_secret": "wrong"}}), "--check")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, rf"\n *{UID} +static .*check access_key_secret")

    def test_an_account_without_section_is_1(self):
        self.write_inventory(FLEET)
        result = self.run_config(self.sections(uids=()), "--check=offline")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, rf"{UID} +none .*add \[account {UID}\]")
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_more_targets_than_the_quota_allows_is_1(self):
        self.write_inventory(Instance(f"rm-test{i}") for i in range(100))
        result = self.run_config(self.sections(das={"rate_limit": 1, "rate_window": "1s"}), "--check=offline")
        self.assertEqual(result.returncode, 1)
        self.assertIn("over the quota", result.stdout)

    def test_more_targets_than_the_total_quota_allows_is_1(self):
        self.write_inventory(Instance(f"rm-test{i}") for i in range(100))
        result = self.run_config(self.sections(
            das={"total_rate_limit": 1, "rate_window": "1s"}, metric_db_user_session_count={"interval": "60s"}), "--check=offline")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"\n *all accounts +100 +\S+ +1\.0 +\d+ s  over the quota")
        self.assertRegex(result.stdout, rf"\n *{UID} +static +- +100 .* within the quota, not tried\n")

    def test_a_disabled_metric_reads_no_user_limits(self):
        self.write_inventory(FLEET)
        result = self.run_config(self.sections(metric_db_max_user_connections={"enabled": "no"},
                                               metric_db_user_session_count={"interval": "60s"}),
                                 "--check=offline")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("user limits", result.stdout)

    def test_a_broken_inventory_file_is_1_with_file_and_line(self):
        self.write("inventory.ini", "[instance rm-test1]\ncolour = blue\n")
        result = self.run_config(self.sections(), "--check")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\A[^\n]*inventory\.ini:2:[^\n]*colour[^\n]*\n\Z")

    def test_offline_it_makes_no_call(self):
        sim = self.simulator()
        self.write_inventory(FLEET)
        result = self.run_config(fleet.configuration(sim.url), "--check=offline")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sim.stats()["total"]["calls"], 0)

    def test_secrets_in_a_configuration_for_everybody_are_warned_about(self):
        sim = self.simulator()
        exporter = self.start(sim, FLEET)
        warning = "every user may read the configuration file, which holds secrets"
        exporter.wait_ready()
        self.assertEqual(exporter.logs(warning), [])
        os.chmod(exporter.config, 0o644)
        self.assertEqual(exporter.post("/-/reload").status, 200)
        self.assertEqual([line["run"] for line in exporter.logs(warning)], [f"chmod o= '{exporter.config}'"])

    def test_values_come_from_environment_and_files(self):
        sim = self.simulator()
        self.write("secret", "testsecret1\n")
        exporter = self.start(
            sim, FLEET, environment={"TEST_KEY": "testak1"},
            **{f"account_{UID}": {"access_key_id": "${TEST_KEY}", "access_key_secret": None,
                                  "access_key_secret_file": "secret"}})
        exporter.wait_sessions(fleet.sessions(FLEET))


if __name__ == "__main__":
    harness.main()
