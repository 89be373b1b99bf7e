#include "schedule/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"

#define CALLERS 4
#define CALLS   2000
#define LONG    (60 * NS_PER_SECOND)

#define WAITERS 32

static atomic_uint waits;

bool __real_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline);
bool __wrap_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline);

bool __wrap_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    atomic_fetch_add(&waits, 1);
    return __real_cond_wait_until(cond, mutex, deadline);
}

static void add_one(void *argument, int64_t now)
{
    unsigned *sum = argument;

    (void)now;
    (*sum)++;
}

/* The owner's thread: runs what arrives, as the scheduler does. */
struct owner {
    struct mailbox *mailbox;
    pthread_t thread;
    size_t calls;
};

static void take_all(struct owner *owner)
{
    struct message *message;
    struct list calls;

    list_init(&calls);
    mailbox_take_calls(owner->mailbox, &calls);
    while (list_pop_front(&calls) != NULL)
        owner->calls++;
    while ((message = mailbox_take_message(owner->mailbox)) != NULL) {
        message->run(message->argument, clock_now());
        mailbox_answer(owner->mailbox, message);
    }
}

static void *run_owner(void *argument)
{
    struct owner *owner = argument;

    do {
        take_all(owner);
    } while (mailbox_wait(owner->mailbox, CLOCK_NEVER));
    take_all(owner);
    return NULL;
}

static void start_owner(struct owner *owner)
{
    struct error error;

    *owner = (struct owner){.mailbox = mailbox_new()};
    assert_non_null(owner->mailbox);
    assert_true(thread_start(&owner->thread, "owner", run_owner, owner, &error));
}

static void stop_owner(struct owner *owner)
{
    mailbox_close(owner->mailbox);
    pthread_join(owner->thread, NULL);
    mailbox_free(owner->mailbox);
}

static void test_returned_calls_come_in_their_order(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    struct call calls[3] = {0};
    struct list taken;

    (void)state;
    for (int i = 0; i < 3; i++)
        mailbox_return_call(mailbox, &calls[i]);
    list_init(&taken);
    mailbox_take_calls(mailbox, &taken);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(list_pop_front(&taken), &calls[i].link);
    assert_true(list_empty(&taken));
    mailbox_take_calls(mailbox, &taken);
    assert_true(list_empty(&taken));
    mailbox_free(mailbox);
}

static void test_a_call_has_run_when_it_returns(void **state)
{
    struct owner owner;
    unsigned sum = 0;
    struct message message = {.run = add_one, .argument = &sum};

    (void)state;
    start_owner(&owner);
    assert_true(mailbox_call(owner.mailbox, &message, LONG));
    assert_int_equal(sum, 1);
    stop_owner(&owner);
}

static void test_a_call_that_nobody_takes_times_out_and_never_runs(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    unsigned sum = 0;
    struct message message = {.run = add_one, .argument = &sum};

    (void)state;
    assert_false(mailbox_call(mailbox, &message, 20 * NS_PER_MS));
    assert_null(mailbox_take_message(mailbox));
    assert_int_equal(sum, 0);
    mailbox_free(mailbox);
}

static void test_a_closed_mailbox_refuses_calls(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    unsigned sum = 0;
    struct message message = {.run = add_one, .argument = &sum};

    (void)state;
    mailbox_close(mailbox);
    assert_false(mailbox_call(mailbox, &message, LONG));
    mailbox_free(mailbox);
}

static void test_a_closed_mailbox_still_takes_calls_back(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    struct call call = {0};
    struct list taken;

    (void)state;
    mailbox_close(mailbox);
    mailbox_return_call(mailbox, &call);
    list_init(&taken);
    mailbox_take_calls(mailbox, &taken);
    assert_ptr_equal(list_pop_front(&taken), &call.link);
    mailbox_free(mailbox);
}

static void test_waiting_ends_at_the_deadline(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    int64_t deadline = clock_now() + 20 * NS_PER_MS;

    (void)state;
    while (clock_now() < deadline)
        assert_true(mailbox_wait(mailbox, deadline));
    mailbox_free(mailbox);
}

static void test_waiting_does_not_begin_while_something_is_there(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    struct call call = {0};

    (void)state;
    mailbox_return_call(mailbox, &call);
    assert_true(mailbox_wait(mailbox, CLOCK_NEVER));
    mailbox_free(mailbox);
}

static void test_waiting_in_a_closed_mailbox_says_so(void **state)
{
    struct mailbox *mailbox = mailbox_new();

    (void)state;
    mailbox_close(mailbox);
    assert_false(mailbox_wait(mailbox, CLOCK_NEVER));
    mailbox_free(mailbox);
}

struct caller {
    struct mailbox *mailbox;
    pthread_t thread;
    unsigned sum;
    unsigned ran;
    int64_t timeout;
};

static void *run_caller(void *argument)
{
    struct caller *caller = argument;

    for (int i = 0; i < CALLS; i++) {
        struct message message = {.run = add_one, .argument = &caller->sum};

        caller->ran += mailbox_call(caller->mailbox, &message, caller->timeout);
    }
    return NULL;
}

static void start_callers(struct mailbox *mailbox, int64_t timeout, struct caller *callers)
{
    struct error error;

    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.mailbox = mailbox, .timeout = timeout};
        assert_true(thread_start(&callers[i].thread, "caller", run_caller, &callers[i], &error));
    }
}

static unsigned join_callers(struct caller *callers)
{
    unsigned ran = 0;

    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].sum, callers[i].ran);
        ran += callers[i].ran;
    }
    return ran;
}

static void test_calls_of_many_threads_all_run_once(void **state)
{
    struct caller callers[CALLERS];
    struct owner owner;

    (void)state;
    start_owner(&owner);
    start_callers(owner.mailbox, LONG, callers);
    assert_int_equal(join_callers(callers), CALLERS * CALLS);
    stop_owner(&owner);
}

static void test_a_call_that_times_out_ran_exactly_when_it_says_so(void **state)
{
    struct caller callers[CALLERS];
    struct owner owner;

    (void)state;
    start_owner(&owner);
    start_callers(owner.mailbox, NS_PER_US, callers);
    join_callers(callers);
    stop_owner(&owner);
}

static void test_closing_ends_every_call(void **state)
{
    struct caller callers[CALLERS];
    struct owner owner;

    (void)state;
    start_owner(&owner);
    start_callers(owner.mailbox, LONG, callers);
    mailbox_close(owner.mailbox);
    join_callers(callers);
    stop_owner(&owner);
}

struct waiter {
    struct mailbox *mailbox;
    unsigned *sum;
};

static void *call_once(void *argument)
{
    const struct waiter *caller = argument;
    struct message message = {.run = add_one, .argument = caller->sum};

    return mailbox_call(caller->mailbox, &message, LONG) ? argument : NULL;
}

static void test_an_answer_wakes_the_one_who_asked(void **state)
{
    unsigned sum = 0;
    struct waiter caller = {.mailbox = mailbox_new(), .sum = &sum};
    pthread_t callers[WAITERS];

    (void)state;
    atomic_store(&waits, 0);
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, call_once, &caller), 0);
    while (atomic_load(&waits) < WAITERS)
        sched_yield();
    while (sum < WAITERS) {
        struct message *message = mailbox_take_message(caller.mailbox);

        message->run(message->argument, clock_now());
        mailbox_answer(caller.mailbox, message);
        usleep(1000); /* whoever it woke beside has time to wait again */
    }
    for (size_t i = 0; i < WAITERS; i++)
        pthread_join(callers[i], NULL);
    assert_in_range(atomic_load(&waits), WAITERS, WAITERS + 2);
    mailbox_free(caller.mailbox);
}

static void test_a_wake_ends_one_sleep(void **state)
{
    struct mailbox *mailbox = mailbox_new();
    int64_t began = clock_now();

    (void)state;
    mailbox_wake(mailbox);
    assert_true(mailbox_wait(mailbox, began + LONG));
    assert_true(clock_now() - began < LONG);
    assert_true(mailbox_wait(mailbox, clock_now() + NS_PER_MS));
    assert_true(clock_now() - began >= NS_PER_MS);
    mailbox_free(mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_returned_calls_come_in_their_order),
        cmocka_unit_test(test_a_call_has_run_when_it_returns),
        cmocka_unit_test(test_a_call_that_nobody_takes_times_out_and_never_runs),
        cmocka_unit_test(test_a_closed_mailbox_refuses_calls),
        cmocka_unit_test(test_a_closed_mailbox_still_takes_calls_back),
        cmocka_unit_test(test_waiting_ends_at_the_deadline),
        cmocka_unit_test(test_waiting_does_not_begin_while_something_is_there),
        cmocka_unit_test(test_waiting_in_a_closed_mailbox_says_so),
        cmocka_unit_test(test_calls_of_many_threads_all_run_once),
        cmocka_unit_test(test_a_call_that_times_out_ran_exactly_when_it_says_so),
        cmocka_unit_test(test_closing_ends_every_call),
        cmocka_unit_test(test_an_answer_wakes_the_one_who_asked),
        cmocka_unit_test(test_a_wake_ends_one_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
