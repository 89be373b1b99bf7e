/* Fails the first, second, … allocation of a use of the registry, until one goes through. */
#include "metrics/registry.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/metrics/allocations.h"
#include "test/metrics/page_check.h"

#define UID "1000000000000001"

static struct batch *make_batch(int users)
{
    struct batch *batch = batch_new();
    char user[] = "a";

    if (batch == NULL)
        return NULL;
    for (; users > 0; users--, user[0]++)
        batch_add(batch, FAMILY_USER_SESSION_COUNT,
                  (const char *[]){"rm-test1", "orders", "rds", UID, user, "", "write"}, users);
    if (batch_seal(batch, NULL))
        return batch;
    batch_put(batch);
    return NULL;
}

static bool put_and_publish(struct registry *registry)
{
    const struct self_metrics self = {.version = "0.1.0", .revision = "0"};
    struct registry_slot *slot = registry_add(registry, &(const struct registry_key){"rm-test1", "", UID});
    struct batch *batch = make_batch(24);
    bool published = false;

    if (slot != NULL && batch != NULL) {
        registry_put(registry, slot, batch, CLOCK_NEVER, 1);
        published = registry_publish(registry, 0, &self);
    } else {
        batch_put(batch);
    }
    return published;
}

/* A whole life; false when an allocation failed on the way. */
static bool live_once(void)
{
    struct registry *registry = registry_new();
    struct snapshot *snapshot;
    bool published;
    size_t count;
    size_t length;

    if (registry == NULL)
        return false;
    published = put_and_publish(registry);
    snapshot = registry_snapshot(registry);
    snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    if (!published)
        assert_int_equal(length, 0);
    snapshot_put(snapshot);
    registry_free(registry);
    return published;
}

static void test_any_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    long live_before = allocations_live();
    long after = 0;
    bool done = false;

    (void)state;
    for (; !done; after++) {
        allocations_fail_after(after);
        done = live_once();
        allocations_fail_after(-1);
        assert_int_equal(allocations_live(), live_before);
        assert_true(after < 1000);
    }
    assert_true(after > 10);
}

static void test_a_failed_publish_keeps_the_old_page_and_stays_pending(void **state)
{
    const struct self_metrics self = {.version = "0.1.0", .revision = "0"};
    struct registry *registry = registry_new();
    struct snapshot *before;
    struct snapshot *after;

    (void)state;
    assert_true(put_and_publish(registry));
    before = registry_snapshot(registry);
    registry_touch(registry);
    allocations_fail_after(0);
    assert_false(registry_publish(registry, 0, &self));
    allocations_fail_after(-1);
    after = registry_snapshot(registry);
    assert_ptr_equal(before, after);
    assert_true(registry_pending(registry).changed);
    snapshot_put(before);
    snapshot_put(after);
    registry_free(registry);
}

static void test_a_batch_remembers_that_memory_ran_out(void **state)
{
    struct batch *batch = batch_new();
    const char *values[] = {"rm-test1", "app"};

    (void)state;
    allocations_fail_after(0);
    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, values, 1);
    allocations_fail_after(-1);
    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, values, 2);
    assert_false(batch_seal(batch, NULL));
    batch_put(batch);
}

static void test_a_failed_gzip_can_be_made_later(void **state)
{
    struct registry *registry = registry_new();
    struct snapshot *snapshot;
    struct snapshot_part gzip;

    (void)state;
    assert_true(put_and_publish(registry));
    snapshot = registry_snapshot(registry);
    allocations_fail_after(0);
    assert_false(snapshot_gzip(snapshot, EXPOSITION_TEXT, &gzip));
    allocations_fail_after(-1);
    assert_true(snapshot_gzip(snapshot, EXPOSITION_TEXT, &gzip));
    assert_true(gzip.length > 0);
    snapshot_put(snapshot);
    registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_failed_allocation_is_reported_and_nothing_leaks),
        cmocka_unit_test(test_a_failed_publish_keeps_the_old_page_and_stays_pending),
        cmocka_unit_test(test_a_batch_remembers_that_memory_ran_out),
        cmocka_unit_test(test_a_failed_gzip_can_be_made_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
