/* What each class of failure leads to. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 40

/* A fleet of one account whose targets 0 … faulty-1 fail. */
static struct fleet *faulty_fleet(size_t targets, size_t faulty, struct fleet_fault fault)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = targets});

    for (size_t i = 0; i < faulty; i++)
        fleet->targets[i].fault = fault;
    fleet_apply_inventory(fleet);
    return fleet;
}

static const struct error *error_of(const struct fleet *fleet, size_t target)
{
    const struct job *job = fleet_job(fleet, target);

    assert_non_null(job->error);
    return job->error;
}

static void test_a_transient_failure_is_tried_three_times_a_cycle(void **state)
{
    static const enum error_class classes[] = {ERROR_TRANSIENT, ERROR_MALFORMED, ERROR_NO_MEMORY};

    (void)state;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        struct fleet *fleet = faulty_fleet(1, 1, FLEET_FAULT(classes[i], FLEET_ALWAYS));

        fleet_run(fleet, 29 * NS_PER_SECOND);
        assert_int_equal(fleet->targets[0].submits, 3);
        assert_int_equal(fleet_job(fleet, 0)->failures, 1);
        assert_int_equal(error_of(fleet, 0)->class, classes[i]);
        fleet_free(fleet);
    }
}

static void test_a_transient_failure_of_a_poll_asks_for_the_same_result_again(void **state)
{
    struct fleet *fleet = faulty_fleet(1, 1, FLEET_POLL_FAULT(ERROR_TRANSIENT, 2));

    (void)state;
    fleet_run(fleet, 29 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].submits, 1);
    assert_int_equal(fleet->targets[0].polls, 3);
    assert_int_equal(fleet->targets[0].results, 1);
    fleet_free(fleet);
}

static int64_t starts[3 * MANY];
static size_t start_count;

static void note_start(struct fleet *fleet, const struct fleet_call *call)
{
    (void)call;
    if (start_count < sizeof(starts) / sizeof(starts[0]))
        starts[start_count++] = fleet->now;
}

static void test_retries_are_spread_by_jitter(void **state)
{
    struct fleet *fleet = faulty_fleet(MANY, MANY, FLEET_FAULT(ERROR_TRANSIENT, 1));
    size_t late = 0, at_once = 0;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        fleet->targets[i].completion = 0;
    start_count = 0;
    fleet->on_call = note_start;
    fleet_run(fleet, 29 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), MANY);
    for (size_t i = MANY; i < start_count; i++) {
        late += starts[i] - starts[0] > NS_PER_SECOND + NS_PER_SECOND / 2;
        at_once += starts[i] - starts[0] < NS_PER_SECOND;
    }
    assert_true(late > 2);
    assert_true(at_once > 2);
    fleet_free(fleet);
}

static void test_classes_without_hope_fail_the_cycle_at_once(void **state)
{
    static const enum error_class classes[] = {ERROR_REMOTE, ERROR_REFUSED, ERROR_TOO_LARGE};

    (void)state;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        struct fleet *fleet = faulty_fleet(1, 1, FLEET_FAULT(classes[i], FLEET_ALWAYS));

        fleet_run(fleet, 29 * NS_PER_SECOND);
        assert_int_equal(fleet->targets[0].submits, 1);
        assert_int_equal(error_of(fleet, 0)->class, classes[i]);
        assert_int_equal(fleet_target_up(fleet, 0), 0);
        fleet_free(fleet);
    }
}

static void test_a_refused_target_is_asked_five_times_less_often(void **state)
{
    struct fleet *fleet = faulty_fleet(2, 1, FLEET_FAULT(ERROR_REFUSED, FLEET_ALWAYS));

    (void)state;
    fleet_run(fleet, 3000 * NS_PER_SECOND);
    assert_in_range(fleet->targets[0].submits, 9, 12);
    assert_in_range(fleet->targets[1].submits, 49, 52);
    fleet_free(fleet);
}

static void test_a_nonce_used_is_sent_again_once(void **state)
{
    struct fleet *fleet = faulty_fleet(2, 2, FLEET_FAULT(ERROR_NONCE_USED, 1));

    (void)state;
    fleet->targets[1].fault.times = FLEET_ALWAYS;
    fleet_run(fleet, 29 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].results, 1);
    assert_int_equal(fleet->targets[1].submits, 2);
    assert_int_equal(error_of(fleet, 1)->class, ERROR_NONCE_USED);
    fleet_free(fleet);
}

static void test_a_lost_result_is_submitted_again_once(void **state)
{
    struct fleet *fleet = faulty_fleet(2, 2, FLEET_POLL_FAULT(ERROR_RESULT_LOST, 1));

    (void)state;
    fleet->targets[1].fault.times = FLEET_ALWAYS;
    fleet_run(fleet, 29 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].submits, 2);
    assert_int_equal(fleet->targets[0].results, 1);
    assert_int_equal(fleet->targets[1].submits, 2);
    assert_int_equal(fleet->targets[1].polls, 2);
    assert_int_equal(error_of(fleet, 1)->class, ERROR_RESULT_LOST);
    assert_int_equal(fleet_lane(fleet, 0)->outstanding, 0);
    fleet_free(fleet);
}

static void test_a_computation_that_never_ends_times_out(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.result_timeout = "20s"});

    (void)state;
    fleet->targets[0].never_finishes = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_null(fleet_job(fleet, 0)->error);
    fleet_run(fleet, 3 * NS_PER_SECOND);
    assert_int_equal(error_of(fleet, 0)->class, ERROR_TIMED_OUT);
    assert_true(fleet->targets[0].polls < 10);
    fleet_free(fleet);
}

static void test_a_failing_target_keeps_its_samples_until_they_are_stale(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 2});
    int64_t result_at;

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    fleet->targets[0].fault = FLEET_FAULT(ERROR_REMOTE, FLEET_ALWAYS);
    result_at = fleet_job(fleet, 0)->success_at;
    fleet_run_until(fleet, result_at + 179 * NS_PER_SECOND);
    assert_int_equal(fleet_target_up(fleet, 0), 0);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 2);
    fleet_run_until(fleet, result_at + 181 * NS_PER_SECOND);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 1);
    assert_int_equal(fleet_target_up(fleet, 0), 0);
    fleet->targets[0].fault.class = ERROR_NONE;
    fleet_run(fleet, 100 * NS_PER_SECOND);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 2);
    assert_int_equal(fleet_target_up(fleet, 0), 1);
    assert_null(fleet_job(fleet, 0)->error);
    assert_int_equal(fleet_job(fleet, 0)->failures, 0);
    fleet_free(fleet);
}

static void test_a_call_that_was_not_sent_is_sent_a_second_later(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet->targets[0].unsent = 2;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 2900 * NS_PER_MS);
    assert_int_equal(fleet->accounts[0].calls, 0);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].results, 1);
    assert_null(fleet_job(fleet, 0)->error);
    fleet_free(fleet);
}

static void test_calls_that_are_not_answered_are_transient(void **state)
{
    struct fleet *fleet =
        fleet_new_empty(&(struct fleet_settings){.interval = "300s", .stale_after = "900s"});

    (void)state;
    fleet->targets[0].hangs = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 60 * NS_PER_SECOND);
    assert_int_equal(fleet_job(fleet, 0)->failures, 1);
    assert_int_equal(error_of(fleet, 0)->class, ERROR_TRANSIENT);
    assert_int_equal(fleet_lane(fleet, 0)->requests[API_PHASE_SUBMIT], 3);
    fleet_free(fleet);
}

static void test_throttled_calls_are_sent_again_and_no_failure_of_the_target(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 10});

    (void)state;
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_THROTTLED, 20);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 29 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), 10);
    assert_int_equal(fleet_lane(fleet, 0)->throttled, 20);
    for (size_t i = 0; i < 10; i++)
        assert_null(fleet_job(fleet, i)->error);
    fleet_free(fleet);
}

static void test_throttling_without_end_fails_the_cycle(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 10});

    (void)state;
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_THROTTLED, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 120 * NS_PER_SECOND);
    for (size_t i = 0; i < 10; i++) {
        assert_non_null(fleet_job(fleet, i)->error);
        assert_int_equal(fleet_job(fleet, i)->error->class, ERROR_THROTTLED);
    }
    fleet_free(fleet);
}

static void test_a_burst_of_throttling_is_one_cut(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 400});
    const struct lane *lane;

    (void)state;
    fleet->accounts[0].round_trip_least = fleet->accounts[0].round_trip_most = 200 * NS_PER_MS;
    fleet_apply_inventory(fleet);
    lane = fleet_lane(fleet, 0);
    fleet_run(fleet, 5 * NS_PER_SECOND);
    fleet->accounts[0].fault = FLEET_FAULT(ERROR_THROTTLED, FLEET_ALWAYS);
    fleet->accounts[0].fault.sent_before = fleet->now + 1;
    fleet_run(fleet, 400 * NS_PER_MS);
    assert_true(lane->throttled >= 3);
    assert_in_range(limiter_effective(lane->limiter, fleet->now), 35, 37);
    fleet_run(fleet, 32 * NS_PER_SECOND);
    assert_int_equal(limiter_effective(lane->limiter, fleet->now), 50);
    fleet_free(fleet);
}

static void test_the_server_may_ask_for_a_pause(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 10});
    unsigned calls;

    (void)state;
    fleet->accounts[0].fault =
        (struct fleet_fault){.class = ERROR_THROTTLED, .times = 1, .retry_after_ms = 7000};
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 1500 * NS_PER_MS);
    calls = fleet->accounts[0].calls;
    fleet_run(fleet, 6 * NS_PER_SECOND);
    assert_int_equal(fleet->accounts[0].calls, calls);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), 10);
    fleet_free(fleet);
}

static void test_a_quota_shared_with_others_is_found_and_used(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 1000});

    (void)state;
    fleet->accounts[0].server_limit = 20;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 400 * NS_PER_SECOND);
    assert_true(fleet_results(fleet) > 400 * 20 / 2 / 3);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_transient_failure_is_tried_three_times_a_cycle),
        cmocka_unit_test(test_a_transient_failure_of_a_poll_asks_for_the_same_result_again),
        cmocka_unit_test(test_retries_are_spread_by_jitter),
        cmocka_unit_test(test_classes_without_hope_fail_the_cycle_at_once),
        cmocka_unit_test(test_a_refused_target_is_asked_five_times_less_often),
        cmocka_unit_test(test_a_nonce_used_is_sent_again_once),
        cmocka_unit_test(test_a_lost_result_is_submitted_again_once),
        cmocka_unit_test(test_a_computation_that_never_ends_times_out),
        cmocka_unit_test(test_a_failing_target_keeps_its_samples_until_they_are_stale),
        cmocka_unit_test(test_a_call_that_was_not_sent_is_sent_a_second_later),
        cmocka_unit_test(test_calls_that_are_not_answered_are_transient),
        cmocka_unit_test(test_throttled_calls_are_sent_again_and_no_failure_of_the_target),
        cmocka_unit_test(test_throttling_without_end_fails_the_cycle),
        cmocka_unit_test(test_a_burst_of_throttling_is_one_cut),
        cmocka_unit_test(test_the_server_may_ask_for_a_pause),
        cmocka_unit_test(test_a_quota_shared_with_others_is_found_and_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
