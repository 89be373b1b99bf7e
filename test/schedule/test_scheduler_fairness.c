/*
 * P3: what one account does, or what is done to it, does not move the others. Each case is run twice,
 * with and without the bad account, and the others' refresh times are compared.
 */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ACCOUNTS 100
#define SMALL    10   /* targets of each account but the first */
#define BIG      5000 /* targets of the first */
#define WARM_UP  (900 * NS_PER_SECOND)
/* Seconds between two results, for an interval of 60: the slowest of 20 000 computations is in it. */
#define LONGEST_GAP 100
#define MEASUREMENT (1200 * NS_PER_SECOND)

/* What the first account does during the measurement. */
enum trouble { ABSENT, HEALTHY, THROTTLED_A_MINUTE, HANGING, REFUSED, SLOW };

/* Of all accounts but the first. */
struct refreshes {
    double mean; /* seconds from the begin of a cycle to its result */
    double longest_gap;
    unsigned results;
};

static struct fleet *new_fleet(enum trouble trouble)
{
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){
        .accounts = ACCOUNTS, .targets = SMALL, .first_targets = BIG, .workers = 16, .stale_after = "1h"});

    for (size_t i = 0; i < fleet->target_count; i++) {
        fleet->targets[i].completion = 2 * NS_PER_SECOND;
        fleet->targets[i].spread = 0.5;
        fleet->targets[i].present = i >= BIG || trouble != ABSENT;
    }
    fleet_apply_inventory(fleet);
    return fleet;
}

static void make_trouble(struct fleet *fleet, enum trouble trouble)
{
    struct fleet_account *account = &fleet->accounts[0];

    account->hangs = trouble == HANGING;
    account->refuses_keys = trouble == REFUSED;
    account->accepted_key = 99;
    if (trouble == SLOW)
        account->round_trip_least = account->round_trip_most = 3 * NS_PER_SECOND;
    if (trouble == THROTTLED_A_MINUTE) {
        account->fault = FLEET_FAULT(ERROR_THROTTLED, FLEET_ALWAYS);
        account->fault.sent_before = fleet->now + 60 * NS_PER_SECOND;
    }
}

static struct refreshes measure(enum trouble trouble)
{
    struct fleet *fleet = new_fleet(trouble);
    struct refreshes refreshes = {0};

    fleet_run(fleet, WARM_UP);
    for (size_t i = 0; i < fleet->target_count; i++) {
        fleet->targets[i].refreshing = fleet->targets[i].longest_gap = 0;
        fleet->targets[i].results = 0;
    }
    make_trouble(fleet, trouble);
    fleet_run(fleet, MEASUREMENT);
    for (size_t i = BIG; i < fleet->target_count; i++) {
        const struct fleet_target *target = &fleet->targets[i];
        double gap = (double)target->longest_gap / (double)NS_PER_SECOND;

        refreshes.results += target->results;
        refreshes.mean += (double)target->refreshing / (double)NS_PER_SECOND;
        refreshes.longest_gap = gap > refreshes.longest_gap ? gap : refreshes.longest_gap;
    }
    refreshes.mean /= refreshes.results;
    fleet_free(fleet);
    return refreshes;
}

static struct refreshes without;

static int measure_without(void **state)
{
    (void)state;
    without = measure(ABSENT);
    return 0;
}

static void assert_others_do_not_notice(enum trouble trouble)
{
    struct refreshes with = measure(trouble);

    print_message("without it %.3f s, with it %.3f s; longest gap %.1f s, %.1f s\n", without.mean, with.mean,
                  without.longest_gap, with.longest_gap);
    assert_true(with.mean < without.mean * 1.05);
    assert_true(with.longest_gap < LONGEST_GAP);
    assert_true(with.results >= without.results * 99 / 100);
}

static void test_a_big_account_moves_no_small_one(void **state)
{
    (void)state;
    assert_others_do_not_notice(HEALTHY);
}

static void test_an_account_throttled_for_a_minute_moves_no_other(void **state)
{
    (void)state;
    assert_others_do_not_notice(THROTTLED_A_MINUTE);
}

static void test_an_account_whose_calls_hang_moves_no_other(void **state)
{
    (void)state;
    assert_others_do_not_notice(HANGING);
}

static void test_an_account_whose_keys_are_refused_moves_no_other(void **state)
{
    (void)state;
    assert_others_do_not_notice(REFUSED);
}

static void test_an_account_whose_calls_take_three_seconds_moves_no_other(void **state)
{
    (void)state;
    assert_others_do_not_notice(SLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_big_account_moves_no_small_one),
        cmocka_unit_test(test_an_account_throttled_for_a_minute_moves_no_other),
        cmocka_unit_test(test_an_account_whose_calls_hang_moves_no_other),
        cmocka_unit_test(test_an_account_whose_keys_are_refused_moves_no_other),
        cmocka_unit_test(test_an_account_whose_calls_take_three_seconds_moves_no_other),
    };

    return cmocka_run_group_tests(tests, measure_without, NULL);
}
