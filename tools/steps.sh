# Sourced: numbered progress lines, one per step, with the time that each took.
# shellcheck shell=bash

steps_total=1
step_number=0
step_open=

# Microseconds; the radix of EPOCHREALTIME depends on the locale.
now_us() {
    printf '%s' "${EPOCHREALTIME/[.,]/}"
}

# 1.2, of a beginning in microseconds.
seconds_since() {
    local tenths=$((($(now_us) - $1) / 100000))

    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step_begin() {
    step_number=$((step_number + 1))
    step_started=$(now_us)
    step_open=yes
    printf '[%d/%d] %s … ' "$step_number" "$steps_total" "$1"
}

step_end() {
    [ -n "$step_open" ] || printf '      '
    step_open=
    printf '%s in %s s\n' "$1" "$(seconds_since "$step_started")"
}

# step_packages PURPOSE...
step_packages() {
    step_begin "packages"
    [ -z "$(tools/packages.sh --missing "$@")" ] || step_break
    tools/packages.sh "$@"
    step_end "all there"
}

# Ends the line of a step under way, so that what follows has a line of its own.
step_break() {
    [ -z "$step_open" ] || echo
    step_open=
}

# step_run LOG COMMAND...: the output goes to a file and is shown only when the command fails.
step_run() {
    local log=$1

    shift
    mkdir -p "${log%/*}"
    "$@" >"$log" 2>&1 && return
    step_break
    tail -n 30 "$log" >&2
    echo "failed: $* (the whole output is in $log)" >&2
    return 1
}
