/* Many targets: the cost of a cycle, its pace, its fairness. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Completion times as they are said to be: median 2 s, sigma 0.5. */
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

static void test_ten_thousand_targets_are_asked_near_the_bound(void **state)
{
    struct fleet *fleet =
        usual_fleet(&(struct fleet_settings){.targets = 10000, .interval = "600s", .stale_after = "1h"});

    (void)state;
    /* Two calls for each at fifty a second are 400 s; a slot is taken for the round trip, too. */
    fleet_run_until_results(fleet, 1, 470 * NS_PER_SECOND);
    fleet_free(fleet);
}

/* P4 */
static void test_a_result_costs_little_more_than_two_calls_once_learned(void **state)
{
    struct fleet *fleet =
        usual_fleet(&(struct fleet_settings){.targets = 5000, .interval = "300s", .stale_after = "1h"});
    unsigned calls, results;

    (void)state;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    results = fleet_results(fleet);
    fleet_run(fleet, 900 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls - calls;
    results = fleet_results(fleet) - results;
    assert_true(results >= 14000);
    assert_true(calls <= results * 21 / 10);
    fleet_free(fleet);
}

static void test_a_manual_refresh_of_all_ends_near_the_bound(void **state)
{
    struct fleet *fleet =
        usual_fleet(&(struct fleet_settings){.targets = 5000, .interval = "1h", .stale_after = "2h"});
    struct refresh_progress progress;

    (void)state;
    fleet_run(fleet, 500 * NS_PER_SECOND);
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &progress), REFRESH_ACCEPTED);
    assert_in_range(progress.estimated, 190 * NS_PER_SECOND, 240 * NS_PER_SECOND);
    fleet_run(fleet, 240 * NS_PER_SECOND);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.done, 5000);
    fleet_free(fleet);
}

#define BUCKETS 12

static unsigned submits_in[BUCKETS];
static int64_t spread_from;

static void note_submit(struct fleet *fleet, const struct fleet_call *call)
{
    if (call->call->continuation == NULL)
        submits_in[(fleet->now - spread_from) / (5 * NS_PER_SECOND) % BUCKETS]++;
}

static void test_submits_are_spread_over_the_interval(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});

    (void)state;
    fleet_run(fleet, 120 * NS_PER_SECOND);
    memset(submits_in, 0, sizeof(submits_in));
    spread_from = fleet->now;
    fleet->on_call = note_submit;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    for (int i = 0; i < BUCKETS; i++) /* 500 each on average */
        assert_in_range(submits_in[i], 300, 750);
    fleet_free(fleet);
}

static int64_t recent[64];
static size_t recent_count;

/* Never more than the pacing allows in a tenth of a second: 5, and the burst of 3. */
static void check_pace(struct fleet *fleet, const struct fleet_call *call)
{
    int64_t dispatched = call->call->dispatched_at;

    (void)fleet;
    if (recent_count >= 8)
        assert_true(dispatched - recent[(recent_count - 8) % 64] >= 100 * NS_PER_MS);
    recent[recent_count++ % 64] = dispatched;
}

static void test_calls_do_not_come_in_bursts(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 2000, .interval = "100s"});
    struct refresh_progress progress;

    (void)state;
    recent_count = 0;
    fleet->on_call = check_pace;
    fleet_run(fleet, 200 * NS_PER_SECOND);
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &progress), REFRESH_ACCEPTED);
    fleet_run(fleet, 100 * NS_PER_SECOND);
    fleet_free(fleet);
}

static void test_after_a_stall_every_target_is_asked_once(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 600});
    unsigned before[600], asked = 0;

    (void)state;
    fleet_run(fleet, 150 * NS_PER_SECOND);
    for (size_t i = 0; i < 600; i++)
        before[i] = fleet->targets[i].submits;
    recent_count = 0;
    fleet->on_call = check_pace;
    fleet_stall(fleet, 600 * NS_PER_SECOND);
    fleet_run(fleet, 29 * NS_PER_SECOND);
    for (size_t i = 0; i < 600; i++)
        asked += fleet->targets[i].submits - before[i];
    for (size_t i = 0; i < 600; i++)
        assert_in_range(fleet->targets[i].submits - before[i], 0, 1);
    assert_true(asked > 500); /* all but those whose results were under way */
    fleet_free(fleet);
}

static void test_too_many_targets_stretch_the_cycle_evenly(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 10000, .stale_after = "1h"});
    unsigned least = UINT_MAX, most = 0;
    int64_t longest = 0;
    unsigned calls;

    (void)state;
    fleet_run(fleet, 1000 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    for (size_t i = 0; i < 10000; i++) {
        fleet->targets[i].results = 1;
        fleet->targets[i].longest_gap = 0;
    }
    fleet_run(fleet, 3000 * NS_PER_SECOND);
    for (size_t i = 0; i < 10000; i++) {
        const struct fleet_target *target = &fleet->targets[i];

        least = target->results < least ? target->results : least;
        most = target->results > most ? target->results : most;
        longest = target->longest_gap > longest ? target->longest_gap : longest;
    }
    /* At best 3000 s × 50/s ÷ 2.1 ÷ 10 000 = 7.1 results, one in 420 s. */
    assert_true(least >= 1 + 5);
    assert_true(most <= least + 3);
    assert_true(longest < 600 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls - calls;
    assert_true(calls <= (fleet_results(fleet) - 10000) * 21 / 10);
    fleet_free(fleet);
}

static int64_t longest_gap(const struct fleet *fleet, size_t first)
{
    int64_t longest = 0;

    for (size_t i = first; i < fleet->target_count; i++) {
        if (fleet->targets[i].longest_gap > longest)
            longest = fleet->targets[i].longest_gap;
    }
    return longest;
}

static void test_a_big_account_does_not_delay_small_ones(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){
        .accounts = 100, .targets = 10, .first_targets = 5000, .workers = 64, .stale_after = "1h"});

    (void)state;
    fleet_run(fleet, 1000 * NS_PER_SECOND);
    /* From the earliest moment of one interval to the latest of the next, and a computation. */
    assert_true(longest_gap(fleet, 5000) < (90 + 20) * NS_PER_SECOND);
    for (size_t i = 5000; i < fleet->target_count; i++)
        assert_true(fleet->targets[i].results >= 15);
    fleet_free(fleet);
}

static void test_an_account_whose_calls_hang_does_not_delay_others(void **state)
{
    struct fleet *fleet = usual_fleet(
        &(struct fleet_settings){.accounts = 20, .targets = 10, .first_targets = 500, .stale_after = "1h"});

    (void)state;
    fleet_run(fleet, 150 * NS_PER_SECOND);
    fleet->accounts[0].hangs = true;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    assert_true(longest_gap(fleet, 500) < (90 + 20) * NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->inflight <= 2);
    fleet_free(fleet);
}

static void test_an_account_whose_calls_hung_gets_back_to_its_full_rate(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){.targets = 1000});
    unsigned results;

    (void)state;
    fleet->accounts[0].hangs = true;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    fleet->accounts[0].hangs = false;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    results = fleet_results(fleet);
    fleet_run(fleet, 60 * NS_PER_SECOND);
    assert_true(fleet_results(fleet) - results > 900);
    fleet_free(fleet);
}

static void test_few_workers_delay_calls_but_lose_none(void **state)
{
    struct fleet *fleet =
        usual_fleet(&(struct fleet_settings){.accounts = 5, .targets = 50, .workers = 1, .queue_size = 3});

    (void)state;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        assert_true(fleet->targets[i].results >= 4);
    fleet_free(fleet);
}

static void test_accounts_share_the_total_limit_fairly(void **state)
{
    struct fleet *fleet = usual_fleet(&(struct fleet_settings){
        .accounts = 3, .targets = 300, .first_targets = 3000, .total_rate_limit = 20, .stale_after = "1h"});

    (void)state;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    /* While all of them have something to send, each gets a third. */
    for (size_t i = 0; i < 3; i++)
        assert_in_range(fleet->accounts[i].calls, 300, 460);
    fleet_free(fleet);
}

static int64_t all_recent[256];
static size_t all_count;

static void check_total(struct fleet *fleet, const struct fleet_call *call)
{
    (void)fleet;
    if (all_count >= 30)
        assert_true(call->call->dispatched_at - all_recent[(all_count - 30) % 256] >= NS_PER_SECOND);
    all_recent[all_count++ % 256] = call->call->dispatched_at;
}

static void test_the_total_limit_holds_over_all_accounts(void **state)
{
    struct fleet *fleet = usual_fleet(
        &(struct fleet_settings){.accounts = 8, .targets = 40, .total_rate_limit = 30, .workers = 64});

    (void)state;
    all_count = 0;
    fleet->on_call = check_total;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    assert_true(fleet_results(fleet) > 8 * 40 * 4);
    fleet_free(fleet);
}

static void test_long_round_trips_never_break_the_quota(void **state)
{
    struct fleet *fleet =
        usual_fleet(&(struct fleet_settings){.accounts = 3, .targets = 500, .workers = 200});

    (void)state;
    fleet->accounts[0].round_trip_most = 5 * NS_PER_SECOND;
    fleet->accounts[1].round_trip_least = fleet->accounts[1].round_trip_most = 2 * NS_PER_SECOND;
    for (size_t i = 0; i < 50; i++)
        fleet->targets[i].hangs = true;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    assert_true(fleet->accounts[1].calls > 600 * 12);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_targets_are_asked_near_the_bound),
        cmocka_unit_test(test_a_result_costs_little_more_than_two_calls_once_learned),
        cmocka_unit_test(test_a_manual_refresh_of_all_ends_near_the_bound),
        cmocka_unit_test(test_submits_are_spread_over_the_interval),
        cmocka_unit_test(test_calls_do_not_come_in_bursts),
        cmocka_unit_test(test_after_a_stall_every_target_is_asked_once),
        cmocka_unit_test(test_too_many_targets_stretch_the_cycle_evenly),
        cmocka_unit_test(test_a_big_account_does_not_delay_small_ones),
        cmocka_unit_test(test_an_account_whose_calls_hang_does_not_delay_others),
        cmocka_unit_test(test_an_account_whose_calls_hung_gets_back_to_its_full_rate),
        cmocka_unit_test(test_few_workers_delay_calls_but_lose_none),
        cmocka_unit_test(test_accounts_share_the_total_limit_fairly),
        cmocka_unit_test(test_the_total_limit_holds_over_all_accounts),
        cmocka_unit_test(test_long_round_trips_never_break_the_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
