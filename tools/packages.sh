#!/bin/bash
# Installs the Debian packages that a purpose needs, those that are missing:
#
#     tools/packages.sh [--missing] PURPOSE...      of: build, simulator, demo, test, bench
#
# With --missing it prints them and installs nothing.
# It goes through apt as this machine has it set up. When nothing is missing it takes milliseconds
# and needs neither a network nor root. None of the packages starts a service.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log=$root/build/logs/packages.log

# What is packaged differently from one release of Debian to the next.
version_id=
distribution=
# shellcheck source=/dev/null
[ ! -r /etc/os-release ] || read -r distribution version_id < <(. /etc/os-release && echo "${ID:-other}" "${VERSION_ID:-}")

packages_of() {
    case $1 in
    build)
        echo gcc libc6-dev cmake ninja-build pkgconf dpkg-dev ca-certificates
        # CivetWeb is compiled from its source package; libcivetweb-dev is what to fall back to.
        echo libcurl4-openssl-dev libssl-dev libmariadb-dev libjansson-dev libcrypt-dev zlib1g-dev libinih-dev libcivetweb-dev
        ;;
    simulator)
        packages_of build
        echo libevent-dev
        ;;
    demo)
        packages_of simulator
        echo mariadb-server-core mariadb-client-core
        ;;
    test)
        packages_of demo
        echo libcmocka-dev python3 python3-cryptography git ccache curl openssl tinyproxy-bin wrk universal-ctags shellcheck clang libclang-rt-dev
        echo haproxy nginx-light
        # The packages and the image.
        echo debootstrap buildah systemd-container man-db python3-yaml
        # Other versions of these two judge differently; without them their checks are skipped.
        [ "$version_id" != 12 ] || echo clang-format-14 clang-tidy-14
        [ "$distribution" != debian ] || echo chromium # elsewhere it may be a package of another kind
        ;;
    bench)
        packages_of demo
        echo libcmocka-dev python3 wrk openssl git
        ;;
    *)
        echo "packages.sh: '$1' is no purpose, expected build, simulator, demo, test or bench" >&2
        return 2
        ;;
    esac
}

# Those of the arguments that are not installed.
missing_of() {
    local installed package

    installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
    for package; do
        [[ $installed == *" installed:$package "* ]] || printf '%s ' "$package"
    done
}

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null >>"$log" 2>&1
}

# A package of a server would start it; a policy of 101 forbids that while apt runs.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0

    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 0755 /dev/stdin "$policy"
    "$@" || status=$?
    "${as_root[@]}" rm -f "$policy"
    return "$status"
}

# Nor do servers that have come with the packages start at the next boot.
not_at_boot() {
    local service

    for service in haproxy nginx; do
        [[ " $* " != *" $service"* ]] || "${as_root[@]}" update-rc.d "$service" disable >>"$log" 2>&1 || true
    done
}

have_lists() {
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

install() {
    have_lists || apt update || true
    apt install --no-install-recommends "$@" && return
    echo "    once more, with fresh package lists" >&2
    apt update && apt install --no-install-recommends "$@"
}

# What apt complained about, without the addresses of this machine's package sources.
explain_failure() {
    {
        echo "packages.sh: apt could not install: $*"
        grep '^E: ' "$log" | sed -E 's#(https?|ftp)://[^ ]+#(a package source)#g' | sort -u | tail -n 5 || true
        echo "Check the network and that 'apt-get update' works; the whole output is in ${log#"$root/"}."
    } >&2
}

only_print=
if [ "${1:-}" = --missing ]; then
    only_print=yes
    shift
fi
[ $# -gt 0 ] || { echo "usage: tools/packages.sh [--missing] PURPOSE..." >&2; exit 2; }
wanted=$(for purpose; do packages_of "$purpose" || exit; done | tr ' ' '\n' | sort -u)
if ! command -v apt-get >/dev/null; then
    echo "packages.sh: this is no Debian or Ubuntu; install what corresponds to:" "${wanted//$'\n'/ }" >&2
    exit 1
fi
mapfile -t wanted <<<"$wanted"
read -ra missing <<<"$(missing_of "${wanted[@]}")"
[ ${#missing[@]} -gt 0 ] || exit 0
[ -z "$only_print" ] || { echo "${missing[*]}"; exit; }

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "packages.sh: packages are missing and this is neither root nor is there sudo. As root, run:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
mkdir -p "${log%/*}"
: >"$log"
echo "    installing ${#missing[@]} packages: ${missing[*]}" >&2
without_services install "${missing[@]}" || { explain_failure "${missing[@]}"; exit 1; }
not_at_boot "${missing[@]}"
