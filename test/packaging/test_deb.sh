#!/bin/bash
# The Debian package in a root file system of its own: installed, upgraded, removed and purged.
# shellcheck source=test/packaging/common.sh
. "$(dirname "$0")/common.sh"

PACKAGE=mysql-session-exporter
USER_NAME=mysql_session_exporter
CONFIG=/etc/mysql_session_exporter/exporter.ini
CREDENTIALS=/run/credentials/mysql_session_exporter.service

[ "$(id -u)" -eq 0 ] || skip "only root can install a package into a root file system"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
base=$(tools/debian_base.sh "$suite") || exit

mkdir -p build/cache/debs
work=$(mktemp -d "$PWD/build/deb.XXXXXX")
root=$work/root
# shellcheck disable=SC2317 # the trap calls it
stop() {
    ! mountpoint -q "$root/var/cache/apt/archives" || umount "$root/var/cache/apt/archives"
    rm -rf --one-file-system "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP
deb=$(tools/package.sh "$work/package")

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" chroot "$root" "$@"
}

# Everything a package could leave behind: path, type, mode, owner.
snapshot() {
    (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./tmp \
        -o -path ./deb \) -prune -o ! -name '*-' -printf '%p %y %m %U:%G\n' | sort)
    cat "$root"/etc/{passwd,group}
}

mode_of() {
    inside stat -c '%a %U:%G' "$1"
}

# The same package a version later, its configuration file changed.
make_upgrade() {
    dpkg-deb -R "$deb" "$work/next"
    sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
    echo '# of version 99' >>"$work/next$CONFIG"
    (cd "$work/next" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -b "$work/next" "$root/deb/next.deb" >/dev/null
}

mkdir "$root"
tar -C "$root" -xf "$base"
mkdir -p "$root/deb" "$root/var/cache/apt/archives"
cp "$deb" "$root/deb/this.deb"
make_upgrade
mount --bind build/cache/debs "$root/var/cache/apt/archives" 2>/dev/null || true
inside apt-get -q -o APT::Sandbox::User=root update >build/logs/deb-apt.log 2>&1 ||
    skip "the package lists cannot be had; is there a network?"
inside apt-get -q -y -o APT::Sandbox::User=root -o APT::Keep-Downloaded-Packages=true --no-install-recommends \
    satisfy "systemd-standalone-sysusers, $(dpkg-deb -f "$deb" Depends)" >>build/logs/deb-apt.log 2>&1 || {
    tail -n 20 build/logs/deb-apt.log
    skip "what the package depends on cannot be had"
}
before=$(snapshot)

fact "it installs" inside dpkg -i /deb/this.deb
fact "the program runs" inside mysql_session_exporter --version
same "the configuration can be read by the service alone" "640 root:$USER_NAME" "$(mode_of $CONFIG)"
same "its folder is root's" "755 root:root" "$(mode_of ${CONFIG%/*})"
same "the credentials are root's alone" "700 root:root" "$(mode_of ${CONFIG%/*}/credentials)"
same "the program is root's" "755 root:root" "$(mode_of /usr/bin/mysql_session_exporter)"
same "nothing of it can be written by others" "" \
    "$(inside dpkg -L $PACKAGE | while read -r path; do inside find "$path" -maxdepth 0 -perm /022 ! -type l; done)"
same "its user cannot log in" "/usr/sbin/nologin" "$(inside getent passwd $USER_NAME | cut -d: -f7)"
same "its user is of the system" "yes" "$(inside id -u $USER_NAME | awk '{ print $1 < 1000 ? "yes" : "no" }')"
fact "the manual page is one" inside sh -c "zcat /usr/share/man/man8/mysql_session_exporter.8.gz | grep -q '^\.SH OPTIONS'"
same "all files are as packed" "" "$(inside dpkg --verify $PACKAGE)"
# shellcheck disable=SC2016 # the inner shell expands it
fact "the unit starts the program that is there" inside sh -c \
    'test -x "$(sed -n "s/^ExecStart=\([^ ]*\).*/\1/p" /usr/lib/systemd/system/mysql_session_exporter.service)"'

# The configuration as it is shipped, the credentials as the unit passes them; there is no database here.
mkdir -p "$root$CREDENTIALS"
sed -n "s|^[a-z_]*_file = $CREDENTIALS/||p" "$root$CONFIG" | while read -r name; do
    echo invented >"$root$CREDENTIALS/$name"
done
inside chown -R "$USER_NAME" "$CREDENTIALS"
chmod -R u=rwX,go= "$root$CREDENTIALS"
fact "its user finds the configuration valid" bash -c "
    chroot --userspec=$USER_NAME '$root' mysql_session_exporter --config.file=$CONFIG --check 2>&1 |
        grep -F 'configuration: $CONFIG is valid'"
rm -rf "${root:?}/run/credentials"

fact "the maintainer script can run again" inside "/var/lib/dpkg/info/$PACKAGE.postinst" configure 0.1.0
echo '# an edit' >>"$root$CONFIG"
fact "it upgrades" inside dpkg --force-confdef -i /deb/next.deb
same "an edited configuration is kept" "# an edit" "$(tail -n 1 "$root$CONFIG")"
same "with its mode and owner" "640 root:$USER_NAME" "$(mode_of $CONFIG)"
same "the new one is beside it" "# of version 99" "$(tail -n 1 "$root$CONFIG.dpkg-dist")"
echo secret >"$root${CONFIG%/*}/credentials/MYSQL_PASSWORD"
fact "it is removed" inside dpkg -r $PACKAGE
same "the configuration stays" "# an edit" "$(tail -n 1 "$root$CONFIG")"
same "so do the credentials" "secret" "$(cat "$root${CONFIG%/*}/credentials/MYSQL_PASSWORD")"
fact "the program is gone" inside test ! -e /usr/bin/mysql_session_exporter
fact "it installs again" inside dpkg --force-confdef -i /deb/next.deb
fact "it is purged" inside dpkg -P $PACKAGE
same "nothing is left" "" "$(diff <(echo "$before") <(snapshot) || true)"
fact "it can be purged again" inside dpkg -P $PACKAGE
finish
