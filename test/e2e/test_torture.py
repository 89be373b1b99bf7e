"""
Allocations fail at any moment of the program's life, in its own code and in every library: it ends with exit code 1
and a sentence, or it goes on and is well again afterwards; never a signal, never a hang.

This is a sample; TORTURE_SEED picks another. test_torture_whole.py goes through every call stack.
"""

import contextlib
import http.client
import os
import random

import harness
import torture

SEED = int(os.environ.get("TORTURE_SEED", "1"))
SIDE_BY_SIDE = 4
BURSTS = (1, 2, 30, 1000)


def sample(count, size):
    """One of each of `size` equal parts of range(count), so that early and late are there."""
    if count <= size:
        return list(range(count))
    chance = random.Random(SEED)
    return [chance.randrange(part * count // size, (part + 1) * count // size) for part in range(size)]


class Torture(torture.Case):
    def lives(self, moments, burst):
        verdicts = self.side_by_side(SIDE_BY_SIDE, lambda moment: self.life(before=moment, burst=burst)[0], moments)
        return [f"allocation {moment}, {burst} in a row: {wrong}" for moment, wrong in zip(moments, verdicts) if wrong]

    def start_length(self):
        """How many allocations there are until it listens and has made its first calls."""
        exporter, allocations = self.start_tortured()
        length = allocations.made()
        exporter.stop()
        return length

    def test_at_the_start(self):
        length = self.start_length()
        for burst in BURSTS:
            with self.subTest(burst=burst):
                self.assertEqual(self.lives(sample(length, 6), burst), [])

    def survives(self, started, action, size):
        """Allocations of an action fail in turn: the program stays, and the next scrape is right."""
        exporter, allocations = started
        before = allocations.made()
        action(exporter)
        length = allocations.made() - before + 5
        for burst in BURSTS:
            for moment in sample(length, size):
                with allocations.failing(before=moment, burst=burst):
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        action(exporter)
                exporter.wait_for(f"a good scrape after allocation {moment}, {burst} in a row",
                                  lambda: self.serves(exporter))

    def test_requests(self):
        started = self.start_tortured()
        for path, headers in (("/metrics", {}), ("/metrics", {"Accept-Encoding": "gzip"}), ("/", {}),
                              ("/targets", {}), ("/api/v1/targets", {}), ("/-/healthy", {}), ("/-/ready", {})):
            with self.subTest(path, **headers):
                self.survives(started, lambda exporter: exporter.request("GET", path, headers, timeout=20), 9)

    def test_a_reload(self):
        self.survives(self.start_tortured(), lambda exporter: exporter.post("/-/reload"), 60)

    def test_a_refresh(self):
        self.survives(self.start_tortured(),
                      lambda exporter: exporter.post("/refresh", ins_id="rm-test1", wait="3s"), 3)

    def test_cycles_and_loads(self):
        exporter, allocations = self.start_tortured()
        for every in random.Random(SEED).sample(range(20, 3000), 4):
            with self.subTest(every=every):
                goal = allocations.made() + 4000
                with allocations.failing(every=every):
                    exporter.wait_for("cycles", lambda: allocations.made() > goal)
                exporter.wait_for("good targets", lambda: self.serves(exporter) and all(
                    exporter.up(instance.ins_id) == 1 for instance in torture.FLEET))

    def test_the_stop(self):
        for burst in BURSTS:
            with self.subTest(burst=burst):
                self.assertIsNone(self.last_moments(before=0, burst=burst)[0])

    def test_commands(self):
        for arguments in torture.COMMANDS:
            wrong, allocations = self.command(arguments)
            self.assertIsNone(wrong, arguments)
            moments = sample(allocations.made(), 20)
            verdicts = self.side_by_side(
                SIDE_BY_SIDE, lambda moment: self.command(arguments, before=moment)[0], moments)
            with self.subTest(arguments):
                self.assertEqual([wrong for wrong in verdicts if wrong], [])


if __name__ == "__main__":
    harness.main()
