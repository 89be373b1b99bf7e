/* Texts as others write them, and what is said of rows that were not understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/row_builder.h"

static void test_blanks_and_line_ends_around_texts_are_taken_off(void **state)
{
    struct instance_row row = rds_row(" rm-test1\r\n");
    struct inventory *inventory;
    struct rows rows;

    (void)state;
    row.ins_type = "RDS ", row.engine = "\tmysql", row.aliyun_uid = "1 ", row.ins_name = " orders\n";
    rows_init(&rows);
    add_instance(&rows, row);
    inventory = build(&rows);
    assert_int_equal(inventory->instance_count, 1);
    assert_string_equal(inventory->instances[0].ins_id, "rm-test1");
    assert_string_equal(inventory->instances[0].aliyun_uid, "1");
    assert_string_equal(inventory->instances[0].ins_name, "orders");
    inventory_put(inventory);
}

/* Builds one row and gives what is said of it. */
static const char *remark_on(struct instance_row row, struct rows *rows, struct inventory **inventory)
{
    struct error error;

    rows_init(rows);
    add_instance(rows, row);
    *inventory = inventory_build(rows, "", NOW_MS, &error);
    assert_non_null(*inventory);
    return rows->remarks[REMARKS_INSTANCES].texts[remarks_kept(&rows->remarks[REMARKS_INSTANCES]) - 1];
}

static void assert_remark(struct instance_row row, enum rejection rejection, const char *expected)
{
    struct rows rows;
    struct inventory *inventory;

    assert_string_equal(remark_on(row, &rows, &inventory), expected);
    if (rejection != REJECTION_COUNT)
        assert_int_equal(inventory->rejected[rejection], 1);
    inventory_put(inventory);
    rows_release(&rows);
}

static void test_row_is_named_by_the_id_that_the_table_has(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.ins_status = row_flag("aktiv");
    row.id = row_number("0a-1b");
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1' (row '0a-1b'): ins_status is 'aktiv', expected 0 or 1");
    row.id = row_number(NULL);
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1' (a row without id): ins_status is 'aktiv', expected 0 or 1");
}

static void test_remark_names_column_value_and_row(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.id.value = 17;
    row.ins_status = row_flag("aktiv");
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1' (row 17): ins_status is 'aktiv', expected 0 or 1");
    row.ins_status = row_flag("1");
    row.ins_is_readonly = row_flag(NULL);
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1' (row 17): ins_is_readonly is NULL, expected 0 or 1");
    row.ins_is_readonly = row_flag("7");
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1' (row 17): ins_is_readonly is 7, expected 0 or 1");
}

static void test_invisible_characters_of_an_id_are_named(void **state)
{
    struct instance_row row = rds_row("rm-test1\xe2\x80\x8b");

    (void)state;
    assert_remark(row, REJECTED_INVALID_VALUE,
                  "instance 'rm-test1\xe2\x80\x8b' (row 0): ins_id is 'rm-test1\xe2\x80\x8b', which holds a "
                  "zero-width space (U+200B); delete it");
}

static void test_row_without_a_time_is_kept_and_counted(void **state)
{
    struct instance_row row = rds_row("rm-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    row.updated = row_time("gestern");
    assert_string_equal(remark_on(row, &rows, &inventory),
                        "instance 'rm-test1' (row 0): updatetime is 'gestern', expected a date and time or "
                        "seconds since 1970; among duplicates the larger id is newer");
    assert_int_equal(inventory->instance_count, 1);
    assert_int_equal(inventory->undated_rows, 1);
    inventory_put(inventory);
    rows_release(&rows);
}

static void test_first_remarks_are_kept_behind_that_all_rows_are_left_out(void **state)
{
    struct rows rows;
    struct inventory *inventory;
    struct error error;

    (void)state;
    rows_init(&rows);
    for (int64_t i = 0; i < 7; i++) {
        struct instance_row row = rds_row("rm-test1");

        row.id.value = i;
        row.ins_status = row_flag("aktiv");
        add_instance(&rows, row);
    }
    inventory = inventory_build(&rows, "", NOW_MS, &error);
    assert_int_equal(rows.remarks[REMARKS_INSTANCES].count, 8);
    assert_string_equal(rows.remarks[REMARKS_INSTANCES].texts[0],
                        "every row of instances is left out: 7 invalid_value");
    assert_int_equal(remarks_kept(&rows.remarks[REMARKS_INSTANCES]), REMARKS_KEPT);
    inventory_put(inventory);
    rows_release(&rows);
}

static void test_empty_inventory_is_said(void **state)
{
    struct rows rows;
    struct inventory *inventory;
    struct error error;

    (void)state;
    rows_init(&rows);
    inventory = inventory_build(&rows, "", NOW_MS, &error);
    assert_string_equal(rows.remarks[REMARKS_INSTANCES].texts[0], "there are no rows of instances");
    inventory_put(inventory);
    rows_release(&rows);
}

static void test_limit_that_is_not_understood_is_named(void **state)
{
    struct rows rows;
    struct user_limits *limits;
    struct error error;

    (void)state;
    rows_init(&rows);
    assert_true(rows_add_user(&rows, &(struct user_row){.ins_id = "rm-test1",
                                                        .username = "app",
                                                        .max_user_connections = row_number("5 or so")}));
    limits = user_limits_build(&rows, NOW_MS, &error);
    assert_int_equal(limits->rejected[REJECTED_INVALID_VALUE], 1);
    assert_string_equal(
        rows.remarks[REMARKS_USERS].texts[1],
        "user 'app' of 'rm-test1': max_user_connections is '5 or so', expected 0 to 4294967295");
    user_limits_put(limits);
    rows_release(&rows);
}

static void test_node_that_is_not_understood_is_named(void **state)
{
    struct rows rows;
    struct inventory *inventory;
    struct error error;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    assert_true(rows_add_node(&rows, &(struct node_row){.ins_id = "pc-test1",
                                                        .node_id = "pi-test1",
                                                        .node_type = row_flag("master"),
                                                        .id = {3, NULL}}));
    inventory = inventory_build(&rows, "", NOW_MS, &error);
    assert_int_equal(inventory->rejected[REJECTED_INVALID_VALUE], 1);
    assert_string_equal(rows.remarks[REMARKS_INSTANCES].texts[1],
                        "node 'pi-test1' of 'pc-test1' (row 3): node_type is 'master', expected 0 or 1");
    inventory_put(inventory);
    rows_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks_and_line_ends_around_texts_are_taken_off),
        cmocka_unit_test(test_row_is_named_by_the_id_that_the_table_has),
        cmocka_unit_test(test_remark_names_column_value_and_row),
        cmocka_unit_test(test_invisible_characters_of_an_id_are_named),
        cmocka_unit_test(test_row_without_a_time_is_kept_and_counted),
        cmocka_unit_test(test_first_remarks_are_kept_behind_that_all_rows_are_left_out),
        cmocka_unit_test(test_empty_inventory_is_said),
        cmocka_unit_test(test_limit_that_is_not_understood_is_named),
        cmocka_unit_test(test_node_that_is_not_understood_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
