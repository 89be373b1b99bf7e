/*
 * The accounts table of the inventory database (aliyun_uids): immutable once built,
 * reference-counted. Its secrets are as encrypted here as they are there.
 */
#ifndef DB_ACCOUNTS_H
#define DB_ACCOUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/refcount.h"
#include "db/inventory.h"

/* An enabled row. Texts are never NULL. */
struct account_row {
    const char *aliyun_uid;
    const char *access_key_id;
    const char *encrypted_access_key_secret;
};

struct accounts_table {
    struct refcount refs;
    struct arena arena;
    struct account_row *rows; /* sorted by aliyun_uid, unique */
    size_t count;
    uint64_t rejected[REJECTION_COUNT]; /* rows of this load */
    uint64_t row_count;                 /* in the table */
    uint64_t undated_rows;              /* good ones whose updatetime was not understood */
    int64_t loaded_unix_ms;
};

struct accounts_table *accounts_table_get(struct accounts_table *table);
void accounts_table_put(struct accounts_table *table); /* NULL is allowed */

#endif
