#!/usr/bin/env python3
"""Runs the benchmarks and writes docs/performance.md.

    bench.py [--short] [TOPIC...]      of those in TOPICS; all without a topic

A topic is a module with a function run() that measures and returns a section in Markdown. With
topics named, their sections are printed and the document stays as it is. --short shows in a minute or
two that all of it works, and prints the document instead of writing it.
"""

import concurrent.futures
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

import accounts
import cpu
import cycle
import lab
import model
import policies
import quota
import readers
import scrape

TOPICS = {
    "cycle": cycle,
    "quota": quota,
    "policies": policies,
    "accounts": accounts,
    "model": model,
    "scrape": scrape,
    "readers": readers,
    "cpu": cpu,
}


def output_of(*command):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=lab.ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def package_version(name):
    return output_of("dpkg-query", "-W", "-f", "${Version}", name)


def machine():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    rows = [
        ["date", time.strftime("%Y-%m-%d", time.gmtime())],
        ["exporter", output_of(str(lab.EXPORTER), "--version")],
        ["commit", output_of("git", "rev-parse", "--short=12", "HEAD") or "unknown"],
        ["processor", f"{processor()}, {os.cpu_count()} cores"],
        ["other load at the start", f"{os.getloadavg()[0]:.1f} (a quiet machine has 0)"],
        ["memory", f"{memory:.0f} GiB"],
        ["system", f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"],
        ["compiler", output_of("gcc", "--version").splitlines()[0]],
        ["libraries", ", ".join(f"{p} {package_version(p)}" for p in ("libcurl4-openssl-dev", "libssl-dev", "wrk"))],
    ]
    return lab.table(["", ""], rows)


def document(measured_on, sections):
    return "\n\n".join(
        [
            "# Performance",
            "Written by `./bench.sh`; run it to get the figures of your machine. Everything ran on one machine over\n"
            "loopback: the exporter, the simulator in place of DAS, and the load generator share its cores.",
            measured_on,
            *sections,
        ]
    )


def section_of(name):
    started = time.monotonic()
    section = TOPICS[name].run()
    print(section, f"\n\n({name}: {time.monotonic() - started:.0f} s)\n", flush=True)
    return section


def main(names):
    # As an exception, so that every program that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if unknown := [name for name in names if name not in TOPICS]:
        sys.exit(f"bench.py: unknown topic {unknown[0]}, expected {', '.join(TOPICS)}")
    measured_on = machine()
    if lab.SHORT:
        with concurrent.futures.ThreadPoolExecutor(len(TOPICS)) as pool:
            sections = list(pool.map(section_of, names or TOPICS))
    else:
        sections = [section_of(name) for name in names or TOPICS]
    if lab.SHORT:
        print(document(measured_on, sections))
    elif not names:
        (lab.ROOT / "docs/performance.md").write_text(document(measured_on, sections) + "\n", encoding="utf-8")
        print("written: docs/performance.md")


if __name__ == "__main__":
    main([argument for argument in sys.argv[1:] if argument != "--short"])
