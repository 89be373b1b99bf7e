#!/bin/sh
# Fetches the distribution's source package PACKAGE and unpacks it as DESTDIR/PACKAGE.
#
#     cmake/source_package.sh PACKAGE DESTDIR
#
# It goes through apt as this machine has it set up (mirrors, proxies, keys), in a private
# configuration with deb-src entries derived from the machine's own entries; nothing of the system
# is changed and root is not needed. apt verifies the signed lists, dpkg-source the checksums.
# A tree that is there already is used again when it still is what DESTDIR/PACKAGE.SHA256SUMS says.
# Success: nothing is printed, exit 0. Failure: one line on standard error, exit 1; 2 for wrong use.
# Needs apt and dpkg-dev. What apt itself says names mirrors, so it is never shown nor kept.
set -u
export LC_ALL=C
umask 022

fail() {
    echo "source_package.sh: $1" >&2
    exit "${2:-1}"
}

[ $# -eq 2 ] || fail "usage: source_package.sh PACKAGE DESTDIR" 2
package=$1
case $package in
'' | [!a-z0-9]* | *[!a-z0-9+.-]*) fail "'$package' is not the name of a source package" 2 ;;
esac
mkdir -p "$2" 2>/dev/null || fail "cannot make the folder $2"
destination=$(cd "$2" && pwd) || fail "cannot enter the folder $2"
tree=$destination/$package
sums=$destination/$package.SHA256SUMS

# One line per file of the tree $1, in a stable order.
tree_sums() {
    (cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

tree_is_intact() {
    [ -d "$tree" ] && [ -s "$sums" ] && tree_sums "$tree" 2>/dev/null | cmp -s - "$sums"
}

# Parallel builds that share DESTDIR wait here for each other.
command -v flock >/dev/null 2>&1 || fail "flock is missing; install the package util-linux"
exec 9>"$destination/.$package.lock" || fail "cannot write to the folder $destination"
flock -w 600 9 || fail "another build has been fetching $package for 10 minutes; remove $destination and retry"
tree_is_intact && exit 0

for tool in apt-get dpkg-source awk sha256sum cmp; do
    command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing; install the packages apt, dpkg-dev and diffutils"
done

work=$(mktemp -d) || fail "cannot make a temporary folder"
trap 'rm -rf "$work" "$destination/.$package.new"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/etc/conf.d" "$work/etc/sources.d" "$work/etc/preferences.d" "$work/state/lists/partial" \
    "$work/cache/archives/partial" "$work/download" || fail "cannot make a temporary folder"

ID=debian
VERSION_CODENAME=
# shellcheck disable=SC1091
[ -r /etc/os-release ] && . /etc/os-release

# deb-src entries for the distribution's own archive: its suites, its free components, its keys.
# Entries of anyone else (other suites, components or keyrings) are left out.
derive_entries='
function own_suite(suite,    base) {
    base = suite
    sub(/(-updates|-security|\/updates)$/, "", base)
    return base == codename || base ~ /^(stable|oldstable|testing|unstable|sid)$/
}
function own_keyring(signer) {
    return signer !~ /^[ \t]*\// || signer ~ ("/" id "-archive-")
}
function pick(words, wanted,    list, n, i, picked) {
    n = split(words, list, /[ \t\n]+/)
    for (i = 1; i <= n; i++) {
        if (list[i] == "")
            continue
        if (wanted == "suites" ? own_suite(list[i]) : list[i] ~ /^(main|universe)$/)
            picked = picked " " list[i]
    }
    return picked
}
'
# shellcheck disable=SC2016 # the program is awk's
derive_oneline=$derive_entries'
$1 == "deb" || $1 == "deb-src" {
    sub(/#.*/, "")
    sub(/^[ \t]*deb(-src)?[ \t]+/, "")
    options = ""
    if (match($0, /^\[[^]]*\][ \t]*/)) {
        options = substr($0, 1, RLENGTH)
        $0 = substr($0, RLENGTH + 1)
    }
    signer = ""
    if (match(options, /signed-by=[^] \t]+/))
        signer = substr(options, RSTART + 10, RLENGTH - 10)
    uri = $1
    suites = pick($2, "suites")
    $1 = $2 = ""
    components = pick($0, "components")
    if (suites != "" && components != "" && own_keyring(signer))
        print "deb-src " options uri suites components
}
'
# shellcheck disable=SC2016 # the program is awk's
derive_deb822=$derive_entries'
function flush(    name, suites, components) {
    suites = pick(field["suites"], "suites")
    components = pick(field["components"], "components")
    if (field["types"] ~ /deb/ && tolower(field["enabled"]) !~ /no|false|off|0/ && suites != "" &&
        components != "" && own_keyring(field["signed-by"])) {
        print "Types: deb-src\nSuites:" suites "\nComponents:" components
        for (name in field)
            if (name !~ /^(types|enabled|suites|components|architectures|languages|targets)$/)
                print name ":" field[name]
        print ""
    }
    split("", field)
}
/^#/ { next }
/^[ \t]*$/ { flush(); next }
/^[ \t]/ { field[last] = field[last] "\n" $0; next }
{
    colon = index($0, ":")
    last = tolower(substr($0, 1, colon - 1))
    field[last] = substr($0, colon + 1)
}
END { flush() }
'
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] && awk -v codename="$VERSION_CODENAME" -v id="$ID" "$derive_oneline" "$file"
done >"$work/etc/sources.d/derived.list" 2>/dev/null
for file in /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] && awk -v codename="$VERSION_CODENAME" -v id="$ID" "$derive_deb822" "$file"
done >"$work/etc/sources.d/derived.sources" 2>/dev/null
[ -s "$work/etc/sources.d/derived.list" ] || [ -s "$work/etc/sources.d/derived.sources" ] ||
    fail "no apt entry of the distribution's own archive in /etc/apt; is this Debian or Ubuntu?"

# The machine's own settings stay (proxies, certificates), its hooks do not run.
for file in /etc/apt/apt.conf.d/*; do
    [ -r "$file" ] && cp "$file" "$work/etc/conf.d/" 2>/dev/null
done
cat >"$work/etc/conf.d/zz-private.conf" <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/etc/sources.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$work/etc/preferences.d";
Dir::State "$work/state";
Dir::State::lists "$work/state/lists";
Dir::State::status "/dev/null";
Dir::Cache "$work/cache";
Dir::Log "$work";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
END
[ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";' >>"$work/etc/conf.d/zz-private.conf"
echo "Dir::Etc::parts \"$work/etc/conf.d\";" >"$work/apt.conf"
export APT_CONFIG="$work/apt.conf"

apt-get update -q </dev/null >/dev/null 2>&1 9>&- ||
    fail "apt cannot read the distribution's source lists; check the network and that 'apt-get update' works"
(cd "$work/download" &&
    apt-get source -q -y --only-source --download-only "$package" </dev/null >/dev/null 2>&1 9>&-) ||
    fail "apt cannot download the source package $package; check the network and that the archive has it"
set -- "$work"/download/*.dsc
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
    fail "apt downloaded no source package for $package"
fi

rm -rf "$destination/.$package.new"
dpkg-source -q --no-copy -x "$1" "$destination/.$package.new" </dev/null >/dev/null 2>&1 9>&- ||
    fail "the source package $package does not unpack: wrong checksum, or no room in $destination"
rm -rf "$tree" "$sums"
if ! mv "$destination/.$package.new" "$tree" || ! tree_sums "$tree" >"$sums.new" || ! mv "$sums.new" "$sums"; then
    fail "cannot write to the folder $destination"
fi
