#!/bin/bash
# Every alert has a severity, a summary, a description, a section in docs/runbooks.md that says what to
# do, and unit tests in which it fires and in which it does not; every recording rule has a test. Tests and
# sections of rules that are gone are found as well, and log lines that the program does not write.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

rules=deploy/prometheus
runbooks=docs/runbooks.md

# "file line name key value" of each alert's labels and annotations, and "file line name - -" of the alert.
# A value on the following lines is their first.
alerts() {
    awk '
        /^ *- (alert|record): / { name = $2 == "alert:" ? $3 : "" }
        name != "" && $2 == "alert:" { print FILENAME, FNR, name, "-", "-" }
        name != "" && $1 ~ /^(severity|summary|description|runbook_url):$/ { print FILENAME, FNR, name, $1, $2 }
    ' "$rules"/*_rules.yml
}

records() {
    awk '$1 == "-" && $2 == "record:" { print FILENAME, FNR, $3 }' "$rules"/*_rules.yml
}

# "file line name fires" or "… silent" of each test of an alert, "unclear" when it says neither.
tests() {
    awk '
        function flush() { if (name != "") print place, name, said }
        FNR == 1 { flush(); name = "" }
        $1 == "-" && $2 == "alertname:" { flush(); place = FILENAME " " FNR; name = $3; said = "unclear" }
        name != "" && $1 == "exp_alerts:" { said = $2 == "[]" ? "silent" : "unclear" }
        name != "" && $1 == "-" && $2 == "exp_labels:" { said = "fires" }
        END { flush() }
    ' "$rules"/tests/*_test.yml
}

check_fields() {
    local file line name key value

    while read -r file line name key value; do
        case $key in
        -)
            for field in severity summary description runbook_url; do
                grep -q " $name $field: ." <<<"$alerts" || echo "$file:$line: $name has no $field"
            done
            ;;
        severity:)
            [[ $value == critical || $value == warning ]] ||
                echo "$file:$line: $name has the severity $value, expected critical or warning"
            ;;
        runbook_url:)
            [[ $value == *"$runbooks#${name,,}" ]] ||
                echo "$file:$line: the runbook of $name is $value, expected $runbooks#${name,,}"
            ;;
        esac
    done <<<"$alerts"
}

# The parts of a section that somebody who was woken looks for.
check_runbooks() {
    awk -v file="$runbooks" -v alerts="$1" '
        function flush(  i) {
            for (i = 1; name != "" && i <= 4; i++)
                if (!(parts[i] in seen)) print file ":" at ": the section " name " has no " parts[i]
            delete seen
        }
        BEGIN {
            split("**Means.** **Confirm.** **Do.** **Can", parts)
            count = split(alerts, names)
            for (i = 1; i <= count; i++) missing[names[i]]
        }
        /^## / {
            flush()
            name = $2
            at = FNR
            if (!(name in missing)) print file ":" FNR ": there is no alert " name
            done[name]
        }
        { seen[$1] }
        END {
            flush()
            for (name in missing) if (!(name in done)) print file ": " name " has no section"
        }
    ' "$runbooks"
}

# $1: the names of the alerts, $2: of the recording rules.
check_tests() {
    local file line name said

    for name in $1; do
        for said in fires silent; do
            grep -q " $name $said\$" <<<"$tests" || echo "$rules/tests: no test in which $name is as said: $said"
        done
    done
    while read -r file line name said; do
        [ "$said" != unclear ] || echo "$file:$line: $name needs exp_alerts, empty ones as []"
        [[ " $1 " == *" $name "* ]] || echo "$file:$line: there is no alert $name"
    done <<<"$tests"
    for name in $2; do
        grep -qE "^ *- expr: $name(\{.*)?\$" "$rules"/tests/*_test.yml || echo "$rules/tests: no test of $name"
    done
}

# msg="…" and msg=… of the runbooks; what follows an ellipsis is left out there.
check_log_lines() {
    local line message

    while IFS=: read -r line message; do
        message=${message#msg=}
        message=${message//\"/}
        project_files '*.c' | grep -v '^test/' | tr '\n' '\0' | xargs -0 -r grep -qF -- "\"${message%%…*}" ||
            echo "$runbooks:$line: the program does not log '$message'"
    done < <(search -onE 'msg=("[^"]*"|[a-z]+)' "$runbooks")
}

[ -f "$runbooks" ] || { echo "$runbooks: is missing" >&2; exit 1; }
alerts=$(alerts)
tests=$(tests)
search -HnE '^ *(alert|record):' "$rules"/*_rules.yml |
    sed 's/$/: expected as the first key of its rule/' | report
# Should the files change their form, the checks must not pass because they see nothing.
[ -n "$alerts" ] || { printf '%s: no alerts found\n' "$rules"/*_rules.yml >&2; exit 1; }
names=$(awk '$4 == "-" { print $3 }' <<<"$alerts" | tr '\n' ' ')
{
    check_fields
    check_runbooks "$names"
    check_tests "$names" "$(records | cut -d ' ' -f 3 | tr '\n' ' ')"
    check_log_lines
} | report
