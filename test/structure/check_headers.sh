#!/bin/bash
# Every header compiles alone, twice over, with the project's warnings as errors, under each compiler.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra warnings <<<"$(search -oE '^ +-W[a-z].*' cmake/flags.cmake | search -oE -- '-W[a-z][a-z0-9=-]*' | tr '\n' ' ')"
[ ${#warnings[@]} -gt 10 ] || { echo "cmake/flags.cmake: no warning flags found" >&2; exit 1; }

# The simulator's headers are written against its own folder and its own flags.
headers() {
    project_files '*.h' | search -v '^test/das_sim/'
}

# Prints what the compiler says about the header $2; nothing when it is sound.
compile_alone() {
    printf '#include "%s"\n#include "%s"\n' "$2" "$2" |
        "$1" -std=gnu11 -fsyntax-only "${warnings[@]}" -Werror -D_GNU_SOURCE -I. -x c - 2>&1 ||
        echo "$2: does not compile alone under $1"
}

list=$(headers)
for compiler in gcc clang; do
    if ! command -v "$compiler" >/dev/null; then
        echo "$compiler is not installed: not checked with it"
        continue
    fi
    while IFS= read -r header; do
        # Two at a time.
        compile_alone "$compiler" "$header" >"$work/${header//\//.}.$compiler" &
        [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
    done <<<"$list"
    wait
done
cat "$work"/* </dev/null | report
