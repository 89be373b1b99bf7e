#include "metrics/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/metrics/page_check.h"

#define UID         "1000000000000001"
#define EXPIRY      1000
#define SUCCESS_MS  1735787045678
#define FLEET       30000
#define UP(id, val) "session_exporter_target_up{ins_id=\"" id "\",node_id=\"\",aliyun_uid=\"" UID "\"} " val

static const struct registry_key key1 = {"rm-test1", "", UID};
static const struct registry_key key2 = {"rm-test2", "", UID};

static struct batch *make_batch(const char *ins_id, int64_t value)
{
    struct batch *batch = batch_new();

    batch_add(batch, FAMILY_USER_SESSION_COUNT,
              (const char *[]){ins_id, "orders", "rds", UID, "app", "", "write"}, value);
    assert_true(batch_seal(batch, NULL));
    return batch;
}

/* Publishes at `now` and gives the text page, which must be valid in both formats. */
static void publish(struct registry *registry, int64_t now, struct strbuf *page)
{
    const struct self_metrics self = {.version = "0.1.0", .revision = "0"};
    struct snapshot *snapshot;
    char why[128] = "";
    int format;

    assert_true(registry_publish(registry, now, &self));
    snapshot = registry_snapshot(registry);
    for (format = EXPOSITION_FORMAT_COUNT - 1; format >= 0; format--) {
        strbuf_release(page);
        page_of_snapshot(snapshot, (enum exposition_format)format, page);
        if (!page_check(page->data, page->length, (enum exposition_format)format, why, sizeof(why)))
            fail_msg("%s in\n%s", why, page->data);
    }
    snapshot_put(snapshot);
}

static size_t count_sessions(const struct strbuf *page)
{
    return page_count_lines(page, "db_user_session_count{");
}

static int setup(void **state)
{
    *state = registry_new();
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    registry_free(*state);
    return 0;
}

static void test_first_snapshot_is_an_empty_page(void **state)
{
    struct snapshot *snapshot = registry_snapshot(*state);
    size_t count;
    size_t length;

    snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    assert_int_equal(length, 0);
    snapshot_put(snapshot);
}

static void test_a_new_target_is_down_and_has_no_time(void **state)
{
    struct strbuf page = {0};

    registry_add(*state, &key1);
    publish(*state, 0, &page);
    assert_true(page_has_line(&page, UP("rm-test1", "0")));
    assert_int_equal(page_count_lines(&page, "session_exporter_target_last_success"), 0);
    strbuf_release(&page);
}

static void test_put_shows_samples_health_and_time(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_true(page_has_line(
        &page,
        "db_user_session_count{ins_id=\"rm-test1\",ins_name=\"orders\",ins_type=\"rds\",aliyun_uid=\"" UID
        "\",db_user=\"app\",node_id=\"\",node_type=\"write\"} 42"));
    assert_true(page_has_line(&page, UP("rm-test1", "1")));
    assert_true(page_has_line(&page,
                              "session_exporter_target_last_success_timestamp_seconds{ins_id=\"rm-test1\","
                              "node_id=\"\",aliyun_uid=\"" UID "\"} 1735787045.678"));
    strbuf_release(&page);
}

static void test_nothing_shows_before_the_publish(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct snapshot *snapshot;
    size_t count;
    size_t length;

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    snapshot = registry_snapshot(*state);
    snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    assert_int_equal(length, 0);
    snapshot_put(snapshot);
}

static void test_put_replaces_the_last_batch(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    registry_put(*state, slot, make_batch("rm-test1", 43), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_int_equal(count_sessions(&page), 1);
    assert_non_null(strstr(page.data, "\"} 43\n"));
    strbuf_release(&page);
}

static void test_failure_keeps_the_data_and_shows_down(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    registry_fail(*state, slot);
    publish(*state, EXPIRY - 1, &page);
    assert_int_equal(count_sessions(&page), 1);
    assert_true(page_has_line(&page, UP("rm-test1", "0")));
    strbuf_release(&page);
}

static void test_data_is_there_until_just_before_its_expiry(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, EXPIRY - 1, &page);
    assert_int_equal(count_sessions(&page), 1);
    strbuf_release(&page);
}

static void test_data_is_gone_exactly_at_its_expiry(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, EXPIRY, &page);
    assert_int_equal(count_sessions(&page), 0);
    strbuf_release(&page);
}

static void test_health_outlives_the_expiry(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    registry_fail(*state, slot);
    publish(*state, EXPIRY, &page);
    assert_true(page_has_line(&page, UP("rm-test1", "0")));
    assert_int_equal(page_count_lines(&page, "session_exporter_target_last_success_timestamp_seconds{"), 1);
    strbuf_release(&page);
}

static void test_data_comes_back_after_an_expiry(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, EXPIRY, &page);
    registry_put(*state, slot, make_batch("rm-test1", 43), 2 * EXPIRY, SUCCESS_MS);
    publish(*state, EXPIRY + 1, &page);
    assert_int_equal(count_sessions(&page), 1);
    strbuf_release(&page);
}

static void test_removal_takes_all_series_of_the_target(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_add(*state, &key2);
    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    registry_remove(*state, slot);
    publish(*state, 0, &page);
    assert_null(strstr(page.data, "rm-test1"));
    assert_true(page_has_line(&page, UP("rm-test2", "0")));
    strbuf_release(&page);
}

static void test_a_removed_target_can_be_added_again(void **state)
{
    struct strbuf page = {0};

    registry_remove(*state, registry_add(*state, &key1));
    registry_add(*state, &key1);
    publish(*state, 0, &page);
    assert_int_equal(page_count_lines(&page, "session_exporter_target_up{"), 1);
    strbuf_release(&page);
}

static void test_targets_are_ordered_by_key(void **state)
{
    struct strbuf page = {0};
    const char *first;
    const char *second;

    registry_add(*state, &key2);
    publish(*state, 0, &page);
    registry_add(*state, &key1);
    publish(*state, 0, &page);
    first = strstr(page.data, UP("rm-test1", "0"));
    second = strstr(page.data, UP("rm-test2", "0"));
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    strbuf_release(&page);
}

static void test_a_slot_without_key_has_no_health_series(void **state)
{
    struct registry_slot *slot = registry_add(*state, NULL);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_int_equal(count_sessions(&page), 1);
    assert_int_equal(page_count_lines(&page, "session_exporter_target_"), 0);
    strbuf_release(&page);
}

static void test_keys_that_are_exported_equally_appear_once(void **state)
{
    const struct registry_key broken1 = {"rm-\xFE", "", UID};
    const struct registry_key broken2 = {"rm-\xFF", "", UID};
    struct registry_slot *older = registry_add(*state, &broken1);
    struct registry_slot *newer = registry_add(*state, &broken2);
    struct strbuf page = {0};

    registry_put(*state, newer, make_batch("rm-\xFF", 2), EXPIRY, SUCCESS_MS);
    registry_put(*state, older, make_batch("rm-\xFE", 1), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_int_equal(count_sessions(&page), 1);
    assert_non_null(strstr(page.data, "node_type=\"write\"} 1\n"));
    strbuf_release(&page);
}

static void test_series_are_counted(void **state)
{
    struct strbuf page = {0};

    registry_put(*state, registry_add(*state, &key1), make_batch("rm-test1", 1), EXPIRY, SUCCESS_MS);
    registry_put(*state, registry_add(*state, &key2), make_batch("rm-test2", 1), EXPIRY + 1, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_true(page_has_line(&page, "session_exporter_series{metric=\"db_user_session_count\"} 2"));
    publish(*state, EXPIRY, &page);
    assert_true(page_has_line(&page, "session_exporter_series{metric=\"db_user_session_count\"} 1"));
    assert_true(page_has_line(&page, "session_exporter_series{metric=\"db_max_user_connections\"} 0"));
    strbuf_release(&page);
}

static void test_nothing_is_pending_after_a_publish(void **state)
{
    struct strbuf page = {0};

    registry_add(*state, &key1);
    assert_true(registry_pending(*state).changed);
    publish(*state, 0, &page);
    assert_false(registry_pending(*state).changed);
    assert_true(registry_pending(*state).expires_at == CLOCK_NEVER);
    strbuf_release(&page);
}

static void test_every_kind_of_change_is_pending(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    publish(*state, 0, &page);
    registry_put(*state, slot, make_batch("rm-test1", 1), EXPIRY, SUCCESS_MS);
    assert_true(registry_pending(*state).changed);
    publish(*state, 0, &page);
    registry_fail(*state, slot);
    assert_true(registry_pending(*state).changed);
    publish(*state, 0, &page);
    registry_touch(*state);
    assert_true(registry_pending(*state).changed);
    publish(*state, 0, &page);
    registry_remove(*state, slot);
    assert_true(registry_pending(*state).changed);
    strbuf_release(&page);
}

static void test_a_repeated_failure_changes_nothing(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    publish(*state, 0, &page);
    registry_fail(*state, slot);
    assert_false(registry_pending(*state).changed);
    strbuf_release(&page);
}

static void test_the_next_expiry_is_the_earliest(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};

    registry_put(*state, slot, make_batch("rm-test1", 1), EXPIRY, SUCCESS_MS);
    registry_put(*state, registry_add(*state, &key2), make_batch("rm-test2", 1), 3 * EXPIRY, SUCCESS_MS);
    assert_int_equal(registry_pending(*state).expires_at, EXPIRY);
    registry_put(*state, slot, make_batch("rm-test1", 1), 2 * EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    assert_int_equal(registry_pending(*state).expires_at, 2 * EXPIRY);
    publish(*state, 2 * EXPIRY, &page);
    assert_int_equal(registry_pending(*state).expires_at, 3 * EXPIRY);
    strbuf_release(&page);
}

static void test_a_reader_keeps_its_page_while_it_is_replaced(void **state)
{
    struct registry_slot *slot = registry_add(*state, &key1);
    struct strbuf page = {0};
    struct strbuf kept = {0};
    struct snapshot *snapshot;

    registry_put(*state, slot, make_batch("rm-test1", 42), EXPIRY, SUCCESS_MS);
    publish(*state, 0, &page);
    snapshot = registry_snapshot(*state);
    registry_remove(*state, slot);
    publish(*state, 0, &page);
    assert_int_equal(count_sessions(&page), 0);
    page_of_snapshot(snapshot, EXPOSITION_TEXT, &kept);
    assert_int_equal(count_sessions(&kept), 1);
    snapshot_put(snapshot);
    strbuf_release(&page);
    strbuf_release(&kept);
}

static void test_removing_nothing_is_allowed(void **state)
{
    registry_remove(*state, NULL);
    assert_false(registry_pending(*state).changed);
}

static struct registry_slot *add_numbered(struct registry *registry, unsigned number)
{
    char ins_id[32];

    snprintf(ins_id, sizeof(ins_id), "rm-%08x", number * 2654435761U);
    return registry_add(registry, &(const struct registry_key){ins_id, "", UID});
}

static void test_a_large_fleet_comes_and_goes(void **state)
{
    struct registry_slot **slots = calloc(FLEET, sizeof(*slots));
    struct strbuf page = {0};
    unsigned i;

    for (i = 0; i < FLEET; i++)
        slots[i] = add_numbered(*state, i);
    publish(*state, 0, &page);
    assert_int_equal(page_count_lines(&page, "session_exporter_target_up{"), FLEET);
    for (i = 0; i < FLEET; i += 2)
        registry_remove(*state, slots[i]);
    publish(*state, 0, &page);
    assert_int_equal(page_count_lines(&page, "session_exporter_target_up{"), FLEET / 2);
    for (i = 1; i < FLEET; i += 2)
        registry_remove(*state, slots[i]);
    publish(*state, 0, &page);
    assert_int_equal(page_count_lines(&page, "session_exporter_target_up{"), 0);
    strbuf_release(&page);
    free(slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_snapshot_is_an_empty_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_new_target_is_down_and_has_no_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_shows_samples_health_and_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_shows_before_the_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_replaces_the_last_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_keeps_the_data_and_shows_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_is_there_until_just_before_its_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_is_gone_exactly_at_its_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_health_outlives_the_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_comes_back_after_an_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removal_takes_all_series_of_the_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_removed_target_can_be_added_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets_are_ordered_by_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slot_without_key_has_no_health_series, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_that_are_exported_equally_appear_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_series_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_pending_after_a_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_kind_of_change_is_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_repeated_failure_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_expiry_is_the_earliest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reader_keeps_its_page_while_it_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removing_nothing_is_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_large_fleet_comes_and_goes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
