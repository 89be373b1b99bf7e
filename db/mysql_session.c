/*
 * DESIGN. A SET that names one variable which the server does not know sets none. So the server is
 * asked first which of the variables it has; what of those is not as it should be is set in one
 * statement and asked for again. Even that question is cut by sql_select_limit and refused by
 * max_join_size: what every server has is set before it, without asking.
 */
#include "db/mysql_session.h"

#include <mysql.h>
#include <mysqld_error.h>
#include <string.h>

#define NO_LIMIT "18446744073709551615"
#define FIRST_SET                                                                                            \
    "SET NAMES utf8mb4, SESSION sql_select_limit = " NO_LIMIT                                                \
    ", SESSION sql_big_selects = 1, SESSION sql_mode = ''"
#define SET_LENGTH 2048

/* One variable of the session. */
struct setting {
    const char *name;
    const char *value; /* as SET takes it */
    const char *shown; /* as SHOW VARIABLES gives it */
    bool vital;        /* it changes which rows are read or what they say */
};

static const struct setting settings[] = {
    {"sql_select_limit", NO_LIMIT, NO_LIMIT, true},
    {"sql_mode", "''", "", true},
    {"sql_big_selects", "1", "ON", true},
    {"time_zone", "'+00:00'", "+00:00", true},
    {"character_set_client", "utf8mb4", "utf8mb4", true},
    {"character_set_connection", "utf8mb4", "utf8mb4", true},
    {"character_set_results", "utf8mb4", "utf8mb4", true},
    {"tx_isolation", "'REPEATABLE-READ'", "REPEATABLE-READ", true},
    {"transaction_isolation", "'REPEATABLE-READ'", "REPEATABLE-READ", true},
    {"system_versioning_asof", "DEFAULT", "DEFAULT", true},
    {"completion_type", "'NO_CHAIN'", "NO_CHAIN", false},
    {"lock_wait_timeout", "10", "10", false},         /* s */
    {"max_statement_time", "30", "30.000000", false}, /* s, MariaDB */
    {"max_execution_time", "30000", "30000", false},  /* ms, MySQL */
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

/* What the session has of a setting. */
enum setting_state { SETTING_UNKNOWN, SETTING_OTHER, SETTING_RIGHT };

struct session {
    struct mysql_connection *connection;
    enum setting_state states[SETTING_COUNT];
    char found[SETTING_COUNT][64]; /* of those that are SETTING_OTHER */
};

static bool run(const struct session *session, const char *statement, const char *doing, struct error *error)
{
    if (mysql_connection_query(session->connection, statement))
        return true;
    mysql_connection_error(session->connection, doing, error);
    return false;
}

static void note_setting(struct session *session, const char *name, const char *value)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcasecmp(settings[i].name, name) != 0)
            continue;
        session->states[i] = strcmp(settings[i].shown, value) == 0 ? SETTING_RIGHT : SETTING_OTHER;
        snprintf(session->found[i], sizeof(session->found[i]), "%s", value);
    }
}

/* Asks the server which settings it knows and what they are. */
static bool ask(struct session *session, struct error *error)
{
    static const char doing[] = "asking for the session's settings";
    char statement[SET_LENGTH];
    size_t length =
        (size_t)snprintf(statement, sizeof(statement), "SHOW SESSION VARIABLES WHERE Variable_name IN (");
    MYSQL_RES *result;
    MYSQL_ROW row;

    for (size_t i = 0; i < SETTING_COUNT; i++)
        length += (size_t)snprintf(statement + length, sizeof(statement) - length, "'%s'%s", settings[i].name,
                                   i + 1 < SETTING_COUNT ? ", " : ")");
    memset(session->states, 0, sizeof(session->states));
    if (!run(session, statement, doing, error))
        return false;
    result = mysql_connection_store(session->connection);
    if (result == NULL) {
        mysql_connection_error(session->connection, doing, error);
        return false;
    }
    while (mysql_num_fields(result) >= 2 && (row = mysql_fetch_row(result)) != NULL) {
        if (row[0] != NULL && row[1] != NULL)
            note_setting(session, row[0], row[1]);
    }
    mysql_free_result(result);
    return true;
}

/* Sets what is other than it should be. */
static bool set(const struct session *session, struct error *error)
{
    char statement[SET_LENGTH];
    size_t length = 0;

    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (session->states[i] == SETTING_OTHER)
            length += (size_t)snprintf(statement + length, sizeof(statement) - length, "%s SESSION %s = %s",
                                       length == 0 ? "SET" : ",", settings[i].name, settings[i].value);
    }
    return length == 0 || run(session, statement, "setting up the session", error);
}

/* False with *error when the server did not take what changes rows or values. */
static bool check(const struct session *session, struct remarks *remarks, struct error *error)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (session->states[i] != SETTING_OTHER)
            continue;
        if (settings[i].vital) {
            error_set(error, ERROR_INVENTORY,
                      "mysql: the server keeps %s = '%s', expected '%s': the rows would not be what the "
                      "tables hold; is a proxy in between?",
                      settings[i].name, session->found[i], settings[i].shown);
            return false;
        }
        remarks_add(remarks, "the server keeps %s = '%s', wanted '%s'", settings[i].name, session->found[i],
                    settings[i].shown);
    }
    return true;
}

static bool set_up(struct session *session, struct remarks *remarks, struct error *error)
{
    return run(session, FIRST_SET, "setting up the session", error) && ask(session, error) &&
           set(session, error) && ask(session, error) && check(session, remarks, error);
}

/* From the best on; the last is known to every server. */
static const char *const transactions[] = {
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "START TRANSACTION",
};

static bool lacks_grammar(MYSQL *mysql)
{
    return mysql_errno(mysql) == ER_PARSE_ERROR || mysql_errno(mysql) == ER_NOT_SUPPORTED_YET;
}

static bool start_transaction(struct mysql_connection *connection, struct remarks *remarks,
                              struct error *error)
{
    size_t count = sizeof(transactions) / sizeof(transactions[0]);
    size_t i = 0;

    while (!mysql_connection_query(connection, transactions[i])) {
        if (!lacks_grammar(connection->mysql) || ++i == count) {
            mysql_connection_error(connection, "starting a transaction", error);
            return false;
        }
    }
    if (i > 0)
        remarks_add(remarks, "the server does not know %s; the tables are read after %s", transactions[0],
                    transactions[i]);
    return true;
}

bool mysql_session_begin(struct mysql_connection *connection, struct remarks *remarks, struct error *error)
{
    struct session session = {.connection = connection};

    return set_up(&session, remarks, error) && start_transaction(connection, remarks, error);
}
