"""Below a path of a proxy: a real nginx that passes the path on, or takes it off."""

import http.client
import os
import shutil
import socket
import subprocess

import browser
import harness
from fleet import Instance

ONE = Instance("rm-test1")
TOKEN = "0123456789abcdef0123456789abcdef"
PREFIX = "/db/sessions"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
DRAWN = "document.querySelector('#findings li, #summary .badge')"
PROGRESS = "document.querySelector('#refresh .badge.good, #refresh .badge.warning')"
PASSED_ON = ("", "")
TAKEN_OFF = ("/", "/")


class Subpath(harness.Case):
    def start_nginx(self, address):
        """Serves the exporter below PREFIX; `address` is what follows it in proxy_pass."""
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            self.skipTest("nginx is not installed")
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        folders = "\n".join(f"    {kind}_temp_path {kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.write("nginx.conf", f"""
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
{folders}
    access_log off;
    server {{
        listen 127.0.0.1:{self.port};
        location {PREFIX}/ {{
            proxy_pass http://127.0.0.1:{self.exporter.port}{address};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
""")
        with open(self.path("nginx.log"), "wb") as log:
            process = subprocess.Popen(harness.command(program, "-e", "stderr", "-p", self.folder, "-c", config),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        harness.wait_for("nginx", lambda: self.ask(PREFIX + "/-/ready").status == 200)

    def ask(self, path, method="GET", headers=None, body=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return harness.Response(reply.status, reply.headers, reply.read())
        except OSError as error:
            return harness.Response(0, {}, str(error).encode())
        finally:
            connection.close()

    def start_below(self, way, **web):
        route_prefix, address = way
        self.arguments = ["--web.external-url=https://proxy.example" + PREFIX + "/"]
        if route_prefix:
            self.arguments.append("--web.route-prefix=" + route_prefix)
        self.exporter = self.start(self.simulator(), [ONE], arguments=self.arguments, web={"listen": "127.0.0.1:0", **web})
        self.start_nginx(address)

    def check_pages(self):
        with browser.opened() as chromium:
            chromium.look(1280)
            for page in ("/", "/targets"):
                chromium.open(f"http://127.0.0.1:{self.port}{PREFIX}{page}")
                chromium.wait(DRAWN)
            chromium.value(f"document.querySelector('#refresh input').value = '{TOKEN}', "
                           "document.querySelector('#refresh button').click()")
            chromium.wait(PROGRESS)
            chromium.value("document.querySelector('.brand').click()")
            chromium.wait(f"location.pathname === '{PREFIX}/' && {DRAWN}")
            asked = [url for url in chromium.requests if url.startswith("http")]
            self.assertEqual([url for url in asked if f":{self.port}{PREFIX}/" not in url], [])
            self.assertEqual(chromium.complaints, [])

    def check_answers(self):
        reply = self.ask(PREFIX + "/refresh", "POST", FORM, "token=" + TOKEN)
        self.assertEqual((reply.status, reply.headers["Location"][:len(PREFIX) + 9]), (303, PREFIX + "/refresh/"))
        progress = self.ask(reply.headers["Location"]).json
        self.assertEqual(progress["status_url"], reply.headers["Location"])
        self.assertIn(PREFIX + "/metrics", self.ask(PREFIX + "/nothing").text)
        self.assertEqual(self.ask(PREFIX + "/metrics").status, 200)
        wrong = {**FORM, "Origin": "http://evil.example"}
        self.assertEqual(self.ask(PREFIX + "/refresh", "POST", wrong).status, 401)

    def check_health(self):
        listen = f"--web.listen-address=127.0.0.1:{self.exporter.port}"
        result = self.run_program("--health", listen, *self.arguments)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_proxy_that_passes_the_path_on(self):
        self.start_below(PASSED_ON, admin_token=TOKEN)
        self.check_answers()
        self.check_health()
        self.check_pages()

    def test_a_proxy_that_takes_the_path_off(self):
        self.start_below(TAKEN_OFF, admin_token=TOKEN)
        self.check_answers()
        self.check_health()
        self.check_pages()

    def test_a_proxy_that_adds_the_path(self):
        arguments = ["--web.external-url=https://proxy.example/", "--web.route-prefix=" + PREFIX]
        exporter = self.start(self.simulator(), [ONE], arguments=arguments, web={"listen": "127.0.0.1:0"})
        for path, location in (("/", PREFIX + "/"), (PREFIX, "/")):
            reply = self.ask(path, port=exporter.port)
            self.assertEqual((reply.status, reply.headers["Location"]), (302, location))
        self.assertEqual(self.ask(PREFIX + "/", port=exporter.port).status, 200)

    def test_without_a_token_nobody_refreshes_through_the_proxy(self):
        self.start_below(PASSED_ON)
        own = {**FORM, "Origin": f"http://127.0.0.1:{self.port}"}
        self.assertEqual(self.ask(PREFIX + "/refresh", "POST", own).status, 403)
        self.assertEqual(self.ask(PREFIX + "/api/v1/overview").json["refresh"], "another_place")
        port = self.exporter.port
        host = {"Host": "localhost", **FORM}
        foreign = {**host, "Origin": "http://evil.example"}
        self.assertEqual(self.ask(PREFIX + "/refresh", "POST", foreign, port=port).status, 403)
        self.assertEqual(self.ask(PREFIX + "/refresh", "POST", host, port=port).status, 303)

    def test_the_root_leads_to_the_pages_and_nothing_else_is_outside_the_prefix(self):
        self.start_below(PASSED_ON)
        for path in ("/", PREFIX):
            reply = self.ask(path, port=self.exporter.port)
            self.assertEqual((reply.status, reply.headers["Location"]), (302, PREFIX + "/"))
        self.assertEqual(self.ask("/metrics", port=self.exporter.port).status, 404)
        self.assertEqual(self.ask("/", "OPTIONS", port=self.exporter.port).status, 200)

    def test_what_is_no_url_is_found_by_check(self):
        for key, value in (("external_url", "proxy.example"), ("route_prefix", "sessions")):
            config = self.write("wrong.ini", harness.fleet.ini({
                "web": {key: value}, "inventory": {"source": "file", "file": "inventory.ini"}}))
            self.write_inventory([ONE])
            result = self.run_program("--config.file=" + config, "--check=offline")
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"[web] {key} is not understood", result.stderr)


if __name__ == "__main__":
    harness.main()
