# Sourced by the tests of this folder: facts, one a line, and what they need.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export SKIPPED=77

broken=0

# fact "what must be so" COMMAND...: runs it and says whether it is so.
fact() {
    local name=$1 output

    shift
    if output=$("$@" 2>&1); then
        echo "ok    $name"
    else
        echo "FAIL  $name: $*"
        [ -z "$output" ] || echo "      ${output//$'\n'/$'\n'      }"
        broken=1
    fi
}

# same "what must be so" EXPECTED ACTUAL
same() {
    if [ "$2" = "$3" ]; then
        echo "ok    $1"
    else
        printf 'FAIL  %s:\n      expected: %s\n      but it is: %s\n' "$1" "${2//$'\n'/$'\n'      }" "${3//$'\n'/$'\n'      }"
        broken=1
    fi
}

skip() {
    echo "skipped: $1"
    exit "$SKIPPED"
}

# Exit code 1 when a fact was not so.
finish() {
    exit "$broken"
}
