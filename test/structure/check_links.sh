#!/bin/bash
# No page has a dead relative link: the file is there, and so is the heading of an #anchor.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/structure/common.sh
. "$here/common.sh"

pages=$(project_files '*.md')
[ -n "$pages" ] || { echo "no pages found" >&2; exit 1; }
dead=$(/usr/bin/python3 "$here/links.py" <<<"$pages")
report <<<"$dead"
