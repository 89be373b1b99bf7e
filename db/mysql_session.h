/*
 * What the reading of the inventory depends on and a server's defaults, an init_connect, a proxy
 * or another dialect may change. Private to the MySQL source.
 */
#ifndef DB_MYSQL_SESSION_H
#define DB_MYSQL_SESSION_H

#include <stdbool.h>

#include "core/error.h"
#include "db/mysql_connection.h"
#include "db/remarks.h"

/*
 * Sets all of it, as far as the server knows it, checks that it took, and begins a read-only
 * transaction with a consistent snapshot, or the nearest that the server has, with a remark.
 * Blocks. False with *error.
 */
bool mysql_session_begin(struct mysql_connection *connection, struct remarks *remarks, struct error *error);

#endif
