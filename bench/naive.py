"""Policies that a user might write instead: a small client of DAS that shares no code with the exporter.

Each refreshes every target once and returns what it saw. The policies differ in two things: when to
ask for a result, and what keeps the calls within the quota.
"""

import collections
import concurrent.futures
import heapq
import http.client
import itertools
import json
import threading
import time
import urllib.parse

from das_sim_client import canonical_query, sign_v3

POLL_INTERVAL = 1.0
RETRY_AFTER = 1.0
WINDOW = 1.0
THREADS = 64


class Slots:
    """The perfect limiter: a call has one of `calls` slots until one window after its answer."""

    def __init__(self, calls):
        self.free = threading.Semaphore(calls)

    def acquire(self):
        self.free.acquire()

    def release(self):
        timer = threading.Timer(WINDOW, self.free.release)
        timer.daemon = True
        timer.start()


class Bucket:
    """The usual token bucket, whose capacity is one second of calls."""

    def __init__(self, calls):
        self.rate = self.capacity = self.tokens = calls
        self.filled_at = time.monotonic()

    def acquire(self):
        while not self._take():
            time.sleep((1 - self.tokens) / self.rate)

    def _take(self):
        now = time.monotonic()
        self.tokens = min(self.capacity, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def release(self):
        pass


class Client:
    """Calls of one account. A connection for each thread."""

    def __init__(self, url, key, secret):
        self.host = urllib.parse.urlsplit(url).netloc
        self.key, self.secret = key, secret
        self.local = threading.local()

    def call(self, target, result_id=""):
        """("finished" | "running" | "throttled", ResultId)."""
        params = {"InstanceId": target, "ResultId": result_id}
        headers = sign_v3(self.host, params, self.key, self.secret)
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.host, timeout=30)
        self.local.connection.request("POST", "/?" + canonical_query(params), b"", headers)
        answer = json.load(self.local.connection.getresponse())
        if str(answer.get("Code", "")).startswith("Throttling"):
            return "throttled", result_id
        data = answer["Data"]
        if data.get("State") == "SUCCESS":
            return "finished", result_id
        return "running", result_id or data["ResultId"]


class Refresh:
    """Every target once; `waits`: from the answer to the submit until the result was here."""

    def __init__(self, client, limiter, targets):
        self.client, self.limiter = client, limiter
        self.lock = threading.Condition()
        self.submits = collections.deque(targets)
        self.polls = []
        self.order = itertools.count()
        self.pending = len(targets)
        self.waits = []

    def result(self, started):
        return {"seconds": time.monotonic() - started, "wait": sum(self.waits) / len(self.waits)}

    def _next(self):
        """What is due: polls first, since they should come each second. None at the end."""
        with self.lock:
            while self.pending > 0:
                now = time.monotonic()
                if self.polls and self.polls[0][0] <= now:
                    return heapq.heappop(self.polls)[2:]
                if self.submits:
                    return self.submits.popleft(), "", None
                self.lock.wait(self.polls[0][0] - now if self.polls else None)
        return None

    def _make_call(self, target, result_id, submitted):
        state, result_id = self.client.call(target, result_id)
        self.limiter.release()
        now = time.monotonic()
        submitted = submitted if submitted is not None or state == "throttled" else now
        with self.lock:
            if state == "finished":
                self.waits.append(now - submitted)
                self.pending -= 1
            else:
                pause = POLL_INTERVAL if state == "running" else RETRY_AFTER
                heapq.heappush(self.polls, (now + pause, next(self.order), target, result_id, submitted))
            self.lock.notify_all()

    def poll_each_second(self):
        """A timer for each result: asked for every second until it is there."""
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            calls = []
            while (work := self._next()) is not None:
                self.limiter.acquire()
                calls.append(pool.submit(self._make_call, *work))
        for call in calls:
            call.result()
        return self.result(started)

    def wait_for_result(self, workers):
        """Each worker takes a target, submits it, and sleeps between polls until its result is there."""
        started = time.monotonic()

        def collect(target):
            result_id, submitted, state = "", None, ""
            while state != "finished":
                if state:
                    time.sleep(POLL_INTERVAL if state == "running" else RETRY_AFTER)
                self.limiter.acquire()
                state, result_id = self.client.call(target, result_id)
                self.limiter.release()
                if submitted is None and state == "running":
                    submitted = time.monotonic()
            self.waits.append(time.monotonic() - submitted)

        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            list(pool.map(collect, list(self.submits)))
        return self.result(started)
