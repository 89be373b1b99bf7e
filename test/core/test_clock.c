#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NEW_YEAR_2026_UNIX_MS INT64_C(1767225600000)

static void test_monotonic_time_never_goes_back(void **state)
{
    int64_t before = clock_now();

    (void)state;
    assert_true(before > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_now();

        assert_true(now >= before);
        before = now;
    }
}

static void test_wall_clock_is_in_milliseconds(void **state)
{
    int64_t now = clock_unix_ms();

    (void)state;
    assert_true(now > INT64_C(1500000000000));
    assert_true(now < INT64_C(10000000000000));
}

static void test_add_adds(void **state)
{
    (void)state;
    assert_int_equal(clock_add(5, 7), 12);
    assert_int_equal(clock_add(0, 0), 0);
}

static void test_add_saturates_at_never(void **state)
{
    (void)state;
    assert_true(clock_add(CLOCK_NEVER, 1) == CLOCK_NEVER);
    assert_true(clock_add(1, CLOCK_NEVER) == CLOCK_NEVER);
    assert_true(clock_add(CLOCK_NEVER, CLOCK_NEVER) == CLOCK_NEVER);
    assert_true(clock_add(CLOCK_NEVER - 3, 4) == CLOCK_NEVER);
    assert_true(clock_add(CLOCK_NEVER - 3, 2) == CLOCK_NEVER - 1);
}

static void test_scale_rounds_down(void **state)
{
    (void)state;
    assert_int_equal(clock_scale(10, 2, 3), 6);
    assert_int_equal(clock_scale(NS_PER_SECOND, 1, 50), 20 * NS_PER_MS);
    assert_int_equal(clock_scale(0, 7, 3), 0);
    assert_int_equal(clock_scale(7, 0, 3), 0);
}

static void test_scale_does_not_overflow_in_between(void **state)
{
    (void)state;
    assert_true(clock_scale(CLOCK_NEVER, 1000, 1000) == CLOCK_NEVER);
    assert_true(clock_scale(3600 * NS_PER_SECOND, 1000000007, 1000000007) == 3600 * NS_PER_SECOND);
}

static void test_scale_saturates_at_never(void **state)
{
    (void)state;
    assert_true(clock_scale(CLOCK_NEVER, 2, 1) == CLOCK_NEVER);
    assert_true(clock_scale(CLOCK_NEVER, CLOCK_NEVER, 1) == CLOCK_NEVER);
}

static void test_iso_format_is_utc_to_the_second(void **state)
{
    char text[CLOCK_ISO_SIZE];

    (void)state;
    clock_format_iso(NEW_YEAR_2026_UNIX_MS + 3723999, text);
    assert_string_equal(text, "2026-01-01T01:02:03Z");
}

static void test_iso_format_knows_leap_days(void **state)
{
    char text[CLOCK_ISO_SIZE];

    (void)state;
    clock_format_iso(INT64_C(1709164800000), text);
    assert_string_equal(text, "2024-02-29T00:00:00Z");
}

static void test_iso_ms_format_has_three_digits(void **state)
{
    char text[CLOCK_ISO_MS_SIZE];

    (void)state;
    clock_format_iso_ms(NEW_YEAR_2026_UNIX_MS + 7, text);
    assert_string_equal(text, "2026-01-01T00:00:00.007Z");
    clock_format_iso_ms(NEW_YEAR_2026_UNIX_MS + 999, text);
    assert_string_equal(text, "2026-01-01T00:00:00.999Z");
}

static void test_last_year_of_four_digits_fits(void **state)
{
    char text[CLOCK_ISO_MS_SIZE];

    (void)state;
    clock_format_iso_ms(INT64_C(253402300799999), text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void test_times_out_of_range_are_the_epoch(void **state)
{
    static const int64_t times[] = {-1, INT64_MIN, INT64_C(253402300800000), INT64_MAX};
    char text[CLOCK_ISO_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        clock_format_iso(times[i], text);
        assert_string_equal(text, "1970-01-01T00:00:00Z");
    }
}

static void test_times_out_of_range_have_no_milliseconds(void **state)
{
    static const int64_t times[] = {-1, INT64_MIN, INT64_C(253402300800001), INT64_MAX};
    char text[CLOCK_ISO_MS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        clock_format_iso_ms(times[i], text);
        assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_time_never_goes_back),
        cmocka_unit_test(test_wall_clock_is_in_milliseconds),
        cmocka_unit_test(test_add_adds),
        cmocka_unit_test(test_add_saturates_at_never),
        cmocka_unit_test(test_scale_rounds_down),
        cmocka_unit_test(test_scale_does_not_overflow_in_between),
        cmocka_unit_test(test_scale_saturates_at_never),
        cmocka_unit_test(test_iso_format_is_utc_to_the_second),
        cmocka_unit_test(test_iso_format_knows_leap_days),
        cmocka_unit_test(test_iso_ms_format_has_three_digits),
        cmocka_unit_test(test_last_year_of_four_digits_fits),
        cmocka_unit_test(test_times_out_of_range_are_the_epoch),
        cmocka_unit_test(test_times_out_of_range_have_no_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
