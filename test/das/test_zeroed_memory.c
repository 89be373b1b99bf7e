#include "das/zeroed_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void __real_free(void *memory);
void __wrap_free(void *memory);

static size_t watched_size; /* of the block that is to be freed next */
static int zeroed_blocks;

/* Sees blocks as they are when they are freed. */
void __wrap_free(void *memory)
{
    const char *bytes = memory;
    size_t zeros = 0;

    while (memory != NULL && zeros < watched_size && bytes[zeros] == 0)
        zeros++;
    if (memory != NULL && watched_size > 0 && zeros == watched_size)
        zeroed_blocks++;
    __real_free(memory);
}

static void test_freed_memory_is_zeroed(void **state)
{
    char *memory = malloc(100);

    (void)state;
    assert_non_null(memory);
    memset(memory, 'x', 100);
    watched_size = 100;
    zeroed_blocks = 0;
    zeroed_free(memory);
    watched_size = 0;
    assert_int_equal(zeroed_blocks, 1);
}

static void test_grown_memory_is_kept_and_zeroed_at_its_old_place(void **state)
{
    char *memory = malloc(100);
    char *grown;

    (void)state;
    assert_non_null(memory);
    memset(memory, 'x', 100);
    watched_size = 100;
    zeroed_blocks = 0;
    grown = zeroed_realloc(memory, 100000);
    watched_size = 0;
    assert_int_equal(zeroed_blocks, 1);
    assert_non_null(grown);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(grown[i], 'x');
    zeroed_free(grown);
}

static void test_memory_may_shrink(void **state)
{
    char *memory = malloc(1000);
    char *shrunk;

    (void)state;
    assert_non_null(memory);
    memset(memory, 'x', 1000);
    shrunk = zeroed_realloc(memory, 10);
    assert_non_null(shrunk);
    assert_memory_equal(shrunk, "xxxxxxxxxx", 10);
    zeroed_free(shrunk);
}

static void test_nothing_can_be_freed_and_grown(void **state)
{
    char *memory = zeroed_realloc(NULL, 10);

    (void)state;
    assert_non_null(memory);
    zeroed_free(memory);
    zeroed_free(NULL);
}

/* The old block is still the caller's then, as with realloc(). */
static void test_without_memory_nothing_changes(void **state)
{
    volatile size_t impossible = SIZE_MAX / 2; /* unknown to the compiler */
    char *memory = malloc(10);

    (void)state;
    assert_non_null(memory);
    memset(memory, 'x', 10);
    assert_null(zeroed_realloc(memory, impossible));
    assert_memory_equal(memory, "xxxxxxxxxx", 10);
    zeroed_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freed_memory_is_zeroed),
        cmocka_unit_test(test_grown_memory_is_kept_and_zeroed_at_its_old_place),
        cmocka_unit_test(test_memory_may_shrink),
        cmocka_unit_test(test_nothing_can_be_freed_and_grown),
        cmocka_unit_test(test_without_memory_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
