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

#include "core/strbuf.h"
#include "db/mysql_connection.h"

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
    MYSQL *mysql;
    const struct mysql_config *config;
    enum setting_state states[SETTING_COUNT];
    char found[SETTING_COUNT][64]; /* of those that are SETTING_OTHER */
};

static bool run(const struct session *session, const char *statement, const char *doing, struct error *error)
{
    if (mysql_query(session->mysql, statement) == 0)
        return true;
    mysql_connection_error(error, session->config, session->mysql, doing);
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
    char statement[SET_LENGTH];
    MYSQL_RES *result;
    MYSQL_ROW row;
    struct strbuf names;

    strbuf_init(&names, SET_LENGTH / 2);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        strbuf_append_format(&names, "%s'%s'", i > 0 ? ", " : "", settings[i].name);
    snprintf(statement, sizeof(statement), "SHOW SESSION VARIABLES WHERE Variable_name IN (%s)",
             strbuf_text(&names));
    strbuf_release(&names);
    memset(session->states, 0, sizeof(session->states));
    if (!run(session, statement, "asking for the session's settings", error))
        return false;
    result = mysql_store_result(session->mysql);
    while (result != NULL && mysql_num_fields(result) >= 2 && (row = mysql_fetch_row(result)) != NULL) {
        if (row[0] != NULL && row[1] != NULL)
            note_setting(session, row[0], row[1]);
    }
    if (mysql_errno(session->mysql) != 0)
        mysql_connection_error(error, session->config, session->mysql, "asking for the session's settings");
    mysql_free_result(result);
    return mysql_errno(session->mysql) == 0;
}

/* Sets what is other than it should be. */
static bool set(const struct session *session, struct error *error)
{
    struct strbuf statement;
    const char *separator = "SET";
    bool done;

    strbuf_init(&statement, SET_LENGTH);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (session->states[i] != SETTING_OTHER)
            continue;
        strbuf_append_format(&statement, "%s SESSION %s = %s", separator, settings[i].name,
                             settings[i].value);
        separator = ",";
    }
    done = statement.length == 0 || run(session, strbuf_text(&statement), "setting up the session", error);
    strbuf_release(&statement);
    return done;
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

static bool start_transaction(const struct session *session, struct remarks *remarks, struct error *error)
{
    size_t count = sizeof(transactions) / sizeof(transactions[0]);
    size_t i = 0;

    while (mysql_query(session->mysql, transactions[i]) != 0) {
        if (!lacks_grammar(session->mysql) || ++i == count) {
            mysql_connection_error(error, session->config, session->mysql, "starting a transaction");
            return false;
        }
    }
    if (i > 0)
        remarks_add(remarks, "the server does not know %s; the tables are read after %s", transactions[0],
                    transactions[i]);
    return true;
}

bool mysql_session_begin(MYSQL *mysql, const struct mysql_config *config, struct remarks *remarks,
                         struct error *error)
{
    struct session session = {.mysql = mysql, .config = config};

    return set_up(&session, remarks, error) && start_transaction(&session, remarks, error);
}
