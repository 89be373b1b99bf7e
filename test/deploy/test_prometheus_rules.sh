#!/bin/bash
# The example configuration and the rules for Prometheus are valid, and their unit tests pass.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
promtool=${PROMTOOL:-$("$root/tools/prometheus.sh" promtool)} || exit 77
cd "$root/deploy/prometheus"

"$promtool" check config prometheus.yml
"$promtool" check rules --lint=all --lint-fatal ./*_rules.yml
"$promtool" test rules tests/*_test.yml
