# Sourced by run.sh: the exporter against a private MariaDB and the DAS simulator, until Ctrl-C.
# Uses the variables EXPORTER, DEFAULT_PORT, port and exporter_options of run.sh.
# shellcheck shell=bash disable=SC2154

folder=
serving=
declare -A pid_of=() # the programs that run, by name

# Programs have a session of their own, so that Ctrl-C reaches this script alone and they end in
# order; should the script be killed outright, they end with it.
start_program() {
    local name=$1

    shift
    setsid setpriv --pdeathsig TERM "$@" >"$folder/$name.log" 2>&1 </dev/null &
    pid_of[$name]=$!
}

# await SECONDS NAME COMMAND...: until the command succeeds while the program runs.
await() {
    local deadline=$(($(now_us) + $1 * 1000000)) name=$2

    shift 2
    until "$@"; do
        if ! kill -0 "${pid_of[$name]}" 2>/dev/null; then
            give_up "$name ended" "$name"
        elif [ "$(now_us)" -gt "$deadline" ]; then
            give_up "$name is not ready in time" "$name"
        fi
        sleep 0.05
    done
}

give_up() {
    step_break
    echo "run.sh: $1; the last lines of its log:" >&2
    tail -n 20 "$folder/$2.log" >&2
    exit 1
}

stop_program() {
    local pid=${pid_of[$1]-} i

    [ -n "$pid" ] || return 0
    # More than once: mariadbd forgets a signal that comes while it starts.
    for ((i = 0; i < 100; i++)); do
        [ $((i % 10)) -ne 0 ] || kill -TERM "$pid" 2>/dev/null || break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    unset "pid_of[$1]"
}

# The exit trap: what was started last stops first.
stop_demo() {
    trap '' INT TERM HUP PIPE
    # Whoever read the output may be gone; what was started is stopped all the same.
    set +e
    { step_break; [ ${#pid_of[@]} -eq 0 ] || echo "stopping"; } 2>/dev/null
    stop_program exporter
    stop_program das_sim
    stop_program mariadbd
    [ -z "$folder" ] || rm -rf "$folder"
}

# Ctrl-C is how a demonstration that runs is meant to end.
interrupted() {
    [ -z "$serving" ] || exit 0
    exit "$1"
}

# http_get PORT PATH: the status and then the body; curl may be missing.
http_get() {
    local line status

    exec 3<>"/dev/tcp/127.0.0.1/$1" || return
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    read -r _ status _ <&3
    while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
    echo "$status"
    cat <&3
    exec 3>&-
}

port_is_busy() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

choose_port() {
    if [ -z "$port" ]; then
        port=$DEFAULT_PORT
        while port_is_busy "$port"; do port=$((port + 1)); done
        [ "$port" = "$DEFAULT_PORT" ] || echo "Port $DEFAULT_PORT is busy: serving on $port instead."
    elif port_is_busy "$port"; then
        echo "run.sh: port $port is busy; choose another with --port" >&2
        exit 1
    fi
}

mariadb_client() {
    mariadb --no-defaults --socket="$folder/mariadb/socket" --user=root "$@"
}

mariadb_answers() {
    mariadb_client -e 'SELECT 1' >/dev/null 2>&1
}

random_hex() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

find_server_program() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1"
}

start_mariadb() {
    local as_user=()

    [ "$(id -u)" -ne 0 ] || as_user=(--user=root)
    mkdir "$folder/mariadb"
    # Without --force it insists on a host name that can be looked up.
    step_run build/logs/install_db.log mariadb-install-db --force --no-defaults \
        --datadir="$folder/mariadb/data" "${as_user[@]}" --auth-root-authentication-method=normal \
        --skip-test-db --skip-name-resolve --innodb-log-file-size=4M
    start_program mariadbd "$(find_server_program mariadbd)" --no-defaults --datadir="$folder/mariadb/data" \
        "${as_user[@]}" --socket="$folder/mariadb/socket" --pid-file="$folder/mariadb/pid" --skip-networking \
        --innodb-log-file-size=4M --innodb-buffer-pool-size=8M --innodb-flush-log-at-trx-commit=2
    await 60 mariadbd mariadb_answers
}

fill_mariadb() {
    mariadb_client -e 'CREATE DATABASE inventory CHARACTER SET utf8mb4'
    mariadb_client inventory <test/fixtures/schema.sql
    mariadb_client inventory <demo/inventory.sql
    mariadb_client <<END
CREATE USER exporter@localhost IDENTIFIED BY '$password';
GRANT SELECT ON inventory.instance_list TO exporter@localhost;
GRANT SELECT ON inventory.instance_node_id TO exporter@localhost;
GRANT SELECT ON inventory.instance_users TO exporter@localhost;
END
}

simulator_listens() {
    endpoint=$(sed -n 's/^das_sim listening on //p' "$folder/das_sim.log")
    [ -n "$endpoint" ]
}

# The keys go into a file: arguments can be read by everyone on the machine.
start_simulator() {
    printf '%s\n' "1000000000000001:demokey1:$secret" "1000000000000002:demokey2:$secret" >"$folder/accounts"
    start_program das_sim build/das_sim/das_sim --accounts-file "$folder/accounts" --quota 60 \
        --completion-median 1s --rtt 50ms --foreign-rate 0
    await 10 das_sim simulator_listens
}

exporter_is_ready() {
    [ "$(http_get "$port" /-/ready 2>/dev/null | head -n 1)" = 200 ]
}

start_exporter() {
    sed -e "s|@folder@|$folder|" -e "s|@password@|$password|" -e "s|@endpoint@|$endpoint|" \
        -e "s|@secret@|$secret|" demo/exporter.ini.in >"$folder/exporter.ini"
    start_program exporter "$EXPORTER" "--config.file=$folder/exporter.ini" \
        "--web.listen-address=127.0.0.1:$port" "${exporter_options[@]}"
    await 60 exporter exporter_is_ready
}

# One sample of each kind: primary and replica, cluster nodes, limits.
show_samples() {
    echo
    http_get "$port" /metrics | awk '
        /^db_user_session_count/ && match($0, /ins_type="[a-z]+"/) {
            kind = substr($0, RSTART, RLENGTH) ($0 ~ /node_type="write"/)
            if (!(kind in seen)) { seen[kind] = 1; print "  " $0 }
        }
        /^db_max_user_connections/ && limits++ < 2 { print "  " $0 }'
}

show_urls() {
    cat <<END

  http://127.0.0.1:$port/         state at a glance
  http://127.0.0.1:$port/targets  every instance and node, and why one is missing
  http://127.0.0.1:$port/metrics  what Prometheus reads

The configuration, mode 600, and the logs are in $folder
Ctrl-C stops everything and removes it.
END
}

# Until a signal comes, or one of the programs ends by itself.
serve() {
    local name

    serving=yes
    wait -n "${pid_of[@]}" || true
    for name in "${!pid_of[@]}"; do
        kill -0 "${pid_of[$name]}" 2>/dev/null || give_up "$name ended" "$name"
    done
}

demo_run() {
    local password secret endpoint

    umask 077
    trap stop_demo EXIT
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    trap 'interrupted 129' HUP
    trap 'interrupted 141' PIPE
    step_begin "DAS simulator build"
    step_run build/logs/das_sim.log build_simulator
    step_end "build/das_sim/das_sim"

    # The path of a socket must be short.
    folder=$(mktemp -d "${TMPDIR:-/tmp}/session_exporter_demo.XXXXXX")
    [ ${#folder} -le 80 ] || { rmdir "$folder"; folder=$(mktemp -d /tmp/session_exporter_demo.XXXXXX); }
    password=$(random_hex)
    secret=$(random_hex)

    step_begin "MariaDB, private, with the inventory"
    start_mariadb
    fill_mariadb
    step_end "ready"

    step_begin "DAS simulator"
    start_simulator
    step_end "$endpoint ready"

    choose_port
    step_begin "exporter, first round of all targets"
    start_exporter
    step_end "ready"

    show_samples
    show_urls
    serve
}
