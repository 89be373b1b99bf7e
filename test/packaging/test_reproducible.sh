#!/bin/bash
# Two builds in two folders make the same program and the same package, to the byte.
# shellcheck source=test/packaging/common.sh
. "$(dirname "$0")/common.sh"

tools/reproducible.sh
