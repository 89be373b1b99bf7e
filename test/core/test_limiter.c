/*
 * The limiter against a model of the server: calls travel, are counted at some moment before
 * they are answered (or never are), and no window may hold more than N of them.
 */
#include "test/core/limiter_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_never_over(int64_t calls, int64_t window, const struct network *network, size_t total)
{
    struct model *model = model_new(calls, window, network);

    random_seed(UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)(calls * window));
    model_run(model, total, 0);
    assert_true(worst_window(&model->counted, window) <= (size_t)calls);
    model_free(model);
}

/* P1: together the cases below send 1.2 million calls. */
static void test_steady_network_never_exceeds_the_window(void **state)
{
    const struct network network = {.delay = 50 * MS};

    (void)state;
    assert_never_over(60, SECOND, &network, 200000);
}

static void test_jitter_never_exceeds_the_window(void **state)
{
    const struct network network = {.delay = 2 * MS, .jitter = 200 * MS};

    (void)state;
    assert_never_over(50, SECOND, &network, 300000);
}

static void test_slow_calls_never_exceed_the_window(void **state)
{
    const struct network network = {.delay = 20 * MS, .jitter = 50 * MS, .slow_permille = 50};

    (void)state;
    assert_never_over(60, SECOND, &network, 200000);
}

static void test_lost_answers_never_exceed_the_window(void **state)
{
    const struct network network = {
        .delay = 20 * MS, .jitter = 50 * MS, .slow_permille = 20, .lost_permille = 30};

    (void)state;
    assert_never_over(60, SECOND, &network, 200000);
}

static void test_waiting_for_a_worker_never_exceeds_the_window(void **state)
{
    const struct network network = {.delay = 20 * MS, .jitter = 20 * MS, .worker_wait = 900 * MS};

    (void)state;
    assert_never_over(60, SECOND, &network, 200000);
}

static void test_long_and_short_windows_are_kept(void **state)
{
    const struct network network = {.delay = 30 * MS, .jitter = 100 * MS, .lost_permille = 5};

    (void)state;
    assert_never_over(3000, 60 * SECOND, &network, 60000);
    assert_never_over(7, 100 * MS, &network, 30000);
    assert_never_over(1, SECOND, &network, 10000);
}

static void test_rate_is_n_per_window_and_round_trip(void **state)
{
    const struct network network = {.delay = 50 * MS};
    struct model *model = model_new(60, SECOND, &network);
    int64_t took, bound = 60000 / 60 * (SECOND + 50 * MS);

    (void)state;
    took = model_run(model, 60000, 0);
    assert_true(took >= bound - 2 * SECOND);
    assert_true(took <= bound + bound / 50);
    model_free(model);
}

/*
 * The windows of a process that is killed and started again at once belong together. What was under
 * way is counted within `at_most`.
 */
static void assert_crash_loop_never_over(int64_t calls, const struct network *network, int64_t at_most)
{
    struct counted all = {0};
    int64_t now = 0;

    random_seed(42);
    for (int life = 0; life < 300; life++) {
        struct model *model = model_new(calls, SECOND, network);

        limiter_free(model->limiter);
        model->limiter = limiter_new(calls, SECOND, now);
        assert_non_null(model->limiter);
        now = model_run(model, 1 + (size_t)random_below(2 * calls), now);
        model_kill(model, now, at_most);
        for (size_t i = 0; i < model->counted.count; i++) {
            if (model->counted.calls[i].at >= 0)
                counted_add(&all, &model->counted.calls[i]);
        }
        model_free(model);
    }
    assert_true(worst_window(&all, SECOND) <= (size_t)calls);
    free(all.calls);
}

static void test_crash_loop_never_exceeds_the_window(void **state)
{
    const struct network network = {.delay = 20 * MS, .jitter = 20 * MS, .worker_wait = 100 * MS};

    (void)state;
    assert_crash_loop_never_over(50, &network, 40 * MS);
}

/*
 * A whole window's worth of calls is under way at each kill. With a burst of 3 before and after, the
 * quota holds as long as they are counted within (1 - 6/N) W.
 */
static void test_crash_loop_with_unanswered_calls_never_exceeds_the_window(void **state)
{
    const struct network far = {.jitter = 880 * MS};
    const struct network near = {.jitter = 700 * MS};

    (void)state;
    assert_crash_loop_never_over(50, &far, 880 * MS);
    assert_crash_loop_never_over(20, &near, 700 * MS);
}

static void test_first_call_waits_one_window(void **state)
{
    struct limiter *limiter = limiter_new(60, SECOND, 5 * SECOND);

    (void)state;
    assert_int_equal(limiter_next(limiter, 5 * SECOND), 6 * SECOND);
    assert_false(limiter_acquire(limiter, 6 * SECOND - 1));
    assert_true(limiter_acquire(limiter, 6 * SECOND));
    limiter_free(limiter);
}

static void test_calls_are_paced_after_a_burst_of_three(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);
    int64_t now = SECOND;

    (void)state;
    for (int i = 0; i < LIMITER_BURST; i++)
        assert_true(limiter_acquire(limiter, now));
    assert_false(limiter_acquire(limiter, now));
    assert_int_equal(limiter_next(limiter, now), now + 20 * MS);
    assert_true(limiter_acquire(limiter, now + 20 * MS));
    assert_false(limiter_acquire(limiter, now + 20 * MS));
    limiter_free(limiter);
}

static void test_slot_is_free_one_window_after_the_answer(void **state)
{
    struct limiter *limiter = limiter_new(1, SECOND, 0);

    (void)state;
    assert_true(limiter_acquire(limiter, SECOND));
    assert_int_equal(limiter_next(limiter, SECOND), CLOCK_NEVER);
    limiter_release(limiter, LIMITER_ANSWERED, 4 * SECOND);
    assert_int_equal(limiter_next(limiter, 4 * SECOND), 5 * SECOND);
    assert_true(limiter_acquire(limiter, 5 * SECOND));
    limiter_free(limiter);
}

static void test_unanswered_call_keeps_its_slot_for_the_grace_time(void **state)
{
    struct limiter *limiter = limiter_new(1, SECOND, 0);

    (void)state;
    assert_true(limiter_acquire(limiter, SECOND));
    limiter_release(limiter, LIMITER_UNANSWERED, 11 * SECOND);
    assert_int_equal(limiter_next(limiter, 11 * SECOND), 12 * SECOND + LIMITER_UNANSWERED_GRACE);
    limiter_free(limiter);
}

static void test_unsent_call_gives_its_slot_back_at_once(void **state)
{
    struct limiter *limiter = limiter_new(1, SECOND, 0);

    (void)state;
    assert_true(limiter_acquire(limiter, SECOND));
    limiter_release(limiter, LIMITER_UNSENT, 2 * SECOND);
    assert_int_equal(limiter_next(limiter, 2 * SECOND), 2 * SECOND);
    limiter_free(limiter);
}

static void test_throttle_takes_three_tenths_away(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);

    (void)state;
    assert_true(limiter_throttled(limiter, 2 * SECOND, 0, 3 * SECOND));
    assert_int_equal(limiter_effective(limiter, 3 * SECOND), 35);
    limiter_free(limiter);
}

static void test_one_burst_of_throttles_is_one_cut(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);

    (void)state;
    assert_true(limiter_throttled(limiter, 2 * SECOND, 0, 3 * SECOND));
    for (int i = 0; i < 19; i++)
        assert_false(limiter_throttled(limiter, 2 * SECOND + i * MS, 0, 3 * SECOND + i * MS));
    assert_int_equal(limiter_effective(limiter, 3 * SECOND + 20 * MS), 35);
    assert_true(limiter_throttled(limiter, 4 * SECOND, 0, 5 * SECOND));
    assert_true(limiter_effective(limiter, 5 * SECOND) < 30);
    limiter_free(limiter);
}

static void test_denials_of_calls_sent_within_a_window_of_a_cut_belong_to_its_burst(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);

    (void)state;
    assert_true(limiter_throttled(limiter, 2 * SECOND, 0, 3 * SECOND));
    assert_false(limiter_throttled(limiter, 4 * SECOND - 1, 0, 6 * SECOND));
    assert_true(limiter_throttled(limiter, 4 * SECOND, 0, 6 * SECOND));
    limiter_free(limiter);
}

static void test_rate_grows_back_in_thirty_seconds_and_never_above(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);
    int64_t before = 0;

    (void)state;
    limiter_throttled(limiter, 2 * SECOND, 0, 3 * SECOND);
    for (int64_t now = 3 * SECOND; now < 200 * SECOND; now += 100 * MS) {
        int64_t effective = limiter_effective(limiter, now);

        assert_true(effective >= before && effective <= 50);
        before = effective;
    }
    assert_true(limiter_effective(limiter, 18 * SECOND) >= 47);
    assert_true(limiter_effective(limiter, 28 * SECOND) < 50);
    assert_int_equal(limiter_effective(limiter, 33 * SECOND), 50);
    limiter_free(limiter);
}

static void test_rate_is_never_cut_below_one(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);

    (void)state;
    for (int i = 1; i < 100; i++)
        limiter_throttled(limiter, i * SECOND, 0, i * SECOND + 500 * MS);
    assert_int_equal(limiter_effective(limiter, 99 * SECOND + 500 * MS), 1);
    limiter_free(limiter);
}

static void test_retry_after_is_a_lower_bound_and_clamped(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);

    (void)state;
    limiter_throttled(limiter, 2 * SECOND, 1500 * MS, 3 * SECOND);
    assert_int_equal(limiter_next(limiter, 3 * SECOND), 4500 * MS);
    limiter_throttled(limiter, 4 * SECOND, 3600 * SECOND, 5 * SECOND);
    assert_int_equal(limiter_next(limiter, 5 * SECOND), 5 * SECOND + LIMITER_RETRY_AFTER_MAX);
    limiter_free(limiter);
}

static void test_reconfiguring_forgets_no_slot(void **state)
{
    struct limiter *limiter = limiter_new(4, SECOND, 0);
    int64_t now = SECOND;

    (void)state;
    for (int i = 0; i < 4; i++) {
        now = limiter_next(limiter, now);
        assert_true(limiter_acquire(limiter, now));
    }
    limiter_release(limiter, LIMITER_ANSWERED, now);
    limiter_reconfigure(limiter, 2, 2 * SECOND, now);
    assert_int_equal(limiter_inflight(limiter), 3);
    for (int i = 0; i < 3; i++)
        limiter_release(limiter, LIMITER_ANSWERED, now);
    assert_false(limiter_acquire(limiter, now + 2 * SECOND - 1));
    assert_true(limiter_acquire(limiter, now + 2 * SECOND));
    limiter_free(limiter);
}

static void test_used_slots_are_calls_out_and_calls_still_counted(void **state)
{
    struct limiter *limiter = limiter_new(4, SECOND, 0);
    int64_t now = SECOND;

    (void)state;
    assert_int_equal(limiter_used(limiter, now), 0);
    assert_true(limiter_acquire(limiter, now));
    assert_true(limiter_acquire(limiter, now));
    assert_int_equal(limiter_used(limiter, now), 2);
    limiter_release(limiter, LIMITER_ANSWERED, now);
    assert_int_equal(limiter_used(limiter, now + SECOND - 1), 2);
    assert_int_equal(limiter_used(limiter, now + SECOND), 1);
    limiter_release(limiter, LIMITER_UNSENT, now + SECOND);
    assert_int_equal(limiter_used(limiter, now + SECOND), 0);
    limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_network_never_exceeds_the_window),
        cmocka_unit_test(test_jitter_never_exceeds_the_window),
        cmocka_unit_test(test_slow_calls_never_exceed_the_window),
        cmocka_unit_test(test_lost_answers_never_exceed_the_window),
        cmocka_unit_test(test_waiting_for_a_worker_never_exceeds_the_window),
        cmocka_unit_test(test_long_and_short_windows_are_kept),
        cmocka_unit_test(test_rate_is_n_per_window_and_round_trip),
        cmocka_unit_test(test_crash_loop_never_exceeds_the_window),
        cmocka_unit_test(test_crash_loop_with_unanswered_calls_never_exceeds_the_window),
        cmocka_unit_test(test_first_call_waits_one_window),
        cmocka_unit_test(test_calls_are_paced_after_a_burst_of_three),
        cmocka_unit_test(test_slot_is_free_one_window_after_the_answer),
        cmocka_unit_test(test_unanswered_call_keeps_its_slot_for_the_grace_time),
        cmocka_unit_test(test_unsent_call_gives_its_slot_back_at_once),
        cmocka_unit_test(test_throttle_takes_three_tenths_away),
        cmocka_unit_test(test_one_burst_of_throttles_is_one_cut),
        cmocka_unit_test(test_denials_of_calls_sent_within_a_window_of_a_cut_belong_to_its_burst),
        cmocka_unit_test(test_rate_grows_back_in_thirty_seconds_and_never_above),
        cmocka_unit_test(test_rate_is_never_cut_below_one),
        cmocka_unit_test(test_retry_after_is_a_lower_bound_and_clamped),
        cmocka_unit_test(test_reconfiguring_forgets_no_slot),
        cmocka_unit_test(test_used_slots_are_calls_out_and_calls_still_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
