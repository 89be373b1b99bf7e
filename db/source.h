/*
 * Where rows come from: the users' MySQL tables, or a file. Blocking. One thread at a time; a
 * thread other than the main one calls source_thread_init first.
 */
#ifndef DB_SOURCE_H
#define DB_SOURCE_H

#include <stdbool.h>

#include "config/config.h"
#include "core/clock.h"
#include "core/error.h"
#include "db/rows.h"

/* What a load reads; a set of bits. */
enum load_scope {
    LOAD_INSTANCES = 1 << 0, /* instance_list and instance_node_id */
    LOAD_USERS = 1 << 1,     /* instance_users */
    LOAD_ACCOUNTS = 1 << 2,  /* aliyun_uids */
    LOAD_ALL = LOAD_INSTANCES | LOAD_USERS | LOAD_ACCOUNTS,
};

#define LOAD_SCOPE_COUNT 3 /* bits */

/*
 * Each reads the tables of `scope` into empty rows and returns the scopes that it read whole.
 * When that is not all of `scope`, *error says why the first one failed, and the rows of the
 * missing ones are incomplete: a table that cannot be read does not keep the others from loading.
 */

#define MYSQL_LOAD_TIME_MAX (60 * NS_PER_SECOND)

/*
 * One connection, one read-only transaction with a consistent snapshot, one SELECT per table,
 * nothing written. password_file, when set, is read each time. Blocks, at most about connect_timeout
 * for the connection, 30 s without a byte of a reply, and time_max (ns) for everything.
 * *error is ERROR_INVENTORY (ERROR_NO_MEMORY), its code MySQL's number; the message names user,
 * host (or socket) and database and never the password.
 */
unsigned mysql_read_rows(const struct mysql_config *mysql, unsigned scope, int64_t time_max,
                         struct rows *rows, struct error *error);

/* The same from an inventory file (docs/inventory.md); all or nothing, and no accounts in any case. */
unsigned file_read_rows(const char *path, unsigned scope, struct rows *rows, struct error *error);

/* Calls the one that [inventory] source names. */
unsigned source_read_rows(const struct config *config, unsigned scope, struct rows *rows,
                          struct error *error);

/* "mysql" or "file". */
const char *inventory_source_name(enum inventory_source source);

/* Once per process, before any thread starts, and at its end. */
bool source_global_init(struct error *error);
void source_global_release(void);

/* At the start and the end of a thread that reads rows. */
bool source_thread_init(struct error *error);
void source_thread_release(void);

#endif
