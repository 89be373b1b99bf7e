#!/bin/bash
# The layers: which folder may include which, and which file may include which library.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

folders='core|config|db|das|metrics|collectors|schedule|http|app'

# What the file $1 may include of the project, as a regular expression.
allowed_headers() {
    case $1 in
    core/*) echo '^core/' ;;
    config/*) echo '^(core|config)/' ;;
    db/*) echo '^(core|config|db)/' ;;
    das/keyring/*) echo '^(core|config|das)/' ;;
    das/*) echo '^(core|config)/|^das/[^/]+$' ;;
    metrics/*) echo '^(core|config|metrics)/' ;;
    collectors/collector.h) echo '^((core|config)/|db/inventory\.h$|metrics/batch\.h$)' ;;
    collectors/*) echo '^((core|config|das|metrics|collectors)/|db/inventory\.h$)' ;;
    schedule/*) echo '^((core|config|metrics|schedule)/|collectors/collector\.h$|db/inventory\.h$)' ;;
    http/*) echo '^((core|config|metrics|http)/|schedule/(refresh|status)\.h$)' ;;
    test/*) echo "^($folders|test)/" ;;
    *) echo "^($folders)/" ;; # exporter.c and app/: the wiring
    esac
}

# The files, as a regular expression, that may include the library header $1.
library_users() {
    case $1 in
    civetweb.h) echo '^http/server(_request)?\.c$' ;;
    mysql.h | mysql/* | mariadb/* | errmsg.h | mysqld_error.h) echo '^db/(source|source_mysql|mysql_connection|mysql_session)\.c$' ;;
    curl/*) echo '^(app/commands/health|das/(transport|url))\.c$' ;;
    jansson.h) echo '^(das/(keyring/sources/credentials_reply|reply)\.c|http/.*)$' ;;
    ini.h) echo '^config/ini\.c$' ;;
    *) echo . ;;
    esac
}

check_project_header() {
    local place=$1 file=${1%%:*} header=$2

    if ! [[ $header =~ ^[a-z0-9_]+(/[a-z0-9_]+)+\.h$ ]]; then
        echo "$place: \"$header\" is not written \"folder/name.h\""
    elif ! [[ $header =~ $(allowed_headers "$file") ]]; then
        echo "$place: this layer may not include \"$header\""
    fi
}

check_library_header() {
    local place=$1 file=${1%%:*} header=$2

    if [[ $header =~ ^($folders)/ ]]; then
        echo "$place: <$header> is of the project, write \"$header\""
    elif [[ $file != test/* ]] && ! [[ $file =~ $(library_users "$header") ]]; then
        echo "$place: <$header> may not be included here"
    fi
}

# The simulator stands alone: it shares no code with the exporter, nor the exporter with it.
check_simulator_header() {
    if [[ $2 == */* ]]; then
        echo "$1: the simulator may not include \"$2\""
    fi
}

check_include_lines() {
    local place directive

    while IFS=$'\t' read -r place directive; do
        case $place,$directive in
        test/das_sim/*,\"*) check_simulator_header "$place" "${directive:1:-1}" ;;
        *,\"*) check_project_header "$place" "${directive:1:-1}" ;;
        *,\<*) check_library_header "$place" "${directive:1:-1}" ;;
        *) echo "$place: an include by macro" ;;
        esac
    done
}

# One line per include: file:line, a tab, and <header> or "header".
include_lines() {
    xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include' |
        sed -E 's/^([^:]*:[0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*(<[^>]*>|"[^"]*"|.*).*/\1\t\2/'
}

check_own_header_first() {
    local file header first

    while IFS= read -r file; do
        header=${file%.c}.h
        [ -f "$header" ] || continue
        [[ $file != test/das_sim/* ]] || header=${header##*/}
        first=$(search -m1 -oE '^[[:space:]]*#[[:space:]]*include.*' "$file")
        [[ $first == *"\"$header\"" ]] || echo "$file: does not include \"$header\" first"
    done
}

{
    project_files '*.c' '*.h' | include_lines | check_include_lines
    project_files '*.c' | check_own_header_first
} | report
