/* A new configuration while calls are out. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_a_higher_rate_limit_is_used(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 2000, .rate_limit = 5});
    unsigned calls;

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    fleet->settings.rate_limit = 40;
    fleet_reload(fleet);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_in_range(fleet->accounts[0].calls - calls, 320, 400);
    fleet_free(fleet);
}

static void test_a_longer_window_is_used_with_calls_out(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 500});
    unsigned calls;

    (void)state;
    fleet_run(fleet, 5 * NS_PER_SECOND);
    fleet->settings.rate_window = "10s";
    fleet_reload(fleet);
    fleet_run(fleet, 11 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    assert_in_range(fleet->accounts[0].calls - calls, 250, 350);
    fleet_free(fleet);
}

static void test_a_lower_rate_limit_holds_with_calls_out(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2000, .workers = 100});

    (void)state;
    fleet->accounts[0].round_trip_most = 2 * NS_PER_SECOND;
    fleet_apply_inventory(fleet);
    for (unsigned limit = 50; limit >= 8; limit -= 7) {
        fleet->settings.rate_limit = limit;
        fleet_reload(fleet);
        fleet_run(fleet, 10 * NS_PER_SECOND);
    }
    assert_true(fleet->accounts[0].calls > 500);
    fleet_free(fleet);
}

static void test_an_account_may_have_its_own_limit(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 500});

    (void)state;
    fleet->accounts[1].rate_limit = 5;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 21 * NS_PER_SECOND);
    assert_in_range(fleet->accounts[1].calls, 80, 105);
    assert_true(fleet->accounts[0].calls > 700);
    fleet_free(fleet);
}

static void test_the_total_limit_may_come_and_go_with_calls_out(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.accounts = 4, .targets = 500, .workers = 64});
    unsigned calls;

    (void)state;
    for (unsigned limit = 0; limit < 4; limit++) {
        fleet->settings.total_rate_limit = 10 * limit;
        fleet_reload(fleet);
        fleet_run(fleet, 3 * NS_PER_SECOND);
        fleet->settings.total_rate_limit = 0;
        fleet_reload(fleet);
        fleet_run(fleet, 3 * NS_PER_SECOND);
    }
    fleet->settings.total_rate_limit = 10;
    fleet_reload(fleet);
    fleet_run(fleet, 2 * NS_PER_SECOND);
    calls = 0;
    for (size_t i = 0; i < 4; i++)
        calls -= fleet->accounts[i].calls;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    for (size_t i = 0; i < 4; i++)
        calls += fleet->accounts[i].calls;
    assert_in_range(calls, 150, 201);
    fleet_free(fleet);
}

static void test_the_largest_total_limit_is_accepted(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.total_rate_limit = 100000});

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].results, 1);
    fleet_free(fleet);
}

static void test_a_shorter_interval_is_in_force_within_its_length(void **state)
{
    struct fleet *fleet =
        fleet_new(&(struct fleet_settings){.targets = 100, .interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet_run(fleet, 100 * NS_PER_SECOND);
    fleet->settings.interval = "60s";
    fleet_reload(fleet);
    fleet_run(fleet, 70 * NS_PER_SECOND);
    for (size_t i = 0; i < 100; i++)
        assert_in_range(fleet->targets[i].results, 2, 3);
    fleet_free(fleet);
}

static int64_t first_second_calls;

static void note_first_second(struct fleet *fleet, const struct fleet_call *call)
{
    (void)fleet;
    (void)call;
    first_second_calls++;
}

static void test_a_shorter_interval_is_no_burst(void **state)
{
    struct fleet *fleet =
        fleet_new(&(struct fleet_settings){.targets = 600, .interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet_run(fleet, 100 * NS_PER_SECOND);
    fleet->settings.interval = "60s";
    first_second_calls = 0;
    fleet->on_call = note_first_second;
    fleet_reload(fleet);
    fleet_run(fleet, 2 * NS_PER_SECOND);
    assert_true(first_second_calls < 60);
    fleet_free(fleet);
}

static void test_a_longer_interval_is_in_force_after_one_turn(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 100, .stale_after = "2h"});
    unsigned results;

    (void)state;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    fleet->settings.interval = "1h";
    fleet_reload(fleet);
    fleet_run(fleet, 6000 * NS_PER_SECOND);
    results = fleet_results(fleet);
    fleet_run(fleet, 3600 * NS_PER_SECOND);
    assert_in_range(fleet_results(fleet) - results, 90, 110);
    fleet_free(fleet);
}

static void test_switching_the_metric_off_takes_its_targets_away(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 50, .rate_limit = 10});
    unsigned calls;

    (void)state;
    fleet_run(fleet, 5 * NS_PER_SECOND);
    fleet->settings.sessions_disabled = true;
    fleet_reload(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet->scheduler->job_count, 0);
    assert_int_equal(fleet_series(fleet, "session_exporter_target_up"), 0);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 0);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 100 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls);
    fleet->settings.sessions_disabled = false;
    fleet_reload(fleet);
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 50);
    fleet_free(fleet);
}

static void test_switching_the_limits_off_takes_their_samples_away(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    const char *const values[] = {"rm-test00000", "app"};
    struct batch *batch = batch_new();

    (void)state;
    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, values, 7);
    assert_true(batch_seal(batch, NULL));
    fleet_load_limits(fleet, batch);
    assert_int_equal(fleet_series(fleet, "db_max_user_connections"), 1);
    fleet->settings.limits_disabled = true;
    fleet_reload(fleet);
    assert_int_equal(fleet_series(fleet, "db_max_user_connections"), 0);
    fleet_free(fleet);
}

static void test_limits_that_arrive_after_they_were_switched_off_are_dropped(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.limits_disabled = true});
    const char *const values[] = {"rm-test00000", "app"};
    struct batch *batch = batch_new();

    (void)state;
    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, values, 7);
    assert_true(batch_seal(batch, NULL));
    fleet_load_limits(fleet, batch);
    assert_int_equal(fleet_series(fleet, "db_max_user_connections"), 0);
    fleet_free(fleet);
}

static void test_the_same_configuration_again_changes_nothing(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 100, .rate_limit = 20});

    (void)state;
    for (int i = 0; i < 300; i++) {
        fleet_run(fleet, NS_PER_SECOND);
        fleet_reload(fleet);
    }
    for (size_t i = 0; i < 100; i++)
        assert_in_range(fleet->targets[i].submits, 5, 6);
    fleet_free(fleet);
}

static void test_an_account_may_be_configured_before_it_has_targets(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2});

    (void)state;
    fleet->targets[1].present = false;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_non_null(fleet_lane(fleet, 1));
    fleet->targets[1].present = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[1].results, 1);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_higher_rate_limit_is_used),
        cmocka_unit_test(test_a_longer_window_is_used_with_calls_out),
        cmocka_unit_test(test_a_lower_rate_limit_holds_with_calls_out),
        cmocka_unit_test(test_an_account_may_have_its_own_limit),
        cmocka_unit_test(test_the_total_limit_may_come_and_go_with_calls_out),
        cmocka_unit_test(test_the_largest_total_limit_is_accepted),
        cmocka_unit_test(test_a_shorter_interval_is_in_force_within_its_length),
        cmocka_unit_test(test_a_shorter_interval_is_no_burst),
        cmocka_unit_test(test_a_longer_interval_is_in_force_after_one_turn),
        cmocka_unit_test(test_switching_the_metric_off_takes_its_targets_away),
        cmocka_unit_test(test_switching_the_limits_off_takes_their_samples_away),
        cmocka_unit_test(test_limits_that_arrive_after_they_were_switched_off_are_dropped),
        cmocka_unit_test(test_the_same_configuration_again_changes_nothing),
        cmocka_unit_test(test_an_account_may_be_configured_before_it_has_targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
