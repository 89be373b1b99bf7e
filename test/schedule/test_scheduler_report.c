/* What others see of the scheduler: status, metrics, and its thread. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct status *status_of(struct fleet *fleet)
{
    static struct status status;

    status_init(&status);
    assert_true(scheduler_status(fleet->scheduler, fleet->now, &status));
    return &status;
}

static enum target_state state_of(struct fleet *fleet, size_t target)
{
    struct status *status = status_of(fleet);
    enum target_state state = status->targets[target].state;

    status_release(status);
    return state;
}

/* Runs until the first target is in a state; fails when it never is. */
static void await_state(struct fleet *fleet, enum target_state wanted)
{
    for (int i = 0; state_of(fleet, 0) != wanted; i++) {
        assert_true(i < 10000);
        fleet_run(fleet, 10 * NS_PER_MS);
    }
}

static void test_a_target_goes_through_its_states(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});

    (void)state;
    await_state(fleet, TARGET_READY);
    await_state(fleet, TARGET_CALLING);
    await_state(fleet, TARGET_COMPUTING);
    await_state(fleet, TARGET_CALLING);
    await_state(fleet, TARGET_WAITING);
    fleet->targets[0].fault = FLEET_FAULT(ERROR_TRANSIENT, FLEET_ALWAYS);
    await_state(fleet, TARGET_RETRYING);
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    await_state(fleet, TARGET_NO_CREDENTIALS);
    fleet_free(fleet);
}

static void test_states_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < TARGET_STATE_COUNT; i++)
        assert_non_null(target_state_name((enum target_state)i));
}

static void test_an_empty_status_is_a_status(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});
    struct status *status = status_of(fleet);

    (void)state;
    assert_false(status->inventory_loaded);
    assert_false(status->first_cycle_done);
    assert_int_equal(status->target_count, 0);
    status_release(status);
    fleet_free(fleet);
}

static void test_targets_are_reported_in_the_order_of_the_inventory(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 3});
    struct status *status;

    (void)state;
    fleet->targets[4].polardb = true;
    fleet_apply_inventory(fleet);
    status = status_of(fleet);
    assert_int_equal(status->target_count, 6);
    for (size_t i = 1; i < 6; i++)
        assert_true(strcmp(status->targets[i - 1].ins_id, status->targets[i].ins_id) < 0);
    assert_string_equal(status->targets[0].ins_id, "pc-test00004");
    assert_string_equal(status->targets[0].node_id, "pi-test1");
    status_release(status);
    fleet_free(fleet);
}

static void test_a_failing_target_shows_its_error_and_when_it_is_next(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});
    struct status *status;

    (void)state;
    fleet->targets[0].fault = FLEET_FAULT(ERROR_REMOTE, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    status = status_of(fleet);
    assert_false(status->targets[0].up);
    assert_int_equal(status->targets[0].failures, 1);
    assert_int_equal(status->targets[0].error->class, ERROR_REMOTE);
    assert_int_equal(status->targets[0].last_success_unix_ms, 0);
    assert_in_range(status->targets[0].next_run_unix_ms, status->taken_unix_ms,
                    status->taken_unix_ms + 90000);
    status_release(status);
    fleet_free(fleet);
}

static void test_a_status_outlives_what_it_is_about(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 2});
    struct status *status = status_of(fleet);

    (void)state;
    fleet_free(fleet);
    assert_string_equal(status->targets[1].ins_id, "rm-test00001");
    assert_string_equal(status->accounts[0].aliyun_uid, "1000000000000001");
    status_release(status);
}

static void test_accounts_report_their_counts_and_rates(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 60});
    struct status *status;

    (void)state;
    fleet->targets[0].fault = FLEET_FAULT(ERROR_REMOTE, FLEET_ALWAYS);
    fleet->accounts[1].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 25 * NS_PER_SECOND);
    status = status_of(fleet);
    assert_int_equal(status->account_count, 2);
    assert_true(status->accounts[0].up && status->accounts[0].credential_kind == CREDENTIAL_STATIC);
    assert_int_equal(status->accounts[0].instances, 60);
    assert_int_equal(status->accounts[0].targets, 60);
    assert_int_equal(status->accounts[0].targets_up, 59);
    assert_int_equal((int)status->accounts[0].rate_limit, 50);
    assert_in_range((int)(10 * status->accounts[0].rate_demand), 20, 26);
    assert_true(status->accounts[0].rate_used <= 50);
    assert_int_equal((int)status->accounts[1].rate_used, 0);
    assert_true(status->accounts[0].cycle == 60 * NS_PER_SECOND);
    assert_false(status->accounts[1].up);
    assert_int_equal(status->accounts[1].credential_kind, CREDENTIAL_NONE);
    assert_int_equal((int)status->accounts[1].rate_demand, 0);
    assert_true(status->first_cycle_done);
    status_release(status);
    fleet_free(fleet);
}

static double sample(struct fleet *fleet, const char *series)
{
    double value;

    if (!fleet_sample(fleet, series, &value))
        fail_msg("%s is not there", series);
    return value;
}

static void test_metrics_count_calls_and_failures(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 10});

    (void)state;
    fleet->targets[3].fault = FLEET_POLL_FAULT(ERROR_REMOTE, FLEET_ALWAYS);
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_int_equal((int)sample(fleet, "session_exporter_api_requests_total{aliyun_uid=\"1000000000000001\","
                                        "phase=\"submit\"} "),
                     10);
    assert_int_equal((int)sample(fleet, "session_exporter_api_requests_total{aliyun_uid=\"1000000000000001\","
                                        "phase=\"poll\"} "),
                     (int)fleet_polls(fleet));
    assert_int_equal((int)sample(fleet, "session_exporter_api_request_failures_total{aliyun_uid="
                                        "\"1000000000000001\",phase=\"poll\",reason=\"remote\"} "),
                     1);
    assert_int_equal((int)sample(fleet, "session_exporter_result_wait_seconds_count "), 9);
    assert_int_equal((int)sample(fleet, "session_exporter_outstanding_results "), 0);
    assert_int_equal((int)sample(fleet, "session_exporter_inflight_calls "), 0);
    fleet_free(fleet);
}

static void test_metrics_show_what_is_under_way(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 100, .workers = 4});

    (void)state;
    fleet->accounts[0].round_trip_least = fleet->accounts[0].round_trip_most = 500 * NS_PER_MS;
    for (size_t i = 0; i < 100; i++)
        fleet->targets[i].completion = 20 * NS_PER_SECOND;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 3 * NS_PER_SECOND);
    assert_true(sample(fleet, "session_exporter_inflight_calls ") >= 4);
    assert_int_equal((int)sample(fleet, "session_exporter_outstanding_results "),
                     (int)fleet_lane(fleet, 0)->outstanding);
    assert_true(fleet_lane(fleet, 0)->outstanding > 5);
    fleet_free(fleet);
}

static void test_instances_without_credentials_are_rejections(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 3});
    uint64_t rejected[REJECTION_COUNT];

    (void)state;
    fleet->accounts[1].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    scheduler_rejections(fleet->scheduler, rejected);
    assert_int_equal(rejected[REJECTED_NO_CREDENTIALS], 3);
    assert_int_equal(rejected[REJECTED_DISABLED], 0);
    fleet_free(fleet);
}

static void apply(void *argument, int64_t now)
{
    struct fleet *fleet = argument;
    struct inventory *inventory = fleet_build_inventory(fleet);

    assert_true(scheduler_apply_inventory(fleet->scheduler, inventory, now));
    inventory_put(inventory);
}

static void test_the_thread_runs_what_others_ask_for_and_ends(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 5});
    struct error error;

    (void)state;
    assert_true(scheduler_start(fleet->scheduler, &error));
    assert_true(scheduler_call(fleet->scheduler, apply, fleet));
    assert_true(clock_now() - scheduler_last_step(fleet->scheduler) < 20 * NS_PER_SECOND);
    scheduler_stop(fleet->scheduler);
    assert_false(scheduler_call(fleet->scheduler, apply, fleet));
    assert_int_equal(fleet->scheduler->job_count, 5);
    fleet_free(fleet);
}

static void test_a_status_of_a_target_under_way_has_the_names_of_the_inventory_in_force(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    struct status *status;

    (void)state;
    await_state(fleet, TARGET_CALLING);
    snprintf(fleet->targets[0].ins_name, sizeof(fleet->targets[0].ins_name), "renamed");
    fleet_apply_inventory(fleet);
    status = status_of(fleet);
    assert_string_equal(status->targets[0].ins_name, "renamed");
    status_release(status);
    fleet_free(fleet);
}

static void test_the_targets_of_an_instance_are_found(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 100});
    struct status *status = status_of(fleet);
    size_t first;

    (void)state;
    assert_int_equal(status_find_instance(status, "rm-test00042", &first), 1);
    assert_int_equal(first, 42);
    assert_int_equal(status_find_instance(status, "rm-test0004", &first), 0);
    assert_int_equal(status_find_instance(status, "zz", &first), 0);
    status_release(status);
    fleet_free(fleet);
}

static void count_run(void *argument, int64_t now)
{
    atomic_uint *runs = argument;

    (void)now;
    atomic_fetch_add(runs, 1);
}

struct caller {
    struct fleet *fleet;
    atomic_uint *runs;
};

static void *call_once(void *argument)
{
    const struct caller *caller = argument;

    scheduler_call(caller->fleet->scheduler, count_run, caller->runs);
    return NULL;
}

static void test_a_step_runs_few_messages_and_leaves_the_rest_for_the_next(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    atomic_uint runs = 0;
    struct caller caller = {fleet, &runs};
    pthread_t threads[20];
    unsigned before = 0;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_once, &caller), 0);
    while (before < 20) {
        scheduler_step(fleet->scheduler, fleet->now);
        assert_true(atomic_load(&runs) - before <= 4);
        before = atomic_load(&runs);
    }
    for (size_t i = 0; i < 20; i++)
        pthread_join(threads[i], NULL);
    fleet_free(fleet);
}

static void test_a_scheduler_whose_steps_keep_beginning_late_is_late(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 1000});
    int64_t since;

    (void)state;
    fleet_run(fleet, 2 * NS_PER_SECOND);
    assert_true(scheduler_late_since(fleet->scheduler) == CLOCK_NEVER);
    fleet_stall(fleet, 2 * NS_PER_SECOND);
    since = fleet->now;
    assert_true(scheduler_late_since(fleet->scheduler) == since);
    for (int i = 0; i < 5; i++)
        fleet_stall(fleet, 2 * NS_PER_SECOND);
    assert_true(scheduler_late_since(fleet->scheduler) == since);
    fleet_run(fleet, NS_PER_SECOND);
    assert_true(scheduler_late_since(fleet->scheduler) == CLOCK_NEVER);
    fleet_free(fleet);
}

static void test_a_scheduler_with_nothing_to_do_is_not_late(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet_stall(fleet, 1000 * NS_PER_SECOND);
    fleet_stall(fleet, 1000 * NS_PER_SECOND);
    assert_true(scheduler_late_since(fleet->scheduler) == CLOCK_NEVER);
    fleet_free(fleet);
}

static void test_jobs_in_a_closed_queue_are_freed_with_the_scheduler(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 50});

    (void)state;
    fleet_run(fleet, 1200 * NS_PER_MS);
    call_queue_close(fleet->queue);
    fleet->now += 500 * NS_PER_MS;
    scheduler_step(fleet->scheduler, fleet->now);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_goes_through_its_states),
        cmocka_unit_test(test_states_have_names),
        cmocka_unit_test(test_an_empty_status_is_a_status),
        cmocka_unit_test(test_targets_are_reported_in_the_order_of_the_inventory),
        cmocka_unit_test(test_a_failing_target_shows_its_error_and_when_it_is_next),
        cmocka_unit_test(test_a_status_outlives_what_it_is_about),
        cmocka_unit_test(test_accounts_report_their_counts_and_rates),
        cmocka_unit_test(test_metrics_count_calls_and_failures),
        cmocka_unit_test(test_metrics_show_what_is_under_way),
        cmocka_unit_test(test_instances_without_credentials_are_rejections),
        cmocka_unit_test(test_the_thread_runs_what_others_ask_for_and_ends),
        cmocka_unit_test(test_a_status_of_a_target_under_way_has_the_names_of_the_inventory_in_force),
        cmocka_unit_test(test_the_targets_of_an_instance_are_found),
        cmocka_unit_test(test_a_step_runs_few_messages_and_leaves_the_rest_for_the_next),
        cmocka_unit_test(test_a_scheduler_whose_steps_keep_beginning_late_is_late),
        cmocka_unit_test(test_a_scheduler_with_nothing_to_do_is_not_late),
        cmocka_unit_test(test_jobs_in_a_closed_queue_are_freed_with_the_scheduler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
