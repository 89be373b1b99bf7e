"""The exporter's own port: TLS, client certificates, passwords, the token, and changes while it runs."""

import base64
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import harness
from certificates import EXPIRED, Certificates
from fleet import Instance
from prometheus_server import Server

ONE = Instance("rm-test1")
TOKEN = "0123456789abcdef-token"
PASSWORD = "canary-password-of-the-page"
TLS, PLAIN = "--web.listen-address=127.0.0.1:0s", "--web.listen-address=127.0.0.1:0"


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": "Bearer " + token}


def hash_line(user, password):
    result = subprocess.run([harness.EXPORTER, "--hash-password=" + user], input=password + "\n", text=True,
                            capture_output=True, check=True)
    return result.stdout


def free_port(address):
    with socket.create_server((address, 0), family=socket.AF_INET6) as server:
        return server.getsockname()[1]


class WebCase(harness.Case):
    def write_secret(self, name, content):
        path = self.write(name, content)
        os.chmod(path, 0o600)
        return path

    def start_web(self, listen=PLAIN, **web):
        self.sim = self.simulator()
        self.exporter = self.start(self.sim, [ONE], arguments=(listen,), web={"listen": None, **web})
        return self.exporter

    def status(self, method="GET", path="/metrics", headers=None):
        return self.exporter.request(method, path, headers).status


class Tls(WebCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not installed")
        cls.made = Certificates(cls)
        for name in ("good", "renewed", "client"):
            cls.made.make(name, "IP:127.0.0.1,IP:::1")
        cls.made.make("wrong_host", "DNS:exporter.example")
        cls.made.make("expired", "IP:127.0.0.1", *EXPIRED)
        cls.made.make("foreign_client", "DNS:client.example", authority="other_ca")

    def install(self, name):
        """Puts a certificate where the exporter looks for it."""
        for end in ("key", "pem"):
            shutil.copy(self.made.path(f"{name}.{end}"), self.path("new"))
            os.rename(self.path("new"), self.path(f"server.{end}"))

    def start_tls(self, certificate="good", **web):
        self.install(certificate)
        return self.start_web(TLS, tls_cert_file="server.pem", tls_key_file="server.key", **web)

    def curl(self, *arguments, ca="ca.pem", path="/-/healthy"):
        """(exit code, output)"""
        trust = ["--cacert", self.made.path(ca)] if ca else []
        result = subprocess.run(["curl", "-sS", "--max-time", "20", *trust, *arguments,
                                 f"https://127.0.0.1:{self.exporter.port}{path}"], capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr

    def assert_refused(self, *arguments, **trust):
        code, output = self.curl(*arguments, **trust)
        self.assertIn(code, (35, 55, 56, 60), output)  # the handshake failed, or nothing could be sent after it
        self.assertNotIn("ok", output.split("\n"))

    def served(self):
        """The name in the certificate that is served now."""
        text = ssl.get_server_certificate(("127.0.0.1", self.exporter.port))
        shown = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=text, text=True, capture_output=True)
        return re.search(r"CN ?= ?(\w+)", shown.stdout)[1]

    def wait_served(self, name):
        harness.wait_for(f"the certificate {name}", lambda: self.served() == name)

    def test_a_good_certificate_is_accepted(self):
        self.start_tls()
        self.assertEqual(self.curl(), (0, "ok\n"))

    def test_listeners_of_both_families_with_and_without_tls(self):
        try:
            ports = [free_port("::1"), free_port("::1")]
        except OSError as error:
            self.skipTest(f"no IPv6 on loopback: {error}")
        self.install("good")
        self.start_web(f"--web.listen-address=127.0.0.1:0,[::1]:{ports[0]},[::1]:{ports[1]}s",
                       tls_cert_file="server.pem", tls_key_file="server.key")
        self.assertEqual(self.status(path="/-/healthy"), 200)
        for url in (f"http://[::1]:{ports[0]}", f"https://[::1]:{ports[1]}"):
            result = subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", self.made.path("ca.pem"),
                                     url + "/-/healthy"], capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout), (0, "ok\n"), result.stderr)

    def test_a_port_alone_is_served_on_every_address_of_both_families(self):
        try:
            free_port("::1")
        except OSError as error:
            self.skipTest(f"no IPv6 on loopback: {error}")
        self.start_web("--web.listen-address=:0")
        for host in ("127.0.0.1", "[::1]"):
            result = subprocess.run(["curl", "-sS", "--max-time", "20", "--request", "POST",
                                     f"http://{host}:{self.exporter.port}/refresh"], capture_output=True, text=True)
            self.assertIn("refresh_id", result.stdout, result.stderr)

    def test_an_authority_that_the_client_does_not_know_is_refused(self):
        self.start_tls()
        self.assert_refused(ca="other_ca.pem")
        self.assert_refused(ca=None)

    def test_a_certificate_for_another_host_is_refused(self):
        self.start_tls("wrong_host")
        self.assert_refused()

    def test_an_expired_certificate_is_refused(self):
        self.start_tls("expired")
        self.assert_refused()

    def test_a_self_signed_certificate_is_refused_unless_it_is_the_authority(self):
        self.made.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "alone.key", "-out", "alone.pem",
                          "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
        self.start_tls("alone")
        self.assert_refused()
        self.assertEqual(self.curl(ca="alone.pem"), (0, "ok\n"))

    def test_tls_1_1_is_refused_and_1_2_and_1_3_are_not(self):
        self.start_tls()
        self.assert_refused("--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0")
        self.assertEqual(self.curl("--tlsv1.2", "--tls-max", "1.2"), (0, "ok\n"))
        self.assertEqual(self.curl("--tlsv1.3"), (0, "ok\n"))

    def test_plain_http_on_a_tls_address_gets_nothing(self):
        self.start_tls()
        with self.assertRaises((OSError, ValueError)):
            self.exporter.get("/-/healthy")

    def test_a_client_needs_a_certificate_of_the_given_authority(self):
        self.start_tls(tls_client_ca_file=self.made.path("ca.pem"))
        client = ["--cert", self.made.path("client.pem"), "--key", self.made.path("client.key")]
        foreign = ["--cert", self.made.path("foreign_client.pem"), "--key", self.made.path("foreign_client.key")]
        for version in ("1.2", "1.3"):
            limits = ["--tlsv" + version, "--tls-max", version]
            self.assertEqual(self.curl(*limits, *client), (0, "ok\n"))
            self.assert_refused(*limits)
            self.assert_refused(*limits, *foreign)

    def test_a_new_certificate_is_noticed(self):
        self.start_tls()
        self.assertEqual(self.served(), "good")
        self.install("renewed")
        self.wait_served("renewed")

    def test_a_reload_puts_a_new_certificate_in_force_at_once(self):
        self.start_tls()
        self.install("renewed")
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_log("configuration reloaded")
        self.assertEqual(self.served(), "renewed")

    def test_a_bad_new_certificate_changes_nothing(self):
        self.start_tls()
        self.write("server.pem", "no certificate\n")
        self.assertEqual(self.curl("-X", "POST", "-w", "%{http_code}", path="/-/reload")[1][-3:], "400")
        self.assertRegex(self.curl("-X", "POST", path="/-/reload")[1], r"tls_cert_file: .*server\.pem")
        self.assertEqual(self.served(), "good")

    def test_a_bad_new_certificate_that_is_noticed_is_logged_once(self):
        self.start_tls()
        shutil.copy(self.made.path("renewed.pem"), self.path("server.pem"))
        message = "TLS files changed but cannot be used, the old ones stay in force"
        harness.wait_for("the complaint", lambda: self.served() == "good" and self.exporter.logs(message))
        for _ in range(3):
            time.sleep(1.1)  # it looks once a second
            self.assertEqual(self.served(), "good")
        self.assertEqual(len(self.exporter.logs(message)), 1)
        self.assertIn("does not belong to", self.exporter.logs(message)[0]["error"])
        shutil.copy(self.made.path("renewed.key"), self.path("server.key"))
        self.wait_served("renewed")

    def test_certificates_change_under_load_without_a_failed_request(self):
        self.start_tls()
        context = ssl.create_default_context(cafile=self.made.path("ca.pem"))
        failures, done, stop = [], [], threading.Event()

        def scrape():
            while not stop.is_set():
                try:
                    with self.connect(context) as connection:
                        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                        answer = connection.recv(12)
                        while connection.recv(65536):
                            pass
                    done.append(answer == b"HTTP/1.1 200")
                except OSError as error:
                    failures.append(error)

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(20):
                self.install(("renewed", "good")[turn % 2])
                self.exporter.send(signal.SIGHUP)
                harness.wait_for("the reload",
                                 lambda: len(self.exporter.logs("configuration reloaded")) == turn + 1)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(done), 20)
        self.assertTrue(all(done))

    def connect(self, context):
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.exporter.port), timeout=20),
                                   server_hostname="127.0.0.1")

    def test_prometheus_scrapes_with_certificate_and_password(self):
        harness.find_prometheus()
        self.write_secret("users", hash_line("prometheus", PASSWORD))
        self.start_tls(basic_auth_file="users", tls_client_ca_file=self.made.path("ca.pem"))
        how = (f"    scheme: https\n    tls_config:\n      ca_file: {self.made.path('ca.pem')}\n"
               f"      cert_file: {self.made.path('client.pem')}\n      key_file: {self.made.path('client.key')}\n"
               f"    basic_auth:\n      username: prometheus\n      password: {PASSWORD}\n")
        server = Server(self, [self.exporter.port], how=how)
        harness.wait_for("a scrape", lambda: server.value('up{job="sessions"}') == 1)
        harness.wait_for("its samples", lambda: server.value("count(db_user_session_count)"))


class Passwords(WebCase):
    def start_with_users(self, **web):
        self.write_secret("users", "# who may read\n" + hash_line("prometheus", PASSWORD))
        return self.start_web(basic_auth_file="users", **web)

    def test_a_right_password_is_needed(self):
        self.start_with_users()
        reply = self.exporter.get("/metrics")
        self.assertEqual(reply.status, 401)
        self.assertRegex(reply.headers["WWW-Authenticate"], '^Basic realm="')
        self.assertEqual(self.status(headers=basic("prometheus", "wrong")), 401)
        self.assertEqual(self.status(headers=basic("nobody", PASSWORD)), 401)
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)

    def test_everything_but_health_is_guarded(self):
        self.start_with_users()
        for path in ("/", "/targets", "/api/v1/targets", "/metrics", "/refresh/1", "/nothing"):
            self.assertEqual(self.status(path=path), 401, path)
        self.assertEqual(self.status("POST", "/refresh"), 401)
        for path in ("/-/healthy", "/health", "/-/ready"):
            self.assertIn(self.status(path=path), (200, 503), path)

    def test_a_change_on_this_machine_needs_the_password_when_there_is_no_token(self):
        self.start_with_users()
        self.assertEqual(self.status("POST", "/-/reload", basic("prometheus", PASSWORD)), 200)

    def test_new_users_are_noticed_and_old_ones_forgotten(self):
        self.start_with_users()
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)
        self.write_secret("users", hash_line("other", PASSWORD))
        harness.wait_for("the new user", lambda: self.status(headers=basic("other", PASSWORD)) == 200)
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 401)

    def test_a_bad_file_keeps_the_old_users_and_fails_a_reload(self):
        self.start_with_users()
        self.write_secret("users", "prometheus:plain\n")
        harness.wait_for("the complaint", lambda: self.status(headers=basic("prometheus", PASSWORD)) == 200 and
                         self.exporter.logs("basic_auth_file changed but cannot be used, the old users stay"))
        reply = self.exporter.request("POST", "/-/reload", basic("prometheus", PASSWORD))
        self.assertEqual(reply.status, 400)
        self.assertRegex(reply.text, r"basic_auth_file: .*users:1: .*bcrypt")
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)

    def test_guessing_delays_neither_health_nor_who_is_known(self):
        self.start_with_users()
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)
        stop, statuses = threading.Event(), set()

        def guess(number):
            while not stop.is_set():
                statuses.add(self.status(headers=basic("prometheus", f"guess {number}")))

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        try:
            slowest = 0
            for _ in range(20):
                started = time.monotonic()
                self.assertIn(self.status(path="/-/healthy"), (200, 503))
                self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)
                slowest = max(slowest, time.monotonic() - started)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLess(slowest, 10 if harness.SANITIZED else 1)
        self.assertEqual(statuses, {401, 429})


class Token(WebCase):
    def start_with_token(self, **web):
        self.write_secret("token", TOKEN + "\n")
        return self.start_web(admin_token_file="token", **web)

    def test_a_change_needs_the_token_here_too(self):
        self.start_with_token()
        reply = self.exporter.request("POST", "/-/reload")
        self.assertEqual(reply.status, 401)
        self.assertRegex(reply.headers["WWW-Authenticate"], '^Bearer realm="')
        self.assertEqual(self.status("POST", "/-/reload", bearer("x" * 20)), 401)
        self.assertEqual(self.status("POST", "/-/reload", bearer(TOKEN)), 200)

    def test_wrong_tokens_are_limited_said_and_counted(self):
        self.start_with_token()
        statuses = [self.status("POST", "/-/reload", bearer(f"wrong-{number}")) for number in range(30)]
        form = self.exporter.request("POST", "/refresh", {"Content-Type": "application/x-www-form-urlencoded"},
                                     body="token=wrong")
        self.assertEqual((statuses[:10], form.status), ([401] * 10, 429))
        self.assertIn(429, statuses)
        line, = self.exporter.logs("web request with a wrong token")
        self.assertEqual((line["client"], line["level"]), ("127.0.0.1", "warn"))
        self.exporter.wait_for("the count", lambda: self.exporter.value(
            "session_exporter_http_auth_failures_total", kind="token") == 31)

    def test_a_change_with_the_token_may_come_through_a_proxy(self):
        self.start_with_token()
        headers = {**bearer(TOKEN), "X-Forwarded-For": "192.0.2.1", "Host": "exporter.example"}
        self.assertEqual(self.status("POST", "/-/reload", headers), 200)

    def test_reading_needs_no_token(self):
        self.start_with_token()
        self.assertEqual(self.status(), 200)

    def test_the_token_is_enough_where_passwords_are_needed(self):
        self.write_secret("users", hash_line("prometheus", PASSWORD))
        self.start_with_token(basic_auth_file="users")
        self.assertEqual(self.status("POST", "/-/reload", bearer(TOKEN)), 200)
        self.assertEqual(self.status(headers=bearer(TOKEN)), 200)
        self.assertEqual(self.status("POST", "/-/reload", basic("prometheus", PASSWORD)), 401)
        self.assertEqual(self.status(headers=basic("prometheus", PASSWORD)), 200)

    def test_a_new_token_is_in_force_after_a_reload(self):
        self.start_with_token()
        self.write_secret("token", "another-token-of-enough-length\n")
        self.assertEqual(self.status("POST", "/-/reload", bearer(TOKEN)), 200)
        self.assertEqual(self.status("POST", "/-/reload", bearer(TOKEN)), 401)


class Check(WebCase):
    """--check and the start say what is wrong with [web]."""

    def assert_wrong(self, reason, listen="127.0.0.1:0", **web):
        sections = {"web": {"listen": listen, **web}, "inventory": {"source": "file", "file": "inventory.ini"}}
        self.write_inventory([ONE])
        config = self.write("check.ini", harness.fleet.ini(sections))
        result = subprocess.run([harness.EXPORTER, "--config.file=" + config, "--check=offline"], capture_output=True,
                                text=True)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, reason)

    def test_what_is_wrong_with_web_is_found(self):
        self.assert_wrong("expected :PORT", listen="localhost:80")
        self.assert_wrong("expected tls_cert_file", listen="127.0.0.1:0s")
        self.assert_wrong("expected the suffix s", tls_cert_file="x.pem")
        self.assert_wrong("tls_cert_file: .*missing.pem", listen="127.0.0.1:0s", tls_cert_file="missing.pem")
        self.assert_wrong("basic_auth_file: .*missing", basic_auth_file="missing")
        self.assert_wrong("at least|expected 16", admin_token="short")

    def test_secrets_that_everybody_may_read_are_refused(self):
        for key, content in (("basic_auth_file", hash_line("a", "b")), ("admin_token_file", TOKEN)):
            os.chmod(self.write("open", content), 0o644)
            self.assert_wrong("chmod", **{key: "open"})


if __name__ == "__main__":
    harness.main()
