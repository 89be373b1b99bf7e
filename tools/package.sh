#!/bin/bash
# Builds the release and its Debian package, and prints the package's path:
#
#     tools/package.sh [FOLDER]      FOLDER: where it goes; build/package otherwise
#
# With the same sources, tools and libraries it is the same to the byte wherever it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tools/build.sh
. tools/build.sh

folder=${1:-build/package}
log=build/logs/package.log
mkdir -p "$folder" build/logs
# Two at a time would build in the same folder.
exec 9>build/logs/package.lock
flock 9
rm -f "$folder"/mysql-session-exporter_*.deb
{ build_release && build_package "$folder"; } >"$log" 2>&1 9>&- || {
    tail -n 20 "$log" >&2
    echo "package.sh: failed; the whole output is in $log" >&2
    exit 1
}
echo "$folder"/mysql-session-exporter_*.deb
