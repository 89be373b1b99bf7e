#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "db/load_schedule.h"

#define SECOND NS_PER_SECOND
#define START  (1000 * SECOND)

static struct load_schedule schedule_with(int64_t instances, int64_t users)
{
    const int64_t intervals[LOAD_SCOPE_COUNT] = {instances, users};
    struct load_schedule schedule;

    load_schedule_init(&schedule, 1);
    load_schedule_configure(&schedule, intervals, START);
    return schedule;
}

/* Takes what is due at `now` and reports it as loaded at the same time. */
static unsigned load_at(struct load_schedule *schedule, int64_t now)
{
    unsigned taken = load_schedule_take(schedule, now);

    load_schedule_finish(schedule, taken, taken, now);
    return taken;
}

/* Takes what is due, reports it as failed, and returns the time until it is due again. */
static int64_t fail_at(struct load_schedule *schedule, int64_t now)
{
    unsigned taken = load_schedule_take(schedule, now);

    assert_int_not_equal(taken, 0);
    load_schedule_finish(schedule, taken, 0, now);
    return load_schedule_next(schedule) - now;
}

static void test_nothing_is_due_before_configuration(void **state)
{
    struct load_schedule schedule;

    (void)state;
    load_schedule_init(&schedule, 1);
    assert_int_equal(load_schedule_take(&schedule, START), 0);
    assert_int_equal(load_schedule_next(&schedule), CLOCK_NEVER);
}

static void test_first_load_of_everything_is_due_at_once(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);

    (void)state;
    assert_int_equal(load_schedule_next(&schedule), START);
    assert_int_equal(load_schedule_take(&schedule, START), (LOAD_INSTANCES | LOAD_USERS));
}

static void test_each_scope_has_its_own_interval(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);

    (void)state;
    load_at(&schedule, START);
    assert_int_equal(load_schedule_next(&schedule), START + 60 * SECOND);
    assert_int_equal(load_at(&schedule, START + 60 * SECOND - 1), 0);
    for (int i = 1; i < 5; i++)
        assert_int_equal(load_at(&schedule, START + i * 60 * SECOND), LOAD_INSTANCES);
}

static void test_scopes_due_together_are_taken_together(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);

    (void)state;
    for (int i = 0; i < 5; i++)
        load_at(&schedule, START + i * 60 * SECOND + SECOND);
    assert_int_equal(load_schedule_next(&schedule), START + 300 * SECOND);
    assert_int_equal(load_at(&schedule, START + 300 * SECOND), (LOAD_INSTANCES | LOAD_USERS));
}

static void test_late_loads_do_not_shift_the_phase(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);

    (void)state;
    load_at(&schedule, START + 5 * SECOND);
    assert_int_equal(load_schedule_next(&schedule), START + 60 * SECOND);
}

static void test_missed_loads_are_not_caught_up(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);

    (void)state;
    load_at(&schedule, START);
    assert_int_equal(load_at(&schedule, START + 3600 * SECOND), LOAD_INSTANCES);
    assert_int_equal(load_at(&schedule, START + 3600 * SECOND + 1), 0);
    assert_int_equal(load_schedule_next(&schedule), START + 3660 * SECOND);
}

static void test_unwanted_scope_is_never_due(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);

    (void)state;
    load_schedule_request(&schedule, (LOAD_INSTANCES | LOAD_USERS), START);
    assert_int_equal(load_schedule_take(&schedule, START), LOAD_INSTANCES);
    assert_false(load_schedule_wanted(&schedule, LOAD_USERS));
    assert_true(load_schedule_wanted(&schedule, LOAD_INSTANCES));
}

static void test_scope_becomes_due_when_it_is_wanted_again(void **state)
{
    const int64_t intervals[LOAD_SCOPE_COUNT] = {60 * SECOND, 300 * SECOND};
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);

    (void)state;
    load_at(&schedule, START);
    load_schedule_configure(&schedule, intervals, START + SECOND);
    assert_int_equal(load_schedule_take(&schedule, START + SECOND), (LOAD_INSTANCES | LOAD_USERS));
}

static void test_failures_back_off_by_doubling_less_a_quarter_at_most(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);
    int64_t now = START;

    (void)state;
    for (int64_t longest = SECOND; longest <= 32 * SECOND; longest *= 2) {
        int64_t delay = fail_at(&schedule, now);

        assert_in_range(delay, longest * 3 / 4, longest);
        now += delay;
    }
    for (int i = 0; i < 100; i++) {
        int64_t delay = fail_at(&schedule, now);

        assert_in_range(delay, 45 * SECOND, 60 * SECOND);
        now += delay;
    }
}

static void test_back_off_never_exceeds_a_minute(void **state)
{
    struct load_schedule schedule = schedule_with(3600 * SECOND, 0);
    int64_t now = START;

    (void)state;
    for (int i = 0; i < 100; i++) {
        int64_t delay = fail_at(&schedule, now);

        assert_in_range(delay, 1, 60 * SECOND);
        now += delay;
    }
}

static void test_back_off_never_exceeds_the_interval(void **state)
{
    struct load_schedule schedule = schedule_with(3 * SECOND, 0);
    int64_t now = START;

    (void)state;
    for (int i = 0; i < 10; i++) {
        int64_t delay = fail_at(&schedule, now);

        assert_in_range(delay, 1, 3 * SECOND);
        now += delay;
    }
}

static void test_jitter_differs_between_seeds(void **state)
{
    const int64_t intervals[LOAD_SCOPE_COUNT] = {60 * SECOND, 0};
    int64_t delays[2];

    (void)state;
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct load_schedule schedule;

        load_schedule_init(&schedule, seed);
        load_schedule_configure(&schedule, intervals, START);
        delays[seed] = fail_at(&schedule, START);
    }
    assert_int_not_equal(delays[0], delays[1]);
}

static void test_scopes_that_fail_together_are_retried_together(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);
    int64_t delay = fail_at(&schedule, START);

    (void)state;
    assert_int_equal(load_schedule_take(&schedule, START + delay), (LOAD_INSTANCES | LOAD_USERS));
}

static void test_success_ends_the_back_off(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);
    int64_t now = START;

    (void)state;
    for (int i = 0; i < 5; i++)
        now += fail_at(&schedule, now);
    load_at(&schedule, now);
    assert_int_equal(load_schedule_next(&schedule), now + 60 * SECOND);
    assert_in_range(fail_at(&schedule, now + 60 * SECOND), SECOND * 3 / 4, SECOND);
}

static void test_failure_of_one_scope_leaves_the_other_on_time(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);
    unsigned taken = load_schedule_take(&schedule, START);

    (void)state;
    load_schedule_finish(&schedule, taken, LOAD_INSTANCES, START);
    assert_int_equal(load_schedule_take(&schedule, START + SECOND), LOAD_USERS);
    assert_int_equal(load_schedule_next(&schedule), START + 60 * SECOND);
}

static void test_running_scope_is_not_taken_again(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);

    (void)state;
    load_schedule_take(&schedule, START);
    assert_int_equal(load_schedule_take(&schedule, START + 600 * SECOND), 0);
    assert_int_equal(load_schedule_next(&schedule), CLOCK_NEVER);
}

static void test_request_is_due_at_once(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 300 * SECOND);

    (void)state;
    load_at(&schedule, START);
    load_schedule_request(&schedule, LOAD_USERS, START + SECOND);
    assert_int_equal(load_schedule_next(&schedule), START + SECOND);
    assert_int_equal(load_at(&schedule, START + SECOND), LOAD_USERS);
}

static void test_requests_during_a_load_are_one_more_load(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);
    unsigned taken = load_schedule_take(&schedule, START);

    (void)state;
    load_schedule_request(&schedule, LOAD_INSTANCES, START + 1);
    load_schedule_request(&schedule, LOAD_INSTANCES, START + 2);
    load_schedule_finish(&schedule, taken, taken, START + SECOND);
    assert_int_equal(load_at(&schedule, START + SECOND), LOAD_INSTANCES);
    assert_int_equal(load_at(&schedule, START + SECOND), 0);
}

static void test_request_during_a_load_that_fails_is_not_delayed(void **state)
{
    struct load_schedule schedule = schedule_with(60 * SECOND, 0);
    unsigned taken = load_schedule_take(&schedule, START);

    (void)state;
    load_schedule_request(&schedule, LOAD_INSTANCES, START + 1);
    load_schedule_finish(&schedule, taken, 0, START + SECOND);
    assert_int_equal(load_schedule_take(&schedule, START + SECOND), LOAD_INSTANCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_due_before_configuration),
        cmocka_unit_test(test_first_load_of_everything_is_due_at_once),
        cmocka_unit_test(test_each_scope_has_its_own_interval),
        cmocka_unit_test(test_scopes_due_together_are_taken_together),
        cmocka_unit_test(test_late_loads_do_not_shift_the_phase),
        cmocka_unit_test(test_missed_loads_are_not_caught_up),
        cmocka_unit_test(test_unwanted_scope_is_never_due),
        cmocka_unit_test(test_scope_becomes_due_when_it_is_wanted_again),
        cmocka_unit_test(test_failures_back_off_by_doubling_less_a_quarter_at_most),
        cmocka_unit_test(test_back_off_never_exceeds_a_minute),
        cmocka_unit_test(test_back_off_never_exceeds_the_interval),
        cmocka_unit_test(test_jitter_differs_between_seeds),
        cmocka_unit_test(test_scopes_that_fail_together_are_retried_together),
        cmocka_unit_test(test_success_ends_the_back_off),
        cmocka_unit_test(test_failure_of_one_scope_leaves_the_other_on_time),
        cmocka_unit_test(test_running_scope_is_not_taken_again),
        cmocka_unit_test(test_request_is_due_at_once),
        cmocka_unit_test(test_requests_during_a_load_are_one_more_load),
        cmocka_unit_test(test_request_during_a_load_that_fails_is_not_delayed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
