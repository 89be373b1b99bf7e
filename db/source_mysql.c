#include "db/source.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#define REPLY_TIMEOUT_SECONDS 30
#define TLS_VERSIONS          "TLSv1.2,TLSv1.3"
#define PASSWORD_MAX          (64u << 10)

/* What a server may ask for as proof of the password; it never gets the clear text. */
#define AUTHENTICATION "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519"

#define UNREACHABLE_HINT "is the server running, reachable from here, and its address in [mysql] right?"

struct table {
    const char *name;
    enum load_scope scope;
    const char *select;
    unsigned columns;
    bool (*add)(struct rows *rows, char **values);
};

/* What to do about an error of MySQL. */
struct hint {
    unsigned number;
    const char *text;
};

static const struct hint hints[] = {
    {ER_ACCESS_DENIED_ERROR, "check user and password in [mysql]"},
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
    {CR_SSL_CONNECTION_ERROR, "check tls and tls_ca_file in [mysql]"},
    {CR_SERVER_GONE_ERROR, "the connection was lost"},
    {CR_SERVER_LOST, "the server did not answer in time or ended the connection"},
};

static const char *hint_for(unsigned number)
{
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
static const char *error_text(MYSQL *mysql)
{
    if (mysql_errno(mysql) == CR_PLUGIN_NOT_ALLOWED)
        return "the server wants an authentication other than " AUTHENTICATION;
    return mysql_error(mysql);
}

/* Fills *error from the connection's last error; `doing` says what failed. */
static void set_mysql_error(struct error *error, const struct mysql_config *config, MYSQL *mysql,
                            const char *doing)
{
    unsigned number = mysql_errno(mysql);
    const char *hint = hint_for(number);
    enum error_class class = number == CR_OUT_OF_MEMORY ? ERROR_NO_MEMORY : ERROR_INVENTORY;
    char server[160];

    if (error == NULL)
        return;
    describe(config, server, sizeof(server));
    error_set(error, class, "mysql %s: %s: error %u: %s%s%s", server, doing, number, error_text(mysql),
              hint != NULL ? "; " : "", hint != NULL ? hint : "");
    snprintf(error->code, sizeof(error->code), "%u", number);
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

static bool set_protocol(MYSQL *mysql, const struct mysql_config *config)
{
    unsigned protocol = config->socket[0] != '\0' ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned local_infile = 0;
    my_bool reconnect = 0;

    return mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol) == 0 &&
           mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile) == 0 &&
           mysql_options(mysql, MYSQL_OPT_RECONNECT, &reconnect) == 0 &&
           mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0 &&
           mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, AUTHENTICATION) == 0 &&
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

static bool connect_with(MYSQL *mysql, const struct mysql_config *config, const char *password,
                         struct error *error)
{
    bool local = config->socket[0] != '\0';

    if (!set_timeouts(mysql, config) || !set_tls(mysql, config) || !set_protocol(mysql, config)) {
        set_mysql_error(error, config, mysql, "options");
        return false;
    }
    if (mysql_real_connect(mysql, local ? NULL : config->host, config->user, password, config->database,
                           (unsigned)config->port, local ? config->socket : NULL, 0) == NULL) {
        set_mysql_error(error, config, mysql, "connecting");
        return false;
    }
    return encrypted_as_required(mysql, config, error);
}

static bool connect_database(MYSQL *mysql, const struct mysql_config *config, struct error *error)
{
    struct strbuf password;
    bool ok;

    if (config->password_file[0] == '\0')
        return connect_with(mysql, config, config->password, error);
    strbuf_init(&password, PASSWORD_MAX);
    ok =
        read_password(config, &password, error) && connect_with(mysql, config, strbuf_text(&password), error);
    strbuf_release_secret(&password);
    return ok;
}

static const char *text(const char *value)
{
    return value != NULL ? value : "";
}

static int64_t number(const char *value)
{
    int64_t parsed;

    if (value == NULL || !text_parse_int(value, ROW_NUMBER_NULL + 1, INT64_MAX, &parsed))
        return ROW_NUMBER_NULL;
    return parsed;
}

static bool add_instance(struct rows *rows, char **values)
{
    return rows_add_instance(rows, &(struct instance_row){
                                       .ins_id = text(values[0]),
                                       .ins_name = text(values[1]),
                                       .ins_type = text(values[2]),
                                       .engine = text(values[3]),
                                       .aliyun_uid = text(values[4]),
                                       .ins_is_readonly = number(values[5]),
                                       .ins_status = number(values[6]),
                                       .updated = number(values[7]),
                                       .id = number(values[8]),
                                   });
}

static bool add_node(struct rows *rows, char **values)
{
    return rows_add_node(rows, &(struct node_row){
                                   .ins_id = text(values[0]),
                                   .node_id = text(values[1]),
                                   .node_type = number(values[2]),
                                   .updated = number(values[3]),
                                   .id = number(values[4]),
                               });
}

static bool add_user(struct rows *rows, char **values)
{
    return rows_add_user(rows, &(struct user_row){
                                   .ins_id = text(values[0]),
                                   .username = text(values[1]),
                                   .max_user_connections = number(values[2]),
                               });
}

static bool add_account(struct rows *rows, char **values)
{
    return rows_add_account(rows, &(struct account_table_row){
                                      .aliyun_uid = text(values[0]),
                                      .access_key_id = text(values[1]),
                                      .encrypted_access_key_secret = text(values[2]),
                                      .status = number(values[3]),
                                      .updated = number(values[4]),
                                      .id = number(values[5]),
                                  });
}

static const struct table tables[] = {
    {"instance_list", LOAD_INSTANCES,
     "SELECT ins_id, ins_name, ins_type, engine, aliyun_uid, ins_is_readonly, ins_status,"
     " FLOOR(UNIX_TIMESTAMP(updatetime)), id FROM instance_list",
     9, add_instance},
    {"instance_node_id", LOAD_INSTANCES,
     "SELECT ins_id, node_id, node_type, FLOOR(UNIX_TIMESTAMP(updatetime)), id FROM instance_node_id", 5,
     add_node},
    {"instance_users", LOAD_USERS, "SELECT ins_id, username, max_user_connections FROM instance_users", 3,
     add_user},
    {"aliyun_uids", LOAD_ACCOUNTS,
     "SELECT aliyun_uid, access_key_id, encrypted_access_key_secret, status,"
     " FLOOR(UNIX_TIMESTAMP(updatetime)), id FROM aliyun_uids",
     6, add_account},
};

/* Streams a result into rows. */
static bool read_result(MYSQL *mysql, MYSQL_RES *result, const struct mysql_config *config,
                        const struct table *table, struct rows *rows, struct error *error)
{
    MYSQL_ROW row;

    if (mysql_num_fields(result) != table->columns) {
        error_set(error, ERROR_INVENTORY, "mysql: %s: the server sent %u columns, expected %u", table->name,
                  mysql_num_fields(result), table->columns);
        return false;
    }
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (!table->add(rows, row)) {
            error_set(error, ERROR_NO_MEMORY, "no memory for the rows of %s", table->name);
            return false;
        }
    }
    if (mysql_errno(mysql) != 0) {
        set_mysql_error(error, config, mysql, table->name);
        return false;
    }
    return true;
}

static bool read_table(MYSQL *mysql, const struct mysql_config *config, const struct table *table,
                       struct rows *rows, struct error *error)
{
    MYSQL_RES *result = NULL;
    bool whole = false;

    if (mysql_query(mysql, table->select) == 0)
        result = mysql_use_result(mysql);
    if (result == NULL)
        set_mysql_error(error, config, mysql, table->name);
    else
        whole = read_result(mysql, result, config, table, rows, error);
    mysql_free_result(result);
    return whole;
}

static bool begin(MYSQL *mysql, const struct mysql_config *config, struct error *error)
{
    if (mysql_query(mysql, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ") == 0 &&
        mysql_query(mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") == 0)
        return true;
    set_mysql_error(error, config, mysql, "starting a transaction");
    return false;
}

/* Reads the tables of `scope`; a scope of which one table failed is missing from the result. */
static unsigned read_tables(MYSQL *mysql, const struct mysql_config *config, unsigned scope,
                            struct rows *rows, struct error *error)
{
    unsigned whole = scope;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct table *table = &tables[i];
        struct error *first_error = whole == scope ? error : NULL;

        if ((whole & table->scope) == 0)
            continue;
        if (!read_table(mysql, config, table, rows, first_error))
            whole &= ~(unsigned)table->scope;
    }
    return whole;
}

unsigned mysql_read_rows(const struct mysql_config *config, unsigned scope, struct rows *rows,
                         struct error *error)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned whole = 0;

    if (mysql == NULL) {
        error_set(error, ERROR_NO_MEMORY, "no memory for a MySQL connection");
        return 0;
    }
    if (connect_database(mysql, config, error) && begin(mysql, config, error)) {
        whole = read_tables(mysql, config, scope, rows, error);
        mysql_query(mysql, "COMMIT");
    }
    mysql_close(mysql);
    return whole;
}
