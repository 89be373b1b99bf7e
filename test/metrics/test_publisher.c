#include "metrics/publisher.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/thread.h"
#include "test/metrics/page_check.h"

#define UID      "1000000000000001"
#define NOW      (100 * NS_PER_SECOND)
#define PATIENCE (20 * NS_PER_SECOND)

static const struct registry_pending nothing = {false, CLOCK_NEVER};
static const struct registry_pending change = {true, CLOCK_NEVER};

static struct publish_pace paced(int64_t duration, bool succeeded)
{
    struct publish_pace pace = {.published = true};

    publish_pace_note(&pace, NOW, NOW + duration, succeeded);
    return pace;
}

static void test_first_publish_is_due_at_once(void **state)
{
    const struct publish_pace pace = {0};

    (void)state;
    assert_true(publish_pace_next(&pace, &nothing) <= 0);
}

static void test_without_a_change_the_page_is_renewed_after_ten_seconds(void **state)
{
    const struct publish_pace pace = paced(0, true);

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &nothing), NOW + 10 * NS_PER_SECOND);
}

static void test_a_change_is_due_a_second_after_the_last_publish(void **state)
{
    const struct publish_pace pace = paced(NS_PER_MS, true);

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &change), NOW + NS_PER_SECOND);
}

static void test_a_slow_publish_stretches_the_gap_to_a_tenth_of_the_time(void **state)
{
    const struct publish_pace pace = paced(400 * NS_PER_MS, true);

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &change), NOW + 4 * NS_PER_SECOND);
}

static void test_an_expiry_is_due_exactly_then(void **state)
{
    const struct publish_pace pace = paced(NS_PER_MS, true);
    const struct registry_pending expiry = {false, NOW + 300 * NS_PER_MS};

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &expiry), NOW + 300 * NS_PER_MS);
}

static void test_an_expiry_comes_before_a_change_that_must_wait(void **state)
{
    const struct publish_pace pace = paced(NS_PER_MS, true);
    const struct registry_pending both = {true, NOW + 300 * NS_PER_MS};

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &both), NOW + 300 * NS_PER_MS);
}

static void test_a_change_does_not_wait_for_a_later_expiry(void **state)
{
    const struct publish_pace pace = paced(NS_PER_MS, true);
    const struct registry_pending both = {true, NOW + 300 * NS_PER_SECOND};

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &both), NOW + NS_PER_SECOND);
}

static void test_many_expiries_keep_to_a_tenth_of_the_time(void **state)
{
    const struct publish_pace pace = paced(50 * NS_PER_MS, true);
    const struct registry_pending expiry = {false, NOW + 60 * NS_PER_MS};

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &expiry), NOW + 500 * NS_PER_MS);
}

static void test_a_failed_publish_is_tried_again_after_the_gap(void **state)
{
    const struct publish_pace pace = paced(0, false);
    const struct registry_pending expired = {false, NOW - 1};

    (void)state;
    assert_int_equal(publish_pace_next(&pace, &change), NOW + NS_PER_SECOND);
    assert_int_equal(publish_pace_next(&pace, &expired), NOW + NS_PER_SECOND);
}

static void test_a_failed_first_publish_is_tried_again_after_the_gap(void **state)
{
    struct publish_pace pace = {0};

    (void)state;
    publish_pace_note(&pace, NOW, NOW, false);
    assert_int_equal(publish_pace_next(&pace, &nothing), NOW + NS_PER_SECOND);
}

/* A publisher whose gathers are counted. */
struct fixture {
    struct registry *registry;
    struct publisher *publisher;
    pthread_mutex_t mutex;
    pthread_cond_t gathered;
    int gathers;
    int failures_left;
};

static bool gather(void *context, struct self_metrics *self)
{
    struct fixture *fixture = context;
    bool succeeds;

    *self = (struct self_metrics){.version = "0.1.0", .revision = "0"};
    mutex_lock(&fixture->mutex);
    fixture->gathers++;
    succeeds = fixture->failures_left-- <= 0;
    pthread_cond_broadcast(&fixture->gathered);
    mutex_unlock(&fixture->mutex);
    return succeeds;
}

static int setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    pthread_mutex_init(&fixture.mutex, NULL);
    cond_init(&fixture.gathered);
    fixture.registry = registry_new();
    fixture.publisher = publisher_new(fixture.registry, gather, &fixture);
    *state = &fixture;
    return fixture.publisher == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    publisher_stop(fixture->publisher);
    publisher_free(fixture->publisher);
    registry_free(fixture->registry);
    pthread_cond_destroy(&fixture->gathered);
    pthread_mutex_destroy(&fixture->mutex);
    return 0;
}

static bool await_gathers(struct fixture *fixture, int count)
{
    int64_t deadline = clock_now() + PATIENCE;
    bool reached;

    mutex_lock(&fixture->mutex);
    while (fixture->gathers < count && cond_wait_until(&fixture->gathered, &fixture->mutex, deadline))
        ;
    reached = fixture->gathers >= count;
    mutex_unlock(&fixture->mutex);
    return reached;
}

/* Waits for a page on which the line is, or is not. */
static bool await_line(struct fixture *fixture, const char *line, bool there)
{
    int64_t deadline = clock_now() + PATIENCE;
    struct snapshot *snapshot;
    struct strbuf page;
    bool found = !there;

    while (found != there && clock_now() < deadline) {
        strbuf_init(&page, 0);
        snapshot = registry_snapshot(fixture->registry);
        page_of_snapshot(snapshot, EXPOSITION_TEXT, &page);
        found = page_count_lines(&page, line) > 0;
        snapshot_put(snapshot);
        strbuf_release(&page);
        nanosleep(&(const struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    return found == there;
}

static struct batch *make_batch(void)
{
    struct batch *batch = batch_new();

    batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){"rm-test1", "app"}, 100);
    assert_true(batch_seal(batch, NULL));
    return batch;
}

static void test_the_first_page_comes_without_being_asked(void **state)
{
    struct fixture *fixture = *state;

    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_line(fixture, "session_exporter_build_info", true));
}

static void test_a_change_is_published_within_about_a_second(void **state)
{
    struct fixture *fixture = *state;
    struct registry_slot *slot;

    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_gathers(fixture, 1));
    slot = registry_add(fixture->registry, NULL);
    registry_put(fixture->registry, slot, make_batch(), CLOCK_NEVER, 1);
    publisher_wake(fixture->publisher);
    assert_true(await_line(fixture, "db_max_user_connections{", true));
}

static void test_an_expiry_is_published_without_a_wake(void **state)
{
    struct fixture *fixture = *state;
    struct registry_slot *slot = registry_add(fixture->registry, NULL);
    const struct self_metrics self = {.version = "0.1.0", .revision = "0"};

    registry_put(fixture->registry, slot, make_batch(), clock_now() + 300 * NS_PER_MS, 1);
    assert_true(registry_publish(fixture->registry, 0, &self));
    assert_true(await_line(fixture, "db_max_user_connections{", true));
    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_line(fixture, "db_max_user_connections{", false));
}

static void test_many_wakes_are_one_publish(void **state)
{
    struct fixture *fixture = *state;
    int64_t started = clock_now();
    int i;

    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_line(fixture, "session_exporter_build_info", true));
    for (i = 0; i < 10000; i++) {
        registry_touch(fixture->registry);
        publisher_wake(fixture->publisher);
    }
    assert_true(await_gathers(fixture, 2));
    mutex_lock(&fixture->mutex);
    assert_true(fixture->gathers <= 2 + (clock_now() - started) / NS_PER_SECOND);
    mutex_unlock(&fixture->mutex);
    assert_true(clock_now() - started >= NS_PER_SECOND);
}

static void test_a_failed_gather_is_tried_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->failures_left = 1;
    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_line(fixture, "session_exporter_build_info", true));
    assert_true(await_gathers(fixture, 2));
}

static void test_stopping_does_not_wait_for_the_gap(void **state)
{
    struct fixture *fixture = *state;

    assert_true(publisher_start(fixture->publisher, NULL));
    assert_true(await_gathers(fixture, 1));
    publisher_stop(fixture->publisher);
    registry_touch(fixture->registry);
    publisher_wake(fixture->publisher);
    assert_int_equal(fixture->gathers, 1);
}

static void test_stopping_twice_or_without_start_is_allowed(void **state)
{
    struct fixture *fixture = *state;

    publisher_stop(fixture->publisher);
    assert_true(publisher_start(fixture->publisher, NULL));
    publisher_stop(fixture->publisher);
    publisher_stop(fixture->publisher);
    publisher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_publish_is_due_at_once),
        cmocka_unit_test(test_without_a_change_the_page_is_renewed_after_ten_seconds),
        cmocka_unit_test(test_a_change_is_due_a_second_after_the_last_publish),
        cmocka_unit_test(test_a_slow_publish_stretches_the_gap_to_a_tenth_of_the_time),
        cmocka_unit_test(test_an_expiry_is_due_exactly_then),
        cmocka_unit_test(test_an_expiry_comes_before_a_change_that_must_wait),
        cmocka_unit_test(test_a_change_does_not_wait_for_a_later_expiry),
        cmocka_unit_test(test_many_expiries_keep_to_a_tenth_of_the_time),
        cmocka_unit_test(test_a_failed_publish_is_tried_again_after_the_gap),
        cmocka_unit_test(test_a_failed_first_publish_is_tried_again_after_the_gap),
        cmocka_unit_test_setup_teardown(test_the_first_page_comes_without_being_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_change_is_published_within_about_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_expiry_is_published_without_a_wake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_wakes_are_one_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_gather_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopping_does_not_wait_for_the_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopping_twice_or_without_start_is_allowed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
