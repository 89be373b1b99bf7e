#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/query.h"

#define COUNT 2

static bool read_query(const char *query, struct query_parameter parameters[COUNT], char why[128])
{
    parameters[0].name = "ins_id";
    parameters[1].name = "wait";
    why[0] = '\0';
    return query_read(query, parameters, COUNT, why, 128);
}

static void assert_refused(const char *query, const char *words)
{
    struct query_parameter parameters[COUNT];
    char why[128];

    assert_false(read_query(query, parameters, why));
    assert_non_null(strstr(why, words));
}

static void test_no_query_leaves_everything_absent(void **state)
{
    struct query_parameter parameters[COUNT];
    char why[128];

    (void)state;
    assert_true(read_query(NULL, parameters, why));
    assert_false(parameters[0].present);
    assert_string_equal(parameters[0].value, "");
    assert_true(read_query("", parameters, why));
    assert_true(read_query("&&", parameters, why));
    assert_false(parameters[1].present);
}

static void test_values_are_decoded(void **state)
{
    struct query_parameter parameters[COUNT];
    char why[128];

    (void)state;
    assert_true(read_query("wait=3%30s&ins%5Fid=a+b%2bc=d", parameters, why));
    assert_string_equal(parameters[0].value, "a b+c=d");
    assert_string_equal(parameters[1].value, "30s");
}

static void test_empty_value_is_present(void **state)
{
    struct query_parameter parameters[COUNT];
    char why[128];

    (void)state;
    assert_true(read_query("ins_id=&wait", parameters, why));
    assert_true(parameters[0].present);
    assert_true(parameters[1].present);
    assert_string_equal(parameters[0].value, "");
}

static void test_unknown_parameter_is_named(void **state)
{
    (void)state;
    assert_refused("ins_id=a&insid=b", "'insid'");
}

static void test_repeated_parameter_is_refused(void **state)
{
    (void)state;
    assert_refused("wait=1s&wait=2s", "twice");
}

static void test_bad_encoding_is_refused(void **state)
{
    (void)state;
    assert_refused("wait=%", "not well encoded");
    assert_refused("wait=%4", "not well encoded");
    assert_refused("wait=%4&ins_id=0", "not well encoded");
    assert_refused("wait=%zz", "not well encoded");
    assert_refused("wait=%00", "not well encoded");
    assert_refused("%00=1", "malformed");
}

static void test_overlong_value_is_refused(void **state)
{
    struct query_parameter parameters[COUNT];
    char query[QUERY_VALUE_SIZE + 16] = "ins_id=";
    char why[128];

    (void)state;
    memset(query + 7, 'x', QUERY_VALUE_SIZE - 1);
    query[7 + QUERY_VALUE_SIZE - 1] = '\0';
    assert_true(read_query(query, parameters, why));
    assert_int_equal(strlen(parameters[0].value), QUERY_VALUE_SIZE - 1);
    query[7 + QUERY_VALUE_SIZE - 1] = 'x';
    query[7 + QUERY_VALUE_SIZE] = '\0';
    assert_refused(query, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_query_leaves_everything_absent),
        cmocka_unit_test(test_values_are_decoded),
        cmocka_unit_test(test_empty_value_is_present),
        cmocka_unit_test(test_unknown_parameter_is_named),
        cmocka_unit_test(test_repeated_parameter_is_refused),
        cmocka_unit_test(test_bad_encoding_is_refused),
        cmocka_unit_test(test_overlong_value_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
