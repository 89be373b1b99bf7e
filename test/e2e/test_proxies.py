"""What other people's servers and clients ask: HAProxy's check, curl's Expect; and what stays of a request."""

import base64
import csv
import os
import shutil
import socket
import subprocess
import unittest

import harness
from fleet import Instance

ONE = Instance("rm-test1")
TOKEN = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Proxies(harness.Case):
    def start_web(self, **web):
        self.exporter = self.start(self.simulator(), [ONE], web={"listen": None, **web})
        self.exporter.wait_ready()

    def start_haproxy(self):
        """The port of its statistics."""
        program = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            self.skipTest("haproxy is not installed")
        port = free_port()
        config = self.write("haproxy.cfg", f"""
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend statistics
    bind 127.0.0.1:{port}
    stats enable
    stats uri /
backend exporters
    option httpchk
    server one 127.0.0.1:{self.exporter.port} check inter 100ms
""")
        with open(self.path("haproxy.log"), "wb") as log:
            process = subprocess.Popen(harness.command(program, "-db", "-f", config), stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return port

    def check_of(self, port):
        """(result, HTTP status) of HAProxy's last check; None before it."""
        result = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{port}/;csv"], capture_output=True, text=True)
        for row in csv.DictReader(result.stdout.removeprefix("# ").splitlines()):
            if row["svname"] == "one" and row["check_code"] != "":
                return row["check_status"], row["check_code"]
        return None

    def test_haproxys_default_check_is_answered_without_a_password(self):
        self.write("users", "someone:$2y$04$abcdefghijklmnopqrstuuPUpxLCIZUPMwDWbOFmL5PVfEO0cE3zq\n")
        self.exporter = self.start(self.simulator(), [ONE], web={"listen": None, "basic_auth_file": "users"})
        port = self.start_haproxy()
        self.assertEqual(harness.wait_for("a check", lambda: self.check_of(port)), ("L7OK", "200"))

    def test_a_form_behind_expect_is_waited_for_and_taken(self):
        self.start_web()
        result = subprocess.run(["curl", "-sSv", "--max-time", "20", "--expect100-timeout", "15", "--header",
                                 "Expect: 100-continue", "--data", "ins_id=rm-test1",
                                 f"http://127.0.0.1:{self.exporter.port}/refresh"], capture_output=True, text=True)
        self.assertIn("< HTTP/1.1 100 Continue", result.stderr)
        self.assertRegex(result.stderr, "< HTTP/1.1 (202|303)")

    def memory_holds(self, texts):
        """Those of the texts that are in the process's memory."""
        found = set()
        with open(f"/proc/{self.exporter.process.pid}/maps", encoding="ascii") as maps, \
                open(f"/proc/{self.exporter.process.pid}/mem", "rb") as memory:
            for line in maps:
                span, rights = line.split()[:2]
                if not rights.startswith("rw"):
                    continue
                start, end = (int(number, 16) for number in span.split("-"))
                memory.seek(start)
                try:
                    content = memory.read(end - start)
                except OSError:
                    continue
                found |= {text for text in texts if text in content}
        return found

    @unittest.skipIf(harness.SANITIZED, "sanitizers keep freed memory")
    def test_no_password_and_no_token_stays_in_memory_after_its_request(self):
        if os.getuid() != 0:
            self.skipTest("only the superuser may read the exporter's memory")
        self.write("users", "someone:$2y$04$abcdefghijklmnopqrstuuPUpxLCIZUPMwDWbOFmL5PVfEO0cE3zq\n")
        self.start_web(basic_auth_file="users", admin_token=TOKEN)
        self.assertEqual(self.memory_holds({TOKEN.encode()}), {TOKEN.encode()}, "the search sees nothing")
        password = "canary-password-of-one-request"
        basic = base64.b64encode(f"nobody:{password}".encode()).decode()
        bearer, field = "canary-bearer-of-one-request", "canary-field-of-one-request"
        for keep in ("close", "keep-alive"):
            head = {"Connection": keep}
            self.assertEqual(self.exporter.request("GET", "/", {"Authorization": "Basic " + basic, **head}).status, 401)
            self.exporter.request("GET", "/", {"Authorization": "Bearer " + bearer, **head})
            self.exporter.request("POST", "/refresh", {"Content-Type": "application/x-www-form-urlencoded", **head},
                                  body="token=" + field)
        texts = {text.encode() for text in (password, basic, bearer, field)}
        harness.wait_for("the wiped memory", lambda: self.memory_holds(texts) == set(),
                         context=lambda: self.memory_holds(texts))


if __name__ == "__main__":
    harness.main()
