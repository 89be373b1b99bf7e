/*
 * The rows as a source delivered them, and the rules that turn them into an inventory. Pure:
 * every rule is tested without a database. Owned by one thread at a time.
 */
#ifndef DB_ROWS_H
#define DB_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "db/accounts.h"
#include "db/inventory.h"
#include "db/remarks.h"
#include "db/row_value.h"

#define ROW_LIMIT_MAX UINT32_MAX /* the largest max_user_connections that MySQL knows */

struct instance_row {
    const char *ins_id; /* texts are never NULL; SQL NULL is "" */
    const char *ins_name;
    const char *ins_type;
    const char *engine;
    const char *aliyun_uid;
    struct row_value ins_is_readonly;
    struct row_value ins_status;
    struct row_value updated; /* updatetime in µs since 1970; larger is newer; ties: see row_newer_first() */
    struct row_value id;
};

struct node_row {
    const char *ins_id;
    const char *node_id;
    struct row_value node_type;
    struct row_value updated;
    struct row_value id;
};

struct user_row {
    const char *ins_id;
    const char *username; /* "" is MySQL's anonymous account */
    struct row_value max_user_connections;
};

struct account_table_row {
    const char *aliyun_uid;
    const char *access_key_id;
    const char *encrypted_access_key_secret;
    struct row_value status;
    struct row_value updated;
    struct row_value id;
};

/* What the remarks of a load are about. */
enum remark_topic { REMARKS_SERVER, REMARKS_INSTANCES, REMARKS_USERS, REMARKS_ACCOUNTS, REMARK_TOPIC_COUNT };

/* Growing tables of rows. The texts lie in arenas, one for each object that will own them. */
struct rows {
    struct arena inventory_arena; /* texts of instances and nodes */
    struct arena user_arena;      /* texts of users */
    struct arena account_arena;   /* texts of accounts */
    struct instance_row *instances;
    size_t instance_count, instance_capacity;
    struct node_row *nodes;
    size_t node_count, node_capacity;
    struct user_row *users;
    size_t user_count, user_capacity;
    struct account_table_row *accounts;
    size_t account_count, account_capacity;
    struct remarks remarks[REMARK_TOPIC_COUNT]; /* of the source and of the rules */
};

void rows_init(struct rows *rows);
void rows_release(struct rows *rows);

/*
 * Append one row, copying its texts without the blanks and line ends around them. False when memory
 * runs out.
 */
bool rows_add_instance(struct rows *rows, const struct instance_row *row);
bool rows_add_node(struct rows *rows, const struct node_row *row);
bool rows_add_user(struct rows *rows, const struct user_row *row);
bool rows_add_account(struct rows *rows, const struct account_table_row *row);

/*
 * Apply all rules of docs/inventory.md. `exclude` is [inventory] exclude. Each consumes its rows:
 * they are sorted in place, their texts move into the result, and their count is 0 afterwards.
 * The caller owns one reference. NULL with *error when memory runs out.
 */
struct inventory *inventory_build(struct rows *rows, const char *exclude, int64_t unix_ms,
                                  struct error *error);
struct user_limits *user_limits_build(struct rows *rows, int64_t unix_ms, struct error *error);
struct accounts_table *accounts_table_build(struct rows *rows, int64_t unix_ms, struct error *error);

#endif
