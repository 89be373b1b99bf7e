#include "db/source.h"

#include <mysql.h>
#include <string.h>

#include "core/clock.h"
#include "db/mysql_connection.h"
#include "db/mysql_session.h"
#include "db/row_value.h"

/* A load that is larger or takes longer reads something that is no inventory. */
#define LOAD_ROWS_MAX  1000000
#define LOAD_BYTES_MAX (64u << 20) /* of the values */

#define COLUMNS_MAX     9
#define BIT_DIGITS_SIZE 24

struct table {
    const char *name;
    enum load_scope scope;
    const char *columns;
    unsigned column_count;
    bool (*add)(struct rows *rows, char **values);
};

/* One load in progress. */
struct mysql_load {
    struct mysql_connection connection;
    int64_t time_max;
    struct rows *rows;
    uint64_t row_count, byte_count; /* so far */
};

static const char *text(const char *value)
{
    return value != NULL ? value : "";
}

static bool add_instance(struct rows *rows, char **values)
{
    return rows_add_instance(rows, &(struct instance_row){
                                       .ins_id = text(values[0]),
                                       .ins_name = text(values[1]),
                                       .ins_type = text(values[2]),
                                       .engine = text(values[3]),
                                       .aliyun_uid = text(values[4]),
                                       .ins_is_readonly = row_flag(values[5]),
                                       .ins_status = row_flag(values[6]),
                                       .updated = row_time(values[7]),
                                       .id = row_number(values[8]),
                                   });
}

static bool add_node(struct rows *rows, char **values)
{
    return rows_add_node(rows, &(struct node_row){
                                   .ins_id = text(values[0]),
                                   .node_id = text(values[1]),
                                   .node_type = row_flag(values[2]),
                                   .updated = row_time(values[3]),
                                   .id = row_number(values[4]),
                               });
}

static bool add_user(struct rows *rows, char **values)
{
    return rows_add_user(rows, &(struct user_row){
                                   .ins_id = text(values[0]),
                                   .username = text(values[1]),
                                   .max_user_connections = row_number(values[2]),
                               });
}

static bool add_account(struct rows *rows, char **values)
{
    return rows_add_account(rows, &(struct account_table_row){
                                      .aliyun_uid = text(values[0]),
                                      .access_key_id = text(values[1]),
                                      .encrypted_access_key_secret = text(values[2]),
                                      .status = row_flag(values[3]),
                                      .updated = row_time(values[4]),
                                      .id = row_number(values[5]),
                                  });
}

static const struct table tables[] = {
    {"instance_list", LOAD_INSTANCES,
     "ins_id, ins_name, ins_type, engine, aliyun_uid, ins_is_readonly, ins_status, updatetime, id", 9,
     add_instance},
    {"instance_node_id", LOAD_INSTANCES, "ins_id, node_id, node_type, updatetime, id", 5, add_node},
    {"instance_users", LOAD_USERS, "ins_id, username, max_user_connections", 3, add_user},
    {"aliyun_uids", LOAD_ACCOUNTS,
     "aliyun_uid, access_key_id, encrypted_access_key_secret, status, updatetime, id", 6, add_account},
};

/*
 * Refuses a table that cannot be one of an inventory. The rest of its rows is not waited for: the
 * connection is of no use afterwards.
 */
static bool refuse_size(struct mysql_load *load, const struct table *table, const char *what,
                        struct error *error)
{
    error_set(error, ERROR_INVENTORY,
              "mysql: %s: the load has more than %s; is it the right table, or a view that joins too much?",
              table->name, what);
    mariadb_cancel(load->connection.mysql);
    return false;
}

/* Says why reading a table ended early: the time was up, or what the connection met. */
static bool fail(struct mysql_load *load, const struct table *table, struct error *error)
{
    if (!mysql_connection_is_late(&load->connection)) {
        mysql_connection_error(&load->connection, table->name, error);
        return false;
    }
    error_set(
        error, ERROR_INVENTORY,
        "mysql: %s: the load was not whole after %lld s; is the server slow, or is it a view that joins "
        "too much?",
        table->name, (long long)(load->time_max / NS_PER_SECOND));
    mariadb_cancel(load->connection.mysql);
    return false;
}

static bool within_bounds(struct mysql_load *load, const struct table *table, struct error *error)
{
    if (load->row_count > LOAD_ROWS_MAX)
        return refuse_size(load, table, "1000000 rows", error);
    if (load->byte_count > LOAD_BYTES_MAX)
        return refuse_size(load, table, "64 MiB of values", error);
    return !mysql_connection_is_late(&load->connection) || fail(load, table, error);
}

/* BIT(n) is the only type whose value is not sent as text; makes it one, in `digits`. */
static char *bits_as_number(const char *bytes, unsigned long length, char digits[BIT_DIGITS_SIZE])
{
    uint64_t value = 0;

    for (unsigned long i = 0; i < length; i++)
        value = value << 8 | (unsigned char)bytes[i];
    snprintf(digits, BIT_DIGITS_SIZE, "%llu", (unsigned long long)value);
    return digits;
}

static bool add_row(struct mysql_load *load, const struct table *table, MYSQL_RES *result, MYSQL_ROW row)
{
    const unsigned long *lengths = mysql_fetch_lengths(result);
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    char digits[COLUMNS_MAX][BIT_DIGITS_SIZE];
    char *values[COLUMNS_MAX];

    load->row_count++;
    for (unsigned i = 0; i < table->column_count; i++) {
        values[i] = row[i];
        load->byte_count += lengths[i];
        if (row[i] != NULL && fields[i].type == MYSQL_TYPE_BIT)
            values[i] = bits_as_number(row[i], lengths[i], digits[i]);
    }
    return table->add(load->rows, values);
}

/* Streams a result into rows. */
static bool read_result(struct mysql_load *load, MYSQL_RES *result, const struct table *table,
                        struct error *error)
{
    MYSQL_ROW row;

    if (mysql_num_fields(result) != table->column_count) {
        error_set(error, ERROR_INVENTORY, "mysql: %s: the server sent %u columns, expected %u", table->name,
                  mysql_num_fields(result), table->column_count);
        return false;
    }
    while ((row = mysql_connection_fetch(&load->connection, result)) != NULL) {
        if (!add_row(load, table, result, row)) {
            error_set(error, ERROR_NO_MEMORY, "no memory for the rows of %s", table->name);
            mariadb_cancel(load->connection.mysql);
            return false;
        }
        if (!within_bounds(load, table, error))
            return false;
    }
    return mysql_errno(load->connection.mysql) == 0 || fail(load, table, error);
}

/* The result of a query, to be streamed. NULL with *error. */
static MYSQL_RES *query(struct mysql_load *load, const struct table *table, const char *columns,
                        struct error *error)
{
    char statement[256];
    MYSQL_RES *result = NULL;

    snprintf(statement, sizeof(statement), "SELECT %s FROM %s", columns, table->name);
    if (mysql_connection_query(&load->connection, statement))
        result = mysql_use_result(load->connection.mysql);
    if (result == NULL)
        fail(load, table, error);
    return result;
}

/* How many rows the server says there are. */
static bool count_rows(struct mysql_load *load, const struct table *table, uint64_t *count,
                       struct error *error)
{
    MYSQL_RES *result = query(load, table, "COUNT(*)", error);
    MYSQL_ROW row;
    int64_t counted = -1;

    if (result == NULL)
        return false;
    row = mysql_connection_fetch(&load->connection, result);
    if (row != NULL)
        counted = row_number(row[0]).value;
    if (row == NULL)
        fail(load, table, error);
    else if (mysql_connection_fetch(&load->connection, result) != NULL)
        mariadb_cancel(load->connection.mysql); /* one row was asked for: the rest is not waited for */
    else if (counted < 0)
        error_set(error, ERROR_INVENTORY, "mysql: %s: the server's count of rows is no number", table->name);
    mysql_free_result(result);
    *count = (uint64_t)counted;
    return counted >= 0;
}

/* A limit that something put onto our SELECT is known by the rows that are missing. */
static bool read_table(struct mysql_load *load, const struct table *table, struct error *error)
{
    uint64_t before = load->row_count;
    uint64_t counted;
    MYSQL_RES *result;
    bool whole;

    if (!count_rows(load, table, &counted, error))
        return false;
    if (counted > LOAD_ROWS_MAX)
        return refuse_size(load, table, "1000000 rows", error);
    result = query(load, table, table->columns, error);
    if (result == NULL)
        return false;
    whole = read_result(load, result, table, error);
    mysql_free_result(result);
    if (!whole || load->row_count - before >= counted)
        return whole;
    error_set(error, ERROR_INVENTORY,
              "mysql: %s: the server counts %llu rows but sent %llu; does a proxy limit what is read?",
              table->name, (unsigned long long)counted, (unsigned long long)(load->row_count - before));
    return false;
}

/* Reads the tables of `scope`; a scope of which one table failed is missing from the result. */
static unsigned read_tables(struct mysql_load *load, unsigned scope, struct error *error)
{
    unsigned whole = scope;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct table *table = &tables[i];
        struct error *first_error = whole == scope ? error : NULL;

        if ((whole & table->scope) == 0)
            continue;
        if (!read_table(load, table, first_error))
            whole &= ~(unsigned)table->scope;
    }
    return whole;
}

unsigned mysql_read_rows(const struct mysql_config *config, unsigned scope, int64_t time_max,
                         struct rows *rows, struct error *error)
{
    struct mysql_load load = {.time_max = time_max, .rows = rows};
    struct mysql_connection *connection = &load.connection;
    unsigned whole = 0;

    if (mysql_connection_open(connection, config, clock_add(clock_now(), time_max), error) &&
        mysql_session_begin(connection, &rows->remarks[REMARKS_SERVER], error)) {
        whole = read_tables(&load, scope, error);
        mysql_connection_query(connection, "COMMIT");
    }
    mysql_connection_close(connection);
    return whole;
}
