/* Servers and tables that somebody else has set up: neither may change what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/mysql_fixture.h"
#include "test/db/mysql_proxy.h"

#define THREE_INSTANCES                                                                                      \
    "INSERT INTO instance_list (ins_id, ins_name, ins_type, engine, aliyun_uid) VALUES"                      \
    " ('rm-test1', '订单', 'RDS', 'mysql', '1'), ('rm-test2', 'b', 'RDS', 'mysql', '1'),"                  \
    " ('rm-test3', 'c', 'RDS', 'mysql', '1');"

/* The inventory that is built from the tables as they are now. */
static struct inventory *load_inventory(void)
{
    struct reading reading;
    struct inventory *inventory;

    read_all(&reading);
    inventory = inventory_build(&reading.rows, "", 0, &reading.error);
    assert_non_null(inventory);
    if (reading.rows.remarks[REMARKS_INSTANCES].count > 0)
        print_message("%s\n", reading.rows.remarks[REMARKS_INSTANCES].texts[0]);
    rows_release(&reading.rows);
    return inventory;
}

static void assert_three_instances(void)
{
    struct inventory *inventory = load_inventory();

    assert_int_equal(inventory->instance_count, 3);
    assert_string_equal(inventory->instances[0].ins_id, "rm-test1");
    assert_string_equal(inventory->instances[0].ins_name, "订单");
    inventory_put(inventory);
}

/* With a global setting in force; it is set back whatever comes of it. */
static void assert_harmless(const char *hostile, const char *harmless)
{
    struct inventory *inventory;

    require_server();
    execute(THREE_INSTANCES);
    execute(hostile);
    inventory = load_inventory();
    execute(harmless);
    assert_int_equal(inventory->instance_count, 3);
    assert_string_equal(inventory->instances[0].ins_name, "订单");
    inventory_put(inventory);
}

static void test_global_select_limit_leaves_no_row_out(void **state)
{
    (void)state;
    assert_harmless("SET GLOBAL sql_select_limit = 2", "SET GLOBAL sql_select_limit = DEFAULT");
}

static void test_padded_char_columns_are_understood(void **state)
{
    (void)state;
    require_server();
    execute(
        "ALTER TABLE instance_list MODIFY ins_id char(60), MODIFY ins_type char(20), MODIFY engine char(20),"
        " MODIFY ins_status char(5) DEFAULT '1', MODIFY aliyun_uid char(30)");
    assert_harmless("SET GLOBAL sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,ORACLE'",
                    "SET GLOBAL sql_mode = DEFAULT");
}

static void test_init_connect_changes_nothing(void **state)
{
    (void)state;
    assert_harmless(
        "SET GLOBAL init_connect = 'SET NAMES latin1, sql_select_limit = 1, time_zone = \\'-07:00\\'"
        ", character_set_results = ucs2, autocommit = 0'",
        "SET GLOBAL init_connect = ''");
}

static void test_limit_on_joined_rows_does_not_refuse_the_load(void **state)
{
    (void)state;
    assert_harmless("SET GLOBAL max_join_size = 1", "SET GLOBAL max_join_size = DEFAULT");
}

static void test_other_isolation_levels_do_not_matter(void **state)
{
    (void)state;
    assert_harmless("SET GLOBAL tx_isolation = 'SERIALIZABLE', GLOBAL completion_type = 'RELEASE'",
                    "SET GLOBAL tx_isolation = DEFAULT, GLOBAL completion_type = DEFAULT");
}

static void test_versioned_tables_are_read_as_they_are_now(void **state)
{
    (void)state;
    require_server();
    execute("ALTER TABLE instance_list ADD SYSTEM VERSIONING");
    assert_harmless("SET GLOBAL system_versioning_asof = '2000-01-01 00:00:00'",
                    "SET GLOBAL system_versioning_asof = DEFAULT");
}

static void test_tables_in_other_character_sets_arrive_as_utf8(void **state)
{
    (void)state;
    require_server();
    execute(THREE_INSTANCES "ALTER TABLE instance_list CONVERT TO CHARACTER SET gbk");
    assert_three_instances();
    execute("ALTER TABLE instance_list CONVERT TO CHARACTER SET utf32");
    assert_three_instances();
}

static void test_views_are_read_like_tables(void **state)
{
    (void)state;
    require_server();
    execute(THREE_INSTANCES "RENAME TABLE instance_list TO machines;"
                            "CREATE VIEW instance_list AS SELECT * FROM machines");
    assert_three_instances();
}

/* One column of another type; the three instances stay what they are. */
static void assert_type_does_not_matter(const char *change)
{
    create_tables(NULL);
    execute(THREE_INSTANCES);
    execute(change);
    assert_three_instances();
}

static void test_flags_may_be_of_any_type(void **state)
{
    static const char *const types[] = {"bit(1)",     "bit(9)",          "tinyint",       "boolean",
                                        "bigint(20)", "bigint unsigned", "decimal(10,2)", "double",
                                        "float",      "int(5) zerofill", "varchar(10)",   "char(3)",
                                        "text",       "varbinary(9)",    "blob"};
    char change[256];

    (void)state;
    require_server();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        snprintf(change, sizeof(change),
                 "ALTER TABLE instance_list MODIFY ins_status %s, MODIFY ins_is_readonly %s", types[i],
                 types[i]);
        assert_type_does_not_matter(change);
    }
}

static void test_flags_may_be_words(void **state)
{
    (void)state;
    require_server();
    assert_type_does_not_matter("ALTER TABLE instance_list DROP ins_status, ADD ins_status enum('off','on')"
                                " DEFAULT 'on', DROP ins_is_readonly,"
                                " ADD ins_is_readonly set('write','read') DEFAULT 'write'");
    assert_type_does_not_matter(
        "ALTER TABLE instance_list DROP ins_status, ADD ins_status varchar(9) DEFAULT "
        "'TRUE', DROP ins_is_readonly, ADD ins_is_readonly char(1) DEFAULT 'N'");
}

static void test_account_and_id_may_be_numbers(void **state)
{
    (void)state;
    require_server();
    assert_type_does_not_matter("ALTER TABLE instance_list MODIFY aliyun_uid bigint unsigned,"
                                " MODIFY id varchar(20), MODIFY engine enum('mysql','mongodb'),"
                                " MODIFY ins_type set('RDS','PolarDB'), MODIFY ins_name text");
}

static void test_null_where_none_was_expected_leaves_out_that_row_only(void **state)
{
    struct inventory *inventory;

    (void)state;
    require_server();
    execute(THREE_INSTANCES "INSERT INTO instance_list (ins_id, ins_type, aliyun_uid, ins_status) VALUES"
                            " ('rm-test4', 'RDS', '1', NULL)");
    inventory = load_inventory();
    assert_int_equal(inventory->instance_count, 3);
    assert_int_equal(inventory->rejected[REJECTED_INVALID_VALUE], 1);
    inventory_put(inventory);
}

/* Two rows of one instance: 'new' has the later time and the smaller id. */
static void assert_newest_wins(const char *type, const char *older, const char *newer)
{
    struct inventory *inventory;
    char statements[512];

    create_tables(NULL);
    snprintf(statements, sizeof(statements),
             "ALTER TABLE instance_list MODIFY updatetime %s NULL;"
             "INSERT INTO instance_list (id, ins_id, ins_name, ins_type, aliyun_uid, updatetime) VALUES"
             " (1, 'rm-test1', 'new', 'RDS', '1', %s), (2, 'rm-test1', 'old', 'RDS', '1', %s)",
             type, newer, older);
    execute(statements);
    inventory = load_inventory();
    assert_int_equal(inventory->undated_rows, 0);
    assert_string_equal(inventory->instances[0].ins_name, "new");
    inventory_put(inventory);
}

static void test_newest_row_wins_whatever_the_type_of_updatetime(void **state)
{
    (void)state;
    require_server();
    assert_newest_wins("datetime(6)", "'2026-01-02 03:04:05.1'", "'2026-01-02 03:04:05.2'");
    assert_newest_wins("timestamp(3)", "'2026-01-02 03:04:05.001'", "'2026-01-02 03:04:05.002'");
    assert_newest_wins("date", "'2026-01-02'", "'2026-01-03'");
    assert_newest_wins("bigint", "999999999", "1700000000");
    assert_newest_wins("bigint", "1700000000001", "1700000000002");
    assert_newest_wins("decimal(20,6)", "1700000000.1", "1700000000.2");
    assert_newest_wins("double", "1700000000.1", "1700000000.2");
    assert_newest_wins("varchar(40)", "'2026-01-02T03:04:05Z'", "'2026-01-02 03:04:06'");
    assert_newest_wins("varchar(40)", "'999999999'", "'1700000000'");
}

static void test_row_with_an_unknown_time_is_counted_and_its_id_decides(void **state)
{
    struct inventory *inventory;

    (void)state;
    require_server();
    execute("ALTER TABLE instance_list MODIFY updatetime varchar(40);"
            "INSERT INTO instance_list (id, ins_id, ins_name, ins_type, aliyun_uid, updatetime) VALUES"
            " (2, 'rm-test1', 'two', 'RDS', '1', 'gestern'), (1, 'rm-test1', 'one', 'RDS', '1', 'heute')");
    inventory = load_inventory();
    assert_int_equal(inventory->undated_rows, 2);
    assert_string_equal(inventory->instances[0].ins_name, "two");
    inventory_put(inventory);
}

/* Reads once through the proxy. */
static void read_through(struct mysql_proxy *proxy, struct reading *reading, unsigned scope, int64_t time_max)
{
    struct mysql_config config = socket_config();

    proxy->socket = server.socket;
    mysql_proxy_start(proxy);
    config.socket = "";
    config.host = "127.0.0.1";
    config.port = proxy->port;
    read_within(reading, &config, scope, time_max);
    mysql_proxy_stop(proxy);
}

static void test_server_without_readonly_snapshots_is_read_with_the_nearest(void **state)
{
    struct mysql_proxy proxy = {.refused = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"};
    struct reading reading;

    (void)state;
    require_server();
    execute(THREE_INSTANCES);
    read_through(&proxy, &reading, LOAD_ALL, MYSQL_LOAD_TIME_MAX);
    assert_int_equal(reading.whole, LOAD_ALL);
    assert_int_equal(reading.rows.instance_count, 3);
    assert_int_equal(reading.rows.remarks[REMARKS_SERVER].count, 1);
    assert_string_equal(reading.rows.remarks[REMARKS_SERVER].texts[0],
                        "the server does not know START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY; the "
                        "tables are read after START TRANSACTION WITH CONSISTENT SNAPSHOT");
    rows_release(&reading.rows);
}

static void test_server_without_snapshots_is_read_in_a_plain_transaction(void **state)
{
    struct mysql_proxy proxy = {.refused = "START TRANSACTION WITH"};
    struct reading reading;

    (void)state;
    require_server();
    execute(THREE_INSTANCES);
    read_through(&proxy, &reading, LOAD_ALL, MYSQL_LOAD_TIME_MAX);
    assert_int_equal(reading.whole, LOAD_ALL);
    assert_int_equal(reading.rows.instance_count, 3);
    rows_release(&reading.rows);
}

static void test_limit_that_a_proxy_adds_fails_the_load(void **state)
{
    struct mysql_proxy proxy = {.limited = "SELECT ins_id, ins_name"};
    struct reading reading;

    (void)state;
    require_server();
    execute(THREE_INSTANCES);
    read_through(&proxy, &reading, LOAD_INSTANCES, MYSQL_LOAD_TIME_MAX);
    assert_int_equal(reading.whole, 0);
    assert_string_equal(
        reading.error.message,
        "mysql: instance_list: the server counts 3 rows but sent 1; does a proxy limit what is "
        "read?");
    rows_release(&reading.rows);
}

static void test_server_that_keeps_its_settings_is_refused(void **state)
{
    struct mysql_proxy proxy = {.ignored = "SET"};
    struct reading reading;

    (void)state;
    require_server();
    execute("SET GLOBAL sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'");
    read_through(&proxy, &reading, LOAD_ALL, MYSQL_LOAD_TIME_MAX);
    execute("SET GLOBAL sql_mode = DEFAULT");
    assert_int_equal(reading.whole, 0);
    assert_string_equal(reading.error.message,
                        "mysql: the server keeps sql_mode = 'PAD_CHAR_TO_FULL_LENGTH', expected '': the rows "
                        "would not be what the tables hold; is a proxy in between?");
    rows_release(&reading.rows);
}

/* The server keeps only what does not change the rows: it is said. */
static void test_limits_of_time_that_the_server_keeps_are_said(void **state)
{
    struct mysql_proxy proxy = {.ignored = "SET SESSION max_statement_time"};
    struct reading reading;

    (void)state;
    require_server();
    execute("SET GLOBAL time_zone = '+00:00', GLOBAL lock_wait_timeout = 10, GLOBAL max_statement_time = 7");
    read_through(&proxy, &reading, LOAD_ALL, MYSQL_LOAD_TIME_MAX);
    execute("SET GLOBAL time_zone = DEFAULT, GLOBAL lock_wait_timeout = DEFAULT,"
            " GLOBAL max_statement_time = DEFAULT");
    assert_int_equal(reading.whole, LOAD_ALL);
    assert_string_equal(reading.rows.remarks[REMARKS_SERVER].texts[0],
                        "the server keeps max_statement_time = '7.000000', wanted '30.000000'");
    rows_release(&reading.rows);
}

/* As MySQL refuses a login without TLS under require_secure_transport. */
static void test_mysqls_demand_for_tls_is_hinted_at(void **state)
{
    struct mysql_proxy proxy = {.login_error = 3159};
    struct reading reading;

    (void)state;
    require_server();
    read_through(&proxy, &reading, LOAD_ALL, MYSQL_LOAD_TIME_MAX);
    assert_int_equal(reading.whole, 0);
    assert_string_equal(reading.error.code, "3159");
    assert_non_null(strstr(reading.error.message, "; set tls = required or verify in [mysql]"));
    rows_release(&reading.rows);
}

/* The bytes come too slowly for the whole to arrive in a second, but never stop. */
static void assert_given_up(const char *users)
{
    struct mysql_proxy proxy = {.trickled = "SELECT ins_id, username"};
    struct reading reading;
    int64_t start;

    require_server();
    execute(users);
    start = clock_now();
    read_through(&proxy, &reading, LOAD_USERS, NS_PER_SECOND);
    assert_in_range(clock_now() - start, NS_PER_SECOND, 10 * NS_PER_SECOND);
    assert_int_equal(reading.whole, 0);
    assert_string_equal(
        reading.error.message,
        "mysql: instance_users: the load was not whole after 1 s; is the server slow, or is it "
        "a view that joins too much?");
    rows_release(&reading.rows);
}

static void test_rows_that_trickle_are_given_up_in_time(void **state)
{
    (void)state;
    assert_given_up("INSERT INTO instance_users (ins_id, username, max_user_connections)"
                    " SELECT 'rm-test1', seq, 1 FROM seq_1_to_2000");
}

static void test_row_that_trickles_is_given_up_in_time(void **state)
{
    (void)state;
    assert_given_up("ALTER TABLE instance_users MODIFY username mediumtext;"
                    "INSERT INTO instance_users (ins_id, username, max_user_connections)"
                    " VALUES ('rm-test1', REPEAT('x', 200000), 1)");
}

/* Read in both orders, as a server may send them. */
static void assert_second_id_wins(const char *first_id, const char *second_id)
{
    static const char *const orders[] = {"ASC", "DESC"};
    char statements[640];

    for (size_t i = 0; i < 2; i++) {
        struct inventory *inventory;

        create_tables(NULL);
        snprintf(statements, sizeof(statements),
                 "CREATE TABLE machines AS SELECT * FROM instance_list;"
                 "ALTER TABLE machines MODIFY id varchar(40) NULL;"
                 "INSERT INTO machines (id, ins_id, ins_name, ins_type, aliyun_uid, updatetime) VALUES"
                 " (%s, 'rm-test1', 'first', 'RDS', '1', '2026-01-02'),"
                 " (%s, 'rm-test1', 'second', 'RDS', '1', '2026-01-02');"
                 "DROP TABLE instance_list;"
                 "CREATE VIEW instance_list AS SELECT * FROM machines ORDER BY ins_name %s",
                 first_id, second_id, orders[i]);
        execute(statements);
        inventory = load_inventory();
        assert_int_equal(inventory->instance_count, 1);
        assert_string_equal(inventory->instances[0].ins_name, "second");
        inventory_put(inventory);
    }
}

static void test_of_two_rows_of_one_time_the_larger_id_wins_whatever_it_is(void **state)
{
    (void)state;
    require_server();
    assert_second_id_wins("'9'", "'10'");
    assert_second_id_wins("'0aa'", "'0ab'");
    assert_second_id_wins("NULL", "'0aa'");
    assert_second_id_wins("NULL", "NULL");
}

static void assert_too_large(const char *view, const char *expected)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    require_server();
    execute("DROP TABLE instance_users");
    execute(view);
    read_with(&reading, &config, LOAD_USERS);
    assert_int_equal(reading.whole, 0);
    assert_int_equal(reading.error.class, ERROR_INVENTORY);
    if (strstr(reading.error.message, expected) == NULL)
        fail_msg("expected '%s', got: %s", expected, reading.error.message);
    rows_release(&reading.rows);
}

static void test_view_of_too_many_rows_is_refused_by_name(void **state)
{
    (void)state;
    assert_too_large("CREATE VIEW instance_users AS SELECT 'rm-test1' ins_id, seq username,"
                     " 1 max_user_connections FROM seq_1_to_1000001",
                     "instance_users: the load has more than 1000000 rows");
}

static void test_view_of_too_many_bytes_is_refused_by_name(void **state)
{
    (void)state;
    assert_too_large("CREATE VIEW instance_users AS SELECT 'rm-test1' ins_id, REPEAT('x', 1000000) username,"
                     " 1 max_user_connections FROM seq_1_to_999999",
                     "instance_users: the load has more than 64 MiB of values");
}

static void test_row_of_17_mib_is_refused_by_name(void **state)
{
    (void)state;
    require_server();
    execute("SET GLOBAL max_allowed_packet = 64 << 20");
    assert_too_large("CREATE VIEW instance_users AS SELECT 'rm-test1' ins_id, REPEAT('x', 17 << 20) username,"
                     " 1 max_user_connections",
                     "instance_users");
    execute("SET GLOBAL max_allowed_packet = DEFAULT");
}

#define TEST(name) cmocka_unit_test_setup(name, create_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_global_select_limit_leaves_no_row_out),
        TEST(test_padded_char_columns_are_understood),
        TEST(test_init_connect_changes_nothing),
        TEST(test_limit_on_joined_rows_does_not_refuse_the_load),
        TEST(test_other_isolation_levels_do_not_matter),
        TEST(test_versioned_tables_are_read_as_they_are_now),
        TEST(test_tables_in_other_character_sets_arrive_as_utf8),
        TEST(test_views_are_read_like_tables),
        TEST(test_flags_may_be_of_any_type),
        TEST(test_flags_may_be_words),
        TEST(test_account_and_id_may_be_numbers),
        TEST(test_null_where_none_was_expected_leaves_out_that_row_only),
        TEST(test_newest_row_wins_whatever_the_type_of_updatetime),
        TEST(test_row_with_an_unknown_time_is_counted_and_its_id_decides),
        TEST(test_server_without_readonly_snapshots_is_read_with_the_nearest),
        TEST(test_server_without_snapshots_is_read_in_a_plain_transaction),
        TEST(test_limit_that_a_proxy_adds_fails_the_load),
        TEST(test_server_that_keeps_its_settings_is_refused),
        TEST(test_limits_of_time_that_the_server_keeps_are_said),
        TEST(test_mysqls_demand_for_tls_is_hinted_at),
        TEST(test_rows_that_trickle_are_given_up_in_time),
        TEST(test_row_that_trickles_is_given_up_in_time),
        TEST(test_of_two_rows_of_one_time_the_larger_id_wins_whatever_it_is),
        TEST(test_view_of_too_many_rows_is_refused_by_name),
        TEST(test_view_of_too_many_bytes_is_refused_by_name),
        TEST(test_row_of_17_mib_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
