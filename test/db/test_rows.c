#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/row_builder.h"

/* One instance row alone is rejected for `reason` and nothing else. */
static void assert_rejected(struct instance_row row, enum rejection reason)
{
    struct rows rows;
    struct inventory *inventory;

    rows_init(&rows);
    add_instance(&rows, row);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 0);
    assert_int_equal(inventory->instance_count, 0);
    for (int i = 0; i < REJECTION_COUNT; i++)
        assert_int_equal(inventory->rejected[i], i == (int)reason);
    inventory_put(inventory);
}

/* One instance row alone yields one target. */
static void assert_accepted(struct instance_row row, const char *ins_type, enum node_type node_type)
{
    struct rows rows;
    struct inventory *inventory;

    rows_init(&rows);
    add_instance(&rows, row);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_string_equal(inventory->targets[0].instance->ins_type, ins_type);
    assert_string_equal(inventory->targets[0].node_id, "");
    assert_int_equal(inventory->targets[0].node_type, node_type);
    inventory_put(inventory);
}

static void test_no_rows_are_an_empty_inventory(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    inventory = build(&rows);
    assert_int_equal(inventory->instance_count, 0);
    assert_int_equal(inventory->target_count, 0);
    assert_int_equal(inventory->loaded_unix_ms, NOW_MS);
    inventory_put(inventory);
}

static void test_rds_instance_is_one_target_without_node(void **state)
{
    (void)state;
    assert_accepted(rds_row("rm-test1"), "rds", NODE_TYPE_WRITE);
}

static void test_readonly_rds_instance_is_a_read_target(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.ins_is_readonly.value = 1;
    assert_accepted(row, "rds", NODE_TYPE_READ);
}

static void test_disabled_row_is_rejected(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.ins_status.value = 0;
    assert_rejected(row, REJECTED_DISABLED);
    row.ins_status.value = 2;
    assert_rejected(row, REJECTED_DISABLED);
}

static void test_status_that_is_not_understood_is_invalid(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.ins_status.value = ROW_NUMBER_NULL;
    assert_rejected(row, REJECTED_INVALID_VALUE);
    row.engine = "mongodb";
    assert_rejected(row, REJECTED_NOT_MYSQL);
}

static void test_other_engine_is_rejected(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.engine = "mongodb";
    assert_rejected(row, REJECTED_NOT_MYSQL);
}

static void test_engine_is_compared_without_case(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.engine = "MySQL";
    assert_accepted(row, "rds", NODE_TYPE_WRITE);
}

static void test_empty_engine_is_mysql(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.engine = "";
    assert_accepted(row, "rds", NODE_TYPE_WRITE);
}

static void test_unsupported_type_is_rejected_in_any_case(void **state)
{
    static const char *const types[] = {"Mongodb", "mongodb", "MONGODB", "", "polardb-x"};
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        row.ins_type = types[i];
        assert_rejected(row, REJECTED_UNSUPPORTED_TYPE);
    }
}

static void test_rds_in_any_case_is_exported_in_lower_case(void **state)
{
    static const char *const types[] = {"RDS", "rds", "Rds", "rDS"};
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        row.ins_type = types[i];
        assert_accepted(row, "rds", NODE_TYPE_WRITE);
    }
}

static void test_polardb_in_any_case_is_exported_in_lower_case(void **state)
{
    static const char *const types[] = {"PolarDB", "polardb", "POLARDB"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct instance_row row = rds_row("pc-test1");
        struct rows rows;
        struct inventory *inventory;

        rows_init(&rows);
        row.ins_type = types[i];
        add_instance(&rows, row);
        add_node(&rows, "pc-test1", "pi-test1", 0);
        inventory = build(&rows);
        assert_int_equal(inventory->target_count, 1);
        assert_string_equal(inventory->instances[0].ins_type, "polardb");
        inventory_put(inventory);
    }
}

static void test_missing_ins_id_is_rejected(void **state)
{
    (void)state;
    assert_rejected(rds_row(""), REJECTED_MISSING_ID);
}

static void test_missing_aliyun_uid_is_rejected(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.aliyun_uid = "";
    assert_rejected(row, REJECTED_MISSING_ID);
}

static void test_rds_without_a_known_readonly_flag_is_rejected(void **state)
{
    struct instance_row row = rds_row("rm-test1");

    (void)state;
    row.ins_is_readonly.value = ROW_NUMBER_NULL;
    assert_rejected(row, REJECTED_INVALID_VALUE);
    row.ins_is_readonly.value = 2;
    assert_rejected(row, REJECTED_INVALID_VALUE);
    row.ins_is_readonly.value = -1;
    assert_rejected(row, REJECTED_INVALID_VALUE);
}

static void test_polardb_without_nodes_is_rejected(void **state)
{
    (void)state;
    assert_rejected(polardb_row("pc-test1"), REJECTED_NO_NODES);
}

static void test_duplicate_instance_newest_updatetime_wins(void **state)
{
    struct instance_row older = rds_row("rm-test1");
    struct instance_row newer = rds_row("rm-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    newer.updated.value = 200, newer.id.value = 1, newer.ins_name = "new";
    older.updated.value = 100, older.id.value = 9, older.ins_name = "old";
    add_instance(&rows, newer);
    add_instance(&rows, older);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_string_equal(inventory->instances[0].ins_name, "new");
    assert_int_equal(inventory->rejected[REJECTED_DUPLICATE_INSTANCE], 1);
    inventory_put(inventory);
}

static void test_duplicate_instance_of_the_same_time_larger_id_wins(void **state)
{
    struct instance_row first = rds_row("rm-test1");
    struct instance_row second = rds_row("rm-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    first.id.value = 10, first.ins_name = "ten";
    second.id.value = 9, second.ins_name = "nine";
    add_instance(&rows, first);
    add_instance(&rows, second);
    inventory = build(&rows);
    assert_string_equal(inventory->instances[0].ins_name, "ten");
    assert_int_equal(inventory->rejected[REJECTED_DUPLICATE_INSTANCE], 1);
    inventory_put(inventory);
}

static void test_instance_without_updatetime_loses_a_duplicate(void **state)
{
    struct instance_row dated = rds_row("rm-test1");
    struct instance_row undated = rds_row("rm-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    dated.updated.value = 1, dated.id.value = 1, dated.ins_name = "dated";
    undated.updated.value = ROW_NUMBER_NULL, undated.id.value = 2, undated.ins_name = "undated";
    add_instance(&rows, undated);
    add_instance(&rows, dated);
    inventory = build(&rows);
    assert_string_equal(inventory->instances[0].ins_name, "dated");
    inventory_put(inventory);
}

static void test_disabled_newer_row_does_not_hide_an_enabled_one(void **state)
{
    struct instance_row enabled = rds_row("rm-test1");
    struct instance_row disabled = rds_row("rm-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    enabled.updated.value = 100;
    disabled.updated.value = 200, disabled.ins_status.value = 0;
    add_instance(&rows, enabled);
    add_instance(&rows, disabled);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_int_equal(inventory->rejected[REJECTED_DISABLED], 1);
    assert_int_equal(inventory->rejected[REJECTED_DUPLICATE_INSTANCE], 0);
    inventory_put(inventory);
}

static void test_ins_id_that_differs_in_case_is_another_instance(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    add_instance(&rows, rds_row("RM-test1"));
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 2);
    assert_string_equal(inventory->instances[0].ins_id, "RM-test1");
    assert_string_equal(inventory->instances[1].ins_id, "rm-test1");
    inventory_put(inventory);
}

static void test_excluded_id_is_rejected(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    add_instance(&rows, rds_row("rm-test10"));
    inventory = build_excluding(&rows, "rm-test1");
    assert_int_equal(inventory->target_count, 1);
    assert_string_equal(inventory->instances[0].ins_id, "rm-test10");
    assert_int_equal(inventory->rejected[REJECTED_EXCLUDED], 1);
    inventory_put(inventory);
}

static void test_exclude_is_a_list_of_shell_patterns(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-old1"));
    add_instance(&rows, rds_row("rm-old2"));
    add_instance(&rows, rds_row("rm-a7"));
    add_instance(&rows, rds_row("rm-c7"));
    inventory = build_excluding(&rows, " rm-old* ,, rm-[ab]?,");
    assert_int_equal(inventory->target_count, 1);
    assert_string_equal(inventory->instances[0].ins_id, "rm-c7");
    assert_int_equal(inventory->rejected[REJECTED_EXCLUDED], 3);
    inventory_put(inventory);
}

static void test_empty_exclude_excludes_nothing(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    inventory = build_excluding(&rows, " , ");
    assert_int_equal(inventory->target_count, 1);
    inventory_put(inventory);
}

static void test_targets_are_sorted_by_instance_and_node(void **state)
{
    static const char *const expected[] = {"pi-1", "pi-2", "pi-3", ""};
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    add_instance(&rows, polardb_row("pc-test2"));
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "pc-test2", "pi-3", 0);
    add_node(&rows, "pc-test1", "pi-2", 0);
    add_node(&rows, "pc-test1", "pi-1", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(inventory->targets[i].node_id, expected[i]);
    inventory_put(inventory);
}

static void test_odd_texts_arrive_unchanged(void **state)
{
    struct instance_row row = rds_row("rm-test1");
    char name[256];
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    memset(name, 'n', 255);
    memcpy(name, "\"\\\n\xff\xc3(", 6);
    name[255] = '\0';
    row.ins_name = name;
    add_instance(&rows, row);
    inventory = build(&rows);
    assert_string_equal(inventory->instances[0].ins_name, name);
    inventory_put(inventory);
}

static void test_inventory_outlives_rows_and_other_references(void **state)
{
    struct rows rows;
    struct inventory *inventory, *second;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    inventory = build(&rows);
    second = inventory_get(inventory);
    inventory_put(inventory);
    assert_string_equal(second->instances[0].ins_id, "rm-test1");
    inventory_put(second);
}

static void test_inventory_and_limits_come_from_the_same_rows(void **state)
{
    struct rows rows;
    struct error error;
    struct inventory *inventory;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, rds_row("rm-test1"));
    add_user(&rows, "rm-test1", "app", 1);
    inventory = inventory_build(&rows, "", NOW_MS, &error);
    assert_non_null(inventory);
    inventory_put(inventory);
    limits = build_limits(&rows);
    assert_string_equal(limits->limits[0].ins_id, "rm-test1");
    user_limits_put(limits);
}

/* Quadratic work on so many rows would take minutes and hit the test's time limit. */
static void test_300000_rows_are_built_in_a_moment(void **state)
{
    struct rows rows;
    struct inventory *inventory;
    char ins_id[32], node_id[32];

    (void)state;
    rows_init(&rows);
    for (int i = 0; i < 100000; i++) {
        snprintf(ins_id, sizeof(ins_id), "pc-%d", (i * 7919) % 100000);
        add_instance(&rows, polardb_row(ins_id));
        snprintf(node_id, sizeof(node_id), "pi-%d", i);
        add_node(&rows, ins_id, node_id, 0);
        add_node(&rows, "pc-unknown", node_id, 0);
    }
    inventory = build_excluding(&rows, "rm-*,pc-00*,*x*");
    assert_int_equal(inventory->instance_count, 100000);
    assert_int_equal(inventory->target_count, 100000);
    inventory_put(inventory);
}

static void test_every_rejection_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i < REJECTION_COUNT; i++) {
        for (int j = 0; j < i; j++)
            assert_string_not_equal(rejection_name((enum rejection)i), rejection_name((enum rejection)j));
    }
}

static void test_node_types_are_named_write_and_read(void **state)
{
    (void)state;
    assert_string_equal(node_type_name(NODE_TYPE_WRITE), "write");
    assert_string_equal(node_type_name(NODE_TYPE_READ), "read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rows_are_an_empty_inventory),
        cmocka_unit_test(test_rds_instance_is_one_target_without_node),
        cmocka_unit_test(test_readonly_rds_instance_is_a_read_target),
        cmocka_unit_test(test_disabled_row_is_rejected),
        cmocka_unit_test(test_other_engine_is_rejected),
        cmocka_unit_test(test_status_that_is_not_understood_is_invalid),
        cmocka_unit_test(test_engine_is_compared_without_case),
        cmocka_unit_test(test_empty_engine_is_mysql),
        cmocka_unit_test(test_unsupported_type_is_rejected_in_any_case),
        cmocka_unit_test(test_rds_in_any_case_is_exported_in_lower_case),
        cmocka_unit_test(test_polardb_in_any_case_is_exported_in_lower_case),
        cmocka_unit_test(test_missing_ins_id_is_rejected),
        cmocka_unit_test(test_missing_aliyun_uid_is_rejected),
        cmocka_unit_test(test_rds_without_a_known_readonly_flag_is_rejected),
        cmocka_unit_test(test_polardb_without_nodes_is_rejected),
        cmocka_unit_test(test_duplicate_instance_newest_updatetime_wins),
        cmocka_unit_test(test_duplicate_instance_of_the_same_time_larger_id_wins),
        cmocka_unit_test(test_instance_without_updatetime_loses_a_duplicate),
        cmocka_unit_test(test_disabled_newer_row_does_not_hide_an_enabled_one),
        cmocka_unit_test(test_ins_id_that_differs_in_case_is_another_instance),
        cmocka_unit_test(test_excluded_id_is_rejected),
        cmocka_unit_test(test_exclude_is_a_list_of_shell_patterns),
        cmocka_unit_test(test_empty_exclude_excludes_nothing),
        cmocka_unit_test(test_targets_are_sorted_by_instance_and_node),
        cmocka_unit_test(test_odd_texts_arrive_unchanged),
        cmocka_unit_test(test_inventory_outlives_rows_and_other_references),
        cmocka_unit_test(test_inventory_and_limits_come_from_the_same_rows),
        cmocka_unit_test(test_300000_rows_are_built_in_a_moment),
        cmocka_unit_test(test_every_rejection_has_its_own_name),
        cmocka_unit_test(test_node_types_are_named_write_and_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
