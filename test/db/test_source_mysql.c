#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/mysql_fixture.h"

static void test_instances_arrive_with_all_columns(void **state)
{
    struct reading reading;
    const struct instance_row *row;

    (void)state;
    require_server();
    execute("INSERT INTO instance_list (id, ins_id, ins_name, ins_is_readonly, ins_type, ins_status, engine,"
            " aliyun_uid, updatetime) VALUES (7, 'rm-test1', 'orders', 1, 'RDS', 1, 'mysql',"
            " '1000000000000001', FROM_UNIXTIME(1700000000))");
    read_all(&reading);
    assert_int_equal(reading.rows.instance_count, 1);
    row = &reading.rows.instances[0];
    assert_string_equal(row->ins_id, "rm-test1");
    assert_string_equal(row->ins_name, "orders");
    assert_string_equal(row->ins_type, "RDS");
    assert_string_equal(row->engine, "mysql");
    assert_string_equal(row->aliyun_uid, "1000000000000001");
    assert_int_equal(row->ins_is_readonly.value, 1);
    assert_int_equal(row->ins_status.value, 1);
    assert_int_equal(row->updated.value, 1700000000 * INT64_C(1000000));
    assert_int_equal(row->id.value, 7);
    rows_release(&reading.rows);
}

static void test_nodes_arrive_with_all_columns(void **state)
{
    struct reading reading;
    const struct node_row *row;

    (void)state;
    require_server();
    execute("INSERT INTO instance_node_id (id, ins_id, node_id, node_type, updatetime) VALUES"
            " (3, 'pc-test1', 'pi-test1', 1, FROM_UNIXTIME(1700000001))");
    read_all(&reading);
    assert_int_equal(reading.rows.node_count, 1);
    row = &reading.rows.nodes[0];
    assert_string_equal(row->ins_id, "pc-test1");
    assert_string_equal(row->node_id, "pi-test1");
    assert_int_equal(row->node_type.value, 1);
    assert_int_equal(row->updated.value, 1700000001 * INT64_C(1000000));
    assert_int_equal(row->id.value, 3);
    rows_release(&reading.rows);
}

static void test_users_arrive_with_all_columns(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES ('rm-test1', 'app', "
            "100)");
    read_all(&reading);
    assert_int_equal(reading.rows.user_count, 1);
    assert_string_equal(reading.rows.users[0].ins_id, "rm-test1");
    assert_string_equal(reading.rows.users[0].username, "app");
    assert_int_equal(reading.rows.users[0].max_user_connections.value, 100);
    rows_release(&reading.rows);
}

static void test_null_is_empty_text_or_no_number(void **state)
{
    struct reading reading;
    const struct instance_row *row;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_list MODIFY updatetime timestamp NULL;"
            "INSERT INTO instance_list (ins_is_readonly, ins_status, updatetime) VALUES (NULL, NULL, NULL);"
            "INSERT INTO instance_node_id (node_type) VALUES (NULL);"
            "INSERT INTO instance_users (max_user_connections) VALUES (NULL)");
    read_all(&reading);
    row = &reading.rows.instances[0];
    assert_string_equal(row->ins_id, "");
    assert_string_equal(row->ins_name, "");
    assert_string_equal(row->ins_type, "");
    assert_string_equal(row->engine, "");
    assert_string_equal(row->aliyun_uid, "");
    assert_true(row->ins_is_readonly.value == ROW_NUMBER_NULL);
    assert_true(row->ins_status.value == ROW_NUMBER_NULL);
    assert_true(row->updated.value == ROW_NUMBER_NULL);
    assert_string_equal(reading.rows.nodes[0].ins_id, "");
    assert_string_equal(reading.rows.nodes[0].node_id, "");
    assert_true(reading.rows.nodes[0].node_type.value == ROW_NUMBER_NULL);
    assert_string_equal(reading.rows.users[0].username, "");
    assert_true(reading.rows.users[0].max_user_connections.value == ROW_NUMBER_NULL);
    rows_release(&reading.rows);
}

static void test_number_beyond_64_bits_is_no_number(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_users MODIFY max_user_connections bigint unsigned;"
            "INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES"
            " ('rm-test1', 'app', 18446744073709551615)");
    read_all(&reading);
    assert_true(reading.rows.users[0].max_user_connections.value == ROW_NUMBER_NULL);
    rows_release(&reading.rows);
}

static void test_text_in_a_number_column_is_no_number(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_users MODIFY max_user_connections varchar(20);"
            "INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES ('rm-test1', 'app', "
            "'5 or so')");
    read_all(&reading);
    assert_true(reading.rows.users[0].max_user_connections.value == ROW_NUMBER_NULL);
    rows_release(&reading.rows);
}

static void test_utf8_of_four_bytes_and_255_characters_arrive_whole(void **state)
{
    struct reading reading;
    const char *name;

    (void)state;
    require_server();
    execute("INSERT INTO instance_list (ins_id, ins_name) VALUES ('rm-test1', REPEAT('😀', 255))");
    read_all(&reading);
    name = reading.rows.instances[0].ins_name;
    assert_int_equal(strlen(name), 255 * 4);
    assert_memory_equal(name + 254 * 4, "😀", 5);
    rows_release(&reading.rows);
}

static void test_broken_utf8_arrives_as_it_is(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_list MODIFY ins_name varbinary(255);"
            "INSERT INTO instance_list (ins_id, ins_name) VALUES ('rm-test1', X'61FFC328')");
    read_all(&reading);
    assert_string_equal(reading.rows.instances[0].ins_name, "a\xff\xc3(");
    rows_release(&reading.rows);
}

static void test_text_is_cut_at_a_nul_byte(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("INSERT INTO instance_list (ins_id, ins_name) VALUES ('rm-test1', CONCAT('ab', CHAR(0), 'cd'))");
    read_all(&reading);
    assert_string_equal(reading.rows.instances[0].ins_name, "ab");
    rows_release(&reading.rows);
}

static void test_updatetime_does_not_depend_on_the_time_zone(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute("INSERT INTO instance_list (ins_id, updatetime) VALUES ('rm-test1', FROM_UNIXTIME(1700000000));"
            "SET GLOBAL time_zone = '+09:00'");
    read_all(&reading);
    execute("SET GLOBAL time_zone = 'SYSTEM'");
    assert_int_equal(reading.rows.instances[0].updated.value, 1700000000 * INT64_C(1000000));
    rows_release(&reading.rows);
}

static void test_updatetime_is_read_to_the_microsecond(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    execute(
        "ALTER TABLE instance_list MODIFY updatetime timestamp(6) NULL;"
        "INSERT INTO instance_list (ins_id, updatetime) VALUES ('rm-test1', FROM_UNIXTIME(1700000000.75))");
    read_all(&reading);
    assert_int_equal(reading.rows.instances[0].updated.value, 1700000000 * INT64_C(1000000) + 750000);
    rows_release(&reading.rows);
}

static void test_scope_users_does_not_touch_the_other_tables(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute(
        "DROP TABLE instance_list; DROP TABLE instance_node_id;"
        "INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES ('rm-test1', 'app', 1)");
    read_with(&reading, &config, LOAD_USERS);
    assert_int_equal(reading.whole, LOAD_USERS);
    assert_int_equal(reading.rows.user_count, 1);
    rows_release(&reading.rows);
}

static void test_scope_instances_does_not_touch_instance_users(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("DROP TABLE instance_users");
    read_with(&reading, &config, LOAD_INSTANCES);
    assert_int_equal(reading.whole, LOAD_INSTANCES);
    rows_release(&reading.rows);
}

static void test_missing_users_table_does_not_keep_instances_from_loading(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("DROP TABLE instance_users; INSERT INTO instance_list (ins_id) VALUES ('rm-test1')");
    read_with(&reading, &config, LOAD_ALL);
    assert_int_equal(reading.whole, LOAD_INSTANCES | LOAD_ACCOUNTS);
    assert_int_equal(reading.rows.instance_count, 1);
    assert_string_equal(reading.error.code, "1146");
    assert_non_null(strstr(reading.error.message, "instance_users"));
    rows_release(&reading.rows);
}

static void test_missing_node_table_does_not_keep_users_from_loading(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("DROP TABLE instance_node_id");
    read_with(&reading, &config, LOAD_ALL);
    assert_int_equal(reading.whole, LOAD_USERS | LOAD_ACCOUNTS);
    assert_string_equal(reading.error.code, "1146");
    assert_non_null(strstr(reading.error.message, "instance_node_id"));
    rows_release(&reading.rows);
}

static void test_missing_column_is_named_with_its_table(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_list DROP COLUMN ins_status");
    read_with(&reading, &config, LOAD_ALL);
    assert_int_equal(reading.whole, LOAD_USERS | LOAD_ACCOUNTS);
    assert_string_equal(reading.error.code, "1054");
    assert_non_null(strstr(reading.error.message, "instance_list"));
    assert_non_null(strstr(reading.error.message, "ins_status"));
    rows_release(&reading.rows);
}

static void test_missing_grant_names_the_table(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("REVOKE ALL ON " DATABASE ".* FROM " USER ";"
            "GRANT SELECT ON " DATABASE ".instance_list TO " USER ";"
            "GRANT SELECT ON " DATABASE ".instance_node_id TO " USER);
    read_with(&reading, &config, LOAD_ALL);
    assert_int_equal(reading.whole, LOAD_INSTANCES);
    assert_string_equal(reading.error.code, "1142");
    assert_non_null(strstr(reading.error.message, "instance_users"));
    assert_non_null(strstr(reading.error.message, "GRANT SELECT on the table"));
    rows_release(&reading.rows);
}

/* What the server was asked, as it logged it. */
static void test_load_is_one_readonly_snapshot_with_one_select_per_table(void **state)
{
    static const char *const expected[] = {
        "SET NAMES utf8mb4, SESSION sql_select_limit",
        "SHOW SESSION VARIABLES",
        ("SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = 10,"
         " SESSION max_statement_time = 30"),
        "SHOW SESSION VARIABLES",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        "SELECT COUNT(*)",
        "SELECT ins_id",
        "SELECT COUNT(*)",
        "SELECT ins_id",
        "SELECT COUNT(*)",
        "SELECT ins_id",
        "SELECT COUNT(*)",
        "SELECT aliyun_uid",
        "COMMIT"};
    struct reading reading;
    char statements[4096];
    char *rest = statements;

    (void)state;
    require_server();
    execute("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = 1");
    read_all(&reading);
    execute("SET GLOBAL general_log = 0");
    rows_release(&reading.rows);
    private_mariadb_query(&server,
                          "SELECT argument FROM mysql.general_log WHERE command_type = 'Query' AND"
                          " user_host LIKE '" USER "%'",
                          statements, sizeof(statements));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char *statement = strsep(&rest, "\n");

        assert_non_null(statement);
        assert_memory_equal(statement, expected[i], strlen(expected[i]));
    }
    assert_string_equal(rest, "");
}

#define TEST(name) cmocka_unit_test_setup(name, create_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load_is_one_readonly_snapshot_with_one_select_per_table),
        TEST(test_instances_arrive_with_all_columns),
        TEST(test_nodes_arrive_with_all_columns),
        TEST(test_users_arrive_with_all_columns),
        TEST(test_null_is_empty_text_or_no_number),
        TEST(test_number_beyond_64_bits_is_no_number),
        TEST(test_text_in_a_number_column_is_no_number),
        TEST(test_utf8_of_four_bytes_and_255_characters_arrive_whole),
        TEST(test_broken_utf8_arrives_as_it_is),
        TEST(test_text_is_cut_at_a_nul_byte),
        TEST(test_updatetime_does_not_depend_on_the_time_zone),
        TEST(test_updatetime_is_read_to_the_microsecond),
        TEST(test_scope_users_does_not_touch_the_other_tables),
        TEST(test_scope_instances_does_not_touch_instance_users),
        TEST(test_missing_users_table_does_not_keep_instances_from_loading),
        TEST(test_missing_node_table_does_not_keep_users_from_loading),
        TEST(test_missing_column_is_named_with_its_table),
        TEST(test_missing_grant_names_the_table),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
