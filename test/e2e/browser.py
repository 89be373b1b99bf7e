"""Headless Chromium, driven through its DevTools protocol over two pipes; no further package is needed."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ANSWER_LIMIT = 30  # s
START_LIMIT = 60


def find():
    """The program, or a skipped test."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise unittest.SkipTest("Chromium is not installed (Debian package chromium)")
    return program


class Browser:
    """One process with one tab."""

    def __init__(self):
        program = find()
        self.folder = tempfile.mkdtemp(prefix="e2e-browser-")
        theirs_in, self.to = os.pipe()
        self.come_from, theirs_out = os.pipe()
        # The protocol's own numbers, 3 and 4, may be taken by these pipes now.
        high_in, high_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out))

        def connect():
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, "--headless=new", "--remote-debugging-pipe",
             "--user-data-dir=" + self.folder, "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             *(["--no-sandbox"] if os.getuid() == 0 else []), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=connect, pass_fds=(3, 4), env={**os.environ, "HOME": self.folder, "TMPDIR": self.folder})
        for fd in (theirs_in, theirs_out, high_in, high_out):
            os.close(fd)
        self.buffer, self.number, self.session, self.complaints, self.requests = b"", 0, None, [], []
        try:
            target = self.call("Target.createTarget", limit=START_LIMIT, url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.call("Page.enable")
            self.call("Network.enable")
            self.call("Log.enable")
            self.call("Runtime.enable")
        except BaseException:
            self.close()
            raise

    def receive(self, deadline):
        """The next message."""
        while b"\0" not in self.buffer:
            if not select.select([self.come_from], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("Chromium does not answer")
            chunk = os.read(self.come_from, 1 << 20)
            if not chunk:
                raise AssertionError(f"Chromium ended with {self.process.wait()}")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, limit=ANSWER_LIMIT, **parameters):
        """A command's result. Of what happens meanwhile requests and complaints are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + limit
        while True:
            answer = self.receive(deadline)
            self.note(answer.get("method"), answer.get("params"))
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]

    def note(self, method, event):
        """Keeps what a page asks for, and what it or Chromium complains about."""
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(event["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([argument.get("value") for argument in event["args"]]))

    def look(self, width, dark=False, language="en-US", height=900):
        """From now on the window is so wide, light or dark, and asks for that language."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def value(self, expression):
        """What a JavaScript expression gives on the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        """Until it is true."""
        deadline = time.monotonic() + ANSWER_LIMIT
        while True:
            try:
                value = self.value(f"!!({expression})")
            except AssertionError:  # the page that was asked is being left
                value = None
            if value:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {expression} on {self.value('document.documentElement.outerHTML')}")
            time.sleep(0.05)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    def show(self, shown):
        """Brings the tab to the front, or another one, so that nobody sees it."""
        if not shown:
            self.call("Target.createTarget", url="about:blank")
        else:
            self.call("Page.bringToFront")
        self.wait(f"document.visibilityState === '{'visible' if shown else 'hidden'}'")

    def press(self, key, code=None, text=None):
        """A key of the keyboard."""
        parameters = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **parameters, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **parameters)

    def screenshot(self, path, whole=True):
        """A PNG of the page."""
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))

    def close(self):
        self.process.kill()
        self.process.wait()
        for fd in (self.to, self.come_from):
            os.close(fd)
        # Its children end a moment after it and may still write.
        for _ in range(100):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not os.path.exists(self.folder):
                break
            time.sleep(0.05)


def opened():
    """A browser that is closed at the end of a with statement."""
    return contextlib.closing(Browser())
