#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "core/clock.h"
#include "http/pages.h"
#include "test/http/fake_providers.h"

static struct fake fake;

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static void ask(const char *query, struct page_response *response)
{
    struct page_request request = {.method = "POST",
                                   .path = "/refresh",
                                   .query = query,
                                   .host = "[::1]:10104",
                                   .from_loopback = true,
                                   .may_wait = true};

    pages_answer(&request, &fake.providers, response);
}

static void assert_refused(const char *query, int status, const char *words)
{
    struct page_response response;

    ask(query, &response);
    assert_int_equal(response.status, status);
    assert_non_null(strstr(strbuf_text(&response.body), words));
    assert_int_equal(atomic_load(&fake.refreshes), 0);
    page_response_release(&response);
}

static void test_without_query_everything_is_refreshed(void **state)
{
    struct page_response response;

    (void)state;
    ask(NULL, &response);
    assert_int_equal(response.status, 202);
    assert_int_equal(fake.filter.metric, METRIC_ID_COUNT);
    assert_string_equal(fake.filter.ins_id, "");
    assert_string_equal(fake.filter.aliyun_uid, "");
    assert_int_equal(fake.wait_ns, 0);
    page_response_release(&response);
}

static void test_every_parameter_reaches_the_filter(void **state)
{
    struct page_response response;

    (void)state;
    ask("metric=db_user_session_count&ins_id=rm%2Dtest1&aliyun_uid=1000000000000001&wait=30s", &response);
    assert_int_equal(response.status, 202);
    assert_int_equal(fake.filter.metric, METRIC_USER_SESSION_COUNT);
    assert_string_equal(fake.filter.ins_id, "rm-test1");
    assert_string_equal(fake.filter.aliyun_uid, "1000000000000001");
    assert_int_equal(fake.wait_ns, 30 * NS_PER_SECOND);
    page_response_release(&response);
}

static void test_answer_is_json_with_every_field(void **state)
{
    struct page_response response;
    json_t *json;

    (void)state;
    fake.progress.joined = true;
    ask(NULL, &response);
    assert_string_equal(response.content_type, "application/json");
    json = json_loadb(response.parts[0].bytes, response.length, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "refresh_id")),
                        "00112233445566778899aabbccddeeff");
    assert_int_equal(json_integer_value(json_object_get(json, "targets")), 10);
    assert_int_equal(json_integer_value(json_object_get(json, "done")), 4);
    assert_int_equal(json_integer_value(json_object_get(json, "failed")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "running");
    assert_true(json_is_true(json_object_get(json, "joined")));
    assert_true(json_real_value(json_object_get(json, "estimated_seconds")) == 12.5);
    assert_true(json_real_value(json_object_get(json, "elapsed_seconds")) == 3.0);
    assert_string_equal(json_string_value(json_object_get(json, "status_url")),
                        "/refresh/00112233445566778899aabbccddeeff");
    json_decref(json);
    page_response_release(&response);
}

static void test_finished_within_wait_is_200(void **state)
{
    struct page_response response;

    (void)state;
    fake.progress.state = REFRESH_FINISHED;
    ask("wait=5m", &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(fake.wait_ns, 300 * NS_PER_SECOND);
    assert_non_null(strstr(strbuf_text(&response.body), "\"state\":\"finished\""));
    page_response_release(&response);
}

static void test_bad_queries_are_400(void **state)
{
    (void)state;
    assert_refused("insid=rm-test1", 400, "'insid'");
    assert_refused("wait=6m", 400, "at most 5m");
    assert_refused("wait=301s", 400, "at most 5m");
    assert_refused("wait=soon", 400, "duration");
    assert_refused("wait=-1s", 400, "duration");
    assert_refused("wait=30", 400, "duration");
    assert_refused("ins_id=%ff%", 400, "not well encoded");
}

static void test_empty_parameter_does_not_mean_everything(void **state)
{
    (void)state;
    assert_refused("ins_id=", 400, "'ins_id' is empty");
    assert_refused("aliyun_uid", 400, "'aliyun_uid' is empty");
    assert_refused("wait=", 400, "'wait' is empty");
}

static void test_unknown_metric_is_404(void **state)
{
    (void)state;
    assert_refused("metric=db_users", 404, "'db_users'");
}

static void assert_answer(enum refresh_answer answer, int status, int retry_after)
{
    struct page_response response;

    fake.refresh_answer = answer;
    ask(NULL, &response);
    assert_int_equal(response.status, status);
    assert_int_equal(response.retry_after, retry_after);
    page_response_release(&response);
}

static void test_each_refusal_has_its_status(void **state)
{
    (void)state;
    assert_answer(REFRESH_NO_MATCH, 404, 0);
    assert_answer(REFRESH_DISABLED, 409, 0);
    assert_answer(REFRESH_BUSY, 503, 5);
}

static void test_no_wait_when_too_many_wait(void **state)
{
    struct page_request request = {.method = "POST",
                                   .path = "/refresh",
                                   .query = "wait=30s",
                                   .host = "localhost",
                                   .from_loopback = true};
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 202);
    assert_int_equal(fake.wait_ns, 0);
    page_response_release(&response);
}

static void test_progress_of_unknown_id_is_404(void **state)
{
    struct page_request request = {.method = "GET", .path = "/refresh/ffffffffffffffffffffffffffffffff"};
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 404);
    page_response_release(&response);
}

static void test_progress_of_known_id_needs_no_loopback(void **state)
{
    struct page_request request = {.method = "GET", .path = "/refresh/00112233445566778899aabbccddeeff"};
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(strbuf_text(&response.body), "\"done\":4"));
    page_response_release(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_query_everything_is_refreshed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_parameter_reaches_the_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_is_json_with_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finished_within_wait_is_200, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_queries_are_400, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_parameter_does_not_mean_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_metric_is_404, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_refusal_has_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_wait_when_too_many_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_progress_of_unknown_id_is_404, setup, teardown),
        cmocka_unit_test_setup_teardown(test_progress_of_known_id_needs_no_loopback, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
