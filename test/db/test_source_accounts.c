#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/db/mysql_fixture.h"

/* The table as it is after a read of its scope. */
static struct accounts_table *read_table(void)
{
    struct mysql_config config = socket_config();
    struct accounts_table *table;
    struct reading reading;
    struct error error;

    read_with(&reading, &config, LOAD_ACCOUNTS);
    if (reading.whole != LOAD_ACCOUNTS)
        fail_msg("%s", reading.error.message);
    table = accounts_table_build(&reading.rows, 0, &error);
    assert_non_null(table);
    rows_release(&reading.rows);
    return table;
}

static void test_enabled_rows_are_read(void **state)
{
    struct accounts_table *table;

    (void)state;
    require_server();
    execute("INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret, status) VALUES"
            " ('1000000000000002', 'id2', 'gAAA2', 1), ('1000000000000001', 'id1', 'gAAA1', 1),"
            " ('1000000000000003', 'id3', 'gAAA3', 0)");
    table = read_table();
    assert_int_equal(table->count, 2);
    assert_string_equal(table->rows[0].aliyun_uid, "1000000000000001");
    assert_string_equal(table->rows[0].access_key_id, "id1");
    assert_string_equal(table->rows[0].encrypted_access_key_secret, "gAAA1");
    assert_int_equal(table->rejected[REJECTED_DISABLED], 1);
    accounts_table_put(table);
}

static void test_null_columns_are_rejected(void **state)
{
    struct accounts_table *table;

    (void)state;
    require_server();
    execute(
        "ALTER TABLE aliyun_uids MODIFY aliyun_uid varchar(255) NULL;"
        "INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret, status) VALUES"
        " ('1', NULL, 'gAAA', 1), ('2', 'id', NULL, 1), (NULL, 'id', 'gAAA', 1), ('4', 'id', 'gAAA', NULL)");
    table = read_table();
    assert_int_equal(table->count, 0);
    assert_int_equal(table->rejected[REJECTED_MISSING_KEY], 2);
    assert_int_equal(table->rejected[REJECTED_MISSING_ID], 1);
    assert_int_equal(table->rejected[REJECTED_INVALID_VALUE], 1);
    accounts_table_put(table);
}

static void test_long_secrets_are_read_whole(void **state)
{
    struct accounts_table *table;

    (void)state;
    require_server();
    execute("ALTER TABLE aliyun_uids MODIFY encrypted_access_key_secret mediumtext;"
            "INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret) VALUES"
            " ('1', 'id', REPEAT('x', 100000))");
    table = read_table();
    assert_int_equal(strlen(table->rows[0].encrypted_access_key_secret), 100000);
    accounts_table_put(table);
}

static void test_broken_utf8_is_read_as_it_is(void **state)
{
    struct accounts_table *table;

    (void)state;
    require_server();
    execute("ALTER TABLE aliyun_uids MODIFY access_key_id varbinary(255);"
            "INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret) VALUES"
            " ('1', x'ff80', 'gAAA')");
    table = read_table();
    assert_string_equal(table->rows[0].access_key_id, "\xff\x80");
    accounts_table_put(table);
}

static void test_newest_row_wins_where_uids_are_not_unique(void **state)
{
    struct accounts_table *table;

    (void)state;
    require_server();
    execute(
        "ALTER TABLE aliyun_uids DROP KEY aliyun_uid;"
        "INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret, updatetime) VALUES"
        " ('1', 'newer', 'gAAA', '2025-01-02'), ('1', 'older', 'gAAA', '2025-01-01')");
    table = read_table();
    assert_int_equal(table->count, 1);
    assert_string_equal(table->rows[0].access_key_id, "newer");
    assert_int_equal(table->rejected[REJECTED_DUPLICATE_ACCOUNT], 1);
    accounts_table_put(table);
}

static void test_missing_table_does_not_keep_the_others_from_loading(void **state)
{
    struct mysql_config config = socket_config();
    struct reading reading;

    (void)state;
    require_server();
    execute("DROP TABLE aliyun_uids");
    read_with(&reading, &config, LOAD_ALL);
    assert_int_equal(reading.whole, LOAD_INSTANCES | LOAD_USERS);
    assert_string_equal(reading.error.code, "1146");
    assert_non_null(strstr(reading.error.message, "aliyun_uids"));
    rows_release(&reading.rows);
}

static char password_file[] = "/tmp/test_source_accounts_XXXXXX";

static int make_password_file(void **state)
{
    int descriptor = mkstemp(password_file);

    return descriptor < 0 || close(descriptor) != 0 ? -1 : start_server(state);
}

static int remove_password_file(void **state)
{
    unlink(password_file);
    return stop_server(state);
}

static void write_password(const char *text)
{
    FILE *file = fopen(password_file, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void read_with_file(struct reading *reading)
{
    struct mysql_config config = socket_config();

    config.password = "an old one";
    config.password_file = password_file;
    read_with(reading, &config, LOAD_ALL);
    rows_release(&reading->rows);
}

static void test_rotated_password_is_read_from_its_file(void **state)
{
    struct reading reading;

    (void)state;
    require_server();
    write_password("another\n");
    read_with_file(&reading);
    assert_string_equal(reading.error.code, "1045");
    write_password(PASSWORD "\n");
    read_with_file(&reading);
    assert_int_equal(reading.whole, LOAD_ALL);
}

static void test_password_file_that_cannot_be_read_is_named(void **state)
{
    struct reading reading;

    (void)state;
    write_password("");
    read_with_file(&reading);
    assert_int_equal(reading.whole, 0);
    assert_int_equal(reading.error.class, ERROR_INVENTORY);
    assert_non_null(strstr(reading.error.message, "password_file in [mysql]: the file /tmp/"));
    assert_int_equal(chmod(password_file, 0644), 0);
    read_with_file(&reading);
    assert_non_null(strstr(reading.error.message, "run: chmod o= '/tmp/"));
    assert_int_equal(chmod(password_file, 0600), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, create_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_enabled_rows_are_read),
        TEST(test_null_columns_are_rejected),
        TEST(test_long_secrets_are_read_whole),
        TEST(test_broken_utf8_is_read_as_it_is),
        TEST(test_newest_row_wins_where_uids_are_not_unique),
        TEST(test_missing_table_does_not_keep_the_others_from_loading),
        TEST(test_rotated_password_is_read_from_its_file),
        TEST(test_password_file_that_cannot_be_read_is_named),
    };

    return cmocka_run_group_tests(tests, make_password_file, remove_password_file);
}
