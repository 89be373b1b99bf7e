# Sourced by the checks of this folder with their own arguments: check_x.sh [ROOT]
# A check prints one line per violation, "file:line: what", and ends with 1 when there was one.
# shellcheck shell=bash
set -euo pipefail

root=${1:-$(dirname "${BASH_SOURCE[0]}")/../..}
cd "$root"
export SKIPPED=77 # the exit code of a check that lacks its tool

# The project's files that match the patterns, one a line: what git tracks or would add. Outside a
# checkout all but hidden and build folders.
project_files() {
    local file

    if [ -e .git ]; then
        git ls-files --cached --others --exclude-standard -- "$@"
    else
        find . \( -name '.?*' -o -name build \) -prune -o -type f -printf '%P\n' | match_any "$@"
    fi | sort -u | while IFS= read -r file; do
        # Deleted files stay tracked until the next commit.
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

match_any() {
    local file pattern

    while IFS= read -r file; do
        [ $# -gt 0 ] || printf '%s\n' "$file"
        for pattern in "$@"; do
            # shellcheck disable=SC2053
            [[ $file != $pattern ]] || printf '%s\n' "$file"
        done
    done
}

# grep that succeeds when nothing matches.
search() {
    grep "$@" || [ $? -eq 1 ]
}

# Prints the violations on standard input; ends the check when there are any.
report() {
    local violations

    violations=$(cat)
    [ -n "$violations" ] || return 0
    printf '%s\n' "$violations" >&2
    exit 1
}
