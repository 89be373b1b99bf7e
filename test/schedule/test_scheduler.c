/* The cycle of targets whose account and server behave. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_a_target_is_submitted_then_polled_until_its_result_is_there(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});

    (void)state;
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].submits, 1);
    assert_int_equal(fleet->targets[0].polls, 1);
    assert_int_equal(fleet->targets[0].results, 1);
    fleet_free(fleet);
}

static void test_the_result_is_on_the_page(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    double value;

    (void)state;
    assert_int_equal(fleet_target_up(fleet, 0), 0);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_target_up(fleet, 0), 1);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 1);
    assert_true(fleet_sample(fleet,
                             "db_user_session_count{ins_id=\"rm-test00000\",ins_name=\"orders\",ins_type="
                             "\"rds\",aliyun_uid=\"1000000000000001\",db_user=\"app\",node_id=\"\",node_type="
                             "\"write\"} ",
                             &value));
    fleet_free(fleet);
}

static void test_a_result_in_the_first_answer_needs_no_poll(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet->targets[0].completion = 0;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].submits, 1);
    assert_int_equal(fleet->targets[0].polls, 0);
    assert_int_equal(fleet->targets[0].results, 1);
    fleet_free(fleet);
}

static void test_the_first_call_waits_one_window(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.rate_window = "5s"});

    (void)state;
    fleet_run(fleet, 5 * NS_PER_SECOND - 1);
    assert_int_equal(fleet_lane(fleet, 0)->inflight, 0);
    fleet_run(fleet, 1);
    assert_int_equal(fleet_lane(fleet, 0)->inflight, 1);
    fleet_free(fleet);
}

static void test_each_interval_brings_one_result(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 20});

    (void)state;
    fleet_run(fleet, 120 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        fleet->targets[i].results = 0;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        assert_in_range(fleet->targets[i].results, 9, 11);
    fleet_free(fleet);
}

static void test_a_computation_longer_than_half_the_interval_does_not_cost_a_turn(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 20});

    (void)state;
    for (size_t i = 0; i < fleet->target_count; i++)
        fleet->targets[i].completion = 40 * NS_PER_SECOND;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 300 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        fleet->targets[i].results = 0;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        assert_in_range(fleet->targets[i].results, 9, 11);
    fleet_free(fleet);
}

static void test_nothing_is_asked_without_an_inventory(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, 0);
    assert_true(fleet->wake == CLOCK_NEVER);
    assert_false(scheduler_first_cycle_done(fleet->scheduler));
    fleet_free(fleet);
}

static void test_an_empty_inventory_is_a_finished_first_cycle(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet->targets[0].present = false;
    fleet_apply_inventory(fleet);
    assert_true(scheduler_first_cycle_done(fleet->scheduler));
    fleet_free(fleet);
}

static void test_the_first_cycle_is_done_when_every_target_was_tried(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2});

    (void)state;
    fleet->targets[1].never_finishes = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 50 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].results, 1);
    assert_false(scheduler_first_cycle_done(fleet->scheduler));
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_true(scheduler_first_cycle_done(fleet->scheduler));
    fleet_free(fleet);
}

static void test_targets_without_credentials_do_not_end_the_first_cycle_of_others(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2});

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    assert_false(scheduler_first_cycle_done(fleet->scheduler));
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_true(scheduler_first_cycle_done(fleet->scheduler));
    fleet_free(fleet);
}

static void test_an_inventory_replaced_before_its_first_cycle_does_not_end_it(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2});

    (void)state;
    fleet->targets[1].present = false;
    fleet_apply_inventory(fleet);
    fleet->targets[0].present = false;
    fleet->targets[1].present = true;
    fleet_apply_inventory(fleet);
    assert_false(scheduler_first_cycle_done(fleet->scheduler));
    fleet_free(fleet);
}

static void test_the_length_of_a_full_cycle_is_from_its_first_to_its_last_target(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2});

    (void)state;
    fleet->targets[1].completion = 20 * NS_PER_SECOND;
    fleet_apply_inventory(fleet);
    assert_true(fleet->scheduler->refresh_duration[METRIC_USER_SESSION_COUNT] < 0);
    fleet_run(fleet, 59 * NS_PER_SECOND);
    assert_in_range(fleet->scheduler->refresh_duration[METRIC_USER_SESSION_COUNT], 20 * NS_PER_SECOND,
                    36 * NS_PER_SECOND);
    fleet_free(fleet);
}

static void test_full_cycles_go_on_after_all_targets_slept(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 3});
    uint64_t cycle;

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_true(fleet->scheduler->refresh_duration[METRIC_USER_SESSION_COUNT] < 0);
    fleet->accounts[0].unconfigured = false;
    fleet_reload(fleet);
    cycle = fleet->scheduler->cycle;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    assert_true(fleet->scheduler->cycle >= cycle + 3);
    assert_true(fleet->scheduler->refresh_duration[METRIC_USER_SESSION_COUNT] > 0);
    fleet_free(fleet);
}

static void test_a_refused_target_does_not_lengthen_the_full_cycle(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 4});
    uint64_t cycle;

    (void)state;
    fleet->targets[2].fault = FLEET_FAULT(ERROR_REFUSED, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 60 * NS_PER_SECOND);
    cycle = fleet->scheduler->cycle;
    fleet_run(fleet, 900 * NS_PER_SECOND);
    assert_true(fleet->scheduler->cycle >= cycle + 14);
    assert_true(fleet->scheduler->refresh_duration[METRIC_USER_SESSION_COUNT] < 70 * NS_PER_SECOND);
    fleet_free(fleet);
}

static void test_an_idle_scheduler_is_not_woken_often(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    uint64_t steps;

    (void)state;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    steps = fleet->steps;
    fleet_run(fleet, 600 * NS_PER_SECOND);
    /* A timer, a slot of the quota and a returned job for each of two or three calls a cycle. */
    assert_true(fleet->steps - steps < 11 * 10);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_is_submitted_then_polled_until_its_result_is_there),
        cmocka_unit_test(test_the_result_is_on_the_page),
        cmocka_unit_test(test_a_result_in_the_first_answer_needs_no_poll),
        cmocka_unit_test(test_the_first_call_waits_one_window),
        cmocka_unit_test(test_each_interval_brings_one_result),
        cmocka_unit_test(test_a_computation_longer_than_half_the_interval_does_not_cost_a_turn),
        cmocka_unit_test(test_nothing_is_asked_without_an_inventory),
        cmocka_unit_test(test_an_empty_inventory_is_a_finished_first_cycle),
        cmocka_unit_test(test_the_first_cycle_is_done_when_every_target_was_tried),
        cmocka_unit_test(test_targets_without_credentials_do_not_end_the_first_cycle_of_others),
        cmocka_unit_test(test_an_inventory_replaced_before_its_first_cycle_does_not_end_it),
        cmocka_unit_test(test_the_length_of_a_full_cycle_is_from_its_first_to_its_last_target),
        cmocka_unit_test(test_full_cycles_go_on_after_all_targets_slept),
        cmocka_unit_test(test_a_refused_target_does_not_lengthen_the_full_cycle),
        cmocka_unit_test(test_an_idle_scheduler_is_not_woken_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
