#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/load_hold.h"

#define SECOND NS_PER_SECOND

static enum load_belief judge(struct load_hold *hold, size_t entries, bool asked, int64_t now)
{
    return load_hold_judge(hold, (struct load_size){.entries = entries}, asked, now);
}

/* A load of so many entries is in force. */
static struct load_hold with_in_force(size_t count)
{
    struct load_hold hold = {0};

    assert_int_equal(judge(&hold, count, false, 0), LOAD_BELIEVED);
    return hold;
}

static void test_first_load_is_believed(void **state)
{
    struct load_hold hold = {0};

    (void)state;
    assert_int_equal(judge(&hold, 0, false, 0), LOAD_BELIEVED);
}

static void test_growth_and_a_loss_of_half_are_believed(void **state)
{
    struct load_hold hold = with_in_force(10);

    (void)state;
    assert_int_equal(judge(&hold, 20, false, SECOND), LOAD_BELIEVED);
    assert_int_equal(judge(&hold, 10, false, SECOND), LOAD_BELIEVED);
    assert_int_equal(judge(&hold, 5, false, SECOND), LOAD_BELIEVED);
    assert_int_equal(judge(&hold, 3, false, SECOND), LOAD_BELIEVED);
}

static void test_loss_of_more_than_half_is_held(void **state)
{
    struct load_hold hold = with_in_force(10);

    (void)state;
    assert_int_equal(judge(&hold, 4, false, SECOND), LOAD_HELD_ANEW);
    assert_true(hold.holding);
    assert_int_equal(hold.in_force.entries, 10);
    assert_int_equal(hold.found.entries, 4);
}

static void test_loss_is_believed_when_a_load_30_s_later_says_the_same(void **state)
{
    struct load_hold hold = with_in_force(10);

    (void)state;
    assert_int_equal(judge(&hold, 0, false, SECOND), LOAD_HELD_ANEW);
    assert_int_equal(judge(&hold, 0, false, 31 * SECOND - 1), LOAD_HELD_STILL);
    assert_int_equal(judge(&hold, 0, false, 31 * SECOND), LOAD_BELIEVED);
    assert_false(hold.holding);
    assert_int_equal(hold.in_force.entries, 0);
}

static void test_table_that_is_being_filled_is_held_anew(void **state)
{
    struct load_hold hold = with_in_force(10);

    (void)state;
    assert_int_equal(judge(&hold, 0, false, SECOND), LOAD_HELD_ANEW);
    assert_int_equal(judge(&hold, 3, false, 61 * SECOND), LOAD_HELD_ANEW);
    assert_int_equal(judge(&hold, 3, false, 90 * SECOND), LOAD_HELD_STILL);
    assert_int_equal(judge(&hold, 10, false, 95 * SECOND), LOAD_BELIEVED);
    assert_false(hold.holding);
}

static void test_what_a_person_asked_for_is_believed_at_once(void **state)
{
    struct load_hold hold = with_in_force(10);

    (void)state;
    assert_int_equal(judge(&hold, 0, true, SECOND), LOAD_BELIEVED);
    hold = with_in_force(10);
    judge(&hold, 0, false, SECOND);
    assert_int_equal(judge(&hold, 0, true, 2 * SECOND), LOAD_BELIEVED);
}

/* Their nodes come from another table, which may be the empty one. */
static void test_loss_of_the_clusters_alone_is_held(void **state)
{
    const struct load_size whole = {.entries = 35, .clusters = 8};
    const struct load_size without = {.entries = 27};
    struct load_hold hold = {0};

    (void)state;
    assert_int_equal(load_hold_judge(&hold, whole, false, 0), LOAD_BELIEVED);
    assert_int_equal(load_hold_judge(&hold, without, false, SECOND), LOAD_HELD_ANEW);
    assert_int_equal(hold.in_force.clusters, 8);
    assert_int_equal(load_hold_judge(&hold, without, false, 31 * SECOND), LOAD_BELIEVED);
}

static void test_held_load_that_found_more_clusters_is_another(void **state)
{
    struct load_hold hold = {0};

    (void)state;
    load_hold_judge(&hold, (struct load_size){.entries = 10, .clusters = 5}, false, 0);
    load_hold_judge(&hold, (struct load_size){.entries = 3}, false, SECOND);
    assert_int_equal(
        load_hold_judge(&hold, (struct load_size){.entries = 3, .clusters = 1}, false, 40 * SECOND),
        LOAD_HELD_ANEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_load_is_believed),
        cmocka_unit_test(test_growth_and_a_loss_of_half_are_believed),
        cmocka_unit_test(test_loss_of_more_than_half_is_held),
        cmocka_unit_test(test_loss_of_the_clusters_alone_is_held),
        cmocka_unit_test(test_held_load_that_found_more_clusters_is_another),
        cmocka_unit_test(test_loss_is_believed_when_a_load_30_s_later_says_the_same),
        cmocka_unit_test(test_table_that_is_being_filled_is_held_anew),
        cmocka_unit_test(test_what_a_person_asked_for_is_believed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
