/* Targets that come, go and change. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two targets, of which the first computes long; run until the first is where it is wanted. */
static struct fleet *fleet_at(enum target_state state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2, .rate_limit = 1});
    int64_t end = fleet->now + 60 * NS_PER_SECOND;

    fleet->targets[0].completion = 3 * NS_PER_SECOND;
    fleet->accounts[0].round_trip_least = fleet->accounts[0].round_trip_most = 80 * NS_PER_MS;
    fleet_apply_inventory(fleet);
    for (;;) {
        /* After its first step: a computation is under way, or over. */
        if (fleet_job(fleet, 0)->state == state && (fleet->targets[0].submits > 0 || state == TARGET_READY))
            return fleet;
        assert_true(fleet->now < end);
        fleet_run(fleet, 10 * NS_PER_MS);
    }
}

static void assert_vanishes(struct fleet *fleet)
{
    fleet->targets[0].present = false;
    fleet_apply_inventory(fleet);
    assert_null(fleet_job(fleet, 0));
    assert_int_equal(fleet_target_up(fleet, 0), -1);
    fleet_run(fleet, 100 * NS_PER_SECOND);
    assert_int_equal(fleet_target_up(fleet, 0), -1);
    assert_int_equal(fleet_target_up(fleet, 1), 1);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 1);
    assert_int_equal(fleet_lane(fleet, 0)->job_count, 1);
    assert_int_equal(fleet_lane(fleet, 0)->outstanding, 0);
    fleet_free(fleet);
}

static void test_a_target_may_vanish_while_it_waits(void **state)
{
    (void)state;
    assert_vanishes(fleet_at(TARGET_WAITING));
}

static void test_a_target_may_vanish_while_it_is_ready(void **state)
{
    (void)state;
    assert_vanishes(fleet_at(TARGET_READY));
}

static void test_a_target_may_vanish_while_a_worker_has_it(void **state)
{
    (void)state;
    assert_vanishes(fleet_at(TARGET_CALLING));
}

static void test_a_target_may_vanish_while_its_result_is_computed(void **state)
{
    (void)state;
    assert_vanishes(fleet_at(TARGET_COMPUTING));
}

static void test_a_target_may_vanish_while_it_sleeps(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.targets = 2});

    (void)state;
    fleet->accounts[0].unconfigured = true;
    fleet_reload(fleet);
    fleet_apply_inventory(fleet);
    fleet->targets[0].present = false;
    fleet_apply_inventory(fleet);
    assert_null(fleet_job(fleet, 0));
    assert_int_equal(fleet->scheduler->resting, 1);
    fleet_free(fleet);
}

static void test_the_result_of_a_vanished_target_is_dropped(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet->targets[0].completion = 0;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet_job(fleet, 0)->state, TARGET_CALLING);
    fleet->targets[0].present = false;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].results, 1);
    assert_int_equal(fleet->scheduler->dropped_batches, 1);
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), 0);
    fleet_free(fleet);
}

static void test_a_target_that_comes_back_while_its_old_call_is_out_is_a_new_one(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){0});

    (void)state;
    fleet->targets[0].completion = 0;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    fleet->targets[0].present = false;
    fleet_apply_inventory(fleet);
    fleet->targets[0].present = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[0].submits, 2);
    assert_int_equal(fleet->scheduler->dropped_batches, 1);
    assert_int_equal(fleet_target_up(fleet, 0), 1);
    fleet_free(fleet);
}

static void test_an_account_that_vanishes_with_calls_out_keeps_to_its_quota(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 200});

    (void)state;
    fleet->accounts[0].round_trip_most = 700 * NS_PER_MS;
    fleet->accounts[0].unconfigured = false;
    fleet_apply_inventory(fleet);
    for (int i = 0; i < 20; i++) {
        fleet_run(fleet, 1300 * NS_PER_MS);
        for (size_t target = 0; target < 200; target++)
            fleet->targets[target].present = !fleet->targets[target].present;
        fleet->accounts[0].unconfigured = !fleet->accounts[0].unconfigured;
        fleet_reload(fleet);
        fleet_apply_inventory(fleet);
        fleet_run(fleet, 100 * NS_PER_MS);
        for (size_t target = 0; target < 200; target++)
            fleet->targets[target].present = true;
        fleet->accounts[0].unconfigured = false;
        fleet_reload(fleet);
        fleet_apply_inventory(fleet);
    }
    fleet_run(fleet, 30 * NS_PER_SECOND);
    assert_true(fleet->accounts[0].calls > 0);
    fleet_free(fleet);
}

static void test_a_new_target_is_asked_at_once(void **state)
{
    struct fleet *fleet =
        fleet_new_empty(&(struct fleet_settings){.targets = 2, .interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet->targets[1].present = false;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 100 * NS_PER_SECOND);
    fleet->targets[1].present = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 5 * NS_PER_SECOND);
    assert_int_equal(fleet->targets[1].results, 1);
    assert_int_equal(fleet->targets[0].results, 1);
    fleet_free(fleet);
}

static void test_the_same_inventory_again_changes_nothing(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 30, .rate_limit = 5});

    (void)state;
    for (int i = 0; i < 200; i++) {
        fleet_run(fleet, 300 * NS_PER_MS);
        fleet_apply_inventory(fleet);
    }
    for (size_t i = 0; i < 30; i++)
        assert_in_range(fleet->targets[i].submits, 1, 2);
    assert_int_equal(fleet->scheduler->dropped_batches, 0);
    fleet_free(fleet);
}

static bool page_has(struct fleet *fleet, const char *text)
{
    char *page = fleet_page(fleet);
    bool found = strstr(page, text) != NULL;

    free(page);
    return found;
}

static void assert_relabelled_within(struct fleet *fleet, int64_t limit)
{
    snprintf(fleet->targets[0].ins_name, sizeof(fleet->targets[0].ins_name), "ledger");
    fleet->targets[0].reads = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, limit);
    assert_true(page_has(fleet,
                         "ins_name=\"ledger\",ins_type=\"rds\",aliyun_uid=\"1000000000000001\",db_user="
                         "\"app\",node_id=\"\",node_type=\"read\""));
    assert_false(page_has(fleet, "ins_id=\"rm-test00000\",ins_name=\"orders\""));
    fleet_free(fleet);
}

static void test_new_labels_are_on_the_page_soon(void **state)
{
    struct fleet *fleet =
        fleet_new(&(struct fleet_settings){.targets = 2, .interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet_run(fleet, 100 * NS_PER_SECOND);
    assert_relabelled_within(fleet, 10 * NS_PER_SECOND);
}

static void test_labels_that_change_while_a_worker_has_the_target_are_on_the_page_soon(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet->targets[0].completion = 0;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet_job(fleet, 0)->state, TARGET_CALLING);
    assert_relabelled_within(fleet, 10 * NS_PER_SECOND);
}

static void test_new_labels_are_on_the_page_soon_although_the_call_under_way_fails(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.interval = "1h", .stale_after = "2h"});

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    assert_true(page_has(fleet, "ins_name=\"orders\""));
    fleet->targets[0].fault = FLEET_FAULT(ERROR_REMOTE, 1);
    assert_int_equal(fleet_refresh(fleet, NULL, NULL, &(struct refresh_progress){0}), REFRESH_ACCEPTED);
    while (fleet_job(fleet, 0)->state != TARGET_CALLING)
        fleet_run(fleet, 10 * NS_PER_MS);
    assert_relabelled_within(fleet, 10 * NS_PER_SECOND);
}

static void test_labels_that_change_while_a_result_is_computed_cost_no_call(void **state)
{
    struct fleet *fleet = fleet_at(TARGET_COMPUTING);

    (void)state;
    snprintf(fleet->targets[0].ins_name, sizeof(fleet->targets[0].ins_name), "ledger");
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 8 * NS_PER_SECOND);
    assert_true(page_has(fleet, "ins_name=\"ledger\""));
    assert_int_equal(fleet->targets[0].submits, 1);
    fleet_free(fleet);
}

static void test_an_instance_that_moves_to_another_account_is_asked_there(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.accounts = 2, .targets = 3});

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    fleet->targets[0].account = 1;
    fleet_apply_inventory(fleet);
    assert_int_equal(fleet_lane(fleet, 0)->job_count, 2);
    assert_int_equal(fleet_lane(fleet, 1)->job_count, 4);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_target_up(fleet, 0), 1);
    assert_int_equal(fleet_series(fleet, "session_exporter_target_up"), 6);
    assert_true(page_has(fleet, "ins_id=\"rm-test00000\",ins_name=\"orders\",ins_type=\"rds\",aliyun_uid="
                                "\"1000000000000002\""));
    fleet_free(fleet);
}

static void test_an_instance_may_move_while_a_worker_has_it(void **state)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 2});

    (void)state;
    fleet->targets[0].completion = 0;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, NS_PER_SECOND);
    assert_int_equal(fleet_job(fleet, 0)->state, TARGET_CALLING);
    fleet->targets[0].account = 1;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet->scheduler->dropped_batches, 1);
    assert_int_equal(fleet_target_up(fleet, 0), 1);
    fleet_free(fleet);
}

static void test_a_rds_instance_may_become_a_polardb_cluster(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 2});

    (void)state;
    fleet_run(fleet, 20 * NS_PER_SECOND);
    fleet->targets[1].polardb = true;
    fleet_apply_inventory(fleet);
    fleet_run(fleet, 10 * NS_PER_SECOND);
    assert_int_equal(fleet_target_up(fleet, 1), 1);
    assert_int_equal(fleet_series(fleet, "session_exporter_target_up"), 2);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_may_vanish_while_it_waits),
        cmocka_unit_test(test_a_target_may_vanish_while_it_is_ready),
        cmocka_unit_test(test_a_target_may_vanish_while_a_worker_has_it),
        cmocka_unit_test(test_a_target_may_vanish_while_its_result_is_computed),
        cmocka_unit_test(test_a_target_may_vanish_while_it_sleeps),
        cmocka_unit_test(test_the_result_of_a_vanished_target_is_dropped),
        cmocka_unit_test(test_a_target_that_comes_back_while_its_old_call_is_out_is_a_new_one),
        cmocka_unit_test(test_an_account_that_vanishes_with_calls_out_keeps_to_its_quota),
        cmocka_unit_test(test_a_new_target_is_asked_at_once),
        cmocka_unit_test(test_the_same_inventory_again_changes_nothing),
        cmocka_unit_test(test_new_labels_are_on_the_page_soon),
        cmocka_unit_test(test_labels_that_change_while_a_worker_has_the_target_are_on_the_page_soon),
        cmocka_unit_test(test_new_labels_are_on_the_page_soon_although_the_call_under_way_fails),
        cmocka_unit_test(test_labels_that_change_while_a_result_is_computed_cost_no_call),
        cmocka_unit_test(test_an_instance_that_moves_to_another_account_is_asked_there),
        cmocka_unit_test(test_an_instance_may_move_while_a_worker_has_it),
        cmocka_unit_test(test_a_rds_instance_may_become_a_polardb_cluster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
