#include "db/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "db/row_array.h"
#include "db/row_remarks.h"
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
    copy.aliyun_uid = row_text_copy(arena, row->aliyun_uid);
    copy.access_key_id = row_text_copy(arena, row->access_key_id);
    copy.encrypted_access_key_secret = row_text_copy(arena, row->encrypted_access_key_secret);
    if (copy.aliyun_uid == NULL || copy.access_key_id == NULL || copy.encrypted_access_key_secret == NULL ||
        !row_value_keep(arena, &copy.status) || !row_value_keep(arena, &copy.updated) ||
        !row_value_keep(arena, &copy.id))
        return false;
    grown[rows->account_count++] = copy;
    return true;
}

/* The first rule that the row breaks by itself; REJECTION_COUNT when it breaks none. */
static enum rejection account_rejection(const struct account_table_row *row)
{
    if (row->status.value == ROW_NUMBER_NULL || text_invisible(row->aliyun_uid) != NULL)
        return REJECTED_INVALID_VALUE;
    if (row->status.value != 1)
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
        order = row_newer_first(a->updated, a->id, b->updated, b->id);
    return order != 0 ? order : strcmp(b->access_key_id, a->access_key_id);
}

/* Says why a row has an invalid value; a good one may lack its time. */
static void remark_account(struct remarks *remarks, const struct account_table_row *row, bool good)
{
    char name[ROW_NAME_SIZE];

    row_name_format(name, row->id, "account '%.80s'", row->aliyun_uid);
    if (good)
        remark_undated(remarks, name, row->updated);
    else if (text_invisible(row->aliyun_uid) != NULL)
        remark_invisible(remarks, name, "aliyun_uid", row->aliyun_uid);
    else
        remark_value(remarks, name, "status", row->status, "0 or 1");
}

/* Keeps the good rows, sorted and each account once, in place of the first ones. */
static void accounts_select(struct rows *rows, struct accounts_table *table)
{
    uint64_t *rejected = table->rejected;
    struct account_table_row *accounts = rows->accounts;
    size_t good = 0;
    size_t kept = 0;

    for (size_t i = 0; i < rows->account_count; i++) {
        enum rejection rejection = account_rejection(&accounts[i]);
        bool undated = rejection == REJECTION_COUNT && accounts[i].updated.value == ROW_NUMBER_NULL;

        if (undated || rejection == REJECTED_INVALID_VALUE)
            remark_account(&rows->remarks[REMARKS_ACCOUNTS], &accounts[i], undated);
        table->undated_rows += undated;
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
    table->row_count = rows->account_count;
    accounts_select(rows, table);
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
    if (table->count == 0)
        remark_none_left(&rows->remarks[REMARKS_ACCOUNTS], "accounts", table->row_count, table->rejected);
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
