#include "db/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "db/row_array.h"
#include "db/rows.h"

bool rows_add_account(struct rows *rows, const struct account_table_row *row)
{
    struct arena *arena = &rows->account_arena;
    struct account_table_row copy = *row;
    struct account_table_row *grown =
        row_array_reserve(rows->accounts, rows->account_count, &rows->account_capacity, sizeof(*grown));

    if (grown == NULL)
        return false;
    rows->accounts = grown;
    copy.aliyun_uid = arena_strdup(arena, row->aliyun_uid);
    copy.access_key_id = arena_strdup(arena, row->access_key_id);
    copy.encrypted_access_key_secret = arena_strdup(arena, row->encrypted_access_key_secret);
    if (copy.aliyun_uid == NULL || copy.access_key_id == NULL || copy.encrypted_access_key_secret == NULL)
        return false;
    grown[rows->account_count++] = copy;
    return true;
}

/* The first rule that the row breaks by itself; REJECTION_COUNT when it breaks none. */
static enum rejection account_rejection(const struct account_table_row *row)
{
    if (row->status != 1)
        return REJECTED_DISABLED;
    if (row->aliyun_uid[0] == '\0')
        return REJECTED_MISSING_ID;
    if (row->access_key_id[0] == '\0' || row->encrypted_access_key_secret[0] == '\0')
        return REJECTED_MISSING_KEY;
    return REJECTION_COUNT;
}

static int account_row_compare(const void *left, const void *right)
{
    const struct account_table_row *a = left;
    const struct account_table_row *b = right;
    int order = strcmp(a->aliyun_uid, b->aliyun_uid);

    if (order == 0)
        order = row_larger_first(a->updated, b->updated);
    return order != 0 ? order : row_larger_first(a->id, b->id);
}

/* Keeps the good rows, sorted and each account once, in place of the first ones. */
static void accounts_select(struct rows *rows, uint64_t *rejected)
{
    struct account_table_row *accounts = rows->accounts;
    size_t good = 0;
    size_t kept = 0;

    for (size_t i = 0; i < rows->account_count; i++) {
        enum rejection rejection = account_rejection(&accounts[i]);

        if (rejection == REJECTION_COUNT)
            accounts[good++] = accounts[i];
        else
            rejected[rejection]++;
    }
    row_array_sort(accounts, good, sizeof(*accounts), account_row_compare);
    for (size_t i = 0; i < good; i++) {
        if (kept > 0 && strcmp(accounts[kept - 1].aliyun_uid, accounts[i].aliyun_uid) == 0)
            rejected[REJECTED_DUPLICATE_ACCOUNT]++;
        else
            accounts[kept++] = accounts[i];
    }
    rows->account_count = kept;
}

struct accounts_table *accounts_table_build(struct rows *rows, int64_t unix_ms, struct error *error)
{
    struct accounts_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        goto fail;
    refcount_init(&table->refs);
    table->loaded_unix_ms = unix_ms;
    accounts_select(rows, table->rejected);
    table->rows = arena_alloc_array(&rows->account_arena, rows->account_count, sizeof(*table->rows));
    if (table->rows == NULL)
        goto fail;
    for (size_t i = 0; i < rows->account_count; i++) {
        table->rows[i] = (struct account_row){
            .aliyun_uid = rows->accounts[i].aliyun_uid,
            .access_key_id = rows->accounts[i].access_key_id,
            .encrypted_access_key_secret = rows->accounts[i].encrypted_access_key_secret,
        };
    }
    table->count = rows->account_count;
    table->arena = rows->account_arena;
    arena_init(&rows->account_arena);
    rows->account_count = 0;
    return table;
fail:
    error_set(error, ERROR_NO_MEMORY, "no memory for the table of %zu accounts", rows->account_count);
    free(table);
    return NULL;
}

struct accounts_table *accounts_table_get(struct accounts_table *table)
{
    refcount_get(&table->refs);
    return table;
}

void accounts_table_put(struct accounts_table *table)
{
    if (table == NULL || !refcount_put(&table->refs))
        return;
    arena_release(&table->arena);
    free(table);
}
