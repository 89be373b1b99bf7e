#include "core/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int mallocs_until_failure = -1; /* negative: none fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    if (mallocs_until_failure == 0)
        return NULL;
    if (mallocs_until_failure > 0)
        mallocs_until_failure--;
    return __real_malloc(size);
}

static int make_arena(void **state)
{
    static struct arena arena;

    arena_init(&arena);
    *state = &arena;
    return 0;
}

static int release_arena(void **state)
{
    mallocs_until_failure = -1;
    arena_release(*state);
    return 0;
}

static void test_memory_is_zeroed(void **state)
{
    static const unsigned char zeros[5000];

    for (size_t size = 1; size <= sizeof(zeros); size += 311) {
        unsigned char *bytes = arena_alloc(*state, size);

        assert_non_null(bytes);
        assert_memory_equal(bytes, zeros, size);
        memset(bytes, 0xff, size);
    }
}

static void test_memory_is_aligned_for_any_type(void **state)
{
    for (size_t i = 0; i < 200; i++) {
        assert_non_null(arena_copy(*state, "odd", i % 4));
        assert_int_equal((uintptr_t)arena_alloc(*state, i) % alignof(max_align_t), 0);
    }
}

static void test_pieces_do_not_overlap(void **state)
{
    unsigned char *pieces[300];
    size_t sizes[300];

    for (size_t i = 0; i < 300; i++) {
        sizes[i] = 1 + i * i % 4001;
        pieces[i] = arena_alloc(*state, sizes[i]);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], i % 251);
    }
}

static void test_piece_larger_than_any_block_is_given(void **state)
{
    const size_t size = 3u << 20;
    char *small = arena_strdup(*state, "before");
    unsigned char *large = arena_alloc(*state, size);

    assert_non_null(large);
    memset(large, 0x5a, size);
    assert_string_equal(arena_strdup(*state, "after"), "after");
    assert_string_equal(small, "before");
    assert_int_equal(large[size - 1], 0x5a);
}

static void test_size_zero_is_allowed(void **state)
{
    assert_non_null(arena_alloc(*state, 0));
    assert_non_null(arena_alloc_array(*state, 0, 8));
}

static void test_array_size_overflow_is_null(void **state)
{
    assert_null(arena_alloc_array(*state, SIZE_MAX / 2, 3));
    assert_null(arena_alloc_array(*state, 1u << 31, SIZE_MAX >> 8));
}

static void test_sizes_near_the_limit_are_null(void **state)
{
    assert_null(arena_alloc(*state, SIZE_MAX));
    assert_null(arena_alloc(*state, SIZE_MAX - 8));
    assert_null(arena_copy(*state, "x", SIZE_MAX));
    assert_non_null(arena_strdup(*state, "x"));
    assert_null(arena_alloc(*state, SIZE_MAX));
}

static void test_copy_is_terminated(void **state)
{
    char *copy = arena_copy(*state, "abcdef", 3);

    assert_string_equal(copy, "abc");
}

static void test_copy_keeps_nul_bytes(void **state)
{
    char *copy = arena_copy(*state, "a\0b", 3);

    assert_memory_equal(copy, "a\0b", 4);
}

static void test_copy_of_nothing_is_an_empty_string(void **state)
{
    assert_string_equal(arena_copy(*state, NULL, 0), "");
}

static void test_strdup_copies(void **state)
{
    char text[] = "orders";
    char *copy = arena_strdup(*state, text);

    text[0] = 'X';
    assert_string_equal(copy, "orders");
}

static void test_released_arena_can_be_used_again(void **state)
{
    assert_non_null(arena_strdup(*state, "one"));
    arena_release(*state);
    arena_release(*state);
    assert_string_equal(arena_strdup(*state, "two"), "two");
}

static void test_failed_allocation_is_null_and_keeps_what_was_given(void **state)
{
    for (int k = 0; k < 6; k++) {
        char *first = NULL;
        char *piece;
        size_t given = 0;

        mallocs_until_failure = k;
        while ((piece = arena_strdup(*state, "a string of some length")) != NULL) {
            if (first == NULL)
                first = piece;
            given++;
        }
        assert_int_equal(given > 0, k > 0);
        mallocs_until_failure = -1;
        if (first != NULL)
            assert_string_equal(first, "a string of some length");
        assert_string_equal(arena_strdup(*state, "memory is back"), "memory is back");
        arena_release(*state);
    }
}

#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, release_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(test_memory_is_zeroed),
        ARENA_TEST(test_memory_is_aligned_for_any_type),
        ARENA_TEST(test_pieces_do_not_overlap),
        ARENA_TEST(test_piece_larger_than_any_block_is_given),
        ARENA_TEST(test_size_zero_is_allowed),
        ARENA_TEST(test_array_size_overflow_is_null),
        ARENA_TEST(test_sizes_near_the_limit_are_null),
        ARENA_TEST(test_copy_is_terminated),
        ARENA_TEST(test_copy_keeps_nul_bytes),
        ARENA_TEST(test_copy_of_nothing_is_an_empty_string),
        ARENA_TEST(test_strdup_copies),
        ARENA_TEST(test_released_arena_can_be_used_again),
        ARENA_TEST(test_failed_allocation_is_null_and_keeps_what_was_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
