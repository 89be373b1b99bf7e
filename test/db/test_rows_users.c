#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/row_builder.h"

static void test_users_are_sorted_and_all_exported(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "rm-test2", "app", 5);
    add_user(&rows, "rm-test1", "report", 20);
    add_user(&rows, "rm-test1", "app", 100);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 3);
    assert_string_equal(limits->limits[0].username, "app");
    assert_int_equal(limits->limits[0].max_user_connections, 100);
    assert_string_equal(limits->limits[1].username, "report");
    assert_string_equal(limits->limits[2].ins_id, "rm-test2");
    user_limits_put(limits);
}

static void test_duplicate_user_highest_limit_wins(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "rm-test1", "app", 10);
    add_user(&rows, "rm-test1", "app", 300);
    add_user(&rows, "rm-test1", "app", 20);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 1);
    assert_int_equal(limits->limits[0].max_user_connections, 300);
    assert_int_equal(limits->rejected[REJECTED_DUPLICATE_USER], 2);
    user_limits_put(limits);
}

static void test_user_without_a_valid_limit_is_rejected(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "rm-test1", "a", ROW_NUMBER_NULL);
    add_user(&rows, "rm-test1", "b", -1);
    add_user(&rows, "rm-test1", "c", (int64_t)ROW_LIMIT_MAX + 1);
    add_user(&rows, "rm-test1", "d", ROW_LIMIT_MAX);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 1);
    assert_string_equal(limits->limits[0].username, "d");
    assert_int_equal(limits->rejected[REJECTED_INVALID_VALUE], 3);
    user_limits_put(limits);
}

static void test_user_limit_zero_is_a_value(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "rm-test1", "app", 0);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 1);
    assert_int_equal(limits->limits[0].max_user_connections, 0);
    user_limits_put(limits);
}

static void test_user_without_ins_id_is_rejected(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "", "app", 1);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 0);
    assert_int_equal(limits->rejected[REJECTED_MISSING_ID], 1);
    user_limits_put(limits);
}

static void test_anonymous_user_is_exported(void **state)
{
    struct rows rows;
    struct user_limits *limits;

    (void)state;
    rows_init(&rows);
    add_user(&rows, "rm-test1", "", 1);
    limits = build_limits(&rows);
    assert_int_equal(limits->count, 1);
    assert_string_equal(limits->limits[0].username, "");
    user_limits_put(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_are_sorted_and_all_exported),
        cmocka_unit_test(test_duplicate_user_highest_limit_wins),
        cmocka_unit_test(test_user_without_a_valid_limit_is_rejected),
        cmocka_unit_test(test_user_limit_zero_is_a_value),
        cmocka_unit_test(test_user_without_ins_id_is_rejected),
        cmocka_unit_test(test_anonymous_user_is_exported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
