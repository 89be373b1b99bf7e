/* The connection to the inventory database, and what its errors mean. Private to the MySQL source. */
#ifndef DB_MYSQL_CONNECTION_H
#define DB_MYSQL_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"

struct st_mysql;     /* the client library's MYSQL, */
struct st_mysql_res; /* its MYSQL_RES */

/*
 * Every call blocks for at most 30 s without a byte from the server, and never past the deadline, however
 * few bytes come: then the connection is lost.
 */
struct mysql_connection {
    struct st_mysql *mysql;
    const struct mysql_config *config; /* borrowed */
    int64_t deadline;                  /* of clock_now() */
};

/*
 * Connects as [mysql] says, within about connect_timeout; password_file, when set, is read each time. False
 * with *error. The caller closes it in any case.
 */
bool mysql_connection_open(struct mysql_connection *connection, const struct mysql_config *config,
                           int64_t deadline, struct error *error);
void mysql_connection_close(struct mysql_connection *connection);

/* mysql_query, mysql_store_result and mysql_fetch_row of the client library, up to the deadline. */
bool mysql_connection_query(struct mysql_connection *connection, const char *statement);
struct st_mysql_res *mysql_connection_store(struct mysql_connection *connection);
char **mysql_connection_fetch(struct mysql_connection *connection, struct st_mysql_res *result);

/* Whether the deadline has passed. */
bool mysql_connection_is_late(const struct mysql_connection *connection);

/* Fills *error (NULL is allowed) from the connection's last error; `doing` says what failed. */
void mysql_connection_error(const struct mysql_connection *connection, const char *doing,
                            struct error *error);

#endif
