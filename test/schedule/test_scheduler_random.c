/*
 * Everything at once, at random: the scheduler's invariants hold after every change, the quota is
 * never exceeded, and once the world is well again every target is, too.
 */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS     60
#define CHANGES   150
#define REFRESHES 8

struct world {
    struct fleet *fleet;
    struct refresh_progress refreshes[REFRESHES];
    size_t refresh_count;
};

/* Every change of state there was; of this program, since the wrapped function has no place for it. */
static bool seen[TARGET_STATE_ALL][TARGET_STATE_ALL];

void __real_job_enter(struct job *job, enum target_state state);
void __wrap_job_enter(struct job *job, enum target_state state);

void __wrap_job_enter(struct job *job, enum target_state state)
{
    seen[job->state][state] = true;
    __real_job_enter(job, state); /* ends the program when the table forbids it */
}

static bool chance(struct fleet *fleet, int64_t percent)
{
    return fleet_random(fleet, 100) < percent;
}

static struct fleet_target *any_target(struct fleet *fleet)
{
    return &fleet->targets[fleet_random(fleet, (int64_t)fleet->target_count)];
}

static struct fleet_account *any_account(struct fleet *fleet)
{
    return &fleet->accounts[fleet_random(fleet, (int64_t)fleet->account_count)];
}

static struct fleet_fault any_fault(struct fleet *fleet)
{
    static const enum error_class classes[] = {
        ERROR_TRANSIENT,  ERROR_THROTTLED, ERROR_CREDENTIALS, ERROR_TOKEN_EXPIRED, ERROR_CLOCK_SKEW,
        ERROR_NONCE_USED, ERROR_REFUSED,   ERROR_RESULT_LOST, ERROR_REMOTE,        ERROR_MALFORMED,
        ERROR_TOO_LARGE,  ERROR_NO_MEMORY, ERROR_SYSTEM,
    };

    return (struct fleet_fault){
        .class = classes[fleet_random(fleet, sizeof(classes) / sizeof(classes[0]))],
        .times = 1 + (unsigned)fleet_random(fleet, 30),
        .only_polls = chance(fleet, 30),
        .retry_after_ms = chance(fleet, 30) ? fleet_random(fleet, 5000) : -1,
    };
}

static void change_inventory(struct world *world)
{
    struct fleet *fleet = world->fleet;

    for (int64_t i = 1 + fleet_random(fleet, 10); i > 0; i--) {
        struct fleet_target *target = any_target(fleet);

        target->present = chance(fleet, 70);
        if (chance(fleet, 20))
            target->account = (size_t)fleet_random(fleet, (int64_t)fleet->account_count);
        if (chance(fleet, 10))
            target->polardb = !target->polardb;
        if (chance(fleet, 20))
            target->reads = !target->reads;
    }
    fleet_apply_inventory(fleet);
}

static void change_config(struct world *world)
{
    static const char *const intervals[] = {"5s", "60s", "170s"};
    struct fleet *fleet = world->fleet;
    struct fleet_account *account = any_account(fleet);

    account->unconfigured = chance(fleet, 30);
    account->key = (unsigned)fleet_random(fleet, 3);
    account->rate_limit = chance(fleet, 50) ? 0 : 1 + (unsigned)fleet_random(fleet, 60);
    fleet->settings.rate_limit = 1 + (unsigned)fleet_random(fleet, 60);
    fleet->settings.total_rate_limit = chance(fleet, 60) ? 0 : 5 + (unsigned)fleet_random(fleet, 60);
    fleet->settings.interval = intervals[fleet_random(fleet, 3)];
    fleet->settings.sessions_disabled = chance(fleet, 5);
    fleet_reload(fleet);
}

static void change_targets(struct world *world)
{
    struct fleet *fleet = world->fleet;

    for (int64_t i = fleet_random(fleet, 10); i > 0; i--) {
        struct fleet_target *target = any_target(fleet);

        target->completion = fleet_random(fleet, 8) * NS_PER_SECOND;
        target->spread = chance(fleet, 50) ? 0.5 : 0;
        target->never_finishes = chance(fleet, 5);
        target->hangs = chance(fleet, 5);
        target->unsent = chance(fleet, 10) ? (unsigned)fleet_random(fleet, 3) : 0;
        target->fault = any_fault(fleet);
    }
}

static void change_accounts(struct world *world)
{
    struct fleet *fleet = world->fleet;
    struct fleet_account *account = any_account(fleet);

    account->hangs = chance(fleet, 10);
    account->refuses_keys = chance(fleet, 30);
    account->accepted_key = (unsigned)fleet_random(fleet, 3);
    account->server_limit = chance(fleet, 20) ? 1 + (unsigned)fleet_random(fleet, 20) : 0;
    account->round_trip_most = account->round_trip_least + fleet_random(fleet, 3 * NS_PER_SECOND);
    if (chance(fleet, 30))
        account->fault = any_fault(fleet);
}

static void ask_for_refresh(struct world *world)
{
    struct fleet *fleet = world->fleet;
    struct refresh_progress progress;
    char ins_id[32], uid[32];
    enum refresh_answer answer;

    fleet_ins_id(fleet, (size_t)fleet_random(fleet, (int64_t)fleet->target_count), ins_id);
    fleet_uid((size_t)fleet_random(fleet, (int64_t)fleet->account_count), uid);
    answer =
        fleet_refresh(fleet, chance(fleet, 40) ? ins_id : NULL, chance(fleet, 40) ? uid : NULL, &progress);
    if (answer == REFRESH_ACCEPTED)
        world->refreshes[world->refresh_count++ % REFRESHES] = progress;
}

static void change_anything(struct world *world)
{
    switch (fleet_random(world->fleet, 12)) {
    case 0:
    case 1:
        change_inventory(world);
        break;
    case 2:
    case 3:
        change_config(world);
        break;
    case 4:
    case 5:
    case 6:
        change_targets(world);
        break;
    case 7:
    case 8:
        change_accounts(world);
        break;
    case 9:
    case 10:
        ask_for_refresh(world);
        break;
    default:
        fleet_stall(world->fleet, fleet_random(world->fleet, 30 * NS_PER_SECOND));
    }
}

static void answer_renewal(struct fleet *fleet, size_t account)
{
    struct lane *lane = fleet_lane(fleet, account);

    if (lane == NULL || !lane->renewing)
        return;
    if (chance(fleet, 30))
        fleet_fail_keys(fleet, account, chance(fleet, 70));
    else
        fleet_give_keys(fleet, account, fleet->accounts[account].key);
}

static void answer_renewals(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->account_count; i++)
        answer_renewal(fleet, i);
}

static void heal(struct fleet *fleet)
{
    fleet->settings.rate_limit = 0;
    fleet->settings.total_rate_limit = 0;
    fleet->settings.interval = NULL;
    fleet->settings.sessions_disabled = false;
    for (size_t i = 0; i < fleet->account_count; i++) {
        struct fleet_account *account = &fleet->accounts[i];

        account->unconfigured = account->refuses_keys = account->hangs = false;
        account->fault.class = ERROR_NONE;
        account->server_limit = account->rate_limit = 0;
    }
    for (size_t i = 0; i < fleet->target_count; i++) {
        struct fleet_target *target = &fleet->targets[i];

        target->present = true;
        target->fault.class = ERROR_NONE;
        target->unsent = 0;
        target->never_finishes = target->hangs = false;
    }
    fleet_reload(fleet);
    for (size_t i = 0; i < fleet->account_count; i++)
        fleet_give_keys(fleet, i, fleet->accounts[i].key);
    fleet_apply_inventory(fleet);
}

static void assert_well(struct world *world)
{
    struct fleet *fleet = world->fleet;

    for (size_t i = 0; i < fleet->target_count; i++) {
        const struct job *job = fleet_job(fleet, i);

        assert_true(job->up);
        assert_true(fleet->now - job->success_at < 150 * NS_PER_SECOND);
        assert_int_equal(fleet_target_up(fleet, i), 1);
    }
    for (size_t i = 0; i < world->refresh_count && i < REFRESHES; i++) {
        struct refresh_progress progress;

        if (refresh_table_progress(fleet->refreshes, world->refreshes[i].id, fleet->now, &progress)) {
            assert_int_equal(progress.state, REFRESH_FINISHED);
            assert_true(progress.done == progress.targets && progress.failed <= progress.done);
        }
    }
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), fleet->target_count);
}

static void run_seed(uint64_t seed)
{
    struct world world = {0};

    world.fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 4, .targets = 12, .workers = 8});
    world.fleet->random = seed;
    fleet_apply_inventory(world.fleet);
    for (int i = 0; i < CHANGES; i++) {
        change_anything(&world);
        answer_renewals(world.fleet);
        fleet_run(world.fleet,
                  fleet_random(world.fleet, chance(world.fleet, 50) ? 10 * NS_PER_SECOND : NS_PER_SECOND));
    }
    heal(world.fleet);
    /* Until the last probe of an account that was down for long, then two intervals. */
    fleet_run(world.fleet, 2300 * NS_PER_SECOND);
    assert_well(&world);
    fleet_free(world.fleet);
}

static void test_no_sequence_of_events_breaks_an_invariant(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15));
    }
}

static void test_a_fleet_may_end_at_any_moment(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world = {0};

        world.fleet = fleet_new_empty(&(struct fleet_settings){.accounts = 3, .targets = 8, .workers = 4});
        world.fleet->random = seed * UINT64_C(0x9e3779b97f4a7c15);
        fleet_apply_inventory(world.fleet);
        for (int64_t i = fleet_random(world.fleet, 12); i >= 0; i--) {
            change_anything(&world);
            fleet_run(world.fleet, fleet_random(world.fleet, 3 * NS_PER_SECOND));
        }
        fleet_free(world.fleet);
    }
}

static void test_the_table_of_states_allows_what_happens_and_nothing_else(void **state)
{
    (void)state;
    for (enum target_state from = 0; from < TARGET_STATE_ALL; from++) {
        for (enum target_state to = 0; to < TARGET_STATE_ALL; to++) {
            if (seen[from][to] != job_may_enter(from, to))
                fail_msg("from %d to %d: %s", (int)from, (int)to,
                         seen[from][to] ? "happened, is forbidden" : "is allowed, never happened");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_sequence_of_events_breaks_an_invariant),
        cmocka_unit_test(test_a_fleet_may_end_at_any_moment),
        cmocka_unit_test(
            test_the_table_of_states_allows_what_happens_and_nothing_else), /* in the tests above */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
