#!/bin/bash
# Runs one fuzz target for FUZZ_SECONDS (20) from its kept corpus and from what earlier runs came upon:
#
#     run.sh PROGRAM CORPUS
#
# What it comes upon now, inputs that fail included, goes into found/NAME beside the program.
set -euo pipefail

program=$1
corpus=$2
name=${program##*/fuzz_}
found=${program%/*}/found/$name
mkdir -p "$found"
began=$(mktemp "$found/.began.XXXXXX")
trap 'rm -f "$began"' EXIT

# Whatever waits for something beside it comes first.
nice -n 19 "$program" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$found/" \
    "$found" "$corpus" && exit
status=$?
echo
find "$found" -newer "$began" -name '*-*' ! -name 'slow-unit-*' -printf '%p\n' | while IFS= read -r input; do
    echo "fails: $input"
    echo "       again: $program $input"
done
echo "       mended, a copy of it in $corpus keeps it so"
exit "$status"
