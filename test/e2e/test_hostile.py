"""Clients that are silent, slow or many do not delay a scrape or a health check by more than a second."""

import contextlib
import resource
import socket
import ssl
import time

import harness
from certificates import Certificates
from fleet import Instance

SLOW = 200  # clients at a time; one address may have 256 connections
LIMIT = 10 if harness.SANITIZED else 1  # s
INSTANCES = [Instance(f"rm-test{number}", users=tuple((f"user_{user:04d}", 10) for user in range(400)))
             for number in range(50)]  # a page that no socket buffer holds


class Hostile(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.made = Certificates(cls)
        cls.made.make("good", "IP:127.0.0.1")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))

    def setUp(self):
        super().setUp()
        self.context = ssl.create_default_context(cafile=self.made.path("ca.pem"))
        self.sim = self.simulator()
        self.attack = contextlib.ExitStack()
        self.addCleanup(self.attack.close)

    def start_plain(self):
        self.tls = False
        self.exporter = self.start(self.sim, INSTANCES)
        self.wait_page()

    def start_tls(self):
        self.tls = True
        self.exporter = self.start(self.sim, INSTANCES, arguments=("--web.listen-address=127.0.0.1:0s",),
                                   web={"listen": None, "tls_cert_file": self.made.path("good.pem"),
                                        "tls_key_file": self.made.path("good.key")})
        self.wait_page()

    def wait_page(self):
        harness.wait_for("the limits", lambda: len(self.get("/metrics")) > 1000000)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.exporter.port), timeout=30)
        return self.context.wrap_socket(connection, server_hostname="127.0.0.1") if self.tls else connection

    def get(self, path):
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            parts = []
            while part := connection.recv(1 << 20):
                parts.append(part)
        answer = b"".join(parts)
        self.assertRegex(answer[:20], b"^HTTP/1.1 (200|503)")
        return answer

    def assert_quick(self):
        """A machine with too much to do is another matter: one slow answer is looked at again."""
        for path in ("/-/healthy", "/metrics"):
            if self.time_of(path) >= LIMIT:
                self.assertLess(self.time_of(path), LIMIT, path)

    def time_of(self, path):
        started = time.monotonic()
        self.get(path)
        return time.monotonic() - started

    def open_slow(self, first=b"", receive_buffer=None):
        """SLOW plain connections that have sent the first bytes."""
        connections = []
        for _ in range(SLOW):
            connection = self.attack.enter_context(socket.socket())
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.connect(("127.0.0.1", self.exporter.port))
            connection.sendall(first)
            connection.setblocking(False)
            connections.append(connection)
        return connections

    def watch(self, each_turn=lambda: None, seconds=4):
        """Longer than any such client may hold a thread."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            each_turn()
            self.assert_quick()
            time.sleep(0.1)

    @staticmethod
    def drip(connections, data):
        position = 0

        def send():
            nonlocal position
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(data[position:position + 1])
            position += 1

        return send

    @staticmethod
    def sip(connections):
        def receive():
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.recv(100)

        return receive

    def test_silent_clients(self):
        self.start_plain()
        self.open_slow()
        self.watch()

    def test_silent_clients_of_a_tls_address(self):
        self.start_tls()
        self.open_slow()
        self.watch()

    def test_half_a_client_hello(self):
        self.start_tls()
        self.open_slow(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        self.watch()

    def test_clients_that_send_a_byte_at_a_time(self):
        self.start_plain()
        connections = self.open_slow()
        self.watch(self.drip(connections, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1000))

    def test_clients_that_read_a_byte_at_a_time(self):
        self.start_plain()
        connections = self.open_slow(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=2048)
        self.watch(self.sip(connections))

    def test_clients_that_keep_a_connection_busy(self):
        self.start_plain()
        connections = self.open_slow(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")

        def ask_again():
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.send(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")

        self.watch(ask_again)


if __name__ == "__main__":
    harness.main()
