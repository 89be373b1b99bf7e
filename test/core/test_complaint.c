#include "core/complaint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

#define MINUTE (60 * NS_PER_SECOND)
#define HOUR   (60 * MINUTE)

enum { BROKEN = 1, OTHER = 2 };

static void test_first_failure_is_said(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    assert_true(complaint_raise(&complaint, BROKEN, 5, &repeats));
    assert_int_equal(repeats, 0);
}

static void test_repetition_within_a_minute_is_not_said(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    complaint_raise(&complaint, BROKEN, 5, &repeats);
    assert_false(complaint_raise(&complaint, BROKEN, 5, &repeats));
    assert_int_equal(repeats, 1);
    assert_false(complaint_raise(&complaint, BROKEN, 5 + MINUTE - 1, &repeats));
    assert_int_equal(repeats, 2);
}

static void test_repetition_after_a_minute_is_said_with_the_count(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_raise(&complaint, BROKEN, 1, &repeats);
    complaint_raise(&complaint, BROKEN, 2, &repeats);
    assert_true(complaint_raise(&complaint, BROKEN, MINUTE, &repeats));
    assert_int_equal(repeats, 2);
}

static void test_count_starts_again_after_it_was_said(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_raise(&complaint, BROKEN, 1, &repeats);
    complaint_raise(&complaint, BROKEN, MINUTE, &repeats);
    complaint_raise(&complaint, BROKEN, MINUTE + 1, &repeats);
    assert_true(complaint_raise(&complaint, BROKEN, 3 * MINUTE, &repeats));
    assert_int_equal(repeats, 1);
}

static void test_intervals_double_up_to_an_hour(void **state)
{
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct complaint complaint = {0};
    uint64_t repeats;
    int64_t now = 17;

    (void)state;
    assert_true(complaint_raise(&complaint, BROKEN, now, &repeats));
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        now += minutes[i] * MINUTE;
        assert_false(complaint_raise(&complaint, BROKEN, now - 1, &repeats));
        assert_true(complaint_raise(&complaint, BROKEN, now, &repeats));
        assert_int_equal(repeats, 1);
    }
}

static void test_other_kind_is_said_at_once(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_raise(&complaint, BROKEN, 1, &repeats);
    assert_true(complaint_raise(&complaint, OTHER, 2, &repeats));
    assert_int_equal(repeats, 1);
}

static void test_other_kind_starts_with_the_shortest_interval(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_raise(&complaint, BROKEN, HOUR, &repeats);
    complaint_raise(&complaint, BROKEN, 2 * HOUR, &repeats);
    complaint_raise(&complaint, OTHER, 2 * HOUR, &repeats);
    assert_false(complaint_raise(&complaint, OTHER, 2 * HOUR + MINUTE - 1, &repeats));
    assert_true(complaint_raise(&complaint, OTHER, 2 * HOUR + MINUTE, &repeats));
}

static void test_recovery_is_said_once(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_raise(&complaint, BROKEN, 1, &repeats);
    assert_true(complaint_settle(&complaint, &repeats));
    assert_int_equal(repeats, 1);
    assert_false(complaint_settle(&complaint, &repeats));
    assert_int_equal(repeats, 0);
}

static void test_recovery_of_what_was_never_broken_is_not_said(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats = 99;

    (void)state;
    assert_false(complaint_settle(&complaint, &repeats));
    assert_int_equal(repeats, 0);
}

static void test_failure_after_recovery_is_said_at_once(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats;

    (void)state;
    complaint_raise(&complaint, BROKEN, 0, &repeats);
    complaint_settle(&complaint, &repeats);
    assert_true(complaint_raise(&complaint, BROKEN, 1, &repeats));
    assert_false(complaint_raise(&complaint, BROKEN, 1 + MINUTE - 1, &repeats));
    assert_true(complaint_raise(&complaint, BROKEN, 1 + MINUTE, &repeats));
}

static void test_end_of_time_does_not_overflow(void **state)
{
    struct complaint complaint = {0};
    uint64_t repeats;

    (void)state;
    assert_true(complaint_raise(&complaint, BROKEN, CLOCK_NEVER - 1, &repeats));
    assert_false(complaint_raise(&complaint, BROKEN, CLOCK_NEVER - 1, &repeats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_failure_is_said),
        cmocka_unit_test(test_repetition_within_a_minute_is_not_said),
        cmocka_unit_test(test_repetition_after_a_minute_is_said_with_the_count),
        cmocka_unit_test(test_count_starts_again_after_it_was_said),
        cmocka_unit_test(test_intervals_double_up_to_an_hour),
        cmocka_unit_test(test_other_kind_is_said_at_once),
        cmocka_unit_test(test_other_kind_starts_with_the_shortest_interval),
        cmocka_unit_test(test_recovery_is_said_once),
        cmocka_unit_test(test_recovery_of_what_was_never_broken_is_not_said),
        cmocka_unit_test(test_failure_after_recovery_is_said_at_once),
        cmocka_unit_test(test_end_of_time_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
