#include "schedule/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

/* A bucket is 19 % wide. */
static void assert_about(int64_t value, int64_t expected)
{
    assert_in_range(value, expected * 83 / 100, expected * 120 / 100);
}

static int64_t median(const struct latency *latency)
{
    return latency_quantile(latency, 0, 500, -1);
}

static void observe(struct latency *latency, int64_t duration, int times)
{
    for (int i = 0; i < times; i++)
        latency_observe(latency, duration);
}

static void test_nothing_observed_is_the_fallback(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    assert_int_equal(latency_quantile(&latency, 0, 900, 77), 77);
}

static void test_one_observation_is_every_quantile(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    latency_observe(&latency, NS_PER_SECOND);
    for (unsigned permille = 0; permille <= 1000; permille += 100)
        assert_about(latency_quantile(&latency, 0, permille, -1), NS_PER_SECOND);
}

static void test_a_quantile_is_never_below_what_was_observed(void **state)
{
    struct latency latency;

    (void)state;
    for (int64_t duration = 10 * NS_PER_MS; duration < 30 * NS_PER_SECOND; duration += duration / 7) {
        latency_init(&latency);
        latency_observe(&latency, duration);
        assert_in_range(median(&latency), duration, duration * 119 / 100 + 1);
    }
}

static void test_quantiles_split_the_observations(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    for (int i = 0; i < 100; i++)
        latency_observe(&latency, (i % 10 < 8 ? 1 : 10) * NS_PER_SECOND);
    assert_about(latency_quantile(&latency, 0, 700, -1), NS_PER_SECOND);
    assert_about(latency_quantile(&latency, 0, 900, -1), 10 * NS_PER_SECOND);
}

static void test_quantiles_may_be_of_those_that_took_longer(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    for (int i = 0; i < 100; i++)
        latency_observe(&latency, (i % 10 < 8 ? 1 : 10) * NS_PER_SECOND);
    assert_about(latency_quantile(&latency, 2 * NS_PER_SECOND, 100, -1), 10 * NS_PER_SECOND);
    assert_int_equal(latency_quantile(&latency, 15 * NS_PER_SECOND, 100, -1), -1);
}

static void test_extreme_durations_are_in_the_outer_buckets(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    latency_observe(&latency, 0);
    assert_int_equal(median(&latency), 10 * NS_PER_MS);
    latency_init(&latency);
    latency_observe(&latency, INT64_MAX);
    assert_in_range(median(&latency), 30 * NS_PER_SECOND, 60 * NS_PER_SECOND);
}

static void test_fresh_observations_outweigh_old_ones(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    observe(&latency, NS_PER_SECOND, 10000);
    observe(&latency, 5 * NS_PER_SECOND, LATENCY_MEMORY);
    assert_about(median(&latency), 5 * NS_PER_SECOND);
}

static void test_a_shorter_memory_follows_sooner(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    latency_remember(&latency, 40);
    observe(&latency, NS_PER_SECOND, 10000);
    observe(&latency, 5 * NS_PER_SECOND, 30);
    assert_about(median(&latency), 5 * NS_PER_SECOND);
}

static void test_the_memory_has_bounds(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    latency_remember(&latency, 0);
    assert_int_equal(latency.memory, LATENCY_MEMORY_LEAST);
    latency_remember(&latency, SIZE_MAX);
    assert_int_equal(latency.memory, LATENCY_MEMORY);
}

static void test_one_outlier_does_not_move_the_median(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    observe(&latency, NS_PER_SECOND, 300);
    latency_observe(&latency, 30 * NS_PER_SECOND);
    assert_about(median(&latency), NS_PER_SECOND);
}

static void test_weights_never_overflow(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    observe(&latency, NS_PER_SECOND, 1000000);
    assert_about(median(&latency), NS_PER_SECOND);
    assert_in_range(latency.observations, 1000000, 1000000);
}

static void test_an_unknown_moment_in_a_range_follows_what_is_known_of_it(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    observe(&latency, NS_PER_SECOND, 100);
    for (int i = 0; i < 50; i++)
        latency_observe_between(&latency, 0, 10 * NS_PER_SECOND);
    assert_about(median(&latency), NS_PER_SECOND);
    assert_true(latency_quantile(&latency, 0, 900, -1) < 2 * NS_PER_SECOND);
}

static void test_a_range_above_all_that_is_known_moves_the_quantiles_there(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    observe(&latency, NS_PER_SECOND, 300);
    for (int i = 0; i < LATENCY_MEMORY; i++)
        latency_observe_between(&latency, 4 * NS_PER_SECOND, 6 * NS_PER_SECOND);
    assert_in_range(median(&latency), 4 * NS_PER_SECOND, 7200 * NS_PER_MS);
}

static void test_a_range_of_one_moment_is_an_exact_observation(void **state)
{
    struct latency latency;

    (void)state;
    latency_init(&latency);
    latency_observe_between(&latency, NS_PER_SECOND, NS_PER_SECOND);
    assert_about(median(&latency), NS_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_observed_is_the_fallback),
        cmocka_unit_test(test_one_observation_is_every_quantile),
        cmocka_unit_test(test_a_quantile_is_never_below_what_was_observed),
        cmocka_unit_test(test_quantiles_split_the_observations),
        cmocka_unit_test(test_quantiles_may_be_of_those_that_took_longer),
        cmocka_unit_test(test_extreme_durations_are_in_the_outer_buckets),
        cmocka_unit_test(test_fresh_observations_outweigh_old_ones),
        cmocka_unit_test(test_a_shorter_memory_follows_sooner),
        cmocka_unit_test(test_the_memory_has_bounds),
        cmocka_unit_test(test_one_outlier_does_not_move_the_median),
        cmocka_unit_test(test_weights_never_overflow),
        cmocka_unit_test(test_an_unknown_moment_in_a_range_follows_what_is_known_of_it),
        cmocka_unit_test(test_a_range_above_all_that_is_known_moves_the_quantiles_there),
        cmocka_unit_test(test_a_range_of_one_moment_is_an_exact_observation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
