#include "db/mysql_connection.h"

#include <errmsg.h>
#include <errno.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <poll.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/strbuf.h"

#define REPLY_TIMEOUT_SECONDS 30
#define REPLY_PACKET_MAX      (16ul << 20) /* one row of any table that is an inventory fits */
#define TLS_VERSIONS          "TLSv1.2,TLSv1.3"
#define PASSWORD_MAX          (64u << 10)

/*
 * What a server may ask for as proof of the password. The sha2 ones hand the password over: encrypted by
 * TLS, or with an RSA key that the server shows. An impostor would read it, so they need one who is known.
 */
#define PROOFS            "mysql_native_password,client_ed25519"
#define PROOFS_WHEN_KNOWN PROOFS ",caching_sha2_password,sha256_password"

#define UNREACHABLE_HINT "is the server running, reachable from here, and its address in [mysql] right?"
#define SLOW_HINT        "is it a slow view?"

/* Not in the header of every client library. */
#define ER_SECURE_TRANSPORT_REQUIRED 3159
#define ER_QUERY_TIMEOUT             3024

/* What to do about an error of MySQL. */
struct hint {
    unsigned number;
    const char *text;
};

static const struct hint hints[] = {
    {ER_SECURE_TRANSPORT_REQUIRED, "set tls = required or verify in [mysql]"},
    {ER_DBACCESS_DENIED_ERROR, "GRANT SELECT on the tables of this database to the user"},
    {ER_BAD_DB_ERROR, "check database in [mysql]"},
    {ER_NO_SUCH_TABLE, "create the table, see docs/inventory.md, or check database in [mysql]"},
    {ER_TABLEACCESS_DENIED_ERROR, "GRANT SELECT on the table to the user"},
    {ER_COLUMNACCESS_DENIED_ERROR, "GRANT SELECT on the whole table to the user"},
    {ER_BAD_FIELD_ERROR, "the table lacks a column, see docs/inventory.md"},
    {ER_HOST_NOT_PRIVILEGED, "let the user connect from this host"},
    {CR_CONNECTION_ERROR, UNREACHABLE_HINT},
    {CR_CONN_HOST_ERROR, UNREACHABLE_HINT},
    {CR_UNKNOWN_HOST, "check host in [mysql] and the name service"},
    {CR_SSL_CONNECTION_ERROR, "check tls, tls_ca_file and tls_cert_file in [mysql]"},
    {ER_LOCK_WAIT_TIMEOUT, "somebody holds a lock on the table: an ALTER, a LOCK TABLES or a long load"},
    {ER_STATEMENT_TIMEOUT, SLOW_HINT},
    {ER_QUERY_TIMEOUT, SLOW_HINT},
    {CR_NET_PACKET_TOO_LARGE, "a row is larger than 16 MiB: is it the right table or view?"},
    {CR_SERVER_GONE_ERROR, "the connection was lost"},
    {CR_SERVER_LOST, "the server did not answer in time or ended the connection"},
};

/* No impostor can be at the other end, or none could read what it is sent. */
static bool server_is_known(const struct mysql_config *config)
{
    return config->socket[0] != '\0' || config->tls == MYSQL_TLS_VERIFY ||
           (config->tls == MYSQL_TLS_OFF && config->server_public_key_file[0] != '\0');
}

/* With TLS off or without a certificate, a server that requires them refuses as if the password were wrong. */
static const char *access_hint(const struct mysql_config *config)
{
    if (config->socket[0] == '\0' && config->tls == MYSQL_TLS_OFF)
        return "tls is off in [mysql]: a user with REQUIRE SSL or X509 is refused like this, set tls; else "
               "check user and password";
    if (config->tls != MYSQL_TLS_OFF && config->tls_cert_file[0] == '\0')
        return "check user and password in [mysql]; a user with REQUIRE X509 needs tls_cert_file, too";
    return "check user and password in [mysql]";
}

static const char *hint_for(const struct mysql_config *config, unsigned number)
{
    if (number == ER_ACCESS_DENIED_ERROR)
        return access_hint(config);
    if (number == CR_PLUGIN_NOT_ALLOWED && !server_is_known(config))
        return "set tls = verify in [mysql], or server_public_key_file: without them an impostor could read "
               "the password";
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (hints[i].number == number)
            return hints[i].text;
    }
    return NULL;
}

/* "user@host:port/database" or "user@socket/database". */
static void describe(const struct mysql_config *config, char *buffer, size_t size)
{
    if (config->socket[0] != '\0')
        snprintf(buffer, size, "%s@%s, database %s", config->user, config->socket, config->database);
    else
        snprintf(buffer, size, "%s@%s:%lld/%s", config->user, config->host, (long long)config->port,
                 config->database);
}

/* MySQL's text; not that of this one error, in which the library shows bytes of its own buffer. */
static const char *error_text(const struct mysql_config *config, MYSQL *mysql)
{
    if (mysql_errno(mysql) == CR_PLUGIN_NOT_ALLOWED)
        return server_is_known(config) ? "the server wants an authentication other than " PROOFS_WHEN_KNOWN
                                       : "the server wants an authentication other than " PROOFS;
    return mysql_error(mysql);
}

void mysql_connection_error(const struct mysql_connection *connection, const char *doing, struct error *error)
{
    const struct mysql_config *config = connection->config;
    unsigned number = mysql_errno(connection->mysql);
    const char *hint = hint_for(config, number);
    enum error_class class = number == CR_OUT_OF_MEMORY ? ERROR_NO_MEMORY : ERROR_INVENTORY;
    char server[160];

    if (error == NULL)
        return;
    describe(config, server, sizeof(server));
    error_set(error, class, "mysql %s: %s: error %u: %s%s%s", server, doing, number,
              error_text(config, connection->mysql), hint != NULL ? "; " : "", hint != NULL ? hint : "");
    snprintf(error->code, sizeof(error->code), "%u", number);
}

bool mysql_connection_is_late(const struct mysql_connection *connection)
{
    return clock_now() >= connection->deadline;
}

/* Waits for what the library is waiting for; what came of it, for its function that continues. */
static int wait_for(const struct mysql_connection *connection, int events)
{
    int64_t left = connection->deadline - clock_now();
    struct pollfd socket = {.fd = mysql_get_socket(connection->mysql)};
    int ready;

    if ((events & MYSQL_WAIT_TIMEOUT) != 0) {
        int64_t limit = mysql_get_timeout_value_ms(connection->mysql) * NS_PER_MS;

        left = limit < left ? limit : left;
    }
    if ((events & MYSQL_WAIT_READ) != 0)
        socket.events |= POLLIN;
    if ((events & MYSQL_WAIT_WRITE) != 0)
        socket.events |= POLLOUT;
    do {
        ready = left > 0 ? poll(&socket, 1, (int)(left / NS_PER_MS) + 1) : 0;
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? events & ~MYSQL_WAIT_TIMEOUT : MYSQL_WAIT_TIMEOUT;
}

bool mysql_connection_query(struct mysql_connection *connection, const char *statement)
{
    int failed;
    int events = mysql_query_start(&failed, connection->mysql, statement);

    while (events != 0)
        events = mysql_query_cont(&failed, connection->mysql, wait_for(connection, events));
    return failed == 0;
}

MYSQL_RES *mysql_connection_store(struct mysql_connection *connection)
{
    MYSQL_RES *result;
    int events = mysql_store_result_start(&result, connection->mysql);

    while (events != 0)
        events = mysql_store_result_cont(&result, connection->mysql, wait_for(connection, events));
    return result;
}

MYSQL_ROW mysql_connection_fetch(struct mysql_connection *connection, MYSQL_RES *result)
{
    MYSQL_ROW row;
    int events = mysql_fetch_row_start(&row, result);

    while (events != 0)
        events = mysql_fetch_row_cont(&row, result, wait_for(connection, events));
    return row;
}

static unsigned seconds_rounded_up(int64_t duration)
{
    int64_t seconds = (duration + NS_PER_SECOND - 1) / NS_PER_SECOND;

    return seconds < 1 ? 1 : (unsigned)seconds;
}

static bool set_timeouts(MYSQL *mysql, const struct mysql_config *config)
{
    unsigned connect_timeout = seconds_rounded_up(config->connect_timeout);
    unsigned reply_timeout = REPLY_TIMEOUT_SECONDS;

    return mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout) == 0 &&
           mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &reply_timeout) == 0 &&
           mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &reply_timeout) == 0;
}

static bool set_tls(MYSQL *mysql, const struct mysql_config *config)
{
    my_bool enforce = config->tls != MYSQL_TLS_OFF ? 1 : 0;
    my_bool verify = config->tls == MYSQL_TLS_VERIFY ? 1 : 0;

    /* Setting anything else about TLS would switch it on. */
    if (enforce && mysql_options(mysql, MARIADB_OPT_TLS_VERSION, TLS_VERSIONS) != 0)
        return false;
    if (enforce && config->tls_ca_file[0] != '\0' &&
        mysql_options(mysql, MYSQL_OPT_SSL_CA, config->tls_ca_file) != 0)
        return false;
    return mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce) == 0 &&
           mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify) == 0;
}

static bool set_client_certificate(MYSQL *mysql, const struct mysql_config *config)
{
    return config->tls_cert_file[0] == '\0' ||
           (mysql_options(mysql, MYSQL_OPT_SSL_CERT, config->tls_cert_file) == 0 &&
            mysql_options(mysql, MYSQL_OPT_SSL_KEY, config->tls_key_file) == 0);
}

static bool set_proofs(MYSQL *mysql, const struct mysql_config *config)
{
    const char *proofs = server_is_known(config) ? PROOFS_WHEN_KNOWN : PROOFS;

    if (config->server_public_key_file[0] != '\0' &&
        mysql_options(mysql, MYSQL_SERVER_PUBLIC_KEY, config->server_public_key_file) != 0)
        return false;
    return mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, proofs) == 0;
}

static bool set_protocol(MYSQL *mysql, const struct mysql_config *config)
{
    unsigned protocol = config->socket[0] != '\0' ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned local_infile = 0;
    unsigned long packet_max = REPLY_PACKET_MAX;
    my_bool reconnect = 0;

    return mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL) == 0 && /* all waiting is done in wait_for() */
           mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol) == 0 &&
           mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile) == 0 &&
           mysql_options(mysql, MYSQL_OPT_RECONNECT, &reconnect) == 0 &&
           mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max) == 0 &&
           mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0 &&
           mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "mysql_session_exporter") == 0;
}

/*
 * The client library connects without encryption when the server offers none and no certificate
 * is to be verified; that is not what "required" says.
 */
static bool encrypted_as_required(MYSQL *mysql, const struct mysql_config *config, struct error *error)
{
    char server[160];

    if (config->tls == MYSQL_TLS_OFF || mysql_get_ssl_cipher(mysql) != NULL)
        return true;
    describe(config, server, sizeof(server));
    error_set(error, ERROR_INVENTORY, "mysql %s: the server offers no TLS, but tls in [mysql] requires it",
              server);
    return false;
}

/* The password as it is in its file now. */
static bool read_password(const struct mysql_config *config, struct strbuf *password, struct error *error)
{
    struct error plain;

    if (file_read_secret_line(config->password_file, password, &plain))
        return true;
    error_set(error, plain.class == ERROR_NO_MEMORY ? ERROR_NO_MEMORY : ERROR_INVENTORY,
              "password_file in [mysql]: %s", plain.message);
    return false;
}

static bool set_options(MYSQL *mysql, const struct mysql_config *config)
{
    return set_timeouts(mysql, config) && set_tls(mysql, config) && set_client_certificate(mysql, config) &&
           set_proofs(mysql, config) && set_protocol(mysql, config);
}

static bool connect_with(struct mysql_connection *connection, const char *password, struct error *error)
{
    const struct mysql_config *config = connection->config;
    const char *socket = config->socket[0] != '\0' ? config->socket : NULL;
    MYSQL *mysql = connection->mysql;
    MYSQL *connected;
    int events;

    if (!set_options(mysql, config)) {
        mysql_connection_error(connection, "options", error);
        return false;
    }
    errno = 0;
    events = mysql_real_connect_start(&connected, mysql, socket != NULL ? NULL : config->host, config->user,
                                      password, config->database, (unsigned)config->port, socket, 0);
    while (events != 0)
        events = mysql_real_connect_cont(&connected, mysql, wait_for(connection, events));
    if (connected == NULL && mysql_errno(mysql) == CR_SERVER_LOST && errno == ENOMEM) {
        /* No memory for the library's buffer: it has freed its socket, and mysql_close() would again. */
        connection->mysql = NULL;
        error_set(error, ERROR_NO_MEMORY, "no memory for a MySQL connection");
        return false;
    }
    if (connected == NULL) {
        mysql_connection_error(connection, "connecting", error);
        return false;
    }
    return encrypted_as_required(mysql, config, error);
}

bool mysql_connection_open(struct mysql_connection *connection, const struct mysql_config *config,
                           int64_t deadline, struct error *error)
{
    struct strbuf password;
    bool ok;

    *connection =
        (struct mysql_connection){.mysql = mysql_init(NULL), .config = config, .deadline = deadline};
    if (connection->mysql == NULL) {
        error_set(error, ERROR_NO_MEMORY, "no memory for a MySQL connection");
        return false;
    }
    if (config->password_file[0] == '\0')
        return connect_with(connection, config->password, error);
    strbuf_init(&password, PASSWORD_MAX);
    ok = read_password(config, &password, error) && connect_with(connection, strbuf_text(&password), error);
    strbuf_release_secret(&password);
    return ok;
}

void mysql_connection_close(struct mysql_connection *connection)
{
    if (connection->mysql == NULL)
        return;
    /* The library forgets this one of its options, and after a connection that failed it cannot be helped. */
    mysql_options(connection->mysql, MYSQL_SERVER_PUBLIC_KEY, NULL);
    mysql_close(connection->mysql);
}
