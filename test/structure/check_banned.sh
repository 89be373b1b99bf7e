#!/bin/bash
# No banned function (core/banned.h) and no clock is called outside its one place. The compiler
# says so too; this sees what it does not: (name)(…), an #undef, and clocks that are not banned.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

other_clocks='clock|ftime|timespec_get|clock_nanosleep|adjtimex|__rdtsc'
places='core/clock.c:clock_gettime core/thread.c:clock_gettime test/bench/quota_model.c:clock_gettime'

banned=$(sed -nE 's/^#define ([a-z_]+)\(.*/\1/p' core/banned.h | paste -sd '|')
[ -n "$banned" ] || { echo "core/banned.h: bans nothing" >&2; exit 1; }

# shellcheck disable=SC2016
find_calls='
BEGIN {
    name = "(" names ")"
    count = split(places, list, " ")
    for (i = 1; i <= count; i++)
        is_place[list[i]] = 1
}
{
    gsub(/"([^"\\]|\\.)*"/, "\"\"")
    gsub(/\/\*.*\*\//, "")
    sub(/^[ \t]*(\/\*|\*[ \/]|\*$).*/, "")
    sub(/\/[\/*].*/, "")
    text = " " $0
    while (match(text, "[^A-Za-z0-9_](" name "|[(]" name "[)])[ \t]*[(]") ||
           match(text, "#[ \t]*undef[ \t]+" name "([^A-Za-z0-9_]|$)")) {
        found = substr(text, RSTART, RLENGTH)
        sub(/#[ \t]*undef/, "", found)
        gsub(/[^A-Za-z0-9_]/, "", found)
        if (!((FILENAME ":" found) in is_place))
            print FILENAME ":" FNR ": " found " is banned here"
        text = " " substr(text, RSTART + RLENGTH)
    }
}
'
# What goes to a terminal goes through core/terminal.c, which escapes it.
printing='printf|fprintf|vprintf|vfprintf|puts|fputs|fputc|putc|putchar|perror|fwrite'
printing_places='core/terminal.c:fputs'

{
    project_files '*.c' '*.h' | search -vE '^(core/banned\.h$|test/das_sim/)' |
        xargs -r awk -v "names=$banned|$other_clocks" -v "places=$places" "$find_calls"
    project_files '*.c' '*.h' | search -vE '^test/' |
        xargs -r awk -v "names=$printing" -v "places=$printing_places" "$find_calls"
} | report
