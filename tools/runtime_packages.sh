#!/bin/bash
# Prints the packages with the libraries that a program was linked with, and those named besides:
#
#     tools/runtime_packages.sh PROGRAM [PACKAGE...]
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: tools/runtime_packages.sh PROGRAM [PACKAGE...]" >&2; exit 2; }
program=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# It wants to run in the tree of a source package.
mkdir debian
echo 'Source: program' >debian/control
depends=$(dpkg-shlibdeps -O -e"$program" 2>/dev/null)
[[ $depends == shlibs:Depends=* ]] || { echo "runtime_packages.sh: dpkg-shlibdeps knows nothing of $program" >&2; exit 1; }
{
    sed -E -e 's/^[^=]*=//' -e 's/ *\([^)]*\)//g' -e 's/, */\n/g' <<<"$depends"
    [ $# -eq 0 ] || printf '%s\n' "$@"
} | sort -u
