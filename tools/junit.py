#!/usr/bin/env python3
"""Reads the JUnit files of ctest.

    junit.py counts FILE...      "PASSED FAILED SKIPPED", summed
    junit.py failures FILE...    the name of each failed test and the end of its output
"""

import sys
import xml.etree.ElementTree

TAIL_LINES = 40


def cases_of(paths):
    for path in paths:
        yield from xml.etree.ElementTree.parse(path).getroot().iter("testcase")


def outcome(case):
    if case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None:
        return "skipped"
    return "passed" if case.get("status") == "run" else "failed"


def print_counts(paths):
    outcomes = [outcome(case) for case in cases_of(paths)]
    print(*(outcomes.count(name) for name in ("passed", "failed", "skipped")))


def print_failures(paths):
    for case in cases_of(paths):
        if outcome(case) == "failed":
            lines = (case.findtext("system-out") or "").splitlines()
            print(f"--- {case.get('name')} failed; the last lines of its output:")
            print("\n".join(lines[-TAIL_LINES:]))


def main(arguments):
    commands = {"counts": print_counts, "failures": print_failures}
    if len(arguments) < 2 or arguments[0] not in commands:
        sys.exit(__doc__)
    commands[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
