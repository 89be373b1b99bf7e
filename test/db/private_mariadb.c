#include "test/db/private_mariadb.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <mysql.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"

#define START_LIMIT  (60 * NS_PER_SECOND)
#define ARGUMENT_MAX 32
#define FILE_MAX     65536

/* Not an assertion of the test: its environment is broken. */
#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #condition);                           \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static const char *find_program(const char *name)
{
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin",
                                          "/usr/libexec"};
    static char path[128];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

bool private_mariadb_installed(void)
{
    return find_program("mariadbd") != NULL && find_program("mariadb-install-db") != NULL;
}

/* Starts a program whose output goes to a file of the folder, and which dies with this process. */
static pid_t spawn(const struct private_mariadb *server, const char *program, char *const *arguments)
{
    char log[96];
    pid_t parent = getpid();
    pid_t pid;

    snprintf(log, sizeof(log), "%s/log", server->folder);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (out < 0 || getppid() != parent || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
            _exit(127);
        setenv("TMPDIR", server->folder, 1); /* servers side by side must not meet in /tmp */
        execv(program, arguments);
        _exit(127);
    }
    return pid;
}

static void show_log(const struct private_mariadb *server)
{
    char path[96], line[512];
    FILE *log;

    snprintf(path, sizeof(path), "%s/log", server->folder);
    log = fopen(path, "re");
    while (log != NULL && fgets(line, sizeof(line), log) != NULL)
        fputs(line, stderr);
    if (log != NULL)
        fclose(log);
}

void private_mariadb_create(struct private_mariadb *server)
{
    const char *parent = getenv("TMPDIR");
    char datadir[96];
    char *arguments[] = {(char[]){"mariadb-install-db"},
                         (char[]){"--no-defaults"},
                         (char[]){"--auth-root-authentication-method=normal"},
                         (char[]){"--user=root"},
                         (char[]){"--skip-test-db"},
                         (char[]){"--skip-name-resolve"},
                         (char[]){"--innodb-log-file-size=4M"},
                         datadir,
                         NULL};
    char force_option[] = "--force";
    int status = -1;

    if (parent == NULL || strlen(parent) > 32)
        parent = "/tmp";
    snprintf(server->folder, sizeof(server->folder), "%s/mariadb.XXXXXX", parent);
    REQUIRE(mkdtemp(server->folder) != NULL);
    snprintf(server->socket, sizeof(server->socket), "%s/socket", server->folder);
    snprintf(datadir, sizeof(datadir), "--datadir=%s/data", server->folder);
    if (getuid() != 0)
        arguments[3] = force_option;
    waitpid(spawn(server, find_program("mariadb-install-db"), arguments), &status, 0);
    if (status != 0)
        show_log(server);
    REQUIRE(status == 0);
}

static bool answers(const struct private_mariadb *server)
{
    MYSQL *mysql = mysql_init(NULL);
    bool connected;

    REQUIRE(mysql != NULL);
    connected = mysql_real_connect(mysql, NULL, "root", "", NULL, 0, server->socket, 0) != NULL;
    mysql_close(mysql);
    return connected;
}

/* A server tells nobody that it is ready: connecting is the question. */
static void await_ready(struct private_mariadb *server)
{
    int64_t deadline = clock_now() + START_LIMIT;

    while (!answers(server)) {
        bool ended = waitpid(server->pid, NULL, WNOHANG) != 0;

        if (ended || clock_now() > deadline)
            show_log(server);
        REQUIRE(!ended && clock_now() <= deadline);
        poll(NULL, 0, 10);
    }
}

void private_mariadb_start(struct private_mariadb *server)
{
    char datadir[96], socket_option[128], port_option[32];
    char *arguments[ARGUMENT_MAX] = {(char[]){"mariadbd"},
                                     (char[]){"--no-defaults"},
                                     (char[]){"--innodb-log-file-size=4M"},
                                     (char[]){"--innodb-buffer-pool-size=8M"},
                                     (char[]){"--innodb-flush-log-at-trx-commit=2"},
                                     (char[]){"--skip-name-resolve"},
                                     (char[]){"--bind-address=127.0.0.1"},
                                     datadir,
                                     socket_option,
                                     port_option};
    char user_option[] = "--user=root";
    size_t count = 10;

    snprintf(datadir, sizeof(datadir), "--datadir=%s/data", server->folder);
    snprintf(socket_option, sizeof(socket_option), "--socket=%s", server->socket);
    snprintf(port_option, sizeof(port_option), server->port != 0 ? "--port=%d" : "--skip-networking",
             server->port);
    if (getuid() == 0)
        arguments[count++] = user_option;
    for (size_t i = 0; server->extra != NULL && server->extra[i] != NULL; i++) {
        REQUIRE(count < ARGUMENT_MAX - 1);
        arguments[count++] = (char *)(uintptr_t)server->extra[i]; /* execv does not change it */
    }
    server->pid = spawn(server, find_program("mariadbd"), arguments);
    await_ready(server);
}

void private_mariadb_kill(struct private_mariadb *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void private_mariadb_destroy(struct private_mariadb *server)
{
    private_mariadb_kill(server);
    if (server->folder[0] != '\0')
        nftw(server->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    *server = (struct private_mariadb){0};
}

static MYSQL *connect_root(const struct private_mariadb *server, const char *database, unsigned long flags)
{
    MYSQL *mysql = mysql_init(NULL);

    REQUIRE(mysql != NULL);
    REQUIRE(mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0);
    REQUIRE(mysql_real_connect(mysql, NULL, "root", "", database, 0, server->socket, flags) != NULL);
    return mysql;
}

void private_mariadb_execute(const struct private_mariadb *server, const char *database, const char *sql)
{
    MYSQL *mysql = connect_root(server, database, CLIENT_MULTI_STATEMENTS);
    int more = mysql_query(mysql, sql);

    while (more == 0) {
        mysql_free_result(mysql_store_result(mysql));
        more = mysql_next_result(mysql);
    }
    if (more > 0)
        fprintf(stderr, "%s\n", mysql_error(mysql));
    REQUIRE(more == -1);
    mysql_close(mysql);
}

void private_mariadb_query(const struct private_mariadb *server, const char *sql, char *buffer, size_t size)
{
    MYSQL *mysql = connect_root(server, NULL, 0);
    MYSQL_RES *result;
    MYSQL_ROW row;
    size_t length = 0;

    buffer[0] = '\0';
    REQUIRE(mysql_query(mysql, sql) == 0);
    result = mysql_store_result(mysql);
    REQUIRE(result != NULL);
    while ((row = mysql_fetch_row(result)) != NULL && length < size)
        length += (size_t)snprintf(buffer + length, size - length, "%s\n", row[0]);
    mysql_free_result(result);
    mysql_close(mysql);
}

void private_mariadb_execute_file(const struct private_mariadb *server, const char *database,
                                  const char *path)
{
    static char text[FILE_MAX];
    FILE *file = fopen(path, "re");
    size_t length;

    REQUIRE(file != NULL);
    length = fread(text, 1, sizeof(text) - 1, file);
    REQUIRE(length > 0 && length < sizeof(text) - 1);
    text[length] = '\0';
    fclose(file);
    private_mariadb_execute(server, database, text);
}

int free_loopback_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(listener >= 0);
    REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    close(listener);
    return ntohs(address.sin_port);
}
