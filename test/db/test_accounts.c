#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/exclusion.h"
#include "test/db/row_builder.h"

static struct account_table_row good_row(const char *aliyun_uid)
{
    return (struct account_table_row){
        .aliyun_uid = aliyun_uid,
        .access_key_id = "id",
        .encrypted_access_key_secret = "token",
        .status = {1, NULL},
        .updated = {100, NULL},
        .id = {1, NULL},
    };
}

static struct accounts_table *build_table(const struct account_table_row *account_rows, size_t count)
{
    struct accounts_table *table;
    struct error error;
    struct rows rows;

    rows_init(&rows);
    for (size_t i = 0; i < count; i++)
        assert_true(rows_add_account(&rows, &account_rows[i]));
    table = accounts_table_build(&rows, NOW_MS, &error);
    assert_non_null(table);
    rows_release(&rows);
    return table;
}

static void assert_rejected(struct account_table_row row, enum rejection rejection)
{
    struct accounts_table *table = build_table(&row, 1);

    assert_int_equal(table->count, 0);
    for (int i = 0; i < REJECTION_COUNT; i++)
        assert_int_equal(table->rejected[i], i == (int)rejection);
    accounts_table_put(table);
}

static void test_rows_are_sorted_by_uid(void **state)
{
    const struct account_table_row account_rows[] = {good_row("3"), good_row("1"), good_row("2")};
    struct accounts_table *table = build_table(account_rows, 3);

    (void)state;
    assert_int_equal(table->count, 3);
    assert_string_equal(table->rows[0].aliyun_uid, "1");
    assert_string_equal(table->rows[2].aliyun_uid, "3");
    assert_string_equal(table->rows[0].access_key_id, "id");
    assert_string_equal(table->rows[0].encrypted_access_key_secret, "token");
    assert_int_equal(table->loaded_unix_ms, NOW_MS);
    accounts_table_put(table);
}

static void test_no_rows_make_an_empty_table(void **state)
{
    struct accounts_table *table = build_table(NULL, 0);

    (void)state;
    assert_int_equal(table->count, 0);
    accounts_table_put(accounts_table_get(table));
    accounts_table_put(table);
    accounts_table_put(NULL);
}

static void test_row_that_is_off_is_rejected(void **state)
{
    struct account_table_row row = good_row("1");

    (void)state;
    row.status.value = 0;
    assert_rejected(row, REJECTED_DISABLED);
    row.status.value = ROW_NUMBER_NULL;
    assert_rejected(row, REJECTED_INVALID_VALUE);
}

static void test_row_without_uid_is_rejected(void **state)
{
    (void)state;
    assert_rejected(good_row(""), REJECTED_MISSING_ID);
}

static void test_row_without_key_is_rejected(void **state)
{
    struct account_table_row row = good_row("1");

    (void)state;
    row.access_key_id = "";
    assert_rejected(row, REJECTED_MISSING_KEY);
}

static void test_row_without_secret_is_rejected(void **state)
{
    struct account_table_row row = good_row("1");

    (void)state;
    row.encrypted_access_key_secret = "";
    assert_rejected(row, REJECTED_MISSING_KEY);
}

static void assert_second_wins(struct account_table_row first, struct account_table_row second)
{
    struct accounts_table *table;

    second.access_key_id = "newer";
    table = build_table((const struct account_table_row[]){first, second}, 2);
    assert_int_equal(table->count, 1);
    assert_string_equal(table->rows[0].access_key_id, "newer");
    assert_int_equal(table->rejected[REJECTED_DUPLICATE_ACCOUNT], 1);
    accounts_table_put(table);
}

static void test_newest_of_two_rows_wins(void **state)
{
    struct account_table_row newer = good_row("1");

    (void)state;
    newer.updated.value = 101;
    assert_second_wins(good_row("1"), newer);
    newer.updated.value = 100;
    newer.id.value = 2;
    assert_second_wins(good_row("1"), newer);
}

static void test_row_that_is_off_hides_no_other(void **state)
{
    struct account_table_row account_rows[] = {good_row("1"), good_row("1")};
    struct accounts_table *table;

    (void)state;
    account_rows[1].status.value = 0;
    account_rows[1].updated.value = 200;
    table = build_table(account_rows, 2);
    assert_int_equal(table->count, 1);
    assert_int_equal(table->rejected[REJECTED_DISABLED], 1);
    accounts_table_put(table);
}

static void assert_unmatched(const char *exclude, const char *expected)
{
    struct rows rows;
    struct strbuf out;

    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    add_instance(&rows, rds_row("rm-test2"));
    strbuf_init(&out, 0);
    assert_true(exclusion_unmatched(exclude, &rows, &out));
    assert_string_equal(strbuf_text(&out), expected);
    assert_int_equal(rows.instance_count, 2);
    strbuf_release(&out);
    rows_release(&rows);
}

static void test_patterns_that_name_no_instance_are_told(void **state)
{
    (void)state;
    assert_unmatched("", "");
    assert_unmatched("rm-test1, rm-*", "");
    assert_unmatched("rm-test3, rm-*, pc-?", "rm-test3, pc-?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sorted_by_uid),
        cmocka_unit_test(test_no_rows_make_an_empty_table),
        cmocka_unit_test(test_row_that_is_off_is_rejected),
        cmocka_unit_test(test_row_without_uid_is_rejected),
        cmocka_unit_test(test_row_without_key_is_rejected),
        cmocka_unit_test(test_row_without_secret_is_rejected),
        cmocka_unit_test(test_newest_of_two_rows_wins),
        cmocka_unit_test(test_row_that_is_off_hides_no_other),
        cmocka_unit_test(test_patterns_that_name_no_instance_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
