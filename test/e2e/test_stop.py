"""SIGTERM and SIGINT end the exporter in less than 2 s with exit code 0, whatever it is doing."""

import http.client
import os
import random
import signal
import threading

import harness
import fleet
from fleet import Instance, UID

FLEET = [Instance(f"rm-test{i}", f"name {i}") for i in range(30)]
MOMENTS, SIDE_BY_SIDE = 20 if harness.SANITIZED else 200, 4


class Stop(harness.Case):
    """Every stop is judged by the harness: exit code 0, in time, nothing but log lines."""

    def assert_stops(self, exporter, number=signal.SIGTERM):
        self.assertEqual(list(exporter.judge(number)), [])
        self.exporters.remove(exporter)

    def test_at_random_moments_with_calls_in_flight(self):
        moments, stops = random.Random(1), []
        inventory = {"file": self.write_inventory(FLEET)}

        def stop_often(number, sim, waits):
            folder = self.path(str(number))
            os.mkdir(folder)
            for wait in waits:
                exporter = harness.Exporter(folder, fleet.configuration(sim.url, inventory=inventory))
                threading.Event().wait(wait)
                stops.append(list(exporter.judge()) + exporter.logs("inventory load failed"))

        threads = [threading.Thread(target=stop_often, args=(
            number, self.simulator("--rtt", "100ms", "--jitter", "50ms", "--completion-median", "300ms"),
            [moments.uniform(0, 1.5) for _ in range(MOMENTS // SIDE_BY_SIDE)])) for number in range(SIDE_BY_SIDE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(stops, [[]] * MOMENTS)

    def test_while_every_call_hangs(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                sim = self.simulator()
                sim.control(hang_uid=UID)
                exporter = self.start(sim, FLEET, exporter={"workers": 4}, das={"timeout": "5m"})
                exporter.wait_for("calls in flight", lambda: sim.stats()["total"]["hung"] >= 2)
                self.assert_stops(exporter, number)

    def test_while_answers_drip(self):
        sim = self.simulator()
        exporter = self.start(sim, [Instance("rm-drip-1")], das={"timeout": "5m"})
        exporter.wait_for("a call", lambda: sim.stats()["total"]["calls"])
        self.assert_stops(exporter)

    def test_while_a_huge_answer_arrives(self):
        sim = self.simulator("--huge-size", "1GiB")
        exporter = self.start(sim, [Instance("rm-huge-poll-1")], das={"timeout": "5m", "max_response_size": "1GiB"})
        exporter.wait_for("a poll", lambda: sim.stats()["total"]["polls"])
        self.assert_stops(exporter)

    def test_while_das_is_not_reachable(self):
        exporter = self.start_with(fleet.configuration("http://127.0.0.1:9", das={"timeout": "5m"}))
        self.write_inventory(FLEET)
        exporter.wait_log("target failed")
        self.assert_stops(exporter)

    def test_while_somebody_waits_for_a_refresh(self):
        sim = self.simulator()
        exporter = self.start(sim, [FLEET[0]])
        exporter.wait_sessions(FLEET[0].sessions())
        sim.control(hang_uid=UID)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(exporter.post("/refresh", wait="5m")))
        waiting.start()
        exporter.wait_for("the hanging call", lambda: sim.stats()["total"]["hung"])
        self.assert_stops(exporter)
        waiting.join()
        self.assertEqual(answers[0].status, 202)

    def test_while_reloads_are_requested(self):
        exporter = self.start(self.simulator(), FLEET)
        answers, ended = [], threading.Event()

        def request_reloads():
            while not ended.is_set():
                try:
                    answers.append(exporter.post("/-/reload"))
                except (OSError, http.client.HTTPException):
                    return

        requesting = [threading.Thread(target=request_reloads) for _ in range(4)]
        for thread in requesting:
            thread.start()
        exporter.wait_for("reloads", lambda: len(answers) >= 8)
        self.assert_stops(exporter)
        ended.set()
        for thread in requesting:
            thread.join()
        self.assertLessEqual({answer.status for answer in answers}, {200, 400})

    def test_while_a_flood_of_readers_asks_for_every_target(self):
        fleet_of_many = [Instance(f"rm-many{i}") for i in range(5000)]
        exporter = self.start(self.simulator(), fleet_of_many, das={"rate_limit": 1})
        exporter.wait_for("the inventory", lambda: len(exporter.targets()) == len(fleet_of_many))
        statuses = []

        def read_on():
            connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=harness.PATIENCE)
            try:
                while True:
                    connection.request("GET", "/api/v1/targets")
                    answer = connection.getresponse()
                    answer.read()
                    statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                connection.close()

        reading = [threading.Thread(target=read_on) for _ in range(64)]
        for thread in reading:
            thread.start()
        exporter.wait_for("a flood", lambda: len(statuses) >= len(reading))
        self.assert_stops(exporter)
        for thread in reading:
            thread.join()
        self.assertLessEqual(set(statuses), {200, 503})

    def test_signals_in_a_burst(self):
        exporter = self.start(self.simulator(), FLEET)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            exporter.send(number)
        self.assert_stops(exporter)

    def test_a_restart_resumes_at_once_and_keeps_the_quota(self):
        sim = self.simulator()
        for _ in range(5):
            exporter = self.start(sim, FLEET)
            exporter.wait_for("calls", lambda: sim.stats()["total"]["calls"])
            sim.page("POST", "/stats/reset")
            self.assert_stops(exporter)
        self.start(sim, FLEET).wait_sessions(fleet.sessions(FLEET))

    def test_while_the_database_hangs(self):
        server = harness.start_mariadb()
        self.addCleanup(server.close)
        exporter = self.start_on(server.create("inventory", FLEET), self.simulator(), mysql={"connect_timeout": "1m"})
        exporter.wait_log("inventory loaded")
        server.process.send_signal(signal.SIGSTOP)
        self.addCleanup(server.process.send_signal, signal.SIGCONT)
        threading.Event().wait(1.5)  # a stopped server tells nobody, but by now the next load waits for it
        self.assert_stops(exporter)


if __name__ == "__main__":
    harness.main()
