#!/bin/bash
# The first command: installs what is missing, builds the exporter and runs it. See ./run.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/steps.sh
. tools/steps.sh
# shellcheck source=tools/build.sh
. tools/build.sh

DEFAULT_PORT=10104
EXPORTER=$PWD/build/release/mysql_session_exporter

usage() {
    cat <<END
usage: ./run.sh [--config FILE] [--port N] [-- OPTION...]
       ./run.sh --build-only

Installs the packages that are missing (Debian 12 or 13, as root or with sudo), builds the release and
runs it. The first run takes a minute or two, later ones take seconds and need no network.

  (no argument)  A demonstration with nothing to prepare: the real exporter reads a private MariaDB
                 with about 40 invented instances and asks a simulator in place of Alibaba Cloud. All of
                 it listens on this machine only and lives in a temporary folder. Ctrl-C ends it and
                 leaves nothing behind.
  --config FILE  Your own database and accounts instead. exporter.ini is the commented reference:
                 copy it, fill in [mysql] and one [account UID] per account.
  --build-only   Only install and build: build/release/mysql_session_exporter.
  --port N       Serve on 127.0.0.1:N. The demonstration takes $DEFAULT_PORT, or the next free port;
                 with --config the file decides.
  -- OPTION...   Further options of the exporter.

examples:
  ./run.sh
  ./run.sh --port 9105 -- --log.level=debug
  ./run.sh --config my.ini -- --check       try a configuration without starting anything
  ./run.sh --config my.ini
END
}

fail_usage() {
    echo "run.sh: $1; see ./run.sh --help" >&2
    exit 2
}

parse_arguments() {
    build_only='' config='' port='' exporter_options=()
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h) usage; exit ;;
        --build-only) build_only=yes ;;
        --config=* | --port=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
        --config) config=${2-}; [ -n "$config" ] || fail_usage "--config needs a file"; shift ;;
        --port) port=${2-}; shift ;;
        --) shift; exporter_options=("$@"); break ;;
        *) fail_usage "unknown argument '$1'" ;;
        esac
        shift || fail_usage "an argument lacks its value"
    done
    if ! [[ $port =~ ^([1-9][0-9]{0,4})?$ ]] || [ "${port:-1}" -gt 65535 ]; then
        fail_usage "--port is '$port', expected a number from 1 to 65535"
    fi
    if [ -n "$config" ]; then
        [[ $config == /* ]] || config=$started_in/$config
        [ -r "$config" ] || fail_usage "cannot read the configuration $config"
    fi
}

build_exporter() {
    step_begin "release build"
    step_run build/logs/release.log build_release
    step_end "build/release/mysql_session_exporter"
}

started_in=$OLDPWD
parse_arguments "$@"

if [ -n "$build_only" ] || [ -n "$config" ]; then
    steps_total=2
    step_packages build
    build_exporter
    [ -z "$build_only" ] || exit 0
    [ -z "$port" ] || exporter_options=("--web.listen-address=127.0.0.1:$port" "${exporter_options[@]}")
    cd "$started_in"
    exec "$EXPORTER" "--config.file=$config" "${exporter_options[@]}"
fi

# shellcheck source=demo/demo.sh
. demo/demo.sh
steps_total=6
step_packages demo
build_exporter
demo_run
