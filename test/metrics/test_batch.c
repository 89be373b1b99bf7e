#include "metrics/batch.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT(user)       ((const char *[]){"rm-test1", user})
#define LINE(user, value) "db_max_user_connections{ins_id=\"rm-test1\",username=\"" user "\"} " value "\n"

static void add(struct batch *batch, const char *user, int64_t value)
{
    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, LIMIT(user), value);
}

static void assert_lines(const struct batch *batch, const char *expected)
{
    size_t length;
    const char *lines = batch_lines(batch, FAMILY_MAX_USER_CONNECTIONS, &length);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(lines, expected, length);
}

static void test_lines_are_sorted_by_label(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    add(batch, "c", 1);
    add(batch, "a", 2);
    add(batch, "b", 3);
    assert_true(batch_seal(batch, NULL));
    assert_lines(batch, LINE("a", "2") LINE("b", "3") LINE("c", "1"));
    batch_put(batch);
}

static void test_a_duplicate_is_dropped_and_counted(void **state)
{
    struct batch *batch = batch_new();
    size_t duplicates;

    (void)state;
    add(batch, "a", 9);
    add(batch, "b", 1);
    add(batch, "a", 2);
    assert_true(batch_seal(batch, &duplicates));
    assert_int_equal(duplicates, 1);
    assert_lines(batch, LINE("a", "9") LINE("b", "1"));
    assert_int_equal(batch_sample_count(batch, FAMILY_MAX_USER_CONNECTIONS), 2);
    batch_put(batch);
}

static void test_labels_that_become_equal_by_repair_are_duplicates(void **state)
{
    struct batch *batch = batch_new();
    size_t duplicates;

    (void)state;
    add(batch, "a\xFF", 1);
    add(batch, "a\xFE", 2);
    assert_true(batch_seal(batch, &duplicates));
    assert_int_equal(duplicates, 1);
    batch_put(batch);
}

static void test_a_value_that_looks_like_labels_is_not_a_duplicate(void **state)
{
    struct batch *batch = batch_new();
    size_t duplicates;

    (void)state;
    add(batch, "a\"} 1", 1);
    add(batch, "a", 1);
    assert_true(batch_seal(batch, &duplicates));
    assert_int_equal(duplicates, 0);
    batch_put(batch);
}

static void test_an_empty_batch_has_no_lines(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    assert_true(batch_seal(batch, NULL));
    assert_lines(batch, "");
    assert_int_equal(batch_sample_count(batch, FAMILY_MAX_USER_CONNECTIONS), 0);
    batch_put(batch);
}

static void test_families_are_kept_apart(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    add(batch, "a", 1);
    batch_add(batch, FAMILY_USER_SESSION_COUNT,
              (const char *[]){"rm-test1", "orders", "rds", "1000000000000001", "a", "", "write"}, 7);
    assert_true(batch_seal(batch, NULL));
    assert_lines(batch, LINE("a", "1"));
    assert_int_equal(batch_sample_count(batch, FAMILY_USER_SESSION_COUNT), 1);
    batch_put(batch);
}

static void test_extreme_values_are_kept(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    add(batch, "a", INT64_MIN);
    add(batch, "b", INT64_MAX);
    assert_true(batch_seal(batch, NULL));
    assert_lines(batch, LINE("a", "-9223372036854775808") LINE("b", "9223372036854775807"));
    batch_put(batch);
}

static void test_overflowed_samples_are_counted_for_their_family(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    batch_add(batch, FAMILY_CLIENT_SESSIONS,
              (const char *[]){"rm-test1", "orders", "rds", "1000000000000001", "192.0.2.1", "", "write"}, 7);
    batch_add_overflowed(batch, FAMILY_CLIENT_SESSIONS, 3);
    batch_add_overflowed(batch, FAMILY_CLIENT_SESSIONS, 2);
    assert_true(batch_seal(batch, NULL));
    assert_int_equal(batch_overflowed(batch, FAMILY_CLIENT_SESSIONS), 5);
    assert_int_equal(batch_overflowed(batch, FAMILY_SCHEMA_SESSIONS), 0);
    batch_put(batch);
}

static void test_a_batch_lives_until_its_last_reference(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    add(batch, "a", 1);
    assert_true(batch_seal(batch, NULL));
    assert_ptr_equal(batch_get(batch), batch);
    batch_put(batch);
    assert_lines(batch, LINE("a", "1"));
    batch_put(batch);
}

static void test_an_unsealed_batch_can_be_put_back(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    add(batch, "a", 1);
    batch_put(batch);
    batch_put(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_sorted_by_label),
        cmocka_unit_test(test_a_duplicate_is_dropped_and_counted),
        cmocka_unit_test(test_labels_that_become_equal_by_repair_are_duplicates),
        cmocka_unit_test(test_a_value_that_looks_like_labels_is_not_a_duplicate),
        cmocka_unit_test(test_an_empty_batch_has_no_lines),
        cmocka_unit_test(test_families_are_kept_apart),
        cmocka_unit_test(test_extreme_values_are_kept),
        cmocka_unit_test(test_overflowed_samples_are_counted_for_their_family),
        cmocka_unit_test(test_a_batch_lives_until_its_last_reference),
        cmocka_unit_test(test_an_unsealed_batch_can_be_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
