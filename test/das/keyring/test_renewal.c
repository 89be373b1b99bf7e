/* What is fetched when, with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "das/keyring/renewal.h"

#define NOW  (1000 * NS_PER_SECOND)
#define HOUR (3600 * NS_PER_SECOND)

static struct renewal started(void)
{
    struct renewal renewal;

    renewal_init(&renewal, NOW);
    renewal_start(&renewal, NOW);
    return renewal;
}

static void test_the_first_fetch_is_due_at_once(void **state)
{
    struct renewal renewal;

    (void)state;
    renewal_init(&renewal, NOW);
    assert_true(renewal_next(&renewal) == NOW);
    renewal_start(&renewal, NOW);
    assert_true(renewal_next(&renewal) == CLOCK_NEVER);
}

static void test_renewed_after_75_to_85_percent_of_the_life(void **state)
{
    struct renewal renewal = started();
    int64_t earliest = CLOCK_NEVER;
    int64_t latest = 0;

    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        renewal_issued(&renewal, HOUR, i * UINT64_C(0x9e3779b97f4a7c15), NOW);
        earliest = renewal.due < earliest ? renewal.due : earliest;
        latest = renewal.due > latest ? renewal.due : latest;
    }
    assert_in_range(earliest - NOW, HOUR / 100 * 75, HOUR / 100 * 76);
    assert_in_range(latest - NOW, HOUR / 100 * 84, HOUR / 100 * 85);
    assert_true(renewal.expires == NOW + HOUR);
}

static void test_a_short_life_is_no_reason_to_hurry(void **state)
{
    struct renewal renewal = started();

    (void)state;
    renewal_issued(&renewal, NS_PER_MS, 0, NOW);
    assert_true(renewal.due == NOW + RENEWAL_GAP);
    assert_true(renewal_next(&renewal) == NOW + NS_PER_MS); /* it expires before */
}

static void test_passing_failures_back_off_to_a_minute(void **state)
{
    struct renewal renewal = started();
    int64_t expected = NS_PER_SECOND;

    (void)state;
    for (int i = 0; i < 10; i++) {
        renewal_fail(&renewal, ERROR_TRANSIENT, (uint64_t)i * 12345, NOW);
        assert_in_range(renewal.due - NOW, expected / 4 * 3, expected);
        expected = 2 * expected < RENEWAL_PASSING_MAX ? 2 * expected : RENEWAL_PASSING_MAX;
    }
    assert_true(expected == 60 * NS_PER_SECOND);
}

static void test_lasting_failures_back_off_from_1_to_30_minutes(void **state)
{
    struct renewal renewal = started();
    int64_t expected = 60 * NS_PER_SECOND;

    (void)state;
    for (int i = 0; i < 10; i++) {
        renewal_fail(&renewal, ERROR_CREDENTIALS, UINT64_MAX - (uint64_t)i, NOW);
        assert_in_range(renewal.due - NOW, expected / 4 * 3, expected);
        expected = 2 * expected < RENEWAL_LASTING_MAX ? 2 * expected : RENEWAL_LASTING_MAX;
    }
    assert_true(expected == 1800 * NS_PER_SECOND);
}

static void test_a_wrong_clock_is_asked_about_every_minute(void **state)
{
    struct renewal renewal = started();

    (void)state;
    for (int i = 0; i < 10; i++)
        renewal_fail(&renewal, ERROR_CLOCK_SKEW, 0, NOW);
    assert_in_range(renewal.due - NOW, 45 * NS_PER_SECOND, 60 * NS_PER_SECOND);
}

static void test_success_ends_the_back_off(void **state)
{
    struct renewal renewal = started();

    (void)state;
    for (int i = 0; i < 5; i++)
        renewal_fail(&renewal, ERROR_TRANSIENT, 0, NOW);
    renewal_issued(&renewal, HOUR, 0, NOW);
    renewal_fail(&renewal, ERROR_TRANSIENT, 0, NOW);
    assert_true(renewal.due <= NOW + NS_PER_SECOND);
}

static void test_a_failure_leaves_the_expiry(void **state)
{
    struct renewal renewal = started();

    (void)state;
    renewal_issued(&renewal, 20 * NS_PER_SECOND, 0, NOW);
    renewal_fail(&renewal, ERROR_CREDENTIALS, 0, NOW + 16 * NS_PER_SECOND);
    assert_true(renewal_next(&renewal) == NOW + 20 * NS_PER_SECOND);
    assert_false(renewal_expired(&renewal, NOW + 20 * NS_PER_SECOND - 1));
    assert_true(renewal_expired(&renewal, NOW + 20 * NS_PER_SECOND));
}

static void test_files_are_read_every_5_to_10_seconds(void **state)
{
    struct renewal renewal = started();

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        renewal_read(&renewal, i * UINT64_C(0x9e3779b97f4a7c15), NOW);
        assert_in_range(renewal.due - NOW, 5 * NS_PER_SECOND, 10 * NS_PER_SECOND);
    }
}

static void test_a_refusal_hastens_but_not_within_a_second(void **state)
{
    struct renewal renewal = started();

    (void)state;
    renewal_issued(&renewal, HOUR, 0, NOW);
    renewal_hasten(&renewal, NOW + NS_PER_MS);
    assert_true(renewal.due == NOW + RENEWAL_GAP);
    renewal_hasten(&renewal, NOW + 5 * NS_PER_SECOND);
    assert_true(renewal.due == NOW + RENEWAL_GAP); /* never later than before */
    renewal_issued(&renewal, HOUR, 0, NOW);
    renewal_hasten(&renewal, NOW + 5 * NS_PER_SECOND);
    assert_true(renewal.due == NOW + 5 * NS_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_fetch_is_due_at_once),
        cmocka_unit_test(test_renewed_after_75_to_85_percent_of_the_life),
        cmocka_unit_test(test_a_short_life_is_no_reason_to_hurry),
        cmocka_unit_test(test_passing_failures_back_off_to_a_minute),
        cmocka_unit_test(test_lasting_failures_back_off_from_1_to_30_minutes),
        cmocka_unit_test(test_a_wrong_clock_is_asked_about_every_minute),
        cmocka_unit_test(test_success_ends_the_back_off),
        cmocka_unit_test(test_a_failure_leaves_the_expiry),
        cmocka_unit_test(test_files_are_read_every_5_to_10_seconds),
        cmocka_unit_test(test_a_refusal_hastens_but_not_within_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
