#!/bin/bash
# The container image: built by deploy/container/Dockerfile, then run as an orchestrator should run it, with
# a user that is not root and a root file system that cannot be written.
#
# No container engine is needed: buildah builds, with chroot isolation, on a base that debootstrap makes; what
# it built is run by chroot in a mount namespace. Exit code 77, with the reason, where that cannot be done.
#
# The traps and fact() call what is below by its name:
# shellcheck disable=SC2317
# shellcheck source=test/packaging/common.sh
. "$(dirname "$0")/packaging/common.sh"

IMAGE=localhost/mysql_session_exporter
SIMULATOR=localhost/das_sim
BASE=localhost/debian-12
LOG=build/logs/container.log
REVISION=0123456789ab
UID_1=1000000000000001

[ "$(id -u)" -eq 0 ] || skip "only root can build an image without a container engine"
command -v buildah >/dev/null || skip "buildah is not installed"
unshare --mount true 2>/dev/null || skip "no mount namespace can be made here"

work=$(mktemp -d)
storage=$PWD/build/cache/containers
containers=() processes=()
mkdir -p "$storage" build/logs "$work/etc"
: >"$LOG"
# Others may not use the storage meanwhile.
exec 8>"$storage.lock"
flock 8

# Both drivers keep the image; overlay does not copy it for each layer.
driver=overlay
engine() {
    buildah --root "$storage/$driver" --runroot "$storage/run" --storage-driver "$driver" "$@" 8>&-
}
engine images >/dev/null 2>&1 || driver=vfs
engine images >/dev/null 2>"$work/why" || skip "buildah does not work here: $(tail -n 1 "$work/why")"

stop() {
    local id

    set +e
    for id in "${processes[@]}"; do
        kill -TERM "$id" 2>/dev/null && wait "$id" 2>/dev/null
    done
    for id in "${containers[@]}"; do
        engine rm "$id" >/dev/null
    done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

make_base() {
    local tar id

    [ -z "$(engine images -q "$BASE" 2>/dev/null)" ] || return 0
    tar=$(tools/debian_base.sh bookworm) || exit
    id=$(engine from scratch)
    containers+=("$id")
    engine add -q "$id" "$tar" / >>"$LOG" 2>&1
    engine commit -q "$id" "$BASE" >>"$LOG" 2>&1
}

# build NAME OPTION...
build() {
    local name=$1

    shift
    engine bud --isolation chroot --layers --format docker --build-arg BASE="$BASE" \
        --build-arg REVISION="$REVISION" -f deploy/container/Dockerfile -t "$name" "$@" . >>"$LOG" 2>&1 && return
    ! grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Unable to locate package' "$LOG" ||
        skip "the packages for the image cannot be had; is there a network? See $LOG"
    tail -n 30 "$LOG"
    return 1
}

# field IMAGE TEMPLATE
field() {
    engine inspect --type image --format "$2" "$1"
}

# Mounts an image as a container of its own. Sets `mounted`.
open_image() {
    local id

    id=$(engine from --pull-never "$1")
    containers+=("$id")
    mounted=$(engine mount "$id")
}

# contained ROOT USER COMMAND...: with the root read-only and $work/etc as the configuration. Replaces this
# process, so that a background job has the program's own id.
contained() {
    # shellcheck disable=SC2016 # the inner shell expands it
    exec unshare --mount --propagation private sh -ec '
        root=$1 etc=$2 user=$3
        shift 3
        mount --bind "$root" "$root"
        [ ! -d "$root/etc/mysql_session_exporter" ] || mount --bind "$etc" "$root/etc/mysql_session_exporter"
        mount -o remount,bind,ro "$root"
        mount -t proc proc "$root/proc"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
    ' sh "$1" "$work/etc" "${@:2}" 8>&-
}

in_exporter() {
    (contained "$root" "$user" "$@")
}

free_port() {
    /usr/bin/env python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await WHAT COMMAND...: at most 30 s.
await() {
    local what=$1 i

    shift
    for ((i = 0; i < 600; i++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    echo "FAIL  waited 30 s for $what"
    tail -n 20 "$work"/*.log
    exit 1
}

write_configuration() {
    cat >"$work/etc/exporter.ini" <<END
[web]
listen = 127.0.0.1:$port
[inventory]
source = file
[das]
endpoint = $1
[metric db_user_session_count]
interval = 1s
[account $UID_1]
access_key_id = testak1
access_key_secret = testsecret1
END
    printf '%s\n' '[instance rm-test1]' 'ins_name = orders' 'ins_type = rds' "aliyun_uid = $UID_1" \
        >"$work/etc/inventory.ini"
    chown -R "$user" "$work/etc"
    chmod -R u=rX,go= "$work/etc"
    chmod 755 "$work"
}

# As the healthcheck of the image says, its first word left out.
health() {
    local command

    read -ra command <<<"$(field "$IMAGE" '{{range .Docker.Config.Healthcheck.Test}}{{.}} {{end}}')"
    in_exporter "${command[@]:1}"
}

# Exit code 1, with a reason.
unhealthy() {
    local status=0

    health 2>"$work/reason" || status=$?
    [ "$status" -eq 1 ] && grep -q '^mysql_session_exporter: .* does not answer' "$work/reason"
}

megabytes() {
    du -sm --one-file-system "$1" | cut -f 1
}

make_base
fact "the simulator's image is built" build "$SIMULATOR" --target simulator
fact "the image is built" build "$IMAGE"
[ "$broken" -eq 0 ] || exit 1
open_image "$BASE"
base_size=$(megabytes "$mounted")
open_image "$SIMULATOR"
simulator_root=$mounted
open_image "$IMAGE"
root=$mounted
echo "size: $(megabytes "$root") MB, of which $base_size MB are the base"

user=$(field "$IMAGE" '{{.Docker.Config.User}}')
version=$(in_exporter /usr/bin/mysql_session_exporter --version)
same "its user is a number and not root" "65532:65532" "$user"
same "the entry point is the program" "[/usr/bin/mysql_session_exporter]" "$(field "$IMAGE" '{{.Docker.Config.Entrypoint}}')"
same "the health check is the program itself" "CMD /usr/bin/mysql_session_exporter" \
    "$(field "$IMAGE" '{{index .Docker.Config.Healthcheck.Test 0}} {{index .Docker.Config.Healthcheck.Test 1}}')"
same "the version of the label is the program's" "mysql_session_exporter $(
    field "$IMAGE" '{{index .Docker.Config.Labels "org.opencontainers.image.version"}}') (revision $REVISION)" "$version"
for label in title description licenses revision; do
    fact "it has the label $label" test -n "$(field "$IMAGE" "{{index .Docker.Config.Labels \"org.opencontainers.image.$label\"}}")"
done
fact "no compiler is in it" test ! -e "$root/usr/bin/cc"

port=$(free_port)
(contained "$simulator_root" "$(field "$SIMULATOR" '{{.Docker.Config.User}}')" /usr/bin/das_sim \
    --account "$UID_1:testak1:testsecret1" --completion-median 0 --foreign-rate 0) >"$work/das_sim.log" 2>&1 &
processes+=($!)
await "the simulator" grep -q '^das_sim listening on ' "$work/das_sim.log"
write_configuration "$(sed -n 's/^das_sim listening on //p' "$work/das_sim.log")"

fact "before the start it is not healthy" unhealthy
read -ra command <<<"$(field "$IMAGE" '{{range .Docker.Config.Entrypoint}}{{.}} {{end}}{{range .Docker.Config.Cmd}}{{.}} {{end}}')"
(contained "$root" "$user" "${command[@]}") >"$work/exporter.log" 2>&1 &
exporter=$!
processes+=("$exporter")
await "the exporter" grep -q 'msg=listening' "$work/exporter.log"
fact "it runs as that user" test "$(stat -c %u:%g "/proc/$exporter")" = "$user"
same "it has no capability" "0000000000000000" "$(awk '$1 == "CapEff:" { print $2 }' "/proc/$exporter/status")"
fact "its root cannot be written" bash -c "! touch '/proc/$exporter/root/tmp/x' 2>/dev/null"
await "sessions from the simulator" bash -c \
    "curl -s --noproxy '*' http://127.0.0.1:$port/metrics | grep -q '^db_user_session_count{ins_id=\"rm-test1\"'"
fact "it serves what the simulator says" true
fact "it is healthy" health
kill -STOP "$exporter"
fact "a process that does not answer is not healthy" unhealthy
kill -CONT "$exporter"
began=$(date +%s%N)
kill -TERM "$exporter"
status=0
wait "$exporter" || status=$?
same "it ends with 0 at SIGTERM" 0 "$status"
fact "in less than 2 s" test $((($(date +%s%N) - began) / 1000000)) -lt 2000
same "nothing went wrong" "" "$(grep -E 'level=(warn|error)' "$work/exporter.log" || true)"
finish
