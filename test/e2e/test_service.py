"""What a service manager and a container engine see: the notify protocol and --health."""

import http.server
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import harness
from fleet import Instance

WATCHDOG_USEC = 400_000


class Manager:
    """The manager's end of the notify socket: collects datagrams."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.states = []

    def told(self):
        """Everything so far but the pings, and the pings' number."""
        try:
            while True:
                self.states.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            pass
        return [state for state in self.states if state != "WATCHDOG=1"], self.states.count("WATCHDOG=1")


class Notify(harness.Case):
    def run_managed(self, **environment):
        self.manager = Manager(self.path("notify"))
        self.addCleanup(self.manager.socket.close)
        self.exporter = self.start(self.simulator(), [Instance("rm-test1")],
                                   environment={"NOTIFY_SOCKET": self.path("notify"), **environment})
        self.await_told(["READY=1"])

    def await_told(self, expected):
        self.exporter.wait_for(f"{expected}", lambda: self.manager.told()[0] == expected)

    def test_ready_when_it_serves(self):
        self.run_managed()
        self.assertEqual(self.exporter.get("/-/healthy").status, 200)

    def test_no_pings_that_nobody_asked_for(self):
        self.run_managed()
        self.exporter.wait_ready()
        self.assertEqual(self.manager.told()[1], 0)

    def test_the_watchdog_is_pinged_in_time(self):
        self.run_managed(WATCHDOG_USEC=str(WATCHDOG_USEC))
        began = time.monotonic()
        self.exporter.wait_for("pings", lambda: self.manager.told()[1] >= 6)
        if not harness.SANITIZED:
            self.assertLess(time.monotonic() - began, 6 * WATCHDOG_USEC / 1e6)

    def test_the_watchdog_is_pinged_through_a_burst_of_reloads(self):
        self.run_managed(WATCHDOG_USEC=str(WATCHDOG_USEC))
        before = self.manager.told()[1]

        def pinged():
            self.exporter.send(signal.SIGHUP)
            return self.manager.told()[1] >= before + 3

        self.exporter.wait_for("pings", pinged)

    def test_a_reload_is_announced_and_ended(self):
        self.run_managed()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for("the reload", lambda: len(self.manager.told()[0]) == 3)
        reloading = dict(line.split("=") for line in self.manager.told()[0][1].split("\n"))
        self.assertEqual(reloading["RELOADING"], "1")
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= now, reloading)
        self.assertEqual(self.manager.told()[0][2], "READY=1")

    def test_a_reload_that_fails_ends_ready_too(self):
        self.run_managed()
        self.exporter.configure("[nonsense]\n")
        self.exporter.send(signal.SIGHUP)
        self.exporter.wait_for("the reload", lambda: self.manager.told()[0][2:] == ["READY=1"])

    def test_the_stop_is_announced(self):
        self.run_managed()
        self.exporter.stop()
        self.assertEqual(self.manager.told()[0], ["READY=1", "STOPPING=1"])

    def test_a_manager_that_cannot_be_reached_is_one_warning(self):
        exporter = self.start(self.simulator(), [Instance("rm-test1")],
                              environment={"NOTIFY_SOCKET": self.path("nobody")})
        exporter.wait_ready()
        self.assertEqual(len(exporter.logs("the service manager is not told anything", level="warn")), 1)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"the scheduler has not run for 99 s\nmore\n")

    def log_message(self, *_):
        pass


class Health(harness.Case):
    def health(self, *arguments, environment=None):
        return subprocess.run([harness.EXPORTER, "--health", *arguments], capture_output=True, text=True,
                              timeout=harness.PATIENCE, env={**os.environ, **(environment or {})})

    def assert_unhealthy(self, result, words):
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"\Amysql_session_exporter: [^\n]+\n\Z")
        self.assertIn(words, result.stderr)

    def serve(self, status=200, context=None):
        """A server that answers with that status. Returns its address."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        server.status, server.handle_error = status, lambda *_: None
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_port}"

    def certificate(self):
        """Self-signed and for another name. Returns a server's context."""
        cert, key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=exporter.example.com"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.load_verify_locations(cert)
        return context

    def test_a_running_exporter_is_healthy(self):
        exporter = self.start(self.simulator(), [Instance("rm-test1")])
        result = self.health(f"--web.listen-address=0.0.0.0:{exporter.port}")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_the_address_comes_from_the_configuration(self):
        config = self.write("exporter.ini", f"[web]\nlisten = {self.serve()}\n")
        self.assertEqual(self.health("--config.file=" + config).returncode, 0)

    def test_the_address_may_come_from_the_environment(self):
        config = self.write("exporter.ini", "[web]\nlisten = ${LISTEN}\n")
        result = self.health("--config.file=" + config, environment={"LISTEN": self.serve()})
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_a_mistake_elsewhere_in_the_file_does_not_matter(self):
        config = self.write("exporter.ini", f"[web]\nlisten = {self.serve()}\n[mysql]\npassword = ${{NONE}}\nwhat\n")
        self.assertEqual(self.health("--config.file=" + config).returncode, 0)

    def test_an_unhealthy_exporter_is_unhealthy_and_says_why(self):
        self.assert_unhealthy(self.health("--web.listen-address=" + self.serve(503)),
                              "answers 503: the scheduler has not run for 99 s")

    def test_nobody_there_is_unhealthy(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            result = self.health(f"--web.listen-address=127.0.0.1:{unused.getsockname()[1]}")
        self.assert_unhealthy(result, "does not answer")

    def test_no_answer_is_unhealthy_after_3_s(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            began = time.monotonic()
            result = self.health(f"--web.listen-address=127.0.0.1:{silent.getsockname()[1]}")
        self.assert_unhealthy(result, "does not answer")
        self.assertGreaterEqual(time.monotonic() - began, 2.9)

    def test_a_proxy_of_the_environment_is_not_asked(self):
        result = self.health("--web.listen-address=" + self.serve(),
                             environment={"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"})
        self.assertEqual(result.returncode, 0)

    def test_a_missing_configuration_is_named(self):
        self.assert_unhealthy(self.health("--config.file=" + self.path("none.ini")), "none.ini")

    def test_a_port_that_the_system_chooses_cannot_be_asked(self):
        self.assert_unhealthy(self.health("--web.listen-address=127.0.0.1:0"), "127.0.0.1:0")

    def test_over_tls_the_certificate_does_not_matter(self):
        result = self.health(f"--web.listen-address={self.serve(context=self.certificate())}s")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_a_listener_that_wants_a_client_certificate_is_named(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                context = self.certificate()
                context.verify_mode = ssl.CERT_REQUIRED
                context.minimum_version = context.maximum_version = version
                result = self.health(f"--web.listen-address={self.serve(context=context)}s")
                self.assert_unhealthy(result, "asks for a client certificate")


if __name__ == "__main__":
    harness.main()
