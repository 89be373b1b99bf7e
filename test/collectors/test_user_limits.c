#include "collectors/user_limits.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LINE(id, user, value) "db_max_user_connections{ins_id=\"" id "\",username=\"" user "\"} " value "\n"

static void assert_rendered(struct user_limit *rows, size_t count, const char *expected)
{
    const struct user_limits limits = {.limits = rows, .count = count};
    struct batch *batch = user_limits_render(&limits);
    const char *lines;
    size_t length;

    assert_non_null(batch);
    lines = batch_lines(batch, FAMILY_MAX_USER_CONNECTIONS, &length);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(lines, expected, length);
    batch_put(batch);
}

static void test_each_row_is_a_sample(void **state)
{
    struct user_limit rows[] = {{"rm-test1", "app", 100}, {"rm-test1", "report", 20}, {"rm-test2", "app", 5}};

    (void)state;
    assert_rendered(rows, 3,
                    LINE("rm-test1", "app", "100") LINE("rm-test1", "report", "20")
                        LINE("rm-test2", "app", "5"));
}

static void test_zero_is_exported(void **state)
{
    struct user_limit rows[] = {{"rm-test1", "app", 0}};

    (void)state;
    assert_rendered(rows, 1, LINE("rm-test1", "app", "0"));
}

static void test_rows_that_become_equal_by_repair_are_one_sample(void **state)
{
    struct user_limit rows[] = {{"rm-test1", "a\xFE", 1}, {"rm-test1", "a\xFF", 2}};

    (void)state;
    assert_rendered(rows, 2, LINE("rm-test1", "a\xEF\xBF\xBD", "1"));
}

static void test_no_rows_are_no_samples(void **state)
{
    (void)state;
    assert_rendered(NULL, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_is_a_sample),
        cmocka_unit_test(test_zero_is_exported),
        cmocka_unit_test(test_rows_that_become_equal_by_repair_are_one_sample),
        cmocka_unit_test(test_no_rows_are_no_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
