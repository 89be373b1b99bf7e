#!/bin/bash
# The READMEs are complete and in step: every metric and every configuration key is described, both
# languages have the same outline, tables and code, and no relative link of any page is dead.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

readmes=(README.md README.zh-CN.md)

# "file:line name" of each family as it is exported: counters end in _total.
families() {
    awk '
        /^ *\.name = "/ { split($0, part, "\""); name = part[2]; line = FNR }
        /^ *\.type = FAMILY_/ { print FILENAME ":" line, name (/FAMILY_COUNTER/ ? "_total" : "") }
    ' metrics/family.c
}

# The same of the optional metrics; those with a label of their own have an overflow family.
optional_families() {
    awk -F '"' '
        /^ *(NODE|KEYED)\([A-Z]/ { print FILENAME ":" FNR, $2 }
        /^ *KEYED\([A-Z]/ { print FILENAME ":" FNR, $2 "_overflow" }
    ' core/optional_metrics.h
}

check_families() {
    local place name page

    while read -r place name; do
        for page in "${readmes[@]}" docs/metrics.md; do
            grep -qwF -- "$name" "$page" || echo "$place: $name is missing in $page"
        done
    done < <(families; optional_families)
}

# "line | section | key | default" of each row of a table of keys, with the default in column $2.
keys() {
    awk -F ' *[|] *' -v column="$2" '
        $2 ~ /^`\[[^`]*\]`$/ && $3 ~ /^`/ {
            split($3, part, "`")
            print FNR " | " $2 " | " part[2] " | " $(column + 1)
        }
    ' "$1"
}

check_keys() {
    local page row

    for page in "${readmes[@]}"; do
        while IFS= read -r row; do
            keys "$page" 3 | grep -qF -- " ${row#* }" ||
                echo "docs/config.md:${row%% *}: ${row#* | } is missing or different in $page"
        done < <(keys docs/config.md 4)
    done
}

# What must not differ between languages: headings without their text, rows of tables, code.
outline() {
    awk '
        /^```/ { code = !code; print FNR "\t" $0; next }
        code { print FNR "\t" $0; next }
        /^#+ / { print FNR "\t" $1 " a heading"; next }
        /^[|]/ { print FNR "\t| a row" }
    ' "$1"
}

# Only the first difference: the others mostly follow from it.
check_outlines() {
    paste <(outline "${readmes[0]}") <(outline "${readmes[1]}") | awk -F '\t' -v a="${readmes[0]}" -v b="${readmes[1]}" '
        $2 != $4 {
            print a ":" $1 ": \"" $2 "\" but " b ":" $3 ": \"" $4 "\""
            exit
        }
    '
}

# "line target" of each link outside of code.
links() {
    awk '
        /^ *```/ { code = !code }
        code { next }
        {
            gsub(/`[^`]*`/, "")
            while (match($0, /\]\([^)]*\)/)) {
                target = substr($0, RSTART + 2, RLENGTH - 3)
                sub(/[ \t].*/, "", target)
                print FNR, target
                $0 = substr($0, RSTART + RLENGTH)
            }
        }
    ' "$1"
}

check_links() {
    local page line target

    while IFS= read -r page; do
        while read -r line target; do
            [[ ! $target =~ ^([a-z]+:|#|$) ]] || continue
            [ -e "$(dirname "$page")/${target%%#*}" ] || echo "$page:$line: there is no $target"
        done < <(links "$page")
    done
}

for file in "${readmes[@]}" docs/config.md docs/metrics.md metrics/family.c core/optional_metrics.h; do
    [ -f "$file" ] || echo "$file: is missing"
done | report
# Should the sources change their form, the checks must not pass because they see nothing.
[ -n "$(families)" ] || { echo "metrics/family.c: no families found" >&2; exit 1; }
[ -n "$(optional_families)" ] || { echo "core/optional_metrics.h: no families found" >&2; exit 1; }
[ -n "$(keys docs/config.md 4)" ] || { echo "docs/config.md: no keys found" >&2; exit 1; }
{
    check_families
    check_keys
    check_outlines
    project_files '*.md' | check_links
} | report
