#!/bin/bash
# The sources are formatted as .clang-format says. Other versions of clang-format differ in details.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

VERSION=14

for tool in "clang-format-$VERSION" clang-format; do
    if "$tool" --version 2>/dev/null | search -q "version $VERSION\."; then
        project_files '*.c' '*.h' | { xargs -r -n 20 -P 2 "$tool" --dry-run -Werror 2>&1 || true; } |
            search -E '(error|warning):' | report
        exit 0
    fi
done
echo "clang-format $VERSION is not installed: the format is not checked"
exit "$SKIPPED"
