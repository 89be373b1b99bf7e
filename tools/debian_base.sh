#!/bin/bash
# Prints the path of a tar file with a minimal Debian, made by debootstrap and kept in build/cache:
#
#     tools/debian_base.sh SUITE
#
# Needs root, and a network the first time. Exit code 77 when it cannot be had here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -eq 1 ] || { echo "usage: tools/debian_base.sh SUITE" >&2; exit 2; }
suite=$1
base=$PWD/build/cache/debian-$suite.tar

skip() {
    echo "skipped: $1" >&2
    exit 77
}

mkdir -p "${base%/*}" build/logs
exec 9>"$base.lock"
flock 9
[ ! -s "$base" ] || { echo "$base"; exit; }
[ "$(id -u)" -eq 0 ] || skip "only root can make a root file system"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
tree=$(mktemp -d "$base.XXXXXX")
trap 'rm -rf "$tree" "$base.new"' EXIT
chmod 755 "$tree"
debootstrap --variant=minbase "$suite" "$tree" >build/logs/debootstrap.log 2>&1 9>&- ||
    skip "debootstrap cannot make $suite here; is there a network? Its output is in build/logs/debootstrap.log"
rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log
tar -C "$tree" --numeric-owner -cf "$base.new" .
mv "$base.new" "$base"
echo "$base"
