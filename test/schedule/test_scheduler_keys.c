/* Temporary credentials: on their way, renewed, expired, not to be had. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TARGETS 30

static struct fleet *empty_fleet(void)
{
    return fleet_new_empty(
        &(struct fleet_settings){.targets = TARGETS, .interval = "60s", .stale_after = "3600s"});
}

/* All targets have a first result, got with key 1. */
static struct fleet *running_fleet(void)
{
    struct fleet *fleet = empty_fleet();

    fleet_give_keys(fleet, 0, 1);
    fleet_apply_inventory(fleet);
    fleet_run_until_results(fleet, 1, 60 * NS_PER_SECOND);
    return fleet;
}

static unsigned targets_up(struct fleet *fleet)
{
    return (unsigned)fleet_lane(fleet, 0)->up_count;
}

static struct status status_of(struct fleet *fleet)
{
    struct status status;

    status_init(&status);
    assert_true(scheduler_status(fleet->scheduler, fleet->now, &status));
    return status;
}

static void test_targets_wait_for_the_first_keys_without_failing(void **state)
{
    struct fleet *fleet = empty_fleet();

    (void)state;
    fleet_await_keys(fleet, 0);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, 0);
    assert_false(scheduler_first_cycle_done(fleet->scheduler));
    fleet_give_keys(fleet, 0, 1);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    assert_true(scheduler_first_cycle_done(fleet->scheduler));
    assert_int_equal(fleet_job(fleet, 0)->failures, 0);
    fleet_free(fleet);
}

static void test_first_keys_that_cannot_be_had_end_the_first_cycle(void **state)
{
    struct fleet *fleet = empty_fleet();

    (void)state;
    fleet_await_keys(fleet, 0);
    fleet_apply_inventory(fleet);
    fleet_fail_keys(fleet, 0, false);
    fleet_run(fleet, NS_PER_SECOND);
    assert_true(scheduler_first_cycle_done(fleet->scheduler));
    fleet_give_keys(fleet, 0, 1);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    fleet_free(fleet);
}

static void test_the_status_says_why_there_are_no_keys(void **state)
{
    struct fleet *fleet = empty_fleet();
    struct status status;

    (void)state;
    fleet_await_keys(fleet, 0);
    fleet_apply_inventory(fleet);
    fleet_fail_keys(fleet, 0, false);
    status = status_of(fleet);
    assert_int_equal(status.targets[0].state, TARGET_NO_CREDENTIALS);
    assert_string_equal(status.targets[0].error->message, "STS cannot be reached");
    assert_string_equal(status.accounts[0].error->message, "STS cannot be reached");
    assert_false(status.accounts[0].up);
    status_release(&status);
    fleet_free(fleet);
}

static void test_a_failed_renewal_of_valid_keys_is_said_and_harms_nothing(void **state)
{
    struct fleet *fleet = running_fleet();
    struct status status;

    (void)state;
    fleet_fail_keys(fleet, 0, true);
    fleet_run(fleet, 120 * NS_PER_SECOND);
    status = status_of(fleet);
    assert_true(status.accounts[0].up);
    assert_string_equal(status.accounts[0].error->message, "STS cannot be reached");
    assert_int_equal(status.accounts[0].targets_up, TARGETS);
    status_release(&status);
    fleet_free(fleet);
}

static void test_calls_in_flight_end_with_the_keys_they_began_with(void **state)
{
    struct fleet *fleet = empty_fleet();

    (void)state;
    fleet_give_keys(fleet, 0, 1);
    fleet->accounts[0].round_trip_least = 500 * NS_PER_MS;
    fleet->accounts[0].round_trip_most = 600 * NS_PER_MS;
    fleet_apply_inventory(fleet);
    while (fleet->running == 0)
        fleet_run(fleet, 10 * NS_PER_MS);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    assert_int_equal(fleet_job(fleet, 0)->failures, 0);
    fleet_free(fleet);
}

static void test_expired_keys_are_renewed_once_and_nothing_is_sent_meanwhile(void **state)
{
    struct fleet *fleet = running_fleet();
    unsigned calls;

    (void)state;
    fleet->accounts[0].first_valid_key = 2;
    fleet_run(fleet, 62 * NS_PER_SECOND);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].renewals, 1);
    assert_int_equal(fleet->accounts[0].calls, calls);
    assert_int_equal(targets_up(fleet), TARGETS);
    assert_false(fleet_lane(fleet, 0)->down);
    fleet_free(fleet);
}

static void test_calls_with_expired_keys_are_repeated_with_the_renewed_ones(void **state)
{
    struct fleet *fleet = running_fleet();

    (void)state;
    fleet->accounts[0].first_valid_key = 2;
    fleet_run(fleet, 62 * NS_PER_SECOND);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 70 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    for (size_t i = 0; i < TARGETS; i++) {
        assert_int_equal(fleet_job(fleet, i)->failures, 0);
        assert_true(fleet->targets[i].results >= 2);
    }
    fleet_free(fleet);
}

static void test_renewed_keys_that_are_refused_too_take_the_account_down(void **state)
{
    struct fleet *fleet = running_fleet();

    (void)state;
    fleet->accounts[0].first_valid_key = 3;
    fleet_run(fleet, 62 * NS_PER_SECOND);
    assert_false(fleet_lane(fleet, 0)->down);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 2 * NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->down);
    assert_int_equal(fleet_lane(fleet, 0)->error.class, ERROR_TOKEN_EXPIRED);
    fleet_free(fleet);
}

static void test_expired_keys_that_cannot_be_renewed_take_the_account_down(void **state)
{
    struct fleet *fleet = running_fleet();
    struct status status;
    unsigned calls;

    (void)state;
    fleet->accounts[0].first_valid_key = 2;
    fleet_run(fleet, 62 * NS_PER_SECOND);
    fleet_fail_keys(fleet, 0, true);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 50 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls);
    status = status_of(fleet);
    assert_false(status.accounts[0].up);
    assert_string_equal(status.accounts[0].error->message, "STS cannot be reached");
    status_release(&status);
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls + 1); /* the probe, after a minute */
    assert_int_equal(fleet->accounts[0].renewals, 2);
    fleet_free(fleet);
}

static void test_expired_keys_of_an_account_that_the_keyring_lacks_take_it_down(void **state)
{
    struct fleet *fleet = running_fleet();

    (void)state;
    fleet->accounts[0].unknown_to_keyring = true;
    fleet->accounts[0].first_valid_key = 2;
    fleet_run(fleet, 70 * NS_PER_SECOND);
    assert_true(fleet_lane(fleet, 0)->down);
    assert_false(fleet_lane(fleet, 0)->renewing);
    fleet_free(fleet);
}

static void test_keys_that_come_late_bring_the_account_back_at_once(void **state)
{
    struct fleet *fleet = running_fleet();

    (void)state;
    fleet->accounts[0].first_valid_key = 2;
    fleet_run(fleet, 62 * NS_PER_SECOND);
    fleet_fail_keys(fleet, 0, true);
    fleet_run(fleet, 70 * NS_PER_SECOND);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    fleet_free(fleet);
}

static void test_without_valid_keys_nothing_is_sent_and_values_stay(void **state)
{
    struct fleet *fleet = running_fleet();
    unsigned calls = fleet->accounts[0].calls;

    (void)state;
    fleet_fail_keys(fleet, 0, false);
    fleet_run(fleet, 300 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), TARGETS);
    assert_int_equal(fleet_target_up(fleet, 0), 0);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    fleet_free(fleet);
}

/* They may expire in the moment between the news of them and the look at them. */
static void test_keys_that_are_gone_before_anybody_says_why_stop_the_calls(void **state)
{
    struct fleet *fleet = empty_fleet();
    unsigned calls;

    (void)state;
    fleet_give_keys(fleet, 0, 1);
    fleet_apply_inventory(fleet);
    while (fleet_lane(fleet, 0)->ready_count == 0)
        fleet_run(fleet, NS_PER_MS);
    fleet_await_keys(fleet, 0);
    calls = fleet->accounts[0].calls + (unsigned)fleet->running;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_true(fleet->accounts[0].calls <= calls);
    fleet_give_keys(fleet, 0, 2);
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_int_equal(targets_up(fleet), TARGETS);
    fleet_free(fleet);
}

/* Nobody accepts what STS issues: each new token is no reason to begin with short pauses again. */
static void test_probes_grow_rarer_though_each_brings_new_keys(void **state)
{
    struct fleet *fleet = running_fleet();
    unsigned renewals = 0, calls;

    (void)state;
    fleet->accounts[0].first_valid_key = 1000;
    calls = fleet->accounts[0].calls;
    for (unsigned key = 2; fleet->now < FLEET_START + 3600 * NS_PER_SECOND; fleet_run(fleet, NS_PER_SECOND)) {
        if (fleet->accounts[0].renewals == renewals)
            continue;
        renewals = fleet->accounts[0].renewals;
        fleet_give_keys(fleet, 0, key++);
    }
    assert_true(fleet_lane(fleet, 0)->probe_interval >= 1800 * NS_PER_SECOND);
    assert_in_range(renewals, 4, 16);
    assert_true(fleet->accounts[0].calls - calls < 16 * TARGETS);
    fleet_free(fleet);
}

static void test_an_account_with_keys_on_their_way_is_no_rejection(void **state)
{
    struct fleet *fleet = empty_fleet();
    uint64_t rejected[REJECTION_COUNT];

    (void)state;
    fleet_await_keys(fleet, 0);
    fleet_apply_inventory(fleet);
    scheduler_rejections(fleet->scheduler, rejected);
    assert_int_equal(rejected[REJECTED_NO_CREDENTIALS], 0);
    fleet_free(fleet);
}

static void test_the_expiry_is_on_the_page(void **state)
{
    struct fleet *fleet = running_fleet();
    struct status status = status_of(fleet);

    (void)state;
    assert_int_equal(status.accounts[0].credential_kind, CREDENTIAL_ROLE);
    assert_true(status.accounts[0].credentials_expiry_unix_ms == fleet->accounts[0].keys.expiry_unix_ms);
    status_release(&status);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_wait_for_the_first_keys_without_failing),
        cmocka_unit_test(test_first_keys_that_cannot_be_had_end_the_first_cycle),
        cmocka_unit_test(test_the_status_says_why_there_are_no_keys),
        cmocka_unit_test(test_a_failed_renewal_of_valid_keys_is_said_and_harms_nothing),
        cmocka_unit_test(test_calls_in_flight_end_with_the_keys_they_began_with),
        cmocka_unit_test(test_expired_keys_are_renewed_once_and_nothing_is_sent_meanwhile),
        cmocka_unit_test(test_calls_with_expired_keys_are_repeated_with_the_renewed_ones),
        cmocka_unit_test(test_renewed_keys_that_are_refused_too_take_the_account_down),
        cmocka_unit_test(test_expired_keys_that_cannot_be_renewed_take_the_account_down),
        cmocka_unit_test(test_expired_keys_of_an_account_that_the_keyring_lacks_take_it_down),
        cmocka_unit_test(test_keys_that_come_late_bring_the_account_back_at_once),
        cmocka_unit_test(test_without_valid_keys_nothing_is_sent_and_values_stay),
        cmocka_unit_test(test_keys_that_are_gone_before_anybody_says_why_stop_the_calls),
        cmocka_unit_test(test_probes_grow_rarer_though_each_brings_new_keys),
        cmocka_unit_test(test_an_account_with_keys_on_their_way_is_no_rejection),
        cmocka_unit_test(test_the_expiry_is_on_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
