#include "metrics/page.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/metrics/page_check.h"

#define CLIENTS    (1u << OPTIONAL_CLIENT_SESSIONS)
#define SERIES     "session_exporter_series{metric=\""
#define OVERFLOWED "session_exporter_overflowed_series{metric=\""

static struct batch *make_batch(const char *ins_id)
{
    struct batch *batch = batch_new();

    batch_add(batch, FAMILY_USER_SESSION_COUNT,
              (const char *[]){ins_id, "orders", "rds", "1000000000000001", "app", "", "write"}, 1);
    batch_add(batch, FAMILY_CLIENT_SESSIONS,
              (const char *[]){ins_id, "orders", "rds", "1000000000000001", "192.0.2.1", "", "write"}, 5);
    batch_add(batch, FAMILY_CLIENT_SESSIONS_OVERFLOW,
              (const char *[]){ins_id, "orders", "rds", "1000000000000001", "", "write"}, 7);
    batch_add_overflowed(batch, FAMILY_CLIENT_SESSIONS, 4);
    assert_true(batch_seal(batch, NULL));
    return batch;
}

/* The lines of a page with two targets. */
static void render(unsigned optional_metrics, struct strbuf *lines, size_t family_ends[FAMILY_COUNT])
{
    const struct self_metrics self = {
        .version = "0.1.0", .revision = "0", .optional_metrics = optional_metrics};
    struct batch *batches[] = {make_batch("rm-test1"), make_batch("rm-test2")};
    const struct page_target targets[] = {{.batch = batches[0]}, {.batch = batches[1]}, {.batch = NULL}};

    strbuf_init(lines, 0);
    page_render(targets, 3, &self, lines, family_ends);
    assert_false(strbuf_failed(lines));
    batch_put(batches[0]);
    batch_put(batches[1]);
}

static void test_a_metric_that_is_on_is_on_the_page(void **state)
{
    size_t family_ends[FAMILY_COUNT];
    struct strbuf lines;

    (void)state;
    render(CLIENTS, &lines, family_ends);
    assert_int_equal(page_count_lines(&lines, "db_client_sessions{"), 2);
    assert_int_equal(page_count_lines(&lines, "db_client_sessions_overflow{"), 2);
    assert_true(page_has_line(&lines, SERIES "db_client_sessions\"} 2"));
    strbuf_release(&lines);
}

static void test_a_metric_that_is_off_leaves_at_once_whatever_the_batches_hold(void **state)
{
    size_t family_ends[FAMILY_COUNT];
    struct strbuf lines;

    (void)state;
    render(0, &lines, family_ends);
    assert_null(strstr(strbuf_text(&lines), "db_client_sessions"));
    assert_int_equal(page_count_lines(&lines, "db_user_session_count{"), 2);
    strbuf_release(&lines);
}

static void test_families_of_metrics_that_are_off_are_empty(void **state)
{
    size_t family_ends[FAMILY_COUNT];
    struct strbuf lines;

    (void)state;
    render(0, &lines, family_ends);
    for (int id = 1; id < FAMILY_COLLECTED_COUNT; id++) {
        if (family_get((enum family_id)id)->optional != 0)
            assert_int_equal(family_ends[id], family_ends[id - 1]);
    }
    assert_int_equal(family_ends[FAMILY_OVERFLOWED_SERIES], family_ends[FAMILY_OVERFLOWED_SERIES - 1]);
    strbuf_release(&lines);
}

static void test_overflowed_series_are_counted_over_all_targets(void **state)
{
    size_t family_ends[FAMILY_COUNT];
    struct strbuf lines;

    (void)state;
    render(CLIENTS | 1u << OPTIONAL_SCHEMA_SESSIONS | 1u << OPTIONAL_NODE_SESSIONS, &lines, family_ends);
    assert_true(page_has_line(&lines, OVERFLOWED "db_client_sessions\"} 8"));
    assert_true(page_has_line(&lines, OVERFLOWED "db_schema_sessions\"} 0"));
    assert_int_equal(page_count_lines(&lines, OVERFLOWED), 2);
    strbuf_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_metric_that_is_on_is_on_the_page),
        cmocka_unit_test(test_a_metric_that_is_off_leaves_at_once_whatever_the_batches_hold),
        cmocka_unit_test(test_families_of_metrics_that_are_off_are_empty),
        cmocka_unit_test(test_overflowed_series_are_counted_over_all_targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
