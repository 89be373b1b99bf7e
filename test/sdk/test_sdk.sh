#!/bin/bash
# Installs the platform's SDK for Node, in the versions of package-lock.json, into the folder $1 and runs test_sdk.js.
# Skipped where npm is not installed or finds no registry.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
installed=$1

skip() {
    echo "skipped: $1"
    exit 77
}

install_sdk() {
    mkdir -p "$installed"
    cp "$here/package.json" "$installed/"
    cmp -s "$here/package-lock.json" "$installed/package-lock.json" && [ -d "$installed/node_modules" ] && return
    rm -rf "$installed/node_modules"
    cp "$here/package-lock.json" "$installed/"
    npm ci --prefix "$installed" --ignore-scripts --no-audit --no-fund --fetch-retries 1 >"$installed/npm.log" 2>&1 && return
    rm -rf "$installed/node_modules"
    # The lock file is ours to mend; all else is between npm and the network.
    ! grep -E 'code (EUSAGE|EINTEGRITY|ERESOLVE)' "$installed/npm.log" || exit 1
    skip "npm could not install the SDK: $(grep -m 1 -oE 'code E[A-Z0-9_]+' "$installed/npm.log" || echo "see npm.log")"
}

make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/certificate.pem" -days 2 \
        -subj /CN=das_sim -addext subjectAltName=IP:127.0.0.1 2>/dev/null
}

for program in node npm openssl; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
install_sdk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_certificate
cp "$here/test_sdk.js" "$installed/"
env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY \
    CERTIFICATE="$work/certificate.pem" KEY="$work/key.pem" NODE_EXTRA_CA_CERTS="$work/certificate.pem" \
    node --test "$installed/test_sdk.js"
