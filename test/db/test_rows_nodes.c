#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/row_builder.h"

static void test_polardb_readonly_flag_does_not_matter(void **state)
{
    struct instance_row row = polardb_row("pc-test1");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    row.ins_is_readonly.value = ROW_NUMBER_NULL;
    add_instance(&rows, row);
    add_node(&rows, "pc-test1", "pi-test1", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    inventory_put(inventory);
}

static void test_polardb_is_one_target_per_node_with_the_type_of_its_row(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "pc-test1", "pi-test2", 1);
    add_node(&rows, "pc-test1", "pi-test1", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->instance_count, 1);
    assert_int_equal(inventory->target_count, 2);
    assert_string_equal(inventory->targets[0].node_id, "pi-test1");
    assert_int_equal(inventory->targets[0].node_type, NODE_TYPE_WRITE);
    assert_string_equal(inventory->targets[1].node_id, "pi-test2");
    assert_int_equal(inventory->targets[1].node_type, NODE_TYPE_READ);
    assert_ptr_equal(inventory->targets[0].instance, &inventory->instances[0]);
    assert_ptr_equal(inventory->targets[1].instance, &inventory->instances[0]);
    inventory_put(inventory);
}

static void test_node_without_node_id_is_rejected(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "pc-test1", "", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 0);
    assert_int_equal(inventory->rejected[REJECTED_MISSING_ID], 1);
    assert_int_equal(inventory->rejected[REJECTED_NO_NODES], 1);
    inventory_put(inventory);
}

static void test_node_without_ins_id_is_rejected(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "", "pi-test1", 0);
    add_node(&rows, "pc-test1", "pi-test2", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_int_equal(inventory->rejected[REJECTED_MISSING_ID], 1);
    inventory_put(inventory);
}

static void test_node_without_a_known_type_is_rejected(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "pc-test1", "pi-test1", 0);
    add_node(&rows, "pc-test1", "pi-test2", ROW_NUMBER_NULL);
    add_node(&rows, "pc-test1", "pi-test3", 2);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_int_equal(inventory->rejected[REJECTED_INVALID_VALUE], 2);
    inventory_put(inventory);
}

static void test_nodes_of_rds_rejected_and_unknown_instances_are_not_counted(void **state)
{
    struct instance_row disabled = polardb_row("pc-test2");
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    disabled.ins_status.value = 0;
    add_instance(&rows, rds_row("rm-test1"));
    add_instance(&rows, disabled);
    add_node(&rows, "rm-test1", "pi-test1", ROW_NUMBER_NULL);
    add_node(&rows, "pc-test2", "", 7);
    add_node(&rows, "pc-test3", "pi-test3", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_int_equal(inventory->rejected[REJECTED_DISABLED], 1);
    assert_int_equal(inventory->rejected[REJECTED_MISSING_ID], 0);
    assert_int_equal(inventory->rejected[REJECTED_INVALID_VALUE], 0);
    inventory_put(inventory);
}

static void test_duplicate_node_newest_updatetime_wins(void **state)
{
    struct node_row older = {.ins_id = "pc-test1",
                             .node_id = "pi-test1",
                             .node_type = {0, NULL},
                             .updated = {1, NULL},
                             .id = {2, NULL}};
    struct node_row newer = {.ins_id = "pc-test1",
                             .node_id = "pi-test1",
                             .node_type = {1, NULL},
                             .updated = {2, NULL},
                             .id = {1, NULL}};
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    assert_true(rows_add_node(&rows, &older));
    assert_true(rows_add_node(&rows, &newer));
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 1);
    assert_int_equal(inventory->targets[0].node_type, NODE_TYPE_READ);
    assert_int_equal(inventory->rejected[REJECTED_DUPLICATE_NODE], 1);
    inventory_put(inventory);
}

static void test_duplicate_node_of_the_same_time_larger_id_wins(void **state)
{
    struct node_row first = {
        .ins_id = "pc-test1", .node_id = "pi-test1", .node_type = {1, NULL}, .id = {2, NULL}};
    struct node_row second = {
        .ins_id = "pc-test1", .node_id = "pi-test1", .node_type = {0, NULL}, .id = {1, NULL}};
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    assert_true(rows_add_node(&rows, &first));
    assert_true(rows_add_node(&rows, &second));
    inventory = build(&rows);
    assert_int_equal(inventory->targets[0].node_type, NODE_TYPE_READ);
    inventory_put(inventory);
}

static void test_same_node_id_in_two_clusters_is_two_targets(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_instance(&rows, polardb_row("pc-test2"));
    add_node(&rows, "pc-test1", "pi-test1", 0);
    add_node(&rows, "pc-test2", "pi-test1", 0);
    inventory = build(&rows);
    assert_int_equal(inventory->target_count, 2);
    assert_int_equal(inventory->rejected[REJECTED_DUPLICATE_NODE], 0);
    inventory_put(inventory);
}

static void test_excluded_cluster_takes_its_nodes_with_it(void **state)
{
    struct rows rows;
    struct inventory *inventory;

    (void)state;
    rows_init(&rows);
    add_instance(&rows, polardb_row("pc-test1"));
    add_node(&rows, "pc-test1", "pi-test1", 0);
    inventory = build_excluding(&rows, "pc-*");
    assert_int_equal(inventory->target_count, 0);
    assert_int_equal(inventory->rejected[REJECTED_EXCLUDED], 1);
    assert_int_equal(inventory->rejected[REJECTED_NO_NODES], 0);
    inventory_put(inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polardb_readonly_flag_does_not_matter),
        cmocka_unit_test(test_polardb_is_one_target_per_node_with_the_type_of_its_row),
        cmocka_unit_test(test_node_without_node_id_is_rejected),
        cmocka_unit_test(test_node_without_ins_id_is_rejected),
        cmocka_unit_test(test_node_without_a_known_type_is_rejected),
        cmocka_unit_test(test_nodes_of_rds_rejected_and_unknown_instances_are_not_counted),
        cmocka_unit_test(test_duplicate_node_newest_updatetime_wins),
        cmocka_unit_test(test_duplicate_node_of_the_same_time_larger_id_wins),
        cmocka_unit_test(test_same_node_id_in_two_clusters_is_two_targets),
        cmocka_unit_test(test_excluded_cluster_takes_its_nodes_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
