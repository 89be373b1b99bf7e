/*
 * The limiter while the world around it changes: other limits, throttling, a machine that sleeps.
 * Random, with a virtual clock; what the server counted is judged at the end.
 */
#include "test/core/limiter_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SEEDS   40
#define CHANGES 60

static const struct network rough = {
    .delay = 20 * MS, .jitter = 200 * MS, .slow_permille = 50, .lost_permille = 10, .worker_wait = 300 * MS};

/* The limits of one stretch of time. */
struct stretch {
    int64_t from;
    int64_t calls;
    int64_t window;
};

static struct stretch any_limits(int64_t now)
{
    static const int64_t windows[] = {100 * MS, SECOND, 2 * SECOND, 7 * SECOND};

    return (struct stretch){now, 1 + random_below(80), windows[random_below(4)]};
}

/* Runs with other limits after every random while of at most `longest`. */
static struct model *run_changes(uint64_t seed, int64_t longest, struct stretch stretches[CHANGES + 1])
{
    struct model *model;

    random_seed(seed);
    stretches[0] = any_limits(0);
    model = model_new(stretches[0].calls, stretches[0].window, &rough);
    for (int i = 0; i < CHANGES; i++) {
        int64_t now = stretches[i].from;
        int64_t until = now + 1 + random_below(longest);

        model_run_until(model, now, until);
        stretches[i + 1] = any_limits(until);
        limiter_reconfigure(model->limiter, stretches[i + 1].calls, stretches[i + 1].window, until);
        assert_true(limiter_effective(model->limiter, until) <= stretches[i + 1].calls);
    }
    model_run_until(model, stretches[CHANGES].from, stretches[CHANGES].from + longest);
    return model;
}

static void assert_new_limits_hold(int64_t longest)
{
    struct stretch stretches[CHANGES + 1];

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *model = run_changes(seed, longest, stretches);

        for (int i = 0; i <= CHANGES; i++) {
            int64_t until = i < CHANGES ? stretches[i + 1].from : INT64_MAX;

            assert_true(worst_window_between(&model->counted, stretches[i].window, stretches[i].from,
                                             until) <= (size_t)stretches[i].calls);
        }
        model_free(model);
    }
}

/* P1, and a reload: from the change on no window holds more than the new N. */
static void test_new_limits_hold_from_the_change_on(void **state)
{
    (void)state;
    assert_new_limits_hold(30 * SECOND);
}

static void test_new_limits_hold_however_often_they_change(void **state)
{
    (void)state;
    assert_new_limits_hold(400 * MS);
}

/* A window that begins under the old limits and ends under the new ones. */
static void test_a_window_over_a_change_holds_the_larger_limit(void **state)
{
    struct stretch stretches[CHANGES + 1];

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *model = run_changes(seed, 30 * SECOND, stretches);

        for (int i = 0; i < CHANGES; i++) {
            const struct stretch *before = &stretches[i], *after = &stretches[i + 1];
            int64_t until = i + 1 < CHANGES ? stretches[i + 2].from : INT64_MAX;
            int64_t window = before->window < after->window ? before->window : after->window;
            int64_t calls = before->calls > after->calls ? before->calls : after->calls;

            assert_true(worst_window_between(&model->counted, window, before->from, until) <= (size_t)calls);
        }
        model_free(model);
    }
}

static void test_a_lower_limit_is_in_force_as_soon_as_the_old_calls_are_over(void **state)
{
    const struct network network = {.delay = 50 * MS, .jitter = 20 * MS};
    struct model *model = model_new(60, SECOND, &network);

    (void)state;
    random_seed(1);
    model_run_until(model, 0, 10 * SECOND);
    limiter_reconfigure(model->limiter, 10, SECOND, 10 * SECOND);
    model_run_until(model, 10 * SECOND, 60 * SECOND);
    /* The last old call was counted within its round trip. */
    assert_true(worst_window_between(&model->counted, SECOND, 10 * SECOND + 100 * MS, INT64_MAX) <= 10);
    model_free(model);
}

static void test_a_higher_limit_is_used_within_its_window(void **state)
{
    const struct network network = {.delay = 50 * MS};
    struct model *model = model_new(1, 60 * SECOND, &network);

    (void)state;
    random_seed(1);
    model_run_until(model, 0, 61 * SECOND);
    limiter_reconfigure(model->limiter, 50, SECOND, 61 * SECOND);
    model_run_until(model, 61 * SECOND, 65 * SECOND);
    assert_in_range(model->counted.count, 160, 201);
    model_free(model);
}

/* P1 and P2: a server that throttles at random while calls are late, slow and lost. */
static void test_throttling_under_load_never_exceeds_the_window(void **state)
{
    struct network network = rough;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *model = model_new(60, SECOND, &network);

        random_seed(seed);
        model->network.throttled_permille = (unsigned)random_below(40);
        model_run_until(model, 0, 300 * SECOND);
        assert_true(worst_window(&model->counted, SECOND) <= 60);
        model_free(model);
    }
}

/* The machine sleeps for seconds or minutes at any moment. */
static void test_suspends_never_exceed_the_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *model = model_new(60, SECOND, &rough);
        int64_t now = 0;

        random_seed(seed);
        for (int i = 0; i < CHANGES; i++) {
            int64_t until = now + random_below(5 * SECOND);

            model_run_until(model, now, until);
            now = model_suspend(model, until, random_below(i % 2 == 0 ? 600 * SECOND : 2 * SECOND));
        }
        model_run_until(model, now, now + 5 * SECOND);
        assert_true(worst_window(&model->counted, SECOND) <= 60);
        model_free(model);
    }
}

static void test_calls_go_on_at_once_after_a_suspend(void **state)
{
    const struct network network = {.delay = 50 * MS};
    struct model *model = model_new(50, SECOND, &network);
    size_t before;
    int64_t now;

    (void)state;
    random_seed(1);
    model_run_until(model, 0, 10 * SECOND);
    now = model_suspend(model, 10 * SECOND, 300 * SECOND);
    before = model->counted.count;
    model_run_until(model, now, now + 2 * SECOND);
    assert_in_range(model->counted.count - before, 45, 100);
    model_free(model);
}

/* Nothing of the calls that were out is forgotten, so nothing of the quota is lost either. */
static void test_no_slot_is_lost_by_changes(void **state)
{
    struct stretch stretches[CHANGES + 1];

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *model = run_changes(seed, 3 * SECOND, stretches);
        int64_t now = stretches[CHANGES].from + 3 * SECOND;
        int64_t taken = 0;

        model->network.lost_permille = model->network.slow_permille = 0;
        limiter_reconfigure(model->limiter, 30, SECOND, now);
        model_run_until(model, now, now + 60 * SECOND);
        assert_true(limiter_inflight(model->limiter) <= 30);
        now += 200 * SECOND;
        while (heap_peek(&model->out) != NULL) {
            heap_pop(&model->out);
            limiter_release(model->limiter, LIMITER_ANSWERED, now);
        }
        assert_int_equal(limiter_inflight(model->limiter), 0);
        assert_false(limiter_idle(model->limiter, now));
        now += SECOND;
        assert_true(limiter_idle(model->limiter, now));
        for (; limiter_next(model->limiter, now) < CLOCK_NEVER; taken++) {
            now = limiter_next(model->limiter, now);
            assert_true(limiter_acquire(model->limiter, now));
        }
        assert_int_equal(taken, 30);
        model_free(model);
    }
}

static void test_a_longer_window_begins_with_a_pause(void **state)
{
    struct limiter *limiter = limiter_new(50, SECOND, 0);
    int64_t now = SECOND;

    (void)state;
    for (int i = 0; i < 50; i++) {
        now = limiter_next(limiter, now);
        assert_true(limiter_acquire(limiter, now));
        limiter_release(limiter, LIMITER_ANSWERED, now);
    }
    /* The old window forgets them, and the limiter notices. */
    now += 2 * SECOND;
    assert_true(limiter_idle(limiter, now));
    limiter_reconfigure(limiter, 50, 10 * SECOND, now);
    assert_int_equal(limiter_next(limiter, now), now + 10 * SECOND);
    limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_limits_hold_from_the_change_on),
        cmocka_unit_test(test_new_limits_hold_however_often_they_change),
        cmocka_unit_test(test_a_window_over_a_change_holds_the_larger_limit),
        cmocka_unit_test(test_a_lower_limit_is_in_force_as_soon_as_the_old_calls_are_over),
        cmocka_unit_test(test_a_higher_limit_is_used_within_its_window),
        cmocka_unit_test(test_throttling_under_load_never_exceeds_the_window),
        cmocka_unit_test(test_suspends_never_exceed_the_window),
        cmocka_unit_test(test_calls_go_on_at_once_after_a_suspend),
        cmocka_unit_test(test_a_longer_window_begins_with_a_pause),
        cmocka_unit_test(test_no_slot_is_lost_by_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
