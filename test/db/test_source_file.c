#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "db/source.h"

/* The rows of a file of that content, and the outcome of reading it. */
struct reading {
    char path[64];
    struct rows rows;
    unsigned whole;
    struct error error;
};

static void read_scope(struct reading *reading, const char *content, unsigned scope)
{
    FILE *file;
    int descriptor;

    *reading = (struct reading){.path = "/tmp/inventory.XXXXXX"};
    descriptor = mkstemp(reading->path);
    assert_true(descriptor >= 0);
    file = fdopen(descriptor, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    rows_init(&reading->rows);
    reading->whole = file_read_rows(reading->path, scope, &reading->rows, &reading->error);
    unlink(reading->path);
}

static void read_all(struct reading *reading, const char *content)
{
    read_scope(reading, content, (LOAD_INSTANCES | LOAD_USERS));
    if (reading->whole != (LOAD_INSTANCES | LOAD_USERS))
        print_error("%s\n", reading->error.message);
    assert_int_equal(reading->whole, (LOAD_INSTANCES | LOAD_USERS));
}

/* Reading fails in that line with a message that holds `text`. */
static void assert_refused(const char *content, int line, const char *text)
{
    struct reading reading;
    char prefix[96];

    read_scope(&reading, content, (LOAD_INSTANCES | LOAD_USERS));
    assert_int_equal(reading.whole, 0);
    assert_int_equal(reading.error.class, ERROR_INVENTORY);
    snprintf(prefix, sizeof(prefix), "%s:%d: ", reading.path, line);
    if (strncmp(reading.error.message, prefix, strlen(prefix)) != 0 ||
        strstr(reading.error.message, text) == NULL)
        fail_msg("expected line %d and '%s', got: %s", line, text, reading.error.message);
    rows_release(&reading.rows);
}

#define RDS "[instance rm-test1]\nins_type=rds\naliyun_uid=1000000000000001\n"

static void test_instance_with_all_keys_is_read(void **state)
{
    struct reading reading;
    const struct instance_row *row;

    (void)state;
    read_all(&reading, "# the shop\n"
                       "[instance rm-test1]\n"
                       "ins_name = orders; main\n"
                       "ins_type = RDS\n"
                       "aliyun_uid = 1000000000000001\n"
                       "ins_is_readonly = 1\n"
                       "ins_status = 0\n"
                       "engine = mysql\n"
                       "users = app:100,report:20\n");
    assert_int_equal(reading.rows.instance_count, 1);
    row = &reading.rows.instances[0];
    assert_string_equal(row->ins_id, "rm-test1");
    assert_string_equal(row->ins_name, "orders; main");
    assert_string_equal(row->ins_type, "RDS");
    assert_string_equal(row->aliyun_uid, "1000000000000001");
    assert_string_equal(row->engine, "mysql");
    assert_int_equal(row->ins_is_readonly.value, 1);
    assert_int_equal(row->ins_status.value, 0);
    rows_release(&reading.rows);
}

static void test_missing_keys_mean_an_enabled_writable_mysql_instance(void **state)
{
    struct reading reading;
    const struct instance_row *row;

    (void)state;
    read_all(&reading, RDS);
    row = &reading.rows.instances[0];
    assert_string_equal(row->ins_name, "");
    assert_string_equal(row->engine, "");
    assert_int_equal(row->ins_is_readonly.value, 0);
    assert_int_equal(row->ins_status.value, 1);
    rows_release(&reading.rows);
}

static void test_nodes_are_read(void **state)
{
    struct reading reading;

    (void)state;
    read_all(&reading, "[instance pc-test1]\nins_type=polardb\naliyun_uid=1\n"
                       "nodes = pi-a:write, pi-b : read\n");
    assert_int_equal(reading.rows.node_count, 2);
    assert_string_equal(reading.rows.nodes[0].ins_id, "pc-test1");
    assert_string_equal(reading.rows.nodes[0].node_id, "pi-a");
    assert_int_equal(reading.rows.nodes[0].node_type.value, 0);
    assert_string_equal(reading.rows.nodes[1].node_id, "pi-b");
    assert_int_equal(reading.rows.nodes[1].node_type.value, 1);
    rows_release(&reading.rows);
}

static void test_last_colon_separates_user_and_limit(void **state)
{
    struct reading reading;

    (void)state;
    read_all(&reading, RDS "users=svc:orders:100\n");
    assert_int_equal(reading.rows.user_count, 1);
    assert_string_equal(reading.rows.users[0].username, "svc:orders");
    assert_int_equal(reading.rows.users[0].max_user_connections.value, 100);
    rows_release(&reading.rows);
}

static void test_empty_lists_are_no_items(void **state)
{
    struct reading reading;

    (void)state;
    read_all(&reading, RDS "users=\nnodes=\n");
    assert_int_equal(reading.rows.user_count, 0);
    assert_int_equal(reading.rows.node_count, 0);
    rows_release(&reading.rows);
}

static void test_scope_instances_leaves_users_out(void **state)
{
    struct reading reading;

    (void)state;
    read_scope(&reading, RDS "users=app:1\n", LOAD_INSTANCES);
    assert_int_equal(reading.whole, LOAD_INSTANCES);
    assert_int_equal(reading.rows.instance_count, 1);
    assert_int_equal(reading.rows.user_count, 0);
    rows_release(&reading.rows);
}

static void test_scope_users_leaves_instances_and_nodes_out(void **state)
{
    struct reading reading;

    (void)state;
    read_scope(&reading, RDS "users=app:1\nnodes=pi-a:read\n", LOAD_USERS);
    assert_int_equal(reading.whole, LOAD_USERS);
    assert_int_equal(reading.rows.instance_count, 0);
    assert_int_equal(reading.rows.node_count, 0);
    assert_int_equal(reading.rows.user_count, 1);
    rows_release(&reading.rows);
}

static void test_empty_file_is_an_empty_inventory(void **state)
{
    struct reading reading;

    (void)state;
    read_all(&reading, "");
    assert_int_equal(reading.rows.instance_count, 0);
    rows_release(&reading.rows);
}

static void test_missing_file_is_an_error_that_names_it(void **state)
{
    struct rows rows;
    struct error error;

    (void)state;
    rows_init(&rows);
    assert_int_equal(
        file_read_rows("/nonexistent/inventory.ini", (LOAD_INSTANCES | LOAD_USERS), &rows, &error), 0);
    assert_int_equal(error.class, ERROR_INVENTORY);
    assert_non_null(strstr(error.message, "/nonexistent/inventory.ini"));
    rows_release(&rows);
}

static void test_other_section_is_refused(void **state)
{
    (void)state;
    assert_refused("[inventory]\n", 1, "expected [instance ID]");
    assert_refused("[instance ]\n", 1, "expected [instance ID]");
    assert_refused("[instance]\n", 1, "expected [instance ID]");
    assert_refused("[instance rm test]\n", 1, "expected [instance ID]");
}

static void test_second_section_of_an_instance_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "\n" RDS, 5, "first in line 1");
}

static void test_unknown_key_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "user=app:1\n", 4, "unknown key 'user'");
}

static void test_second_key_in_a_section_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "ins_name=a\nins_name=b\n", 5, "'ins_name' a second time");
}

static void test_same_key_in_another_section_is_accepted(void **state)
{
    struct reading reading;

    (void)state;
    read_all(&reading, RDS "[instance rm-test2]\nins_type=rds\naliyun_uid=2\n");
    assert_int_equal(reading.rows.instance_count, 2);
    rows_release(&reading.rows);
}

static void test_missing_ins_type_is_refused(void **state)
{
    (void)state;
    assert_refused("\n[instance rm-test1]\naliyun_uid=1\n", 2, "no ins_type");
}

static void test_missing_aliyun_uid_is_refused(void **state)
{
    (void)state;
    assert_refused("[instance rm-test1]\nins_type=rds\naliyun_uid=\n", 1, "no aliyun_uid");
}

static void test_flag_other_than_0_and_1_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "ins_is_readonly=2\n", 4, "expected 0 or 1");
    assert_refused(RDS "ins_is_readonly=\n", 4, "expected 0 or 1");
    assert_refused(RDS "ins_status=yes\n", 4, "expected 0 or 1");
}

static void test_node_other_than_write_and_read_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "nodes=pi-a:master\n", 4, "expected write or read");
}

static void test_list_item_without_name_or_value_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "nodes=pi-a\n", 4, "'pi-a'");
    assert_refused(RDS "users=:5\n", 4, "':5'");
    assert_refused(RDS "users=app:1,\n", 4, "''");
    assert_refused(RDS "users=app:1,,b:2\n", 4, "''");
}

static void test_limit_that_is_no_number_in_range_is_refused(void **state)
{
    (void)state;
    assert_refused(RDS "users=app:many\n", 4, "user 'app'");
    assert_refused(RDS "users=app:-1\n", 4, "user 'app'");
    assert_refused(RDS "users=app:4294967296\n", 4, "user 'app'");
    assert_refused(RDS "users=app:\n", 4, "user 'app'");
}

static void test_sections_far_beyond_the_first_allocation_are_read(void **state)
{
    struct reading reading;
    size_t size = 1 << 20;
    char *content = malloc(size);
    size_t length = 0;

    (void)state;
    assert_non_null(content);
    for (int i = 0; i < 10000; i++)
        length += (size_t)snprintf(content + length, size - length,
                                   "[instance rm-test%d]\nins_type=rds\naliyun_uid=1\n", i);
    read_all(&reading, content);
    assert_int_equal(reading.rows.instance_count, 10000);
    rows_release(&reading.rows);
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instance_with_all_keys_is_read),
        cmocka_unit_test(test_missing_keys_mean_an_enabled_writable_mysql_instance),
        cmocka_unit_test(test_nodes_are_read),
        cmocka_unit_test(test_last_colon_separates_user_and_limit),
        cmocka_unit_test(test_empty_lists_are_no_items),
        cmocka_unit_test(test_scope_instances_leaves_users_out),
        cmocka_unit_test(test_scope_users_leaves_instances_and_nodes_out),
        cmocka_unit_test(test_empty_file_is_an_empty_inventory),
        cmocka_unit_test(test_missing_file_is_an_error_that_names_it),
        cmocka_unit_test(test_other_section_is_refused),
        cmocka_unit_test(test_second_section_of_an_instance_is_refused),
        cmocka_unit_test(test_unknown_key_is_refused),
        cmocka_unit_test(test_second_key_in_a_section_is_refused),
        cmocka_unit_test(test_same_key_in_another_section_is_accepted),
        cmocka_unit_test(test_missing_ins_type_is_refused),
        cmocka_unit_test(test_missing_aliyun_uid_is_refused),
        cmocka_unit_test(test_flag_other_than_0_and_1_is_refused),
        cmocka_unit_test(test_node_other_than_write_and_read_is_refused),
        cmocka_unit_test(test_list_item_without_name_or_value_is_refused),
        cmocka_unit_test(test_limit_that_is_no_number_in_range_is_refused),
        cmocka_unit_test(test_sections_far_beyond_the_first_allocation_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
