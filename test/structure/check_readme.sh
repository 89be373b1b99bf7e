#!/bin/bash
# The pages for newcomers are complete and in step: every metric is in both READMEs, every key in both pages
# of keys, and each page X.zh-CN.md has the outline, the tables and the code of X.md.
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
    ' config/optional_metrics.h
}

check_families() {
    local place name page

    while read -r place name; do
        for page in "${readmes[@]}" docs/metrics.md; do
            grep -qwF -- "$name" "$page" || echo "$place: $name is missing in $page"
        done
    done < <(families; optional_families)
}

# "line | section | key | key_file | default" of each row of a table of keys.
keys() {
    awk -F ' *[|] *' '
        $2 ~ /^`\[[^`]*\]`$/ && $3 ~ /^`/ {
            split($3, part, "`")
            print FNR " | " $2 " | " part[2] " | " part[4] " | " $5
        }
    ' "$1"
}

# docs/config.md has what the program says; another test sees to that.
check_keys() {
    local page=docs/config.zh-CN.md row

    while IFS= read -r row; do
        keys "$page" | grep -qF -- " ${row#* }" ||
            echo "docs/config.md:${row%% *}: ${row#* | } is missing or different in $page"
    done < <(keys docs/config.md)
}

# What must not differ between languages: headings without their text, rows of tables, code.
outline() {
    awk '
        /^ *```/ { code = !code; print FNR "\t" $0; next }
        code { print FNR "\t" $0; next }
        /^#+ / { print FNR "\t" $1 " a heading"; next }
        /^[|]/ { print FNR "\t| a row" }
    ' "$1"
}

# Only the first difference: the others mostly follow from it.
check_outlines() {
    local translation page

    while IFS= read -r translation; do
        page=${translation%.zh-CN.md}.md
        [ -f "$page" ] || { echo "$translation: there is no $page"; continue; }
        paste <(outline "$page") <(outline "$translation") | awk -F '\t' -v a="$page" -v b="$translation" '
            $2 != $4 {
                print a ":" $1 ": \"" $2 "\" but " b ":" $3 ": \"" $4 "\""
                exit
            }
        '
    done
}

for file in "${readmes[@]}" docs/config.md docs/config.zh-CN.md docs/metrics.md metrics/family.c \
    config/optional_metrics.h; do
    [ -f "$file" ] || echo "$file: is missing"
done | report
# Should the sources change their form, the checks must not pass because they see nothing.
[ -n "$(families)" ] || { echo "metrics/family.c: no families found" >&2; exit 1; }
[ -n "$(optional_families)" ] || { echo "config/optional_metrics.h: no families found" >&2; exit 1; }
[ -n "$(keys docs/config.md)" ] || { echo "docs/config.md: no keys found" >&2; exit 1; }
{
    check_families
    check_keys
    project_files '*.zh-CN.md' | check_outlines
} | report
