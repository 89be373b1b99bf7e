#include "core/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int reallocs_until_failure = -1; /* negative: none fails */

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    if (reallocs_until_failure == 0)
        return NULL;
    if (reallocs_until_failure > 0)
        reallocs_until_failure--;
    return __real_realloc(memory, size);
}

static void test_new_buffer_reads_as_empty_string(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    assert_string_equal(strbuf_text(&buffer), "");
    assert_int_equal(buffer.length, 0);
    assert_false(strbuf_failed(&buffer));
    strbuf_release(&buffer);
}

static void test_appends_follow_each_other(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    strbuf_append_text(&buffer, "a=");
    strbuf_append_int(&buffer, -12);
    strbuf_append_char(&buffer, ' ');
    strbuf_append_format(&buffer, "%s:%04d", "x", 7);
    strbuf_append(&buffer, "!?", 1);
    assert_string_equal(strbuf_text(&buffer), "a=-12 x:0007!");
    assert_int_equal(buffer.length, strlen("a=-12 x:0007!"));
    strbuf_release(&buffer);
}

static void test_smallest_and_largest_integers_are_written_exactly(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    strbuf_append_int(&buffer, INT64_MIN);
    strbuf_append_char(&buffer, ' ');
    strbuf_append_int(&buffer, INT64_MAX);
    strbuf_append_char(&buffer, ' ');
    strbuf_append_uint(&buffer, UINT64_MAX);
    strbuf_append_char(&buffer, ' ');
    strbuf_append_uint(&buffer, 0);
    assert_string_equal(strbuf_text(&buffer),
                        "-9223372036854775808 9223372036854775807 18446744073709551615 0");
    strbuf_release(&buffer);
}

static void test_nul_bytes_are_content(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    strbuf_append(&buffer, "a\0b", 3);
    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.data, "a\0b", 4);
    strbuf_release(&buffer);
}

static void test_growth_keeps_the_content(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    for (unsigned i = 0; i < 100000; i++)
        strbuf_append_char(&buffer, (char)('a' + i % 26));
    assert_int_equal(buffer.length, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    assert_int_equal(buffer.data[100000], '\0');
    strbuf_release(&buffer);
}

static void test_content_may_reach_the_ceiling(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 5);
    strbuf_append_text(&buffer, "12345");
    assert_false(strbuf_failed(&buffer));
    assert_string_equal(strbuf_text(&buffer), "12345");
    assert_true(buffer.capacity <= 6);
    strbuf_release(&buffer);
}

static void test_append_over_the_ceiling_adds_nothing(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 5);
    strbuf_append_text(&buffer, "123");
    strbuf_append_text(&buffer, "456");
    assert_true(strbuf_failed(&buffer));
    assert_string_equal(strbuf_text(&buffer), "123");
    strbuf_release(&buffer);
}

static void test_failure_is_sticky(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 5);
    strbuf_append_text(&buffer, "123456");
    strbuf_append_char(&buffer, 'x');
    strbuf_append_format(&buffer, "%d", 1);
    assert_true(strbuf_failed(&buffer));
    assert_string_equal(strbuf_text(&buffer), "");
    assert_false(strbuf_reserve(&buffer, 0));
    strbuf_release(&buffer);
}

static void test_reset_forgets_content_and_failure(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 5);
    strbuf_append_text(&buffer, "123");
    strbuf_append_text(&buffer, "456");
    strbuf_reset(&buffer);
    assert_false(strbuf_failed(&buffer));
    assert_string_equal(strbuf_text(&buffer), "");
    strbuf_append_text(&buffer, "789");
    assert_string_equal(strbuf_text(&buffer), "789");
    strbuf_release(&buffer);
}

static void test_largest_ceiling_does_not_overflow(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, SIZE_MAX);
    strbuf_append_text(&buffer, "abc");
    assert_false(strbuf_failed(&buffer));
    assert_string_equal(strbuf_text(&buffer), "abc");
    strbuf_release(&buffer);
}

static void test_impossible_sizes_are_refused(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    assert_false(strbuf_reserve(&buffer, SIZE_MAX));
    strbuf_reset(&buffer);
    strbuf_append_char(&buffer, 'a');
    assert_false(strbuf_reserve(&buffer, SIZE_MAX));
    assert_false(strbuf_reserve(&buffer, 0));
    assert_string_equal(strbuf_text(&buffer), "a");
    strbuf_release(&buffer);
}

static void test_reserve_alone_leaves_an_empty_string(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    assert_true(strbuf_reserve(&buffer, 100));
    assert_string_equal(strbuf_text(&buffer), "");
    strbuf_release(&buffer);
}

static void test_reserved_room_is_not_moved_by_appends(void **state)
{
    struct strbuf buffer;
    const char *data;

    (void)state;
    strbuf_init(&buffer, 0);
    assert_true(strbuf_reserve(&buffer, 1000));
    data = buffer.data;
    for (unsigned i = 0; i < 1000; i++)
        strbuf_append_char(&buffer, 'x');
    assert_ptr_equal(buffer.data, data);
    strbuf_release(&buffer);
}

static void test_truncate_cuts_back(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    strbuf_truncate(&buffer, 0);
    strbuf_append_text(&buffer, "abcdef");
    strbuf_truncate(&buffer, 2);
    assert_string_equal(strbuf_text(&buffer), "ab");
    strbuf_append_char(&buffer, 'Z');
    assert_string_equal(strbuf_text(&buffer), "abZ");
    strbuf_release(&buffer);
}

static void test_detach_hands_the_content_over(void **state)
{
    struct strbuf buffer;
    size_t length;
    char *content;

    (void)state;
    strbuf_init(&buffer, 100);
    strbuf_append_text(&buffer, "mine");
    content = strbuf_detach(&buffer, &length);
    assert_string_equal(content, "mine");
    assert_int_equal(length, 4);
    assert_null(buffer.data);
    assert_int_equal(buffer.ceiling, 100);
    free(content);
}

static void test_detach_of_a_failed_buffer_is_null(void **state)
{
    struct strbuf buffer;
    size_t length = 99;

    (void)state;
    strbuf_init(&buffer, 4);
    strbuf_append_text(&buffer, "abc");
    strbuf_append_text(&buffer, "def");
    assert_null(strbuf_detach(&buffer, &length));
    assert_int_equal(length, 0);
    assert_false(strbuf_failed(&buffer));
}

static void test_detach_of_an_unused_buffer_is_null(void **state)
{
    struct strbuf buffer;
    size_t length = 99;

    (void)state;
    strbuf_init(&buffer, 0);
    assert_null(strbuf_detach(&buffer, &length));
    assert_int_equal(length, 0);
}

static void test_release_twice_is_harmless(void **state)
{
    struct strbuf buffer;

    (void)state;
    strbuf_init(&buffer, 0);
    strbuf_append_text(&buffer, "secret");
    strbuf_release_secret(&buffer);
    strbuf_release_secret(&buffer);
    strbuf_release(&buffer);
    assert_string_equal(strbuf_text(&buffer), "");
}

static void test_failed_allocation_is_a_failed_buffer(void **state)
{
    (void)state;
    for (int k = 0; k < 8; k++) {
        struct strbuf buffer;
        size_t appended = 0;

        strbuf_init(&buffer, 0);
        reallocs_until_failure = k;
        while (!strbuf_failed(&buffer) && appended < 1u << 20) {
            strbuf_append_char(&buffer, 'x');
            appended++;
        }
        reallocs_until_failure = -1;
        assert_true(strbuf_failed(&buffer));
        assert_int_equal(buffer.length, appended - 1);
        assert_int_equal(strlen(strbuf_text(&buffer)), appended - 1);
        strbuf_release(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_buffer_reads_as_empty_string),
        cmocka_unit_test(test_appends_follow_each_other),
        cmocka_unit_test(test_smallest_and_largest_integers_are_written_exactly),
        cmocka_unit_test(test_nul_bytes_are_content),
        cmocka_unit_test(test_growth_keeps_the_content),
        cmocka_unit_test(test_content_may_reach_the_ceiling),
        cmocka_unit_test(test_append_over_the_ceiling_adds_nothing),
        cmocka_unit_test(test_failure_is_sticky),
        cmocka_unit_test(test_reset_forgets_content_and_failure),
        cmocka_unit_test(test_largest_ceiling_does_not_overflow),
        cmocka_unit_test(test_impossible_sizes_are_refused),
        cmocka_unit_test(test_reserve_alone_leaves_an_empty_string),
        cmocka_unit_test(test_reserved_room_is_not_moved_by_appends),
        cmocka_unit_test(test_truncate_cuts_back),
        cmocka_unit_test(test_detach_hands_the_content_over),
        cmocka_unit_test(test_detach_of_a_failed_buffer_is_null),
        cmocka_unit_test(test_detach_of_an_unused_buffer_is_null),
        cmocka_unit_test(test_release_twice_is_harmless),
        cmocka_unit_test(test_failed_allocation_is_a_failed_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
