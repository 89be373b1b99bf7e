#!/bin/bash
# The second command: installs what is missing, builds, and runs every test. See ./test.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/steps.sh
. tools/steps.sh

LOGS=build/logs
HEARTBEAT_SECONDS=20

usage() {
    cat <<'END'
usage: ./test.sh [--quick] [--only REGEX] [--fuzz TIME] [--torture]

Installs the packages that are missing (Debian 12 or 13, as root or with sudo) and runs everything:
  - the unit, structure and end-to-end tests; the unit and end-to-end tests again with the address and
    undefined behaviour sanitizers and with the thread sanitizer;
  - those of the Debian package and the container image (skipped where root or a network is missing);
  - the platform's own SDK for Node (skipped where npm, which is not installed, or a network is missing);
  - each fuzzer for 20 s (skipped where clang's runtime is missing);
  - the release build, a build by clang with warnings as errors, clang-tidy and shellcheck.

  --quick        The debug build and its tests only.
  --only REGEX   Only the tests whose name matches, of the debug build and under both sanitizers.
  --fuzz TIME    Only the fuzzers, each for that time: 90s, 10m, 2h. With --only those whose name matches.
                 What they came upon is kept in build/fuzz/ for the next run; an input that fails is named
                 with the command that shows the failure again.
  --torture      Only the torture, in its whole form: an allocation of every call stack fails in turn. It ends
                 after 90 min (TORTURE_SECONDS=N sets another time), and the next run goes on from there. A
                 sample is among the end-to-end tests; TORTURE_SEED=N picks another.

One line per step; the whole output of each is in build/logs/. What fails is shown. The last line is the
sum over everything: "N passed, N failed, N skipped". Each test counts, and each build and check as one.
Exit code: 0 when nothing failed, else 1.

To work on one test:
  cmake --preset dev && cmake --build --preset dev
  ctest --test-dir build/dev -R core/strbuf --output-on-failure
END
}

fail_usage() {
    echo "test.sh: $1; see ./test.sh --help" >&2
    exit 2
}

# 90s, 10m or 2h in seconds.
seconds_of() {
    local -A units=([s]=1 [m]=60 [h]=3600)

    [[ $1 =~ ^[1-9][0-9]{0,5}[smh]$ ]] && echo $((${1%?} * ${units[${1: -1}]}))
}

parse_arguments() {
    quick='' only='' fuzz_only='' torture='' FUZZ_SECONDS=20
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h) usage; exit ;;
        --quick) quick=yes ;;
        --torture) torture=yes ;;
        --only=*) set -- --only "${1#*=}" "${@:2}"; continue ;;
        --only) only=${2-}; [ -n "$only" ] || fail_usage "--only needs a regular expression"; shift ;;
        --fuzz=*) set -- --fuzz "${1#*=}" "${@:2}"; continue ;;
        --fuzz) fuzz_only=yes; FUZZ_SECONDS=$(seconds_of "${2-}") || fail_usage "--fuzz needs a time such as 10m"; shift ;;
        *) fail_usage "unknown argument '$1'" ;;
        esac
        shift
    done
}

say() {
    printf '[%4d s] %s\n' $((($(now_us) - began) / 1000000)) "$*"
}

# watch NAME LOG COMMAND...: runs it in a session of its own and says now and then how far it is.
watch() {
    local name=$1 log=$2 pid next_beat=$((SECONDS + HEARTBEAT_SECONDS)) status=0

    shift 2
    setsid "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    : >"$work/sessions/$pid"
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$SECONDS" -ge "$next_beat" ]; then
            say "      $name: $(tail -n 1 "$log" | tr -s ' ' | cut -c 1-90)"
            next_beat=$((SECONDS + HEARTBEAT_SECONDS))
        fi
        sleep 0.1
    done
    wait "$pid" || status=$?
    rm -f "$work/sessions/$pid"
    return "$status"
}

# record PASSED FAILED SKIPPED: by processes side by side; so short a line is written whole.
record() {
    echo "$*" >>"$work/results"
}

# The lines that name what is wrong, or the end of a log that has none.
show_trouble() {
    local plain=$work/plain.$BASHPID

    sed 's/\x1b\[[0-9;]*m//g' "$1" >"$plain"
    grep -E -A 4 '(error|warning): |FAILED: |^In .* line [0-9]+:|undefined reference' "$plain" | head -n 60 ||
        tail -n 30 "$plain"
}

# check NAME COMMAND...: something that passes or fails as a whole.
check() {
    local name=$1 log=$LOGS/${1// /-}.log started

    shift
    started=$(now_us)
    if watch "$name" "$log" "$@"; then
        say "ok    $name ($(seconds_since "$started") s)"
        record 1 0 0
        return
    fi
    record 0 1 0
    # One write, so that lines of something else do not come between.
    say "FAIL  $name ($(seconds_since "$started") s), of $log:
$(show_trouble "$log")"
    return 1
}

# suite NAME PRESET CTEST_OPTION...
suite() {
    local name=$1 preset=$2 log=$LOGS/${1// /-}.log xml=$PWD/$LOGS/${1// /-}.xml started options=() counts

    shift 2
    started=$(now_us)
    if [ -n "$only" ]; then options=(-R "$only"); else options=(--no-tests=error); fi
    rm -f "$xml"
    # Older thread sanitizers cannot cope with as much address randomization as newer kernels do.
    if [ "$preset" = tsan ] && setarch -R true 2>/dev/null; then set -- setarch -R ctest "$@"; else set -- ctest "$@"; fi
    watch "$name" "$log" "$@" --test-dir "build/$preset" --output-junit "$xml" "${options[@]}" || true
    if ! counts=$(tools/junit.py counts "$xml" 2>/dev/null) || [ "$counts" = "0 0 0" ] && [ -z "$only" ]; then
        record 0 1 0
        say "FAIL  $name: no result; of $log:
$(show_trouble "$log")"
        return
    fi
    record "${counts:-0 0 0}"
    report_suite "$name" "$xml" "$started" "${counts:-0 0 0}"
}

report_suite() {
    local name=$1 xml=$2 started=$3 passed failed skipped

    read -r passed failed skipped <<<"$4"
    if [ "$failed" -eq 0 ]; then
        say "ok    $name: $passed passed, $skipped skipped ($(seconds_since "$started") s)"
    else
        say "FAIL  $name: $passed passed, $failed failed, $skipped skipped ($(seconds_since "$started") s)
$(tools/junit.py failures "$xml")"
    fi
}

# build PRESET [CMAKE_OPTION...]
build() {
    local preset=$1

    shift
    # shellcheck disable=SC2016
    check "build $preset" bash -c '
        if [ $# -gt 1 ]; then cmake -S . -B "build/$@"; else cmake --preset "$1"; fi &&
        cmake --build "build/$1" -j "$jobs"' build "$preset" "$@"
}

lint_shell() {
    mapfile -t scripts < <(find . \( -name build -o -name .git \) -prune -o -type f \
        \( -name '*.sh' -o -path ./.ci/run \) -print)
    check "shellcheck" shellcheck -x "${scripts[@]}"
}

lint_c() {
    if ! command -v run-clang-tidy-14 >/dev/null; then
        say "skip  clang-tidy: version 14 is not installed"
        record 0 0 1
        return
    fi
    # Sources of others that are compiled along are in build/.
    check "clang-tidy" run-clang-tidy-14 -p build/clang -quiet -j "$jobs" \
        "^$PWD/(core|config|db|das|metrics|collectors|schedule|http|app|exporter\.c)"
}

# Whether clang has what a fuzzer is linked with.
can_fuzz() {
    echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address -x c -o "$work/fuzzer" - 2>/dev/null
}

fuzz() {
    if ! can_fuzz; then
        say "skip  fuzzers: clang's runtime (libclang-rt-dev) is not installed"
        record 0 0 1
        return
    fi
    build fuzz || return 0
    suite "fuzzers" fuzz -j "$jobs" -L fuzz --timeout $((FUZZ_SECONDS + 300))
}

# Everything that is not sensitive to being disturbed, beside the unit tests.
build_the_rest() {
    build asan || true
    build tsan || true
    [ -z "$only" ] || return 0
    build release || true
    build clang -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DWERROR=ON || true
    lint_shell || true
    lint_c || true
}

# beside FUNCTION: begins it; join waits for its end.
beside() {
    "$1" &
    rest=$!
}

join() {
    [ -z "$rest" ] || wait "$rest" || true
    rest=
}

# Ends what still runs, by the ids of the sessions that this script began.
stop_all() {
    local pid

    trap '' INT TERM HUP PIPE
    set +e
    [ -z "$rest" ] || kill "$rest" 2>/dev/null || true
    for pid in "$work"/sessions/*; do
        pid=${pid##*/}
        kill -TERM -- "-$pid" 2>/dev/null || continue
        for _ in {1..50}; do
            kill -0 -- "-$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}

# The last line, and the exit code.
finish() {
    local passed=0 failed=0 skipped=0 p f s

    while read -r p f s; do
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    done <"$work/results"
    if [ $((passed + failed + skipped)) -eq 0 ]; then
        echo "test.sh: no test matches '$only'" >&2
        failed=1
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

parse_arguments "$@"
rest=
work=$(mktemp -d "${TMPDIR:-/tmp}/session_exporter_test.XXXXXX")
mkdir "$work/sessions"
: >"$work/results"
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE
began=$(now_us)
mkdir -p "$LOGS"
jobs=$(nproc)
export jobs FUZZ_SECONDS
export CMAKE_C_COMPILER_LAUNCHER=ccache CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache} CCACHE_BASEDIR=$PWD
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

tools/packages.sh test
say "ok    packages"
if [ -n "$fuzz_only" ]; then
    fuzz
    finish
    exit
fi
build dev || { finish; exit 1; }
if [ -n "$torture" ]; then
    suite "torture" dev -V -C torture -R '^torture_whole$'
    finish
    exit
fi
[ -n "$quick" ] || beside build_the_rest
suite "unit and structure tests" dev -j "$jobs" -LE 'e2e|package|sdk'
join
if [ -z "$quick" ]; then
    suite "unit tests, asan" asan -j "$jobs" -LE 'e2e|structure|package|sdk'
    suite "unit tests, tsan" tsan -j "$jobs" -LE 'e2e|structure|package|sdk'
    [ -n "$only" ] || beside fuzz
    suite "package, image and SDK tests" dev -j "$jobs" -L 'package|sdk'
    join
fi
# They wait most of the time, so that many fit beside each other.
e2e_jobs=$((3 * jobs))
suite "end-to-end tests" dev -j "$e2e_jobs" -L e2e
if [ -z "$quick" ]; then
    suite "end-to-end tests, asan" asan -j "$e2e_jobs" -L e2e
    suite "end-to-end tests, tsan" tsan -j "$e2e_jobs" -L e2e
fi
finish
