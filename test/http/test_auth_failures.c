#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "http/auth_failures.h"

#define NOW (1000 * NS_PER_SECOND)

static struct auth_failures failures;

static int setup(void **state)
{
    (void)state;
    memset(&failures, 0, sizeof(failures));
    return 0;
}

static void add(uint64_t client, int times)
{
    while (times-- > 0)
        auth_failures_add(&failures, AUTH_TOKEN, client, NOW);
}

static void test_ten_in_a_row_bar_a_client(void **state)
{
    (void)state;
    add(1, 9);
    assert_false(auth_failures_barred(&failures, 1, NOW));
    add(1, 1);
    assert_true(auth_failures_barred(&failures, 1, NOW));
    assert_false(auth_failures_barred(&failures, 2, NOW));
}

static void test_attempts_of_who_is_barred_do_not_bar_longer(void **state)
{
    (void)state;
    add(1, 1000);
    assert_true(auth_failures_barred(&failures, 1, NOW + NS_PER_SECOND - 1));
    assert_false(auth_failures_barred(&failures, 1, NOW + NS_PER_SECOND));
    assert_int_equal(failures.counts[AUTH_TOKEN], 1000);
    assert_int_equal(failures.counts[AUTH_PASSWORD], 0);
}

static void test_clients_that_did_nothing_wrong_put_out_no_offender(void **state)
{
    (void)state;
    for (uint64_t offender = 1; offender < AUTH_FAILURES_CLIENTS; offender++)
        add(offender, 10);
    for (uint64_t newcomer = 1000; newcomer < 2000; newcomer++)
        assert_false(auth_failures_barred(&failures, newcomer, NOW));
    for (uint64_t offender = 1; offender < AUTH_FAILURES_CLIENTS; offender++)
        assert_true(auth_failures_barred(&failures, offender, NOW));
}

static void test_the_worst_stay_among_many_that_fail_once(void **state)
{
    (void)state;
    add(1, 10);
    for (uint64_t newcomer = 1000; newcomer < 2000; newcomer++)
        add(newcomer, 1);
    assert_true(auth_failures_barred(&failures, 1, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ten_in_a_row_bar_a_client, setup),
        cmocka_unit_test_setup(test_attempts_of_who_is_barred_do_not_bar_longer, setup),
        cmocka_unit_test_setup(test_clients_that_did_nothing_wrong_put_out_no_offender, setup),
        cmocka_unit_test_setup(test_the_worst_stay_among_many_that_fail_once, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
