#!/bin/bash
# No file over 500 lines, no function over 100, exporter.c under 250.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

FILE_LINES=500
FUNCTION_LINES=100
WIRING_LINES=249

long_files() {
    local file lines limit

    while IFS= read -r file; do
        lines=$(wc -l <"$file")
        limit=$FILE_LINES
        [ "$file" != exporter.c ] || limit=$WIRING_LINES
        [ "$lines" -le "$limit" ] || echo "$file: $lines lines, at most $limit are allowed"
    done
}

long_functions() {
    ctags -x --_xformat='%{input} %{line} %{end} %{name}' --languages=C,C++ --kinds-C=f --fields=+ne -L - |
        awk -v limit="$FUNCTION_LINES" '$3 - $2 + 1 > limit {
            print $1 ":" $2 ": " $4 " has " $3 - $2 + 1 " lines, at most " limit " are allowed"
        }'
}

project_files '*.c' '*.h' | long_files | report
if ! ctags --version 2>/dev/null | search -q 'Universal Ctags'; then
    echo "universal-ctags is not installed: the length of functions is not checked"
    exit "$SKIPPED"
fi
project_files '*.c' '*.h' | long_functions | report
