/* Memory that runs out in the middle of a change: the old state stays, whole. */
#include "schedule/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule/scheduler_state.h"
#include "test/metrics/allocations.h"
#include "test/schedule/fake_fleet.h"

#define ALLOCATIONS_MOST 10000

/* Two accounts with more ready jobs than the quota lets go. */
static struct fleet *busy_fleet(void)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.accounts = 2, .targets = 100});

    fleet_run(fleet, 1500 * NS_PER_MS);
    return fleet;
}

static bool apply_config_with_memory_for(struct fleet *fleet, struct config *config, long allocations)
{
    bool applied;

    allocations_fail_after(allocations);
    applied = scheduler_apply_config(fleet->scheduler, config, fleet->now);
    allocations_fail_after(-1);
    return applied;
}

static void test_a_reload_without_memory_changes_nothing(void **state)
{
    long allocations = 0;
    bool applied = false;

    (void)state;
    while (!applied) {
        struct fleet *fleet = busy_fleet();
        struct config *next;

        fleet->accounts[0].unconfigured = true;
        fleet->accounts[1].rate_limit = 60;
        fleet->settings.total_rate_limit = 100;
        next = fleet_load_config(fleet);
        applied = apply_config_with_memory_for(fleet, next, allocations);
        if (!applied) {
            assert_ptr_equal(fleet->scheduler->config, fleet->config);
            assert_non_null(fleet_lane(fleet, 0)->credentials);
            assert_int_equal(limiter_calls(fleet_lane(fleet, 1)->limiter), 50);
            fleet_run(fleet, 20 * NS_PER_SECOND);
            assert_int_equal(fleet_results(fleet), 200);
        }
        config_put(next);
        fleet_free(fleet);
        assert_true(++allocations < ALLOCATIONS_MOST);
    }
    assert_true(allocations > 3);
}

static void test_an_inventory_without_memory_changes_nothing(void **state)
{
    long allocations = 0;
    bool applied = false;

    (void)state;
    while (!applied) {
        struct fleet *empty = fleet_new_empty(&(struct fleet_settings){.accounts = 2, .targets = 3});
        struct inventory *inventory = fleet_build_inventory(empty);

        allocations_fail_after(allocations);
        applied = scheduler_apply_inventory(empty->scheduler, inventory, empty->now);
        allocations_fail_after(-1);
        if (!applied)
            assert_int_equal(empty->scheduler->job_count, 0);
        inventory_put(inventory);
        fleet_free(empty);
        assert_true(++allocations < ALLOCATIONS_MOST);
    }
    assert_true(allocations > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reload_without_memory_changes_nothing),
        cmocka_unit_test(test_an_inventory_without_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
