#!/bin/bash
# Prints where prometheus or promtool is; without one installed, it unpacks the distribution's package
# into build/tools/, so that no service is started. Later runs need no network.
#
#     tools/prometheus.sh prometheus|promtool
set -euo pipefail

case ${1:-} in
prometheus | promtool) ;;
*)
    echo "usage: tools/prometheus.sh prometheus|promtool" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tree=$root/build/tools/prometheus

if command -v "$1"; then
    exit
fi
mkdir -p "$root/build/tools"
exec 9>"$root/build/tools/.prometheus.lock"
flock 9
if [ ! -x "$tree/usr/bin/$1" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work" "$tree.new"' EXIT
    # As root, apt downloads as a user of its own, who must be able to write here.
    chmod 755 "$work"
    (cd "$work" && apt-get -q -o APT::Sandbox::User=root download prometheus) >/dev/null 2>&1 9>&- || {
        echo "prometheus.sh: apt cannot download the package prometheus; check the network" >&2
        exit 1
    }
    rm -rf "$tree" "$tree.new"
    dpkg-deb -x "$work"/prometheus_*.deb "$tree.new"
    mv "$tree.new" "$tree"
fi
echo "$tree/usr/bin/$1"
