"""
An allocation of every call stack of the program fails, alone and with those that follow: over the start, cycles,
requests, a reload, a refresh, the stop and the commands. What is right is in test_torture.py.

First a run of each phase notes its call stacks; then each begins to fail. It takes hours, so that it ends after
TORTURE_SECONDS (5400) and goes on from there the next time; torture.jsonl beside the program says what was found.
"""

import concurrent.futures
import contextlib
import functools
import hashlib
import http.client
import itertools
import json
import os
import random
import threading
import time

import harness
import torture

SECONDS = int(os.environ.get("TORTURE_SECONDS", "5400"))
BURSTS = (1, 100)
SIDE_BY_SIDE = 2
PROGRESS_EVERY = 50
CYCLES_SECONDS = 4  # until every call stack of cycles and loads has come

ACTIONS = {
    "cycles": lambda exporter: None,
    "scrape": lambda exporter: exporter.get("/metrics"),
    "gzip": lambda exporter: exporter.get("/metrics", Accept_Encoding="gzip"),
    "overview": lambda exporter: exporter.get("/"),
    "targets": lambda exporter: exporter.get("/targets"),
    "api": lambda exporter: exporter.get("/api/v1/targets"),
    "ready": lambda exporter: exporter.get("/-/ready"),
    "reload": lambda exporter: exporter.post("/-/reload"),
    "refresh": lambda exporter: exporter.post("/refresh", ins_id="rm-test1", wait="3s"),
}


class Results:
    """A line for each failure that was made, kept for the next run of the same program."""

    def __init__(self):
        self.path = os.path.join(os.path.dirname(harness.EXPORTER), "torture.jsonl")
        self.lock = threading.Lock()
        self.good, self.found, self.not_reached = set(), [], 0
        with open(harness.EXPORTER, "rb") as file:
            program = json.dumps({"program": hashlib.sha256(file.read()).hexdigest()}) + "\n"
        lines = []
        with contextlib.suppress(FileNotFoundError), open(self.path, encoding="utf-8") as file:
            lines = file.readlines()
        if lines[:1] != [program]:
            lines = [program]
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(program)
        for line in map(json.loads, lines[1:]):
            if line["reached"] and line["wrong"] is None:
                self.good.add((line["phase"], line["stack"], line["burst"]))

    def add(self, phase, stack, burst, reached, wrong):
        line = {"phase": phase, "stack": stack, "burst": burst, "reached": reached, "wrong": wrong}
        with self.lock:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            self.not_reached += not reached
            if wrong is not None:
                self.found.append(f"{phase}, stack {stack}, {burst} in a row: {wrong}")
            elif reached:
                self.good.add((phase, stack, burst))


class Whole(torture.Case):
    def setUp(self):
        super().setUp()
        self.sim.allow(auth_failures=True)  # they are looked for after each failure
        self.refused = 0
        self.results = Results()
        self.deadline = time.monotonic() + SECONDS
        self.jobs = []

    def test_every_stack(self):
        """In an order of chance, so that a run that ends early has seen something of every phase."""
        self.add_phase("start", self.record_start(), self.life)
        self.add_phase("stop", self.record_stop(), self.last_moments)
        for arguments in torture.COMMANDS:
            self.add_phase(arguments[0], self.command(arguments, recording=1)[1].stacks(),
                           functools.partial(self.command, arguments))
        self.add_actions()
        jobs = [job for job in self.jobs if job[:3] not in self.results.good]
        random.Random(1).shuffle(jobs)
        progress = itertools.count(1)

        def run(job):
            if time.monotonic() > self.deadline:
                return
            phase, stack, burst, fail = job
            wrong, allocations = fail(stack=stack, burst=burst)
            self.results.add(phase, stack, burst, allocations.failed() > 0, wrong or self.wrong_signature())
            done = next(progress)
            if done % PROGRESS_EVERY == 0:
                print(f"{done} of {len(jobs)} failures, {len(self.results.found)} found something", flush=True)

        pool = concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE)
        self.addCleanup(pool.shutdown)  # after tearDown: an exporter ends with the thread that started it
        list(pool.map(run, jobs))
        print(f"{len(self.results.good)} of {len(self.jobs)} failures were withstood, in this and earlier runs; "
              f"{self.results.not_reached} of this run did not come", flush=True)
        self.assertEqual(self.results.found, [])

    def add_phase(self, phase, stacks, fail):
        """fail(stack, burst) returns (what is wrong, the allocations)."""
        print(f"{phase}: {len(stacks)} call stacks", flush=True)
        self.jobs += [(phase, stack, burst, fail) for stack in sorted(stacks) for burst in BURSTS]

    def wrong_signature(self):
        """Of this failure, or of the one beside it."""
        before, self.refused = self.refused, self.sim.stats()["total"]["auth_failures"]
        return "DAS was sent a wrong signature" if self.refused > before else None

    def record_start(self):
        exporter, allocations = self.start_tortured(recording=1)
        allocations.stop_failing()
        exporter.stop()
        return allocations.stacks()

    def record_stop(self):
        exporter, allocations = self.start_tortured()
        allocations.fail(recording=1)
        exporter.stop()
        return allocations.stacks()

    def add_actions(self):
        """Each worker has an exporter, and a new one when that has ended."""
        exporter, allocations = self.start_tortured()
        time.sleep(CYCLES_SECONDS)  # each of its threads connects once
        noted, stacks = set(), {}
        for name, action in ACTIONS.items():
            with allocations.failing(recording=1):
                action(exporter)
                if name == "cycles":
                    time.sleep(CYCLES_SECONDS)
            stacks[name] = allocations.stacks() - noted
            noted |= stacks[name]
        exporter.stop()
        own = threading.local()
        for name, action in ACTIONS.items():
            self.add_phase(name, stacks[name], functools.partial(self.fail_action, own, action))

    def fail_action(self, own, action, **how):
        if getattr(own, "exporter", None) is None:
            own.exporter, own.allocations = self.start_tortured()
        exporter, allocations = own.exporter, own.allocations
        try:
            with contextlib.suppress(OSError, http.client.HTTPException):
                allocations.fail(**how)
                action(exporter)
            deadline = time.monotonic() + CYCLES_SECONDS
            while allocations.failed() == 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            allocations.stop_failing()
            exporter.wait_for("a good scrape", lambda: self.serves(exporter))
            return None, allocations
        except (AssertionError, ValueError) as error:
            self.exporters.remove(exporter)
            exporter.stop()
            own.exporter = None
            return str(error), allocations


if __name__ == "__main__":
    harness.main()
