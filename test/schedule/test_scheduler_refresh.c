/* Manual refreshes: what they cover, their progress, their share of the quota. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two accounts of ten targets that were asked once and are not due for long. */
static struct fleet *resting_fleet(void)
{
    struct fleet *fleet = fleet_new(
        &(struct fleet_settings){.accounts = 2, .targets = 10, .interval = "1h", .stale_after = "2h"});

    fleet_run(fleet, 60 * NS_PER_SECOND);
    for (size_t i = 0; i < fleet->target_count; i++)
        assert_int_equal(fleet->targets[i].results, 1);
    return fleet;
}

static void test_a_refresh_without_filter_covers_all_targets(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &progress), REFRESH_ACCEPTED);
    assert_int_equal(progress.targets, 20);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.done, 20);
    assert_int_equal(progress.failed, 0);
    assert_int_equal(fleet_results(fleet), 40);
    fleet_free(fleet);
}

static void test_a_refresh_may_be_of_one_instance(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, "rm-test00007", NULL, &progress), REFRESH_ACCEPTED);
    assert_int_equal(progress.targets, 1);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_FINISHED);
    assert_int_equal(fleet->targets[7].results, 2);
    assert_int_equal(fleet_results(fleet), 21);
    fleet_free(fleet);
}

static void test_a_refresh_may_be_of_one_account(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;
    char uid[32];

    (void)state;
    assert_int_equal(fleet_refresh(fleet, NULL, fleet_uid(1, uid), &progress), REFRESH_ACCEPTED);
    assert_int_equal(progress.targets, 10);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), 30);
    assert_int_equal(fleet->targets[3].results, 1);
    fleet_free(fleet);
}

static void test_unknown_names_do_not_match(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;
    char uid[32];

    (void)state;
    assert_int_equal(fleet_refresh(fleet, "rm-other1", NULL, &progress), REFRESH_NO_MATCH);
    assert_int_equal(fleet_refresh(fleet, NULL, "1000000000000009", &progress), REFRESH_NO_MATCH);
    assert_int_equal(fleet_refresh(fleet, "rm-test00001", fleet_uid(1, uid), &progress), REFRESH_NO_MATCH);
    fleet_free(fleet);
}

static void test_nothing_matches_before_there_is_an_inventory(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, "rm-test00000", NULL, &progress), REFRESH_NO_MATCH);
    fleet_free(fleet);
}

static void test_a_refresh_of_all_is_finished_at_once_when_there_is_nothing(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &progress), REFRESH_ACCEPTED);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    fleet_free(fleet);
}

static enum refresh_answer refresh_metric(struct fleet *fleet, enum metric_id metric, const char *ins_id,
                                          struct refresh_progress *progress)
{
    struct refresh_filter filter = {.metric = metric};

    snprintf(filter.ins_id, sizeof(filter.ins_id), "%s", ins_id);
    return scheduler_refresh(fleet->scheduler, &filter, fleet->now, progress);
}

static void test_a_metric_that_is_off_cannot_be_refreshed(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.limits_disabled = true});
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(refresh_metric(fleet, METRIC_MAX_USER_CONNECTIONS, "", &progress), REFRESH_DISABLED);
    fleet_free(fleet);
}

static void test_a_refresh_of_the_limits_waits_for_the_users_table(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;
    struct batch *batch = batch_new();

    (void)state;
    assert_true(batch_seal(batch, NULL));
    assert_int_equal(refresh_metric(fleet, METRIC_MAX_USER_CONNECTIONS, "rm-test00001", &progress),
                     REFRESH_ACCEPTED);
    assert_int_equal(progress.targets, 1);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_RUNNING);
    fleet_load_limits(fleet, batch);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_FINISHED);
    assert_int_equal(fleet_progress(fleet, &progress).failed, 0);
    assert_int_equal(fleet_results(fleet), 20);
    fleet_free(fleet);
}

static void test_a_users_table_that_cannot_be_loaded_is_a_failure(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(refresh_metric(fleet, METRIC_MAX_USER_CONNECTIONS, "", &progress), REFRESH_ACCEPTED);
    fleet_load_limits(fleet, NULL);
    assert_int_equal(fleet_progress(fleet, &progress).failed, 1);
    fleet_free(fleet);
}

static void test_switching_the_limits_off_ends_the_refresh_that_waits_for_them(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    assert_int_equal(refresh_metric(fleet, METRIC_MAX_USER_CONNECTIONS, "", &progress), REFRESH_ACCEPTED);
    fleet->settings.limits_disabled = true;
    fleet_reload(fleet);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_FINISHED);
    fleet_free(fleet);
}

static void test_the_same_refresh_again_joins_the_first(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress first, second;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &first), REFRESH_ACCEPTED);
    fleet_run(fleet, 500 * NS_PER_MS);
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &second), REFRESH_ACCEPTED);
    assert_true(second.joined);
    assert_string_equal(first.id, second.id);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_results(fleet), 40);
    fleet_free(fleet);
}

static void test_overlapping_refreshes_share_the_calls(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress all, one;

    (void)state;
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &all), REFRESH_ACCEPTED);
    assert_int_equal(fleet_refresh(fleet, "rm-test00003", NULL, &one), REFRESH_ACCEPTED);
    assert_false(one.joined);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_progress(fleet, &all).done, 20);
    assert_int_equal(fleet_progress(fleet, &one).done, 1);
    assert_int_equal(fleet_results(fleet), 40);
    fleet_free(fleet);
}

static void test_failures_are_counted_as_done(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        fleet->targets[i].fault = FLEET_FAULT(i < 2 ? ERROR_REMOTE : ERROR_TRANSIENT, FLEET_ALWAYS);
    fleet_refresh(fleet, NULL, NULL, &progress);
    fleet_run(fleet, 20 * NS_PER_SECOND);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.done, 20);
    assert_int_equal(progress.failed, 4);
    fleet_free(fleet);
}

static void test_vanished_targets_are_not_waited_for(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    fleet_refresh(fleet, NULL, NULL, &progress);
    fleet_run(fleet, 300 * NS_PER_MS);
    for (size_t i = 0; i < 5; i++)
        fleet->targets[i].present = false;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.targets, 15);
    assert_int_equal(progress.done, 15);
    fleet_free(fleet);
}

static void test_targets_without_credentials_fail_at_once(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_refresh(fleet, NULL, NULL, &progress);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    progress = fleet_progress(fleet, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.failed, 10);
    fleet_free(fleet);
}

static void test_a_refresh_waits_for_a_cycle_that_is_under_way(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    struct refresh_progress progress;

    (void)state;
    fleet_run(fleet, 1300 * NS_PER_MS);
    assert_int_equal(fleet->targets[0].submits, 1);
    fleet_refresh(fleet, NULL, NULL, &progress);
    fleet_run(fleet, 5 * NS_PER_SECOND);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_FINISHED);
    assert_int_equal(fleet->targets[0].submits, 1);
    fleet_free(fleet);
}

static void test_no_more_than_64_refreshes_run_at_a_time(void **state)
{
    struct fleet *fleet = fleet_new(
        &(struct fleet_settings){.targets = 65, .interval = "1h", .stale_after = "2h", .rate_limit = 10});
    struct refresh_progress progress;
    char ins_id[32];

    (void)state;
    fleet_run(fleet, 60 * NS_PER_SECOND);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(fleet_refresh(fleet, fleet_ins_id(fleet, i, ins_id), NULL, &progress),
                         REFRESH_ACCEPTED);
    assert_int_equal(fleet_refresh(fleet, fleet_ins_id(fleet, 64, ins_id), NULL, &progress), REFRESH_BUSY);
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_int_equal(fleet_refresh(fleet, fleet_ins_id(fleet, 64, ins_id), NULL, &progress),
                     REFRESH_ACCEPTED);
    fleet_free(fleet);
}

static void test_a_refresh_goes_before_the_backlog_of_the_schedule(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 1000, .rate_limit = 10});
    struct refresh_progress progress;

    (void)state;
    fleet_run(fleet, 300 * NS_PER_SECOND);
    fleet_stall(fleet, 600 * NS_PER_SECOND); /* everything is due now */
    fleet_refresh(fleet, "rm-test00500", NULL, &progress);
    fleet_run(fleet, 5 * NS_PER_SECOND);
    assert_int_equal(fleet_progress(fleet, &progress).state, REFRESH_FINISHED);
    fleet_free(fleet);
}

static unsigned manual_calls, other_calls;

static void note_kind(struct fleet *fleet, const struct fleet_call *call)
{
    (void)fleet;
    if (CONTAINER_OF(call->call, struct job, call)->refreshes != 0 && call->call->continuation == NULL)
        manual_calls++;
    else
        other_calls++;
}

static void test_a_refresh_leaves_half_of_the_quota_to_the_schedule(void **state)
{
    struct fleet *fleet =
        fleet_new(&(struct fleet_settings){.targets = 2000, .rate_limit = 20, .stale_after = "1h"});
    struct refresh_progress progress;
    size_t ready;

    (void)state;
    fleet_run(fleet, 400 * NS_PER_SECOND);
    /* Half of the targets go on by the schedule, overdue all of them. */
    for (size_t i = 0; i < 2000; i++)
        fleet->targets[i].account = 0;
    fleet_stall(fleet, 900 * NS_PER_SECOND);
    ready = fleet_lane(fleet, 0)->ready_count;
    assert_true(ready > 1500);
    for (size_t i = 0; i < 60; i++) {
        char ins_id[32];

        fleet_refresh(fleet, fleet_ins_id(fleet, i * 30, ins_id), NULL, &progress);
    }
    manual_calls = other_calls = 0;
    fleet->on_call = note_kind;
    fleet_run(fleet, 4 * NS_PER_SECOND);
    assert_true(manual_calls > 20);
    assert_true(other_calls >= manual_calls);
    fleet_free(fleet);
}

static void test_refreshes_are_counted_by_what_caused_them(void **state)
{
    struct fleet *fleet = resting_fleet();
    struct refresh_progress progress;
    double value;

    (void)state;
    fleet_refresh(fleet, "rm-test00003", NULL, &progress);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_true(fleet_sample(fleet,
                             "session_exporter_refreshes_total{metric=\"db_user_session_count\","
                             "trigger=\"manual\"} ",
                             &value));
    assert_int_equal((int)value, 1);
    assert_true(fleet_sample(fleet,
                             "session_exporter_refreshes_total{metric=\"db_user_session_count\","
                             "trigger=\"schedule\"} ",
                             &value));
    assert_int_equal((int)value, 20);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refresh_without_filter_covers_all_targets),
        cmocka_unit_test(test_a_refresh_may_be_of_one_instance),
        cmocka_unit_test(test_a_refresh_may_be_of_one_account),
        cmocka_unit_test(test_unknown_names_do_not_match),
        cmocka_unit_test(test_nothing_matches_before_there_is_an_inventory),
        cmocka_unit_test(test_a_refresh_of_all_is_finished_at_once_when_there_is_nothing),
        cmocka_unit_test(test_a_metric_that_is_off_cannot_be_refreshed),
        cmocka_unit_test(test_a_refresh_of_the_limits_waits_for_the_users_table),
        cmocka_unit_test(test_a_users_table_that_cannot_be_loaded_is_a_failure),
        cmocka_unit_test(test_switching_the_limits_off_ends_the_refresh_that_waits_for_them),
        cmocka_unit_test(test_the_same_refresh_again_joins_the_first),
        cmocka_unit_test(test_overlapping_refreshes_share_the_calls),
        cmocka_unit_test(test_failures_are_counted_as_done),
        cmocka_unit_test(test_vanished_targets_are_not_waited_for),
        cmocka_unit_test(test_targets_without_credentials_fail_at_once),
        cmocka_unit_test(test_a_refresh_waits_for_a_cycle_that_is_under_way),
        cmocka_unit_test(test_no_more_than_64_refreshes_run_at_a_time),
        cmocka_unit_test(test_a_refresh_goes_before_the_backlog_of_the_schedule),
        cmocka_unit_test(test_a_refresh_leaves_half_of_the_quota_to_the_schedule),
        cmocka_unit_test(test_refreshes_are_counted_by_what_caused_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
