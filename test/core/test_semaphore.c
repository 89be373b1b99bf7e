#include "core/semaphore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"

static struct semaphore *semaphore;

static int setup(void **state)
{
    (void)state;
    semaphore = semaphore_new(2, 1);
    return semaphore != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    semaphore_free(semaphore);
    return 0;
}

static void fill(void)
{
    assert_true(semaphore_acquire(semaphore, 0));
    assert_true(semaphore_acquire(semaphore, 0));
}

static void *wait_for_place(void *argument)
{
    bool *acquired = argument;

    *acquired = semaphore_acquire(semaphore, CLOCK_NEVER);
    return NULL;
}

/* Whether a thread that waits without limit, or comes after it, is let in by what `act` does. */
static bool is_let_in_by(void (*act)(struct semaphore *))
{
    pthread_t thread;
    struct error error;
    bool acquired = false;

    assert_true(thread_start(&thread, "waiter", wait_for_place, &acquired, &error));
    act(semaphore);
    pthread_join(thread, NULL);
    return acquired;
}

static void test_as_many_as_there_are_places_are_let_in(void **state)
{
    (void)state;
    fill();
    assert_false(semaphore_acquire(semaphore, 0));
}

static void test_a_place_given_back_is_somebody_elses(void **state)
{
    (void)state;
    fill();
    assert_true(is_let_in_by(semaphore_release));
}

static void test_who_waits_when_it_is_closed_is_refused(void **state)
{
    (void)state;
    fill();
    assert_false(is_let_in_by(semaphore_close));
}

static void test_nobody_is_let_in_once_it_is_closed(void **state)
{
    (void)state;
    semaphore_close(semaphore);
    assert_false(semaphore_acquire(semaphore, CLOCK_NEVER));
}

static void test_too_many_do_not_wait(void **state)
{
    struct semaphore *without_queue = semaphore_new(0, 0);

    (void)state;
    assert_false(semaphore_acquire(without_queue, CLOCK_NEVER));
    semaphore_free(without_queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_many_as_there_are_places_are_let_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_place_given_back_is_somebody_elses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_waits_when_it_is_closed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_let_in_once_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_do_not_wait, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
