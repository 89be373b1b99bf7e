#include "schedule/call_queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"

#define THREADS 4
#define CALLS   20000

static void test_calls_come_out_in_the_order_they_went_in(void **state)
{
    struct call_queue *queue = call_queue_new(3);
    struct call calls[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(call_queue_push(queue, &calls[i]));
    assert_int_equal(call_queue_length(queue), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(call_queue_pop(queue), &calls[i]);
    assert_int_equal(call_queue_length(queue), 0);
    call_queue_free(queue);
}

static void test_full_is_an_answer(void **state)
{
    struct call_queue *queue = call_queue_new(1);
    struct call calls[2] = {0};

    (void)state;
    assert_true(call_queue_push(queue, &calls[0]));
    assert_false(call_queue_push(queue, &calls[1]));
    assert_ptr_equal(call_queue_pop(queue), &calls[0]);
    assert_true(call_queue_push(queue, &calls[1]));
    assert_ptr_equal(call_queue_pop(queue), &calls[1]);
    call_queue_free(queue);
}

static void test_trying_an_empty_queue_gives_nothing(void **state)
{
    struct call_queue *queue = call_queue_new(1);

    (void)state;
    assert_null(call_queue_try_pop(queue));
    call_queue_free(queue);
}

static void test_a_closed_queue_lets_nothing_in_or_out(void **state)
{
    struct call_queue *queue = call_queue_new(2);
    struct call calls[2] = {0};

    (void)state;
    assert_true(call_queue_push(queue, &calls[0]));
    call_queue_close(queue);
    assert_false(call_queue_push(queue, &calls[1]));
    assert_null(call_queue_pop(queue));
    call_queue_free(queue);
}

static void test_what_a_closed_queue_holds_can_be_fetched(void **state)
{
    struct call_queue *queue = call_queue_new(2);
    struct call call = {0};

    (void)state;
    assert_true(call_queue_push(queue, &call));
    call_queue_close(queue);
    assert_ptr_equal(call_queue_try_pop(queue), &call);
    assert_null(call_queue_try_pop(queue));
    call_queue_free(queue);
}

static void test_the_oldest_call_is_the_first(void **state)
{
    struct call_queue *queue = call_queue_new(2);
    struct call calls[2] = {0};

    (void)state;
    calls[0].dispatched_at = 5;
    calls[1].dispatched_at = 7;
    assert_true(call_queue_oldest(queue) == CLOCK_NEVER);
    call_queue_push(queue, &calls[0]);
    call_queue_push(queue, &calls[1]);
    assert_int_equal(call_queue_oldest(queue), 5);
    call_queue_pop(queue);
    assert_int_equal(call_queue_oldest(queue), 7);
    call_queue_free(queue);
}

static void test_null_may_be_freed(void **state)
{
    (void)state;
    call_queue_free(NULL);
}

struct consumer {
    struct call_queue *queue;
    pthread_t thread;
    unsigned popped;
};

static void *pop_until_closed(void *argument)
{
    struct consumer *consumer = argument;

    while (call_queue_pop(consumer->queue) != NULL)
        consumer->popped++;
    return NULL;
}

static void start_consumers(struct call_queue *queue, struct consumer *consumers)
{
    struct error error;

    for (int i = 0; i < THREADS; i++) {
        consumers[i] = (struct consumer){.queue = queue};
        assert_true(thread_start(&consumers[i].thread, "consumer", pop_until_closed, &consumers[i], &error));
    }
}

static unsigned join_consumers(struct consumer *consumers)
{
    unsigned popped = 0;

    for (int i = 0; i < THREADS; i++) {
        pthread_join(consumers[i].thread, NULL);
        popped += consumers[i].popped;
    }
    return popped;
}

static void test_closing_wakes_all_who_wait(void **state)
{
    struct call_queue *queue = call_queue_new(1);
    struct consumer consumers[THREADS];

    (void)state;
    start_consumers(queue, consumers);
    call_queue_close(queue);
    assert_int_equal(join_consumers(consumers), 0);
    call_queue_free(queue);
}

static void test_every_call_reaches_one_of_many_threads(void **state)
{
    static struct call calls[CALLS];
    struct call_queue *queue = call_queue_new(8);
    struct consumer consumers[THREADS];

    (void)state;
    start_consumers(queue, consumers);
    for (int i = 0; i < CALLS; i++) {
        while (!call_queue_push(queue, &calls[i]))
            sched_yield();
    }
    while (call_queue_length(queue) > 0)
        sched_yield();
    call_queue_close(queue);
    assert_int_equal(join_consumers(consumers), CALLS);
    call_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_come_out_in_the_order_they_went_in),
        cmocka_unit_test(test_full_is_an_answer),
        cmocka_unit_test(test_trying_an_empty_queue_gives_nothing),
        cmocka_unit_test(test_a_closed_queue_lets_nothing_in_or_out),
        cmocka_unit_test(test_what_a_closed_queue_holds_can_be_fetched),
        cmocka_unit_test(test_the_oldest_call_is_the_first),
        cmocka_unit_test(test_null_may_be_freed),
        cmocka_unit_test(test_closing_wakes_all_who_wait),
        cmocka_unit_test(test_every_call_reaches_one_of_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
