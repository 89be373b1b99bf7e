#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "http/web/overview.h"
#include "test/http/fake_providers.h"

static struct status status;
static struct target_status targets[3];
static struct account_status accounts[2];
static struct overview overview;
static const struct error failure = {.class = ERROR_REMOTE, .message = "broken"};

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        targets[i] = fake_target("rm-test1", "orders");
    for (int i = 0; i < 2; i++) {
        accounts[i] = (struct account_status){.aliyun_uid = i == 0 ? "1000000000000001" : "1000000000000002",
                                              .up = true,
                                              .credential_kind = CREDENTIAL_STATIC,
                                              .targets = 2,
                                              .rate_limit = 50,
                                              .rate_effective = 50,
                                              .cycle = 60 * NS_PER_SECOND};
    }
    status_init(&status);
    status.targets = targets;
    status.target_count = 3;
    status.accounts = accounts;
    status.account_count = 2;
    status.inventory_loaded = true;
    status.taken_unix_ms = FAKE_NOW_UNIX_MS;
    return 0;
}

/* The findings are exactly these; the first one has that level. */
static void assert_findings(enum level level, const char *first, const char *second, size_t count)
{
    overview_judge(&overview, &status, NULL);
    assert_int_equal(overview.count, count);
    assert_int_equal(overview.findings[0].level, level);
    assert_string_equal(overview.findings[0].code, first);
    if (count > 1)
        assert_string_equal(overview.findings[1].code, second);
}

static void test_all_is_well(void **state)
{
    (void)state;
    assert_findings(LEVEL_GOOD, "all_well", NULL, 1);
    assert_int_equal(overview.findings[0].count, 3);
    assert_int_equal(overview.findings[0].total, 2);
}

static void test_a_stuck_program_comes_before_all_else(void **state)
{
    (void)state;
    accounts[0].up = false;
    accounts[0].error = &failure;
    overview_judge(&overview, &status, "the scheduler has not run for 60 s");
    assert_int_equal(overview.count, 2);
    assert_string_equal(overview.findings[0].code, "stuck");
    assert_string_equal(overview.findings[0].name, "the scheduler has not run for 60 s");
    assert_string_equal(overview.findings[1].code, "account_down");
}

static void test_no_inventory_yet(void **state)
{
    (void)state;
    status.inventory_loaded = false;
    status.target_count = status.account_count = 0;
    assert_findings(LEVEL_NOTE, "inventory_loading", NULL, 1);
    error_set(&status.inventory.error, ERROR_INVENTORY, "gone");
    status.inventory.instances_failures = 1;
    assert_findings(LEVEL_BAD, "inventory_failed", NULL, 1);
    assert_string_equal(overview.findings[0].error->message, "gone");
}

static void test_an_inventory_that_cannot_be_read_again_is_a_warning_with_its_age(void **state)
{
    (void)state;
    error_set(&status.inventory.error, ERROR_INVENTORY, "gone");
    status.inventory.instances_failures = 1;
    status.inventory.instances_success_unix_ms = FAKE_NOW_UNIX_MS - 90000;
    assert_findings(LEVEL_WARNING, "inventory_old", NULL, 1);
    assert_int_equal(overview.findings[0].seconds, 90);
}

static void test_held_load_is_a_warning_with_both_numbers(void **state)
{
    (void)state;
    status.inventory.is_held = true;
    status.inventory.held_found = 3;
    status.inventory.held_in_force = 10;
    assert_findings(LEVEL_WARNING, "inventory_held", NULL, 1);
    assert_int_equal(overview.findings[0].total, 10);
}

static void test_limits_that_cannot_be_read_are_no_trouble_of_the_inventory(void **state)
{
    (void)state;
    error_set(&status.inventory.error, ERROR_INVENTORY, "gone");
    status.inventory.users_failures = 1;
    assert_findings(LEVEL_WARNING, "users_failed", NULL, 1);
    assert_string_equal(overview.findings[0].error->message, "gone");
    status.inventory_loaded = false;
    assert_findings(LEVEL_WARNING, "users_failed", "inventory_loading", 2);
}

static void test_an_accounts_table_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    error_set(&status.inventory.error, ERROR_INVENTORY, "gone");
    assert_findings(LEVEL_WARNING, "accounts_table_failed", NULL, 1);
}

static void test_what_fails_with_the_instances_is_said_once(void **state)
{
    (void)state;
    error_set(&status.inventory.error, ERROR_INVENTORY, "gone");
    status.inventory.instances_failures = 1;
    status.inventory.users_failures = 1;
    assert_findings(LEVEL_WARNING, "inventory_old", NULL, 1);
}

static void test_an_empty_inventory_is_a_warning(void **state)
{
    (void)state;
    status.target_count = status.account_count = 0;
    assert_findings(LEVEL_WARNING, "inventory_empty", NULL, 1);
}

static void test_accounts_down_are_counted_and_one_is_named(void **state)
{
    (void)state;
    accounts[1].up = false;
    accounts[1].error = &failure;
    assert_findings(LEVEL_BAD, "account_down", NULL, 1);
    assert_string_equal(overview.findings[0].name, "1000000000000002");
    assert_ptr_equal(overview.findings[0].error, &failure);
    accounts[0].up = false;
    accounts[0].error = &failure;
    assert_findings(LEVEL_BAD, "accounts_down", NULL, 1);
    assert_int_equal(overview.findings[0].count, 2);
}

static void test_targets_without_credentials_are_down(void **state)
{
    (void)state;
    accounts[1].up = false;
    accounts[1].credential_kind = CREDENTIAL_NONE;
    targets[2].up = false;
    targets[2].state = TARGET_NO_CREDENTIALS;
    assert_findings(LEVEL_BAD, "account_unconfigured", "targets_down", 2);
    assert_int_equal(overview.findings[1].count, 1);
}

static void test_some_failing_targets_are_a_warning_all_are_bad(void **state)
{
    (void)state;
    targets[1].up = false;
    targets[1].failures = 1;
    targets[1].error = &failure;
    assert_findings(LEVEL_WARNING, "targets_down", NULL, 1);
    assert_ptr_equal(overview.findings[0].error, &failure);
    targets[0].up = targets[2].up = false;
    targets[0].failures = targets[2].failures = 1;
    assert_findings(LEVEL_BAD, "targets_down", NULL, 1);
}

static void test_an_account_and_its_targets_say_the_same_error_once(void **state)
{
    struct error again = failure;

    (void)state;
    accounts[0].up = targets[1].up = false;
    accounts[0].error = &failure;
    targets[1].failures = 1;
    targets[1].error = &again;
    assert_findings(LEVEL_BAD, "account_down", "targets_down", 2);
    assert_ptr_equal(overview.findings[0].error, &failure);
    assert_null(overview.findings[1].error);
}

static void test_another_error_of_the_targets_is_said_too(void **state)
{
    struct error other = {.class = ERROR_REMOTE, .message = "also broken"};

    (void)state;
    accounts[0].up = targets[1].up = false;
    accounts[0].error = &failure;
    targets[1].failures = 1;
    targets[1].error = &other;
    assert_findings(LEVEL_BAD, "account_down", "targets_down", 2);
    assert_ptr_equal(overview.findings[1].error, &other);
}

static void test_targets_not_asked_yet_are_no_trouble(void **state)
{
    (void)state;
    targets[0].up = false;
    targets[0].last_success_unix_ms = 0;
    assert_findings(LEVEL_NOTE, "targets_pending", NULL, 1);
}

static void test_credentials_that_cannot_be_renewed_are_told_in_time(void **state)
{
    (void)state;
    accounts[0].error = &failure;
    assert_findings(LEVEL_WARNING, "account_unrenewed", NULL, 1);
    assert_int_equal(account_level(&accounts[0]), LEVEL_WARNING);
}

static void test_accounts_tell_their_state(void **state)
{
    (void)state;
    assert_string_equal(account_state(&accounts[0]), "up");
    accounts[0].up = false;
    assert_string_equal(account_state(&accounts[0]), "pending");
    accounts[0].error = &failure;
    assert_string_equal(account_state(&accounts[0]), "down");
    accounts[0].credential_kind = CREDENTIAL_NONE;
    assert_string_equal(account_state(&accounts[0]), "no_credentials");
}

static void test_quota_trouble_is_a_warning(void **state)
{
    (void)state;
    accounts[0].overcommitted = true;
    accounts[1].rate_effective = 35;
    assert_findings(LEVEL_WARNING, "account_overcommitted", "account_slowed", 2);
    assert_int_equal(overview.findings[0].seconds, 60);
}

static void test_a_failed_reload_is_a_warning(void **state)
{
    (void)state;
    error_set(&status.reload.error, ERROR_CONFIG, "exporter.ini:3: no");
    assert_findings(LEVEL_WARNING, "reload_failed", NULL, 1);
}

static void test_everything_at_once_fits(void **state)
{
    (void)state;
    error_set(&status.reload.error, ERROR_CONFIG, "no");
    error_set(&status.inventory.error, ERROR_INVENTORY, "no");
    status.inventory.instances_failures = 1;
    targets[0].up = targets[1].up = false;
    targets[0].failures = 1;
    accounts[0] =
        (struct account_status){.aliyun_uid = "1", .targets = 1, .overcommitted = true, .rate_limit = 1};
    accounts[1].overcommitted = true;
    accounts[1].rate_effective = 1;
    accounts[1].error = &failure;
    overview_judge(&overview, &status, "stuck");
    assert_in_range(overview.count, 9, FINDINGS_MAX);
    for (size_t i = 1; i < overview.count; i++)
        assert_true(overview.findings[i - 1].level >= overview.findings[i].level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_is_well, setup),
        cmocka_unit_test_setup(test_a_stuck_program_comes_before_all_else, setup),
        cmocka_unit_test_setup(test_no_inventory_yet, setup),
        cmocka_unit_test_setup(test_an_inventory_that_cannot_be_read_again_is_a_warning_with_its_age, setup),
        cmocka_unit_test_setup(test_held_load_is_a_warning_with_both_numbers, setup),
        cmocka_unit_test_setup(test_limits_that_cannot_be_read_are_no_trouble_of_the_inventory, setup),
        cmocka_unit_test_setup(test_an_accounts_table_that_cannot_be_read_is_named, setup),
        cmocka_unit_test_setup(test_what_fails_with_the_instances_is_said_once, setup),
        cmocka_unit_test_setup(test_an_empty_inventory_is_a_warning, setup),
        cmocka_unit_test_setup(test_accounts_down_are_counted_and_one_is_named, setup),
        cmocka_unit_test_setup(test_targets_without_credentials_are_down, setup),
        cmocka_unit_test_setup(test_some_failing_targets_are_a_warning_all_are_bad, setup),
        cmocka_unit_test_setup(test_an_account_and_its_targets_say_the_same_error_once, setup),
        cmocka_unit_test_setup(test_another_error_of_the_targets_is_said_too, setup),
        cmocka_unit_test_setup(test_targets_not_asked_yet_are_no_trouble, setup),
        cmocka_unit_test_setup(test_credentials_that_cannot_be_renewed_are_told_in_time, setup),
        cmocka_unit_test_setup(test_accounts_tell_their_state, setup),
        cmocka_unit_test_setup(test_quota_trouble_is_a_warning, setup),
        cmocka_unit_test_setup(test_a_failed_reload_is_a_warning, setup),
        cmocka_unit_test_setup(test_everything_at_once_fits, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
