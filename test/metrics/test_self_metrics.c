#include "metrics/self_metrics.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/metrics/example_page.h"
#include "test/metrics/page_check.h"

static void render(const struct self_metrics *self, enum family_id family, struct strbuf *out)
{
    strbuf_init(out, 0);
    self_metrics_render(self, family, out);
}

static void assert_has_line(enum family_id family, const char *line)
{
    struct self_metrics self;
    struct strbuf out;

    example_self_metrics(&self);
    render(&self, family, &out);
    if (!page_has_line(&out, line))
        fail_msg("no %s in\n%s", line, strbuf_text(&out));
    strbuf_release(&out);
}

static void assert_nothing(const struct self_metrics *self, enum family_id family)
{
    struct strbuf out;

    render(self, family, &out);
    assert_string_equal(strbuf_text(&out), "");
    strbuf_release(&out);
}

static void test_request_counters_are_by_account_and_phase(void **state)
{
    (void)state;
    assert_has_line(
        FAMILY_API_REQUESTS,
        "session_exporter_api_requests_total{aliyun_uid=\"1000000000000001\",phase=\"submit\"} 120");
    assert_has_line(
        FAMILY_API_REQUESTS,
        "session_exporter_api_requests_total{aliyun_uid=\"1000000000000001\",phase=\"poll\"} 131");
}

static void test_failure_counters_carry_the_error_class(void **state)
{
    (void)state;
    assert_has_line(FAMILY_API_REQUEST_FAILURES,
                    "session_exporter_api_request_failures_total{aliyun_uid=\"1000000000000001\","
                    "phase=\"submit\",reason=\"throttled\"} 2");
}

static void test_failure_counters_start_at_zero(void **state)
{
    (void)state;
    assert_has_line(FAMILY_API_REQUEST_FAILURES,
                    "session_exporter_api_request_failures_total{aliyun_uid=\"1000000000000002\","
                    "phase=\"poll\",reason=\"transient\"} 0");
}

static void test_rates_are_gauges_by_account(void **state)
{
    (void)state;
    assert_has_line(FAMILY_API_RATE_LIMIT,
                    "session_exporter_api_rate_limit{aliyun_uid=\"1000000000000001\"} 50");
    assert_has_line(FAMILY_API_RATE_EFFECTIVE,
                    "session_exporter_api_rate_effective{aliyun_uid=\"1000000000000001\"} 35");
    assert_has_line(FAMILY_API_RATE_DEMAND,
                    "session_exporter_api_rate_demand{aliyun_uid=\"1000000000000001\"} 0.1");
    assert_int_equal(family_get(FAMILY_API_RATE_LIMIT)->type, FAMILY_GAUGE);
}

static void test_account_gauges(void **state)
{
    (void)state;
    assert_has_line(FAMILY_ACCOUNT_UP, "session_exporter_account_up{aliyun_uid=\"1000000000000002\"} 0");
    assert_has_line(FAMILY_INVENTORY_INSTANCES,
                    "session_exporter_inventory_instances{aliyun_uid=\"1000000000000001\"} 2");
    assert_has_line(FAMILY_INVENTORY_TARGETS,
                    "session_exporter_inventory_targets{aliyun_uid=\"1000000000000001\"} 3");
}

static void test_refreshes_are_by_metric_and_trigger(void **state)
{
    (void)state;
    assert_has_line(
        FAMILY_REFRESHES,
        "session_exporter_refreshes_total{metric=\"db_user_session_count\",trigger=\"manual\"} 1");
}

static void test_a_cycle_that_never_ended_has_no_duration(void **state)
{
    struct self_metrics self;
    struct strbuf out;

    (void)state;
    example_self_metrics(&self);
    render(&self, FAMILY_REFRESH_DURATION, &out);
    assert_string_equal(strbuf_text(&out),
                        "session_exporter_refresh_duration_seconds{metric=\"db_user_session_count\"} 2.5\n");
    strbuf_release(&out);
}

static void test_an_inventory_never_loaded_has_no_time(void **state)
{
    const struct self_metrics self = {.version = "", .revision = ""};

    (void)state;
    assert_nothing(&self, FAMILY_INVENTORY_LAST_SUCCESS);
}

static void test_times_are_in_seconds(void **state)
{
    (void)state;
    assert_has_line(FAMILY_INVENTORY_LAST_SUCCESS,
                    "session_exporter_inventory_last_success_timestamp_seconds 1735787045.678");
}

static void test_rejected_rows_are_by_reason(void **state)
{
    (void)state;
    assert_has_line(FAMILY_INVENTORY_REJECTED_ROWS,
                    "session_exporter_inventory_rejected_rows{reason=\"disabled\"} 3");
}

static void test_undated_rows_and_held_loads_are_shown(void **state)
{
    (void)state;
    assert_has_line(FAMILY_INVENTORY_UNDATED_ROWS, "session_exporter_inventory_undated_rows 2");
    assert_has_line(FAMILY_INVENTORY_HELD_LOADS, "session_exporter_inventory_held_loads_total 1");
}

static void test_auth_failures_are_by_kind(void **state)
{
    (void)state;
    assert_has_line(FAMILY_HTTP_AUTH_FAILURES,
                    "session_exporter_http_auth_failures_total{kind=\"password\"} 3");
    assert_has_line(FAMILY_HTTP_AUTH_FAILURES, "session_exporter_http_auth_failures_total{kind=\"token\"} 1");
}

static void test_families_of_the_registry_are_left_to_it(void **state)
{
    struct self_metrics self;

    (void)state;
    example_self_metrics(&self);
    assert_nothing(&self, FAMILY_USER_SESSION_COUNT);
    assert_nothing(&self, FAMILY_MAX_USER_CONNECTIONS);
    assert_nothing(&self, FAMILY_TARGET_UP);
    assert_nothing(&self, FAMILY_TARGET_LAST_SUCCESS);
    assert_nothing(&self, FAMILY_SERIES);
    assert_nothing(&self, FAMILY_OVERFLOWED_SERIES);
}

static void test_every_other_family_is_rendered(void **state)
{
    struct self_metrics self;
    struct strbuf out;
    int id;

    (void)state;
    example_self_metrics(&self);
    for (id = FAMILY_COLLECTED_COUNT; id < FAMILY_COUNT; id++) {
        if (id == FAMILY_TARGET_UP || id == FAMILY_TARGET_LAST_SUCCESS || id == FAMILY_SERIES ||
            id == FAMILY_OVERFLOWED_SERIES)
            continue;
        render(&self, (enum family_id)id, &out);
        assert_true(page_count_lines(&out, family_get((enum family_id)id)->name) > 0);
        strbuf_release(&out);
    }
}

static void test_hostile_account_and_version_stay_valid(void **state)
{
    const struct account_metrics account = {.aliyun_uid = "1\"}\n\\ 2\xFF"};
    const struct self_metrics self = {
        .accounts = &account, .account_count = 1, .version = "\"\n", .revision = "\xC3"};
    struct strbuf out;
    char why[128] = "";
    int id;

    (void)state;
    strbuf_init(&out, 0);
    for (id = FAMILY_BUILD_INFO; id < FAMILY_COUNT; id++) {
        exposition_header(&out, (enum family_id)id, EXPOSITION_TEXT);
        self_metrics_render(&self, (enum family_id)id, &out);
    }
    if (!page_check(out.data, out.length, EXPOSITION_TEXT, why, sizeof(why)))
        fail_msg("%s in\n%s", why, out.data);
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_counters_are_by_account_and_phase),
        cmocka_unit_test(test_failure_counters_carry_the_error_class),
        cmocka_unit_test(test_failure_counters_start_at_zero),
        cmocka_unit_test(test_rates_are_gauges_by_account),
        cmocka_unit_test(test_account_gauges),
        cmocka_unit_test(test_refreshes_are_by_metric_and_trigger),
        cmocka_unit_test(test_a_cycle_that_never_ended_has_no_duration),
        cmocka_unit_test(test_an_inventory_never_loaded_has_no_time),
        cmocka_unit_test(test_times_are_in_seconds),
        cmocka_unit_test(test_rejected_rows_are_by_reason),
        cmocka_unit_test(test_undated_rows_and_held_loads_are_shown),
        cmocka_unit_test(test_auth_failures_are_by_kind),
        cmocka_unit_test(test_families_of_the_registry_are_left_to_it),
        cmocka_unit_test(test_every_other_family_is_rendered),
        cmocka_unit_test(test_hostile_account_and_version_stay_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
