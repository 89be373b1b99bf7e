/* The connection to the inventory database, and what its errors mean. Private to the MySQL source. */
#ifndef DB_MYSQL_CONNECTION_H
#define DB_MYSQL_CONNECTION_H

#include <stdbool.h>

#include "config/config.h"
#include "core/error.h"

struct st_mysql; /* the client library's MYSQL */

/* Frees the connection, opened or not. */
void mysql_connection_close(struct st_mysql *mysql);

/*
 * Connects as [mysql] says; password_file, when set, is read each time. Blocks, at most about
 * connect_timeout, and afterwards at most 30 s for a reply. False with *error; the caller closes
 * `mysql` in any case.
 */
bool mysql_connection_open(struct st_mysql *mysql, const struct mysql_config *config, struct error *error);

/* Fills *error (NULL is allowed) from the connection's last error; `doing` says what failed. */
void mysql_connection_error(struct error *error, const struct mysql_config *config, struct st_mysql *mysql,
                            const char *doing);

#endif
