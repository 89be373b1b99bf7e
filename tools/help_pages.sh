#!/bin/bash
# Makes the manual page and the bash completion from what the program's --help says, so that neither can
# name another option than the program has:
#
#     tools/help_pages.sh EXPORTER FOLDER
#
# FOLDER then has mysql_session_exporter.8 and mysql_session_exporter.bash.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: tools/help_pages.sh EXPORTER FOLDER" >&2; exit 2; }
exporter=$1 folder=$2
templates=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/deploy/debian

# A paragraph of --help that starts with a word, without the word.
paragraph_of() {
    awk -v start="$1" '
        index($0, start) == 1 { found = 1; sub(start " *", "") }
        found && (/^$/ || (seen && /^[A-Z][a-z ]*: /)) { exit }
        found { print; seen = 1 }' <<<"$help"
}

description() {
    awk '/^Usage:/ { next } /^ *--/ { exit } NF { print }' <<<"$help"
}

# "--option=VALUE<tab>description", one a line.
options() {
    awk '
        function finish() { if (name != "") print name "\t" text; name = "" }
        /^  --/ {
            finish()
            name = $1
            text = $0
            sub(/^  [^ ]+ */, "", text)
            next
        }
        name != "" && /^   / { sub(/^ +/, ""); text = text (text == "" ? "" : " ") $0; next }
        { finish() }
        END { finish() }' <<<"$help"
}

roff() {
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
}

option_paragraphs() {
    local name text

    while IFS=$'\t' read -r name text; do
        printf '.TP\n'
        case $name in
        *=*) printf '.BI %s= %s\n' "$(roff <<<"${name%%=*}")" "${name#*=}" ;;
        *) printf '.B %s\n' "$(roff <<<"$name")" ;;
        esac
        roff <<<"$text"
    done < <(options)
}

# Puts the text on standard input in place of the line @NAME@ of the file.
fill() {
    local text

    text=$(cat)
    TEXT=$text awk -v line="@$1@" '$0 == line { print ENVIRON["TEXT"]; next } { print }' "$2" >"$2.new"
    mv "$2.new" "$2"
}

help=$("$exporter" --help)
version=$("$exporter" --version)
version=${version#* }
manual=$folder/mysql_session_exporter.8
[ -n "$(options)" ] || { echo "help_pages.sh: $exporter --help names no option" >&2; exit 1; }
mkdir -p "$folder"
sed "s/@VERSION@/${version%% *}/" "$templates/mysql_session_exporter.8.in" >"$manual"
description | roff | fill DESCRIPTION "$manual"
option_paragraphs | fill OPTIONS "$manual"
paragraph_of Signals: | roff | fill SIGNALS "$manual"
paragraph_of 'Exit codes:' | roff | fill EXIT_CODES "$manual"
names=$(options | sed -E -e 's/\t.*//' -e 's/=.*/=/' | paste -sd ' ')
sed "s/@OPTIONS@/$names/" "$templates/mysql_session_exporter.bash.in" >"$folder/mysql_session_exporter.bash"
