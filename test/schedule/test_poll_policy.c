#include "schedule/poll_policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CYCLE 2000

static uint64_t random_state;

static double uniform(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return ((double)(random_state * UINT64_C(2685821657736338717) >> 12) + 1) / (double)(UINT64_C(1) << 52);
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * acos(-1) * uniform());
}

struct cost {
    double polls; /* of one result */
    double delay; /* seconds from done to found */
};

/* Asks for `count` results whose completion times are log-normal. */
static struct cost ask(struct poll_policy *policy, int count, double median, double sigma, bool slack)
{
    struct cost cost = {0};

    for (int i = 0; i < count; i++) {
        int64_t done = (int64_t)(median * exp(sigma * normal()) * (double)NS_PER_SECOND);
        int64_t asked = 0;
        int64_t next = poll_policy_next(policy, asked, slack);

        for (cost.polls++; next < done; cost.polls++) {
            asked = next;
            poll_policy_missed(policy);
            next = poll_policy_next(policy, asked, slack);
            assert_in_range(next - asked, POLL_SHORTEST, POLL_LONGEST);
        }
        poll_policy_found(policy, asked, next);
        cost.delay += (double)(next - done) / (double)NS_PER_SECOND;
    }
    cost.polls /= count;
    cost.delay /= count;
    return cost;
}

static int reset(void **state)
{
    (void)state;
    random_state = 42;
    return 0;
}

static void test_with_nothing_learned_polls_start_at_a_second_and_back_off(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    assert_int_equal(poll_policy_next(&policy, 0, false), POLL_START);
    assert_int_equal(poll_policy_next(&policy, NS_PER_SECOND, false), NS_PER_SECOND * 3 / 2);
    assert_int_equal(poll_policy_next(&policy, 4 * NS_PER_SECOND, false), 6 * NS_PER_SECOND);
    assert_int_equal(poll_policy_next(&policy, 100 * NS_PER_SECOND, false), 130 * NS_PER_SECOND);
}

static void test_polls_are_never_closer_than_half_a_second(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    for (int i = 0; i < 100; i++)
        poll_policy_found(&policy, 0, 20 * NS_PER_MS);
    assert_int_equal(poll_policy_next(&policy, 0, true), POLL_SHORTEST);
    assert_int_equal(poll_policy_next(&policy, POLL_SHORTEST, true), 2 * POLL_SHORTEST);
}

static void test_polls_are_never_farther_than_half_a_minute(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    for (int i = 0; i < 100; i++)
        poll_policy_found(&policy, 300 * NS_PER_SECOND, 310 * NS_PER_SECOND);
    assert_int_equal(poll_policy_next(&policy, 0, false), POLL_LONGEST);
    assert_int_equal(poll_policy_horizon(&policy), POLL_LONGEST);
}

static void test_a_result_costs_little_more_than_one_poll_once_learned(void **state)
{
    static const double medians[] = {0.8, 2, 5, 12};
    struct poll_policy policy;

    (void)state;
    for (size_t i = 0; i < sizeof(medians) / sizeof(medians[0]); i++) {
        struct cost cost;

        poll_policy_init(&policy);
        ask(&policy, CYCLE, medians[i], 0.5, false);
        cost = ask(&policy, CYCLE, medians[i], 0.5, false);
        assert_true(cost.polls < 1.10);
        assert_true(cost.delay < 2.5 * medians[i]);
    }
}

static void test_slack_buys_freshness_within_the_allowance(void **state)
{
    struct poll_policy scarce, idle;
    struct cost late, early;

    (void)state;
    poll_policy_init(&scarce);
    poll_policy_init(&idle);
    ask(&scarce, CYCLE, 2, 0.5, false);
    ask(&idle, CYCLE, 2, 0.5, true);
    late = ask(&scarce, CYCLE, 2, 0.5, false);
    early = ask(&idle, CYCLE, 2, 0.5, true);
    assert_true(early.delay < late.delay);
    assert_true(early.polls < 1.0 + POLL_MISSES_ALLOWED / 1000.0 + 0.02);
}

static void test_a_fivefold_slowdown_is_learned_within_a_cycle(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    ask(&policy, CYCLE, 2, 0.5, false);
    ask(&policy, CYCLE / 4, 10, 0.5, false);
    assert_true(ask(&policy, CYCLE, 10, 0.5, false).polls < 1.15);
}

static void test_a_fivefold_speedup_is_learned_within_a_cycle(void **state)
{
    struct poll_policy policy;
    struct cost cost;

    (void)state;
    poll_policy_init(&policy);
    ask(&policy, CYCLE, 10, 0.5, false);
    ask(&policy, CYCLE / 2, 2, 0.5, true);
    cost = ask(&policy, CYCLE, 2, 0.5, true);
    assert_true(cost.delay < 4);
    assert_true(cost.polls < 1.15);
}

#define SMALL    20
#define REPEATED 100

/* The mean over many small accounts of one cycle, `before` cycles after the change. */
static struct cost small_account_after(double from, double to, int before)
{
    struct cost sum = {0};

    for (int i = 0; i < REPEATED; i++) {
        struct poll_policy policy;
        struct cost cost;

        poll_policy_init(&policy);
        poll_policy_expect(&policy, SMALL);
        ask(&policy, 20 * SMALL, from, 0.5, true);
        ask(&policy, before * SMALL, to, 0.5, true);
        cost = ask(&policy, SMALL, to, 0.5, true);
        sum.polls += cost.polls / REPEATED;
        sum.delay += cost.delay / REPEATED;
    }
    return sum;
}

static void test_a_small_account_learns_a_fivefold_slowdown_within_a_cycle(void **state)
{
    (void)state;
    assert_true(small_account_after(2, 10, 1).polls < 1.15);
}

/* What was there long before it was found says little, so that this takes longer. */
static void test_a_small_account_follows_a_fivefold_speedup_from_the_next_cycle_on(void **state)
{
    (void)state;
    assert_true(small_account_after(10, 2, 1).delay < 13);
    assert_true(small_account_after(10, 2, 5).delay < 8);
}

static void test_polls_in_vain_while_the_world_changed_are_not_paid_for_long(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    for (int i = 0; i < 1000; i++)
        poll_policy_missed(&policy);
    ask(&policy, 200, 2, 0.5, false);
    assert_true(policy.credit > 0);
}

static void test_constant_times_are_found_soon_after(void **state)
{
    struct poll_policy policy;
    struct cost cost;

    (void)state;
    poll_policy_init(&policy);
    ask(&policy, CYCLE, 3, 0, false);
    cost = ask(&policy, CYCLE, 3, 0, false);
    assert_true(cost.polls < 1.1);
    assert_true(cost.delay < 1.2);
}

static void test_the_horizon_covers_nearly_all(void **state)
{
    struct poll_policy policy;

    (void)state;
    poll_policy_init(&policy);
    assert_int_equal(poll_policy_horizon(&policy), 4 * POLL_START);
    ask(&policy, CYCLE, 2, 0.5, false);
    /* The 99th percentile of that distribution is 6.4 s. */
    assert_in_range(poll_policy_horizon(&policy), 5 * NS_PER_SECOND, 12 * NS_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_with_nothing_learned_polls_start_at_a_second_and_back_off, reset),
        cmocka_unit_test_setup(test_polls_are_never_closer_than_half_a_second, reset),
        cmocka_unit_test_setup(test_polls_are_never_farther_than_half_a_minute, reset),
        cmocka_unit_test_setup(test_a_result_costs_little_more_than_one_poll_once_learned, reset),
        cmocka_unit_test_setup(test_slack_buys_freshness_within_the_allowance, reset),
        cmocka_unit_test_setup(test_a_fivefold_slowdown_is_learned_within_a_cycle, reset),
        cmocka_unit_test_setup(test_a_fivefold_speedup_is_learned_within_a_cycle, reset),
        cmocka_unit_test_setup(test_a_small_account_learns_a_fivefold_slowdown_within_a_cycle, reset),
        cmocka_unit_test_setup(test_a_small_account_follows_a_fivefold_speedup_from_the_next_cycle_on, reset),
        cmocka_unit_test_setup(test_polls_in_vain_while_the_world_changed_are_not_paid_for_long, reset),
        cmocka_unit_test_setup(test_constant_times_are_found_soon_after, reset),
        cmocka_unit_test_setup(test_the_horizon_covers_nearly_all, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
