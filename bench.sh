#!/bin/bash
# Measures the release build and writes docs/performance.md. See ./bench.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/steps.sh
. tools/steps.sh
# shellcheck source=tools/build.sh
. tools/build.sh

usage() {
    cat <<'END'
usage: ./bench.sh [--short] [TOPIC...]

Installs the packages that are missing (Debian 12 or 13, as root or with sudo), builds the release, and
measures it against the DAS simulator, all on loopback, in about a quarter of an hour:

  cycle     200 targets under a quota of 60 calls a second: the length of a full cycle, against the bound
  quota     1 000 targets under the same quota: a refresh, once the completion times are known
  policies  the same quota used by simpler policies that a user might write
  accounts  20 accounts in one process, against one alone
  model     up to 100 000 targets by simulation, and the CPU time of the scheduler
  scrape    /metrics with 100 000 series, against CivetWeb alone that writes the same bytes
  readers   30 000 targets, and 64 connections that ask for one path without a pause
  cpu       the CPU time of one DAS call

Without an argument all of them run and docs/performance.md is written anew; with topics, their figures
are printed only. --short shows in a minute or two that the benchmarks work; its figures mean nothing. Leave the machine alone meanwhile.
END
}

build_everything() {
    build_release && build_simulator && build_programs
}

# Part of the tests, with the flags of the release.
build_programs() {
    cmake -S . -B build/model -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHARDENING=ON &&
        cmake --build build/model --target quota_model bare_civetweb
}

case ${1-} in
--help | -h) usage; exit ;;
--short) ;;
-*) echo "bench.sh: unknown argument '$1'; see ./bench.sh --help" >&2; exit 2 ;;
esac

steps_total=2
step_packages bench
step_begin "release build, simulator, bare CivetWeb, model"
step_run build/logs/bench.log build_everything
step_end "ready"
PYTHONDONTWRITEBYTECODE=1 exec python3 bench/bench.py "$@"
