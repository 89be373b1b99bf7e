#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/db/loader_fixture.h"

#define ONE "[instance rm-test1]\nins_type=rds\naliyun_uid=1000000000000001\nusers=app:100\n"
#define TWO ONE "[instance rm-test2]\nins_type=rds\naliyun_uid=1000000000000001\n"

/* Replaces the inventory file in one step. */
static void write_file(const struct fixture *fixture, const char *content)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s.new", fixture->file);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(path, fixture->file), 0);
}

static void test_first_load_delivers_inventory_and_limits(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    assert_int_equal(targets_of(&fixture->seen), 1);
    assert_int_equal(fixture->seen.limits->limits[0].max_user_connections, 100);
    assert_int_equal(count_of(&fixture->seen, &fixture->seen.failures), 0);
}

static void test_disabled_metric_loads_no_limits(void **state)
{
    struct fixture *fixture = *state;
    struct config *config = file_config(fixture->file);

    write_file(fixture, ONE);
    config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled = false;
    start_loader(fixture, config);
    await(&fixture->seen, &fixture->seen.inventories, 1);
    loader_request(fixture->loader, LOAD_ALL);
    await(&fixture->seen, &fixture->seen.inventories, 2);
    assert_int_equal(count_of(&fixture->seen, &fixture->seen.limit_loads), 0);
}

static void test_status_shows_a_success(void **state)
{
    struct fixture *fixture = *state;
    int64_t before = clock_unix_ms();
    int64_t deadline = clock_now() + PATIENCE;
    struct loader_status status;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    do {
        loader_status(fixture->loader, &status);
    } while (status.users_success_unix_ms == 0 && clock_now() < deadline);
    assert_in_range(status.instances_success_unix_ms, before, clock_unix_ms());
    assert_in_range(status.users_success_unix_ms, before, clock_unix_ms());
    assert_int_equal(status.last_error.class, ERROR_NONE);
}

static void test_status_shows_a_failure(void **state)
{
    struct fixture *fixture = *state;
    struct loader_status status;

    write_file(fixture, "nonsense\n");
    start_loader(fixture, file_config(fixture->file));
    status = await_status(fixture, 1, 1);
    assert_int_equal(status.instances_success_unix_ms, 0);
    assert_int_equal(status.last_error.class, ERROR_INVENTORY);
}

static void test_load_that_cannot_be_put_in_force_is_a_failed_one(void **state)
{
    struct fixture *fixture = *state;
    struct loader_status status;

    write_file(fixture, ONE);
    fixture->seen.inventories_to_refuse = UINT32_MAX;
    fixture->seen.limits_to_refuse = UINT32_MAX;
    start_loader(fixture, file_config(fixture->file));
    status = await_status(fixture, 1, 1);
    assert_int_equal(status.instances_success_unix_ms, 0);
    assert_int_equal(status.users_success_unix_ms, 0);
    assert_int_equal(status.last_error.class, ERROR_NO_MEMORY);
    assert_true(count_of(&fixture->seen, &fixture->seen.failures) > 0);
}

static void test_status_knows_a_load_when_it_is_said_to_have_changed(void **state)
{
    struct fixture *fixture = *state;
    struct loader_status status;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.status_changes, 1);
    loader_status(fixture->loader, &status);
    assert_true(status.instances_success_unix_ms > 0);
}

static void test_load_that_could_not_be_put_in_force_is_retried_by_itself(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, ONE);
    fixture->seen.limits_to_refuse = 1;
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 2);
    assert_int_equal(count_of(&fixture->seen, &fixture->seen.inventories), 1);
}

static void test_failed_load_is_retried_by_itself(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "nonsense\n");
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.failures, 1);
    assert_int_equal(fixture->seen.failed_scope, LOAD_INSTANCES | LOAD_USERS);
    write_file(fixture, ONE);
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    assert_int_equal(targets_of(&fixture->seen), 1);
}

static void test_recovery_clears_the_status(void **state)
{
    struct fixture *fixture = *state;
    int64_t deadline = clock_now() + PATIENCE;
    struct loader_status status;

    write_file(fixture, "nonsense\n");
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.failures, 1);
    write_file(fixture, ONE);
    do {
        loader_status(fixture->loader, &status);
    } while (status.instances_success_unix_ms == 0 && clock_now() < deadline);
    assert_int_equal(status.instances_failures, 0);
    assert_int_equal(status.users_failures, 0);
    assert_int_equal(status.last_error.class, ERROR_NONE);
}

static void test_request_loads_again(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    write_file(fixture, TWO);
    loader_request(fixture->loader, LOAD_INSTANCES);
    await(&fixture->seen, &fixture->seen.inventories, 2);
    assert_int_equal(targets_of(&fixture->seen), 2);
    assert_int_equal(count_of(&fixture->seen, &fixture->seen.limit_loads), 1);
}

/* Also shows that the sink is called without a lock: it would deadlock. */
static void test_requests_during_a_load_are_one_more_load(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, ONE);
    fixture->seen.requests_from_sink = 100;
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.inventories, 2);
    loader_request(fixture->loader, LOAD_USERS);
    await(&fixture->seen, &fixture->seen.limit_loads, 2);
    assert_int_equal(count_of(&fixture->seen, &fixture->seen.inventories), 2);
}

static void test_new_configuration_is_used_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct config *next = file_config(fixture->file);

    write_file(fixture, TWO);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    assert_int_equal(targets_of(&fixture->seen), 2);
    next->inventory.exclude = "rm-test2";
    loader_configure(fixture->loader, next);
    config_put(next);
    await(&fixture->seen, &fixture->seen.inventories, 2);
    assert_int_equal(targets_of(&fixture->seen), 1);
}

static void test_loader_without_a_start_stops_and_is_freed(void **state)
{
    struct fixture *fixture = *state;

    fixture->config = file_config(fixture->file);
    fixture->loader = loader_new(fixture->config, &fixture->sink);
    assert_non_null(fixture->loader);
    assert_true(loader_stop(fixture->loader, 0));
}

static void test_stop_whose_deadline_has_passed_waits_for_nobody(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    loader_stop(fixture->loader, clock_now() - NS_PER_SECOND);
    assert_true(loader_stop(fixture->loader, clock_now() + PATIENCE));
}

static void test_stop_interrupts_the_wait_for_the_next_load(void **state)
{
    struct fixture *fixture = *state;
    int64_t start_time;

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    start_time = clock_now();
    assert_true(loader_stop(fixture->loader, clock_now() + PATIENCE));
    assert_in_range(clock_now() - start_time, 0, 30 * NS_PER_SECOND);
}

static void *call_from_another_thread(void *argument)
{
    struct fixture *fixture = argument;
    struct loader_status status;

    for (int i = 0; i < 200; i++) {
        loader_request(fixture->loader, LOAD_ALL);
        loader_status(fixture->loader, &status);
        loader_configure(fixture->loader, fixture->config);
    }
    return NULL;
}

/* For the thread sanitizer. */
static void test_calls_from_many_threads_do_not_race(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];

    write_file(fixture, ONE);
    start_loader(fixture, file_config(fixture->file));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_from_another_thread, fixture), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    await(&fixture->seen, &fixture->seen.inventories, 1);
}

static void test_emptied_file_is_held_until_a_reload_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct config *config = file_config(fixture->file);
    int64_t deadline = clock_now() + PATIENCE;
    struct loader_status status;

    config->inventory.refresh_interval = NS_PER_SECOND / 10;
    write_file(fixture, TWO);
    start_loader(fixture, config);
    await(&fixture->seen, &fixture->seen.inventories, 1);
    write_file(fixture, "");
    do {
        loader_status(fixture->loader, &status);
    } while (status.held_loads < 2 && clock_now() < deadline);
    assert_true(status.is_held);
    assert_int_equal(status.held_found, 0);
    assert_int_equal(status.held_in_force, 2);
    assert_int_equal(status.instances_failures, 0);
    assert_int_equal(targets_of(&fixture->seen), 2);
    loader_configure(fixture->loader, config);
    while (targets_of(&fixture->seen) != 0 && clock_now() < deadline)
        ;
    assert_int_equal(targets_of(&fixture->seen), 0);
}

static void test_load_that_is_no_longer_wanted_is_not_held(void **state)
{
    struct fixture *fixture = *state;
    struct config *config = file_config(fixture->file);
    struct config *next = file_config(fixture->file);
    int64_t deadline = clock_now() + PATIENCE;
    struct loader_status status;

    config->metrics[METRIC_MAX_USER_CONNECTIONS].interval = NS_PER_SECOND / 10;
    write_file(fixture, ONE);
    start_loader(fixture, config);
    await(&fixture->seen, &fixture->seen.limit_loads, 1);
    write_file(fixture, "[instance rm-test1]\nins_type=rds\naliyun_uid=1000000000000001\n");
    do {
        loader_status(fixture->loader, &status);
    } while (!status.is_held && clock_now() < deadline);
    assert_true(status.is_held);
    next->metrics[METRIC_MAX_USER_CONNECTIONS].enabled = false;
    loader_configure(fixture->loader, next);
    config_put(next);
    await(&fixture->seen, &fixture->seen.inventories, 2);
    loader_request(fixture->loader, LOAD_INSTANCES);
    await(&fixture->seen, &fixture->seen.inventories, 3); /* so that the one before is in the status */
    loader_status(fixture->loader, &status);
    assert_false(status.is_held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_load_delivers_inventory_and_limits),
        TEST(test_disabled_metric_loads_no_limits),
        TEST(test_status_shows_a_success),
        TEST(test_status_shows_a_failure),
        TEST(test_load_that_cannot_be_put_in_force_is_a_failed_one),
        TEST(test_status_knows_a_load_when_it_is_said_to_have_changed),
        TEST(test_load_that_could_not_be_put_in_force_is_retried_by_itself),
        TEST(test_failed_load_is_retried_by_itself),
        TEST(test_recovery_clears_the_status),
        TEST(test_request_loads_again),
        TEST(test_requests_during_a_load_are_one_more_load),
        TEST(test_emptied_file_is_held_until_a_reload_is_asked_for),
        TEST(test_load_that_is_no_longer_wanted_is_not_held),
        TEST(test_new_configuration_is_used_at_once),
        TEST(test_loader_without_a_start_stops_and_is_freed),
        TEST(test_stop_whose_deadline_has_passed_waits_for_nobody),
        TEST(test_stop_interrupts_the_wait_for_the_next_load),
        TEST(test_calls_from_many_threads_do_not_race),
    };

    return cmocka_run_group_tests(tests, initialise, release);
}
