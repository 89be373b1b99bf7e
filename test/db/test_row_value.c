#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/row_value.h"

#define SECOND INT64_C(1000000)
#define MOMENT (INT64_C(1700000000) * SECOND) /* 2023-11-14 22:13:20 UTC */

static void assert_understood(struct row_value value, int64_t expected)
{
    assert_null(value.text);
    assert_int_equal(value.value, expected);
}

static void assert_not_understood(struct row_value value, const char *text)
{
    assert_string_equal(value.text, text);
    assert_true(value.value == ROW_NUMBER_NULL);
}

static void test_numbers_of_every_type_are_read(void **state)
{
    (void)state;
    assert_understood(row_number("0"), 0);
    assert_understood(row_number("-3"), -3);
    assert_understood(row_number(" 17\r\n"), 17);
    assert_understood(row_number("00017"), 17);
    assert_understood(row_number("17.00"), 17);
    assert_understood(row_number("9223372036854775807"), INT64_MAX);
}

static void test_what_is_no_number_is_kept(void **state)
{
    static const char *const texts[] = {"", "5 or so", "1.5", "1e3", "18446744073709551615", "0x10", "yes"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_not_understood(row_number(texts[i]), texts[i]);
}

static void test_null_is_neither_understood_nor_a_text(void **state)
{
    (void)state;
    assert_null(row_number(NULL).text);
    assert_true(row_number(NULL).value == ROW_NUMBER_NULL);
    assert_null(row_flag(NULL).text);
    assert_null(row_time(NULL).text);
}

static void test_flags_are_numbers_or_words(void **state)
{
    static const char *const yes[] = {"1", "1.0", " 1 ", "true", "YES", "on", "Y", "t", "read", "Read-Only"};
    static const char *const no[] = {"0", "0.00", "false", "No", "OFF", "n", "F", "write", "read_write"};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_understood(row_flag(yes[i]), 1);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_understood(row_flag(no[i]), 0);
    assert_understood(row_flag("2"), 2);
    assert_not_understood(row_flag("aktiv"), "aktiv");
}

static void test_dates_and_times_are_read(void **state)
{
    (void)state;
    assert_understood(row_time("2023-11-14 22:13:20"), MOMENT);
    assert_understood(row_time("2023-11-14 22:13:20.750001"), MOMENT + 750001);
    assert_understood(row_time("2023-11-14T22:13:20Z"), MOMENT);
    assert_understood(row_time("2023-11-15 06:13:20+08:00"), MOMENT);
    assert_understood(row_time("2023-11-14T18:43:20.5-0330"), MOMENT + SECOND / 2);
    assert_understood(row_time("20231114221320"), MOMENT);
    assert_understood(row_time("20231114221320.25"), MOMENT + SECOND / 4);
    assert_understood(row_time("2023/11/14"), MOMENT - (22 * 3600 + 13 * 60 + 20) * SECOND);
    assert_understood(row_time("20231114"), MOMENT - (22 * 3600 + 13 * 60 + 20) * SECOND);
    assert_understood(row_time("1970-01-01 00:00:00"), 0);
    assert_understood(row_time("1969-12-31 23:59:59"), -SECOND);
    assert_understood(row_time("2024-02-29 00:00:00"), INT64_C(1709164800) * SECOND);
}

static void test_seconds_milliseconds_and_microseconds_since_1970_are_read(void **state)
{
    (void)state;
    assert_understood(row_time("1700000000"), MOMENT);
    assert_understood(row_time("1700000000.75"), MOMENT + 750000);
    assert_understood(row_time("1700000000123"), MOMENT + 123000);
    assert_understood(row_time("1700000000"
                               "123456"),
                      MOMENT + 123456);
}

static void test_what_is_no_time_is_kept(void **state)
{
    static const char *const texts[] = {"",           "0",
                                        "gestern",    "0000-00-00 00:00:00",
                                        "2023-13-01", "2023-11-14 25:00:00",
                                        "2023-11",    "2023-11-14 22:13:20 Uhr",
                                        "-5",         "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_not_understood(row_time(texts[i]), texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_type_are_read),
        cmocka_unit_test(test_what_is_no_number_is_kept),
        cmocka_unit_test(test_null_is_neither_understood_nor_a_text),
        cmocka_unit_test(test_flags_are_numbers_or_words),
        cmocka_unit_test(test_dates_and_times_are_read),
        cmocka_unit_test(test_seconds_milliseconds_and_microseconds_since_1970_are_read),
        cmocka_unit_test(test_what_is_no_time_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
