#!/bin/bash
# The Debian package under a real systemd, in a container that systemd-nspawn boots: ready, credentials,
# sandbox, reload, watchdog, stop.
# shellcheck source=test/packaging/common.sh
. "$(dirname "$0")/common.sh"

UNIT=mysql_session_exporter
FOLDER=/etc/mysql_session_exporter

[ "$(id -u)" -eq 0 ] || skip "only root can boot a container"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
base=$(tools/debian_base.sh "$suite") || exit

work=$(mktemp -d "$PWD/build/service.XXXXXX")
root=$work/root
# shellcheck disable=SC2317 # the trap calls it
stop() {
    rm -rf --one-file-system "$work"
    rmdir /run/systemd/nspawn/propagate/"${work##*/}" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" chroot "$root" "$@"
}

mkdir "$root"
tar -C "$root" -xf "$base"
mkdir -p "$root/var/cache/apt/archives"
cp "$(tools/package.sh "$work/package")" "$root/exporter.deb"
log=build/logs/service-apt.log
{ inside apt-get -q update && inside apt-get -q -y --no-install-recommends install systemd systemd-sysv dbus; } \
    >"$log" 2>&1 || skip "systemd cannot be had for the container; see $log"
fact "the package installs beside systemd" inside apt-get -q -y --no-install-recommends install /exporter.deb

cat >"$root$FOLDER/exporter.ini" <<'END'
[web]
listen = 127.0.0.1:10104
[inventory]
source = file
[das]
endpoint = http://127.0.0.1:9
[account 1000000000000001]
access_key_id = testak1
access_key_secret_file = /run/credentials/mysql_session_exporter.service/secret_KEY
END
printf '%s\n' '[instance rm-test1]' 'ins_name = orders' 'ins_type = rds' 'aliyun_uid = 1000000000000001' \
    >"$root$FOLDER/inventory.ini"
(umask 077 && echo testsecret1 >"$root$FOLDER/credentials/KEY")
# A quicker watchdog than the unit's, so that it can be waited for.
mkdir -p "$root/etc/systemd/system/$UNIT.service.d"
printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=100ms\n' \
    >"$root/etc/systemd/system/$UNIT.service.d/test.conf"
cat >"$root/probe.sh" <<'END'
# Prints "key: value" lines; the test reads them.
unit=mysql_session_exporter
show() { systemctl show -P "$1" $unit; }
say() { key=$1; shift; echo "$key: $*"; }

# Starting returns when the exporter said that it is ready.
systemctl start $unit; say start $?
say state "$(show ActiveState)"
pid=$(show MainPID)
mysql_session_exporter --config.file=/etc/mysql_session_exporter/exporter.ini --health; say health $?
say credential "$(stat -c '%a %U' /run/credentials/$unit.service/secret_KEY)"
say user "$(stat -c %U /proc/$pid)"
say sandbox "$(awk '/^(CapEff|CapBnd|NoNewPrivs|Seccomp):/ { printf "%s%s ", $1, $2 }' /proc/$pid/status)"
systemctl reload $unit; say reload $?
say reloaded "$(journalctl -o cat -u $unit | grep -c 'msg="configuration reloaded"')"
sleep 5 # two watchdog times and a half: the pings keep it alive
say restarts "$(show NRestarts)"
kill -STOP "$pid"
for i in $(seq 200); do [ "$(show NRestarts)" = 0 ] || break; sleep 0.1; done
say watchdog "$(show NRestarts)"
for i in $(seq 200); do [ "$(show ActiveState)" != active ] || break; sleep 0.1; done
systemctl stop $unit; say stop $?
say result "$(show Result)"
END
cat >"$root/etc/systemd/system/probe.service" <<'END'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /probe.sh
StandardOutput=append:/probe.out
StandardError=journal
ExecStopPost=/bin/systemctl poweroff --force
END
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/probe.service"

# A network of its own: nothing of the host's ports is taken.
timeout --kill-after=10 120 systemd-nspawn -q --register=no --keep-unit --private-network \
    --machine="${work##*/}" -D "$root" -b --console=pipe </dev/null >build/logs/service-boot.log 2>&1 || true
[ -s "$root/probe.out" ] || skip "systemd does not boot in a container here; see build/logs/service-boot.log"

value() {
    sed -n "s/^$1: //p" "$root/probe.out"
}

same "it starts" 0 "$(value start)"
same "and is active once started" active "$(value state)"
same "it is healthy" 0 "$(value health)"
same "the credential is the service's alone" "400 $UNIT" "$(value credential)"
same "it runs as its user" "$UNIT" "$(value user)"
same "it has no capability and is filtered" \
    "CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2 " "$(value sandbox)"
same "it reloads" "0 1" "$(value reload) $(value reloaded)"
same "the watchdog lets it live while it is healthy" 0 "$(value restarts)"
same "the watchdog restarts it when it hangs" 1 "$(value watchdog)"
same "it stops" "0 success" "$(value stop) $(value result)"
finish
