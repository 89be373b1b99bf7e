#!/bin/bash
# Builds the release and its package twice, in two folders with different names and depths, and compares
# program and package byte by byte:
#
#     tools/reproducible.sh
#
# They also have different time zones, languages and umasks. The compiler cache is off, so that both builds
# really compile. Exit code 0 when nothing differs, else 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d "${TMPDIR:-/tmp}/session_exporter_reproducible.XXXXXX")
trap 'rm -rf "$folder"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
export SOURCE_DATE_EPOCH REVISION CCACHE_DISABLE=1 CMAKE_C_COMPILER_LAUNCHER=

# What git knows or would add, as it is now; and CivetWeb, which is fetched once.
copy_tree() {
    mkdir -p "$1/build"
    if [ -e .git ]; then
        git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
            [ ! -f "$file" ] || printf '%s\0' "$file"
        done
    else
        find . \( -name '.?*' -o -name build \) -prune -o -type f -print0
    fi | tar --null -T - -cf - | tar -C "$1" -xf -
    [ ! -d build/sources ] || cp -a build/sources "$1/build/"
}

# build FOLDER UMASK
build() {
    copy_tree "$1"
    (umask "$2" && "$1/tools/package.sh" >/dev/null)
}

different=0
compare() {
    local one two

    one=$(sha256sum <"$1")
    two=$(sha256sum <"$2")
    if [ "$one" = "$two" ]; then
        echo "same       ${1##*/}  sha256 ${one%% *}"
    else
        echo "DIFFERENT  ${1##*/}: $(cmp "$1" "$2" 2>&1 | sed 's/.*differ: //' || true)"
        different=1
    fi
}

one=$folder/one two=$folder/another/much/deeper/folder
LC_ALL=C TZ=UTC build "$one" 022
LC_ALL=C.UTF-8 TZ=Asia/Shanghai build "$two" 027
compare "$one"/build/release/mysql_session_exporter "$two"/build/release/mysql_session_exporter
compare "$one"/build/package/*.deb "$two"/build/package/*.deb
if [ "$different" -ne 0 ] && [ -n "${KEEP:-}" ]; then
    trap - EXIT
    echo "kept: $folder" >&2
fi
exit "$different"
