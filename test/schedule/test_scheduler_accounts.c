/* Accounts whose credentials are refused, missing or replaced. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two accounts of ten targets; the server refuses all keys of the first but key 1. */
static struct fleet *refused_fleet(const char *interval)
{
    struct fleet *fleet = fleet_new_empty(
        &(struct fleet_settings){.accounts = 2, .targets = 10, .interval = interval, .stale_after = "3600s"});

    fleet->accounts[0].refuses_keys = true;
    fleet->accounts[0].accepted_key = 1;
    fleet_apply_inventory(fleet);
    return fleet;
}

static int account_up(struct fleet *fleet, size_t account)
{
    char uid[32], series[128];
    double value;

    snprintf(series, sizeof(series), "session_exporter_account_up{aliyun_uid=\"%s\"} ",
             fleet_uid(account, uid));
    return fleet_sample(fleet, series, &value) ? (int)value : -1;
}

static void test_refused_keys_take_the_account_down_and_no_other(void **state)
{
    struct fleet *fleet = refused_fleet("60s");

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(account_up(fleet, 0), 0);
    assert_int_equal(account_up(fleet, 1), 1);
    for (size_t i = 10; i < 20; i++)
        assert_int_equal(fleet->targets[i].results, 1);
    fleet_free(fleet);
}

static void test_an_account_that_is_down_is_not_hammered(void **state)
{
    struct fleet *fleet = refused_fleet("60s");
    unsigned calls;

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    assert_true(calls <= 10);
    fleet_run(fleet, 39 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls);
    fleet_free(fleet);
}

static int64_t probes[32];
static size_t probe_count;

static void note_probe(struct fleet *fleet, const struct fleet_call *call)
{
    if (call->account == &fleet->accounts[0] && probe_count < 32)
        probes[probe_count++] = fleet->now;
}

static void assert_probes_at(const char *interval)
{
    static const int64_t gaps[] = {60, 120, 240, 480, 960, 1800, 1800};
    struct fleet *fleet = refused_fleet(interval);
    int64_t last;

    fleet_run(fleet, 20 * NS_PER_SECOND);
    last = fleet_lane(fleet, 0)->down_since;
    probe_count = 0;
    fleet->on_call = note_probe;
    fleet_run(fleet, 5600 * NS_PER_SECOND);
    assert_int_equal(probe_count, sizeof(gaps) / sizeof(gaps[0]));
    for (size_t i = 0; i < probe_count; i++) {
        /* Since the last one was answered. */
        assert_in_range(probes[i] - last, gaps[i] * NS_PER_SECOND - 200 * NS_PER_MS,
                        gaps[i] * NS_PER_SECOND + 200 * NS_PER_MS);
        last = probes[i];
    }
    fleet_free(fleet);
}

static void test_probes_come_after_1_2_4_minutes_up_to_half_an_hour(void **state)
{
    (void)state;
    assert_probes_at("60s");
}

static void test_probes_do_not_wait_for_a_long_interval(void **state)
{
    (void)state;
    assert_probes_at("1h");
}

static void test_a_probe_that_succeeds_brings_all_targets_back_at_once(void **state)
{
    struct fleet *fleet = refused_fleet("1h");

    (void)state;
    fleet_run(fleet, 30 * NS_PER_SECOND);
    fleet->accounts[0].refuses_keys = false;
    fleet_run(fleet, 45 * NS_PER_SECOND);
    assert_int_equal(account_up(fleet, 0), 1);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(fleet->targets[i].results, 1);
    fleet_free(fleet);
}

static void test_new_keys_are_tried_at_once(void **state)
{
    struct fleet *fleet = refused_fleet("1h");

    (void)state;
    fleet_run(fleet, 30 * NS_PER_SECOND);
    fleet->accounts[0].key = 1;
    fleet_reload(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(fleet->targets[i].results, 1);
    assert_int_equal(fleet_lane(fleet, 0)->down_complaint.kind, 0);
    fleet_free(fleet);
}

static void test_a_late_refusal_of_old_keys_says_nothing_about_new_ones(void **state)
{
    struct fleet *fleet = refused_fleet("60s");

    (void)state;
    fleet_run(fleet, NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->inflight > 0);
    fleet->accounts[0].key = 1;
    fleet_reload(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(fleet->targets[i].results, 1);
        assert_null(fleet_job(fleet, i)->error);
    }
    fleet_free(fleet);
}

static void test_a_manual_refresh_may_probe_and_does_not_put_off_the_next_probe(void **state)
{
    struct fleet *fleet = refused_fleet("1h");
    struct refresh_progress progress;
    int64_t probe_at;
    unsigned calls;
    char uid[32];

    (void)state;
    fleet_run(fleet, 10 * NS_PER_SECOND);
    probe_at = fleet_lane(fleet, 0)->probe_at;
    calls = fleet->accounts[0].calls;
    assert_int_equal(fleet_refresh(fleet, NULL, fleet_uid(0, uid), &progress), REFRESH_ACCEPTED);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls + 1);
    assert_true(fleet_lane(fleet, 0)->probe_at == probe_at);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.failed, 10);
    fleet_free(fleet);
}

static void test_a_probe_that_was_not_sent_is_not_the_last_one(void **state)
{
    struct fleet *fleet = refused_fleet("60s");

    (void)state;
    fleet_run(fleet, 30 * NS_PER_SECOND);
    fleet->accounts[0].refuses_keys = false;
    for (size_t i = 0; i < 10; i++)
        fleet->targets[i].unsent = 1;
    fleet_run(fleet, 120 * NS_PER_SECOND);
    assert_int_equal(account_up(fleet, 0), 1);
    fleet_free(fleet);
}

static void test_a_probe_whose_target_vanishes_is_not_the_last_one(void **state)
{
    struct fleet *fleet = refused_fleet("60s");
    struct lane *lane;
    size_t probing = 10;

    (void)state;
    fleet_run(fleet, 30 * NS_PER_SECOND);
    lane = fleet_lane(fleet, 0);
    fleet_run_until(fleet, lane->probe_at);
    assert_non_null(lane->probe);
    for (size_t i = 0; i < 10; i++) {
        if (fleet_job(fleet, i) == lane->probe)
            probing = i;
    }
    fleet->targets[probing].present = false;
    fleet_apply_inventory(fleet);
    fleet->accounts[0].refuses_keys = false;
    fleet_run(fleet, 120 * NS_PER_SECOND);
    assert_int_equal(account_up(fleet, 0), 1);
    fleet_free(fleet);
}

static void test_answers_to_calls_sent_before_the_refusal_do_not_bring_it_back(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 40});

    (void)state;
    fleet->accounts[0].round_trip_most = 900 * NS_PER_MS;
    fleet->targets[3].fault = FLEET_FAULT(ERROR_CREDENTIALS, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    while (!fleet_lane(fleet, 0)->down)
        fleet_run(fleet, 10 * NS_PER_MS);
    fleet_run(fleet, NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->down);
    fleet_free(fleet);
}

static void test_a_skewed_clock_is_probed_every_ten_seconds(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_CLOCK_SKEW, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 605 * NS_PER_SECOND);
    assert_in_range(fleet->accounts[0].calls, 50, 61);
    fleet_free(fleet);
}

static void test_an_account_is_back_soon_after_the_clock_is_right_again(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 5});

    (void)state;
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_CLOCK_SKEW, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 300 * NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->down);
    fleet->accounts[0].fault = (struct fleet_fault){0};
    fleet_run(fleet, 11 * NS_PER_SECOND);
    assert_false(fleet_lane(fleet, 0)->down);
    fleet_free(fleet);
}

static void test_keys_that_cannot_sign_take_the_account_down_and_cost_no_quota(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 5});

    (void)state;
    fleet->accounts[0].cannot_sign = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->down);
    assert_int_equal(fleet_lane(fleet, 0)->error.class, ERROR_CREDENTIALS);
    assert_int_equal(fleet_lane(fleet, 0)->requests[API_PHASE_SUBMIT], 0);
    assert_int_equal(limiter_used(fleet_lane(fleet, 0)->limiter, fleet->now), 0);
    fleet_free(fleet);
}

static void test_targets_without_credentials_sleep(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 5});

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 300 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, 0);
    assert_int_equal(fleet_job(fleet, 0)->state, TARGET_NO_CREDENTIALS);
    assert_true(fleet->wake == CLOCK_NEVER);
    fleet_free(fleet);
}

static void test_credentials_wake_sleeping_targets_at_once(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 5});

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 100 * NS_PER_SECOND);
    fleet->accounts[0].unconfigured = false;
    fleet_reload(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), 5);
    fleet_free(fleet);
}

/* Takes the credentials away when the fleet has run for `after`. */
static void assert_falls_asleep(int64_t after, struct fleet_fault fault)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 30});

    fleet->accounts[0].fault = fault;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, after);
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_run(fleet, 200 * NS_PER_SECOND);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(fleet_job(fleet, i)->state, TARGET_NO_CREDENTIALS);
    assert_int_equal(fleet_lane(fleet, 0)->outstanding, 0);
    assert_int_equal(fleet_lane(fleet, 0)->up_count, 0);
    fleet->accounts[0].unconfigured = false;
    fleet->accounts[0].fault.class = ERROR_NONE;
    fleet_reload(fleet);
    fleet_run(fleet, 200 * NS_PER_SECOND);
    for (size_t i = 0; i < 30; i++)
        assert_true(fleet_job(fleet, i)->up);
    fleet_free(fleet);
}

static void test_an_account_may_lose_its_credentials_at_any_moment(void **state)
{
    (void)state;
    for (int64_t after = NS_PER_SECOND; after < 4 * NS_PER_SECOND; after += 97 * NS_PER_MS) {
        assert_falls_asleep(after, FLEET_FAULT(ERROR_NONE, 0));
        assert_falls_asleep(after, FLEET_FAULT(ERROR_THROTTLED, FLEET_ALWAYS));
        assert_falls_asleep(after, FLEET_FAULT(ERROR_NONCE_USED, FLEET_ALWAYS));
        assert_falls_asleep(after, FLEET_POLL_FAULT(ERROR_RESULT_LOST, FLEET_ALWAYS));
        assert_falls_asleep(after, FLEET_FAULT(ERROR_CREDENTIALS, FLEET_ALWAYS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_keys_take_the_account_down_and_no_other),
        cmocka_unit_test(test_an_account_that_is_down_is_not_hammered),
        cmocka_unit_test(test_probes_come_after_1_2_4_minutes_up_to_half_an_hour),
        cmocka_unit_test(test_probes_do_not_wait_for_a_long_interval),
        cmocka_unit_test(test_a_probe_that_succeeds_brings_all_targets_back_at_once),
        cmocka_unit_test(test_new_keys_are_tried_at_once),
        cmocka_unit_test(test_a_late_refusal_of_old_keys_says_nothing_about_new_ones),
        cmocka_unit_test(test_a_manual_refresh_may_probe_and_does_not_put_off_the_next_probe),
        cmocka_unit_test(test_a_probe_that_was_not_sent_is_not_the_last_one),
        cmocka_unit_test(test_a_probe_whose_target_vanishes_is_not_the_last_one),
        cmocka_unit_test(test_answers_to_calls_sent_before_the_refusal_do_not_bring_it_back),
        cmocka_unit_test(test_a_skewed_clock_is_probed_every_ten_seconds),
        cmocka_unit_test(test_an_account_is_back_soon_after_the_clock_is_right_again),
        cmocka_unit_test(test_keys_that_cannot_sign_take_the_account_down_and_cost_no_quota),
        cmocka_unit_test(test_targets_without_credentials_sleep),
        cmocka_unit_test(test_credentials_wake_sleeping_targets_at_once),
        cmocka_unit_test(test_an_account_may_lose_its_credentials_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
