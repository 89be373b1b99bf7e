/* Throttling over a long time, overcommitment, and the pace of calls after something happened. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *usual_fleet(const struct fleet_settings *settings)
{
    struct fleet *fleet = fleet_new_empty(settings);

    for (size_t i = 0; i < fleet->target_count; i++) {
        fleet->targets[i].completion = 2 * NS_PER_SECOND;
        fleet->targets[i].spread = 0.5;
    }
    fleet_apply_inventory(fleet);
    return fleet;
}

static int64_t effective(const struct fleet *fleet)
{
    return limiter_effective(fleet_lane(fleet, 0)->limiter, fleet->now);
}

/* Runs and counts how often the rate was cut. */
static unsigned run_and_count_cuts(struct fleet *fleet, int64_t duration)
{
    int64_t end = fleet->now + duration;
    int64_t before = effective(fleet);
    unsigned cuts = 0;

    while (fleet->now < end) {
        fleet_run(fleet, 500 * NS_PER_MS);
        cuts += effective(fleet) < before;
        before = effective(fleet);
    }
    return cuts;
}

/* Another tool takes half of the quota, for half an hour, and everything here is wanted. */
static void test_a_quota_half_taken_by_another_tool_causes_no_throttle_storm(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 2000, .rate_limit = 60});
    unsigned calls, cuts;
    uint64_t throttled;

    (void)state;
    fleet->accounts[0].server_limit = 30;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    throttled = fleet_lane(fleet, 0)->throttled;
    cuts = run_and_count_cuts(fleet, 1800 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls - calls;
    throttled = fleet_lane(fleet, 0)->throttled - throttled;
    print_message("%u calls, %llu throttled, %u cuts\n", calls, (unsigned long long)throttled, cuts);
    assert_true(cuts <= 180);
    assert_true(throttled * 100 <= calls * 3);
    assert_true(calls - throttled >= 1800 * 30 * 7 / 10);
    fleet_free(fleet);
}

/* P2: one burst, one cut, and the full rate again half a minute later, while everything is wanted. */
static void test_one_burst_is_one_cut_and_the_rate_is_back_in_thirty_seconds(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 3000});
    int64_t lowest;

    (void)state;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_THROTTLED, 20);
    assert_int_equal(run_and_count_cuts(fleet, 2 * NS_PER_SECOND), 1);
    lowest = effective(fleet);
    assert_in_range(lowest, 35, 39);
    assert_int_equal(run_and_count_cuts(fleet, 22 * NS_PER_SECOND), 0);
    assert_in_range(effective(fleet), lowest, 49);
    fleet_run(fleet, 8 * NS_PER_SECOND);
    assert_int_equal(effective(fleet), 50);
    fleet_free(fleet);
}

static double account_metric(struct fleet *fleet, const char *name)
{
    char uid[32], series[160];
    double value = -1;

    snprintf(series, sizeof(series), "session_exporter_api_%s{aliyun_uid=\"%s\"} ", name, fleet_uid(0, uid));
    assert_true(fleet_sample(fleet, series, &value));
    return value;
}

static void test_throttling_is_seen_in_the_rate_metrics(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 3000});

    (void)state;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    assert_true(account_metric(fleet, "rate_effective") == 50);
    assert_true(account_metric(fleet, "throttled_total") == 0);
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_THROTTLED, 20);
    fleet_run(fleet, 2 * NS_PER_SECOND);
    assert_true(account_metric(fleet, "rate_limit") == 50);
    assert_true(account_metric(fleet, "rate_effective") < 40);
    assert_true(account_metric(fleet, "throttled_total") >= 20);
    fleet_free(fleet);
}

static void test_overcommitment_is_seen_in_the_rate_metrics(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 3000});

    (void)state;
    /* 3000 targets, two calls and a little each, in 60 s. */
    assert_true(account_metric(fleet, "rate_demand") >= 100);
    assert_true(account_metric(fleet, "rate_demand") <= 110);
    assert_true(account_metric(fleet, "rate_limit") == 50);
    fleet_free(fleet);
}

/* Seconds since the last result of the oldest and, on average, of all. */
static void ages(const struct fleet *fleet, double *oldest, double *mean)
{
    *oldest = *mean = 0;
    for (size_t i = 0; i < fleet->target_count; i++) {
        double age = (double)(fleet->now - fleet->targets[i].result_at) / (double)NS_PER_SECOND;

        *oldest = age > *oldest ? age : *oldest;
        *mean += age / (double)fleet->target_count;
    }
}

/* With evenly stretched cycles ages are spread evenly, so that the oldest is twice the mean. */
static void test_a_stretched_cycle_leaves_no_target_behind(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 6000, .stale_after = "1h"});
    double oldest, mean;

    (void)state;
    fleet_run(fleet, 1200 * NS_PER_SECOND);
    for (int i = 0; i < 30; i++) {
        fleet_run(fleet, 37 * NS_PER_SECOND);
        ages(fleet, &oldest, &mean);
        assert_true(oldest < 2.5 * mean);
        assert_true(oldest < 1.2 * (double)cycle_interval(fleet->scheduler, fleet_lane(fleet, 0)) /
                                 (double)NS_PER_SECOND);
    }
    fleet_free(fleet);
}

#define PARTS 12

static unsigned submits_in[PARTS];
static int64_t counted_from;

static void count_submit(struct fleet *fleet, const struct fleet_call *call)
{
    if (call->call->continuation == NULL)
        submits_in[(fleet->now - counted_from) / (5 * NS_PER_SECOND) % PARTS]++;
}

/* Counts the submits of each twelfth of the next interval: 50 each on average. */
static void assert_next_interval_is_even(struct fleet *fleet)
{
    memset(submits_in, 0, sizeof(submits_in));
    counted_from = fleet->now;
    fleet->on_call = count_submit;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    for (int i = 0; i < PARTS; i++)
        assert_in_range(submits_in[i], 20, 90);
}

static void test_an_inventory_that_returns_unchanged_is_no_burst(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});

    (void)state;
    fleet_run(fleet, 150 * NS_PER_SECOND);
    fleet_apply_inventory(fleet);
    assert_next_interval_is_even(fleet);
    fleet_free(fleet);
}

static void test_the_first_turns_after_the_start_are_spread(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});

    (void)state;
    /* All are asked at once at the start, as fast as the quota allows; then each has its own moment. */
    fleet_run(fleet, 90 * NS_PER_SECOND);
    assert_next_interval_is_even(fleet);
    fleet_free(fleet);
}

static void test_turns_are_spread_again_two_intervals_after_a_stall(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});

    (void)state;
    fleet_run(fleet, 150 * NS_PER_SECOND);
    fleet_stall(fleet, 600 * NS_PER_SECOND);
    fleet_run(fleet, 90 * NS_PER_SECOND);
    assert_next_interval_is_even(fleet);
    fleet_free(fleet);
}

static void test_turns_are_spread_again_after_a_manual_refresh(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});
    struct refresh_progress progress;

    (void)state;
    fleet_run(fleet, 150 * NS_PER_SECOND);
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &progress), REFRESH_ACCEPTED);
    fleet_run(fleet, 90 * NS_PER_SECOND);
    assert_next_interval_is_even(fleet);
    fleet_free(fleet);
}

/* The total limit, as the fleet counts all arrivals, with late, hanging and vanishing calls. */
static void test_the_total_limit_holds_with_many_accounts_that_come_and_go(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){
        .accounts = 60, .targets = 20, .total_rate_limit = 80, .workers = 64, .stale_after = "1h"});

    (void)state;
    for (size_t i = 0; i < 60; i++)
        fleet->accounts[i].round_trip_most = (int64_t)(1 + i % 5) * 700 * NS_PER_MS;
    fleet->accounts[7].hangs = true;
    for (int i = 0; i < 60; i++) {
        fleet_run(fleet, fleet_random(fleet, 2 * NS_PER_SECOND));
        for (size_t target = 0; target < fleet->target_count; target++)
            fleet->targets[target].present = (fleet->targets[target].account + (size_t)i) % 3 != 0;
        fleet_apply_inventory(fleet);
    }
    fleet_run(fleet, 120 * NS_PER_SECOND);
    assert_true(fleet->total.calls > 100 * 60);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quota_half_taken_by_another_tool_causes_no_throttle_storm),
        cmocka_unit_test(test_one_burst_is_one_cut_and_the_rate_is_back_in_thirty_seconds),
        cmocka_unit_test(test_throttling_is_seen_in_the_rate_metrics),
        cmocka_unit_test(test_overcommitment_is_seen_in_the_rate_metrics),
        cmocka_unit_test(test_a_stretched_cycle_leaves_no_target_behind),
        cmocka_unit_test(test_an_inventory_that_returns_unchanged_is_no_burst),
        cmocka_unit_test(test_the_first_turns_after_the_start_are_spread),
        cmocka_unit_test(test_turns_are_spread_again_two_intervals_after_a_stall),
        cmocka_unit_test(test_turns_are_spread_again_after_a_manual_refresh),
        cmocka_unit_test(test_the_total_limit_holds_with_many_accounts_that_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
