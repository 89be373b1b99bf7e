#include "core/refcount.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 8
#define ROUNDS  2000

struct shared {
    struct refcount references;
    int written_by[THREADS]; /* each owner writes its own before it lets go */
};

struct owner {
    struct shared *shared;
    atomic_uint *frees;
    size_t index;
};

static void test_first_owner_is_the_last(void **state)
{
    struct refcount count;

    (void)state;
    refcount_init(&count);
    assert_true(refcount_put(&count));
}

static void test_only_the_last_put_is_true(void **state)
{
    struct refcount count;

    (void)state;
    refcount_init(&count);
    refcount_get(&count);
    refcount_get(&count);
    assert_false(refcount_put(&count));
    assert_false(refcount_put(&count));
    assert_true(refcount_put(&count));
}

static void *take_and_let_go(void *argument)
{
    struct owner *owner = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        refcount_get(&owner->shared->references);
        if (refcount_put(&owner->shared->references))
            abort(); /* this thread still holds one */
    }
    owner->shared->written_by[owner->index] = 1;
    if (refcount_put(&owner->shared->references)) {
        int sum = 0;

        for (size_t i = 0; i < THREADS; i++)
            sum += owner->shared->written_by[i];
        atomic_fetch_add(owner->frees, sum == THREADS ? 1 : 1000);
        free(owner->shared);
    }
    return NULL;
}

static void test_last_of_many_threads_frees_once_and_sees_all_writes(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct shared *shared = calloc(1, sizeof(*shared));
        struct owner owners[THREADS];
        pthread_t threads[THREADS];
        atomic_uint frees = 0;

        assert_non_null(shared);
        refcount_init(&shared->references);
        for (size_t i = 1; i < THREADS; i++)
            refcount_get(&shared->references);
        for (size_t i = 0; i < THREADS; i++) {
            owners[i] = (struct owner){.shared = shared, .frees = &frees, .index = i};
            assert_int_equal(pthread_create(&threads[i], NULL, take_and_let_go, &owners[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&frees), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_owner_is_the_last),
        cmocka_unit_test(test_only_the_last_put_is_true),
        cmocka_unit_test(test_last_of_many_threads_frees_once_and_sees_all_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
