#include "core/thread.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"

static int create_result;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    if (create_result != 0)
        return create_result;
    return __real_pthread_create(thread, attributes, run, argument);
}

/* A flag that one thread sets and another awaits. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool open;
};

static void gate_init(struct gate *gate)
{
    pthread_mutex_init(&gate->mutex, NULL);
    assert_true(cond_init(&gate->cond));
    gate->open = false;
}

static void gate_release(struct gate *gate)
{
    pthread_cond_destroy(&gate->cond);
    pthread_mutex_destroy(&gate->mutex);
}

static void *open_gate(void *argument)
{
    struct gate *gate = argument;

    mutex_lock(&gate->mutex);
    gate->open = true;
    mutex_unlock(&gate->mutex);
    pthread_cond_signal(&gate->cond);
    return NULL;
}

static bool await_gate(struct gate *gate, int64_t deadline)
{
    bool open;

    mutex_lock(&gate->mutex);
    while (!gate->open && cond_wait_until(&gate->cond, &gate->mutex, deadline))
        ;
    open = gate->open;
    mutex_unlock(&gate->mutex);
    return open;
}

static void *read_signal_mask(void *argument)
{
    pthread_sigmask(SIG_BLOCK, NULL, argument);
    return NULL;
}

static void *read_name_when_open(void *argument)
{
    static char name[32];

    await_gate(argument, CLOCK_NEVER);
    pthread_getname_np(pthread_self(), name, sizeof(name));
    return name;
}

static void test_thread_runs_with_its_argument(void **state)
{
    struct error error;
    pthread_t thread;
    struct gate gate;

    (void)state;
    gate_init(&gate);
    assert_true(thread_start(&thread, "opener", open_gate, &gate, &error));
    pthread_join(thread, NULL);
    assert_true(gate.open);
    gate_release(&gate);
}

static void test_thread_takes_no_signals(void **state)
{
    struct error error;
    pthread_t thread;
    sigset_t mask;

    (void)state;
    sigemptyset(&mask);
    assert_true(thread_start(&thread, "masked", read_signal_mask, &mask, &error));
    pthread_join(thread, NULL);
    assert_true(sigismember(&mask, SIGTERM));
    assert_true(sigismember(&mask, SIGINT));
    assert_true(sigismember(&mask, SIGHUP));
    assert_true(sigismember(&mask, SIGPIPE));
}

static void test_signal_mask_of_the_caller_is_unchanged(void **state)
{
    struct error error;
    sigset_t before, after, mask;
    pthread_t thread;

    (void)state;
    sigemptyset(&mask);
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(thread_start(&thread, "masked", read_signal_mask, &mask, &error));
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_true(sigismember(&after, SIGUSR1));
    assert_false(sigismember(&after, SIGTERM));
}

static void test_thread_has_its_name(void **state)
{
    struct error error;
    pthread_t thread;
    struct gate gate;
    void *name;

    (void)state;
    gate_init(&gate);
    assert_true(thread_start(&thread, "scheduler", read_name_when_open, &gate, &error));
    open_gate(&gate);
    pthread_join(thread, &name);
    assert_string_equal(name, "scheduler");
    gate_release(&gate);
}

static void test_name_too_long_for_the_system_is_cut(void **state)
{
    struct error error;
    pthread_t thread;
    struct gate gate;
    void *name;

    (void)state;
    gate_init(&gate);
    assert_true(thread_start(&thread, "a-name-of-20-letters", read_name_when_open, &gate, &error));
    open_gate(&gate);
    pthread_join(thread, &name);
    assert_string_equal(name, "a-name-of-20-le");
    gate_release(&gate);
}

static void test_refused_thread_is_an_error_with_the_reason(void **state)
{
    struct error error;
    pthread_t thread;
    struct gate gate;
    bool started;

    (void)state;
    gate_init(&gate);
    create_result = EAGAIN;
    started = thread_start(&thread, "worker", open_gate, &gate, &error);
    create_result = 0;
    assert_false(started);
    assert_int_equal(error.class, ERROR_SYSTEM);
    assert_string_equal(error.message, "cannot start thread worker: Resource temporarily unavailable");
    gate_release(&gate);
}

static void test_wait_ends_when_signalled(void **state)
{
    struct error error;
    pthread_t thread;
    struct gate gate;

    (void)state;
    gate_init(&gate);
    assert_true(thread_start(&thread, "opener", open_gate, &gate, &error));
    assert_true(await_gate(&gate, CLOCK_NEVER));
    pthread_join(thread, NULL);
    gate_release(&gate);
}

static void test_wait_ends_at_the_deadline_and_not_before(void **state)
{
    int64_t deadline = clock_now() + 30 * NS_PER_MS;
    struct gate gate;

    (void)state;
    gate_init(&gate);
    assert_false(await_gate(&gate, deadline));
    assert_true(clock_now() >= deadline);
    gate_release(&gate);
}

static void test_wait_past_the_deadline_is_false_at_once(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate);
    mutex_lock(&gate.mutex);
    assert_false(cond_wait_until(&gate.cond, &gate.mutex, clock_now() + 5 * NS_PER_MS));
    mutex_unlock(&gate.mutex);
    gate_release(&gate);
}

static void test_deadline_in_the_past_does_not_wait(void **state)
{
    static const int64_t deadlines[] = {0, -1, INT64_MIN};
    struct gate gate;

    (void)state;
    gate_init(&gate);
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++)
        assert_false(await_gate(&gate, deadlines[i]));
    assert_false(await_gate(&gate, clock_now()));
    gate_release(&gate);
}

static void test_mutex_is_held_after_a_wait(void **state)
{
    struct gate gate;

    (void)state;
    gate_init(&gate);
    mutex_lock(&gate.mutex);
    cond_wait_until(&gate.cond, &gate.mutex, clock_now() + NS_PER_MS);
    assert_int_equal(pthread_mutex_trylock(&gate.mutex), EBUSY);
    mutex_unlock(&gate.mutex);
    gate_release(&gate);
}

static void test_unlocking_a_mutex_nobody_holds_aborts(void **state)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    int status = 0;
    pid_t child;

    (void)state;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attributes);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        mutex_unlock(&mutex);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    pthread_mutex_destroy(&mutex);
    pthread_mutexattr_destroy(&attributes);
}

struct counter {
    pthread_mutex_t mutex;
    unsigned value; /* under mutex */
};

static void *count_up(void *argument)
{
    struct counter *counter = argument;

    for (unsigned i = 0; i < 10000; i++) {
        mutex_lock(&counter->mutex);
        counter->value++;
        mutex_unlock(&counter->mutex);
    }
    return NULL;
}

static void test_mutex_excludes_other_threads(void **state)
{
    struct counter counter = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct error error;
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_true(thread_start(&threads[i], "counter", count_up, &counter, &error));
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter.value, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_runs_with_its_argument),
        cmocka_unit_test(test_thread_takes_no_signals),
        cmocka_unit_test(test_signal_mask_of_the_caller_is_unchanged),
        cmocka_unit_test(test_thread_has_its_name),
        cmocka_unit_test(test_name_too_long_for_the_system_is_cut),
        cmocka_unit_test(test_refused_thread_is_an_error_with_the_reason),
        cmocka_unit_test(test_wait_ends_when_signalled),
        cmocka_unit_test(test_wait_ends_at_the_deadline_and_not_before),
        cmocka_unit_test(test_wait_past_the_deadline_is_false_at_once),
        cmocka_unit_test(test_deadline_in_the_past_does_not_wait),
        cmocka_unit_test(test_mutex_is_held_after_a_wait),
        cmocka_unit_test(test_unlocking_a_mutex_nobody_holds_aborts),
        cmocka_unit_test(test_mutex_excludes_other_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
