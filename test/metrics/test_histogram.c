#include "metrics/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

static void test_bounds_ascend(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_true(histogram_bounds[i - 1] < histogram_bounds[i]);
}

static void test_a_bound_belongs_to_its_own_bucket(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, 10 * NS_PER_MS);
    histogram_observe(&histogram, 10 * NS_PER_MS + 1);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram.counts[1], 1);
}

static void test_above_every_bound_goes_to_the_last_bucket(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, 61 * NS_PER_SECOND);
    assert_int_equal(histogram.counts[HISTOGRAM_BOUNDS], 1);
}

static void test_sum_is_in_seconds(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, 1500 * NS_PER_MS);
    histogram_observe(&histogram, 500 * NS_PER_MS);
    assert_true(histogram.sum == 2.0);
}

static void test_negative_duration_counts_as_zero(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, -5);
    assert_int_equal(histogram.counts[0], 1);
    assert_true(histogram.sum == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_ascend),
        cmocka_unit_test(test_a_bound_belongs_to_its_own_bucket),
        cmocka_unit_test(test_above_every_bound_goes_to_the_last_bucket),
        cmocka_unit_test(test_sum_is_in_seconds),
        cmocka_unit_test(test_negative_duration_counts_as_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
