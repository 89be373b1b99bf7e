#include "das/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/strbuf.h"
#include "test/das/reply_fixture.h"

#define DEEP 200000

static void assert_failed(long http_status, const char *body, enum error_class class)
{
    reply_parse(http_status, body);
    assert_int_equal(reply.outcome, DAS_FAILED);
    assert_string_equal(error_class_name(reply.error.class), error_class_name(class));
    assert_string_equal(reply.result_id, "");
    assert_int_equal(reply.users.count, 0);
    assert_true(strlen(reply.error.message) > 0);
}

/* A finished reply whose SessionData is `session_data`. */
static const char *finished(const char *session_data)
{
    static char body[4096];

    snprintf(body, sizeof(body),
             "{\"Code\":200,\"Message\":\"Successful\",\"Success\":true,\"RequestId\":\"R-1\",\"Data\":{"
             "\"SessionData\":%s,\"IsFinish\":true,\"Complete\":true,\"Fail\":false,\"State\":\"SUCCESS\"}}",
             session_data);
    return body;
}

static const char *finished_user(const char *element)
{
    char session_data[2048];

    snprintf(session_data, sizeof(session_data), "{\"UserStats\":[%s]}", element);
    return finished(session_data);
}

static void test_first_reply_is_running(void **state)
{
    (void)state;
    reply_parse(200, "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":\"async__1\",\"IsFinish\":false,"
                     "\"State\":\"RUNNING\",\"SessionData\":null}}");
    assert_int_equal(reply.outcome, DAS_RUNNING);
    assert_string_equal(reply.result_id, "async__1");
    assert_int_equal(reply.error.class, ERROR_NONE);
}

static void test_running_without_flags_needs_only_the_result_id(void **state)
{
    (void)state;
    reply_parse(200, "{\"Data\":{\"ResultId\":\"any form at all\"}}");
    assert_int_equal(reply.outcome, DAS_RUNNING);
    assert_string_equal(reply.result_id, "any form at all");
}

static void test_finished_reply_has_users_in_order(void **state)
{
    (void)state;
    reply_parse(200, finished("{\"TotalSessionCount\":3,\"UserStats\":["
                              "{\"Key\":\"b\",\"TotalCount\":3,\"ActiveCount\":1,\"UserList\":[]},"
                              "{\"ActiveCount\":0,\"TotalCount\":9007199254740993,\"Key\":\"a\"},"
                              "{\"Key\":\"b\",\"TotalCount\":0,\"ActiveCount\":0}],\"DbStats\":[]}"));
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 3);
    assert_string_equal(reply.users.sessions[0].key, "b");
    assert_int_equal(reply.users.sessions[0].total, 3);
    assert_int_equal(reply.users.sessions[0].active, 1);
    assert_string_equal(reply.users.sessions[1].key, "a");
    assert_true(reply.users.sessions[1].total == INT64_C(9007199254740993));
    assert_string_equal(reply.users.sessions[2].key, "b");
    assert_int_equal(reply.error.class, ERROR_NONE);
}

static void test_empty_user_stats_is_a_true_zero(void **state)
{
    (void)state;
    reply_parse(200, finished("{\"UserStats\":[]}"));
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 0);
}

static void test_names_in_any_case(void **state)
{
    (void)state;
    reply_parse(200,
                "{\"code\":\"200\",\"success\":\"True\",\"data\":{\"isFinish\":true,\"state\":\"success\","
                "\"sessionData\":{\"userStats\":[{\"key\":\"a\",\"totalCount\":1,\"activeCount\":1}]}}}");
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 1);
}

static void test_incomplete_but_finished_is_accepted(void **state)
{
    (void)state;
    reply_parse(200, "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"Complete\":false,"
                     "\"SessionData\":{\"UserStats\":[]}}}");
    assert_int_equal(reply.outcome, DAS_FINISHED);
}

static void test_user_with_nul_is_readable(void **state)
{
    (void)state;
    reply_parse(200, finished_user("{\"Key\":\"a\\u0000b\",\"TotalCount\":1,\"ActiveCount\":1}"));
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_string_equal(reply.users.sessions[0].key, "a\xef\xbf\xbd"
                                                     "b");
}

static void test_broken_utf8_in_a_name_costs_no_other_name(void **state)
{
    (void)state;
    reply_parse(200, finished_user("{\"Key\":\"broken_\xff\xc3(\",\"TotalCount\":2,\"ActiveCount\":1},"
                                   "{\"Key\":\"\xe4\xb8\xad\",\"TotalCount\":3,\"ActiveCount\":0}"));
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 2);
    assert_string_equal(reply.users.sessions[0].key, "broken_\xef\xbf\xbd\xef\xbf\xbd(");
    assert_string_equal(reply.users.sessions[1].key, "\xe4\xb8\xad");
}

static void test_anonymous_user_is_a_user(void **state)
{
    (void)state;
    reply_parse(200, finished_user("{\"Key\":\"\",\"TotalCount\":1,\"ActiveCount\":1}"));
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_string_equal(reply.users.sessions[0].key, "");
}

static void test_a_count_that_is_no_count_is_malformed(void **state)
{
    static const char *const counts[] = {
        "1.0", "1.5", "\"1\"", "-1", "null", "[]", "true", "1e3", "9223372036854775808"};
    char element[128];

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        snprintf(element, sizeof(element), "{\"Key\":\"a\",\"TotalCount\":%s,\"ActiveCount\":1}", counts[i]);
        assert_failed(200, finished_user(element), ERROR_MALFORMED);
        snprintf(element, sizeof(element), "{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":%s}", counts[i]);
        assert_failed(200, finished_user(element), ERROR_MALFORMED);
    }
}

static void test_a_missing_number_is_malformed_and_never_zero(void **state)
{
    (void)state;
    assert_failed(200, finished_user("{\"Key\":\"a\",\"ActiveCount\":1}"), ERROR_MALFORMED);
    assert_failed(200, finished_user("{\"Key\":\"a\",\"TotalCount\":1}"), ERROR_MALFORMED);
}

static void test_one_bad_element_spoils_the_reply(void **state)
{
    (void)state;
    assert_failed(200, finished_user("{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":1},7"),
                  ERROR_MALFORMED);
}

static void test_user_without_name_is_malformed(void **state)
{
    (void)state;
    assert_failed(200, finished_user("{\"TotalCount\":1,\"ActiveCount\":1}"), ERROR_MALFORMED);
    assert_failed(200, finished_user("{\"Key\":null,\"TotalCount\":1,\"ActiveCount\":1}"), ERROR_MALFORMED);
    assert_failed(200, finished_user("{\"Key\":5,\"TotalCount\":1,\"ActiveCount\":1}"), ERROR_MALFORMED);
}

static void test_finished_without_user_stats_is_malformed(void **state)
{
    (void)state;
    assert_failed(200, finished("null"), ERROR_MALFORMED);
    assert_failed(200, finished("[]"), ERROR_MALFORMED);
    assert_failed(200, finished("{}"), ERROR_MALFORMED);
    assert_failed(200, finished("{\"UserStats\":null}"), ERROR_MALFORMED);
    assert_failed(200, finished("{\"UserStats\":{}}"), ERROR_MALFORMED);
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":true}}", ERROR_MALFORMED);
}

static void test_unfinished_without_result_id_is_malformed(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":false}}", ERROR_MALFORMED);
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":false,\"ResultId\":\"\"}}", ERROR_MALFORMED);
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":false,\"ResultId\":7}}", ERROR_MALFORMED);
    assert_failed(200, "{\"Code\":200,\"Data\":{}}", ERROR_MALFORMED);
}

static void test_sessions_without_is_finish_are_malformed(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":200,\"Data\":{\"ResultId\":\"1\",\"SessionData\":{\"UserStats\":[]}}}",
                  ERROR_MALFORMED);
}

static void test_odd_flags_are_malformed(void **state)
{
    (void)state;
    assert_failed(200, "{\"Data\":{\"IsFinish\":1,\"ResultId\":\"1\"}}", ERROR_MALFORMED);
    assert_failed(200, "{\"Data\":{\"IsFinish\":false,\"Fail\":\"maybe\",\"ResultId\":\"1\"}}",
                  ERROR_MALFORMED);
    assert_failed(200, "{\"Success\":2,\"Data\":{\"IsFinish\":false,\"ResultId\":\"1\"}}", ERROR_MALFORMED);
}

static void test_failed_computation_is_remote(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"State\":\"FAIL\"}}", ERROR_REMOTE);
    assert_failed(200, "{\"Code\":200,\"Data\":{\"IsFinish\":false,\"State\":\"fail\",\"ResultId\":\"1\"}}",
                  ERROR_REMOTE);
    assert_failed(200,
                  "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"Fail\":true,"
                  "\"SessionData\":{\"UserStats\":[]}}}",
                  ERROR_REMOTE);
}

static void test_no_success_or_no_data_is_remote(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":200,\"Success\":false,\"Message\":\"try later\"}", ERROR_REMOTE);
    assert_non_null(strstr(reply.error.message, "try later"));
    assert_failed(200, "{\"Code\":200,\"Success\":true,\"Data\":null}", ERROR_REMOTE);
    assert_failed(200, "{\"Code\":200,\"Success\":true}", ERROR_REMOTE);
    assert_failed(200, "{}", ERROR_REMOTE);
}

static void test_data_of_another_type_is_malformed(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":200,\"Data\":\"x\"}", ERROR_MALFORMED);
    assert_failed(200, "{\"Code\":200,\"Data\":[]}", ERROR_MALFORMED);
}

static void test_gateway_error_is_told(void **state)
{
    (void)state;
    assert_failed(403,
                  "{\"RequestId\":\"0A1B-2\",\"HostId\":\"h\",\"Code\":\"Forbidden.RAM\","
                  "\"Message\":\"User not authorized\",\"Recommend\":\"x\"}",
                  ERROR_REFUSED);
    assert_string_equal(reply.error.code, "Forbidden.RAM");
    assert_string_equal(reply.error.request_id, "0A1B-2");
    assert_non_null(strstr(reply.error.message, "User not authorized"));
    assert_non_null(strstr(reply.error.message, "hdm:GetMySQLAllSessionAsync"));
}

static void test_gateway_error_in_lower_case(void **state)
{
    (void)state;
    assert_failed(400, "{\"requestId\":\"r\",\"code\":\"Throttling.User\",\"message\":\"m\"}",
                  ERROR_THROTTLED);
    assert_string_equal(reply.error.code, "Throttling.User");
    assert_string_equal(reply.error.request_id, "r");
}

static void test_code_decides_over_the_status(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":\"Throttling\",\"Message\":\"m\"}", ERROR_THROTTLED);
    assert_failed(503, "{\"Code\":\"InvalidAccessKeyId.NotFound\"}", ERROR_CREDENTIALS);
}

static void test_integer_code_is_an_error_code(void **state)
{
    (void)state;
    assert_failed(200, "{\"Code\":500,\"Message\":\"m\",\"Data\":{}}", ERROR_TRANSIENT);
    assert_string_equal(reply.error.code, "500");
    assert_failed(200, "{\"Code\":-99,\"Message\":\"m\",\"Data\":{}}", ERROR_REMOTE);
}

static void test_error_status_with_a_good_body_is_an_error(void **state)
{
    (void)state;
    assert_failed(500, "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"SessionData\":{\"UserStats\":[]}}}",
                  ERROR_TRANSIENT);
}

static void test_retry_after_makes_an_error_throttled(void **state)
{
    static const char body[] = "{\"Code\":\"ServiceUnavailable\"}";

    (void)state;
    das_reply_parse(503, body, strlen(body), 100, NULL, &reply);
    assert_int_equal(reply.error.class, ERROR_THROTTLED);
    assert_string_equal(reply.error.code, "ServiceUnavailable");
}

static void test_retry_after_leaves_success_alone(void **state)
{
    static const char body[] = "{\"Code\":200,\"Data\":{\"ResultId\":\"1\",\"IsFinish\":false}}";

    (void)state;
    das_reply_parse(200, body, strlen(body), 100, NULL, &reply);
    assert_int_equal(reply.outcome, DAS_RUNNING);
    assert_int_equal(reply.error.class, ERROR_NONE);
}

static void test_xml_error_is_read(void **state)
{
    (void)state;
    assert_failed(400,
                  "<?xml version='1.0'?><Error><RequestId>R-9</RequestId><Code>Throttling.User</Code>"
                  "<Message>too fast</Message></Error>",
                  ERROR_THROTTLED);
    assert_string_equal(reply.error.code, "Throttling.User");
    assert_string_equal(reply.error.request_id, "R-9");
    assert_non_null(strstr(reply.error.message, "too fast"));
}

static void test_unfinished_xml_goes_by_the_status(void **state)
{
    (void)state;
    assert_failed(503, "<Error><Code>Thrott", ERROR_TRANSIENT);
    assert_failed(400, "<Error></Code><Code>", ERROR_REFUSED);
}

static void test_html_goes_by_the_status(void **state)
{
    static const char html[] = "<html><body><code>Throttling</code> Bad gateway</body></html>";

    (void)state;
    assert_failed(502, html, ERROR_TRANSIENT);
    assert_failed(403, html, ERROR_REFUSED);
    assert_failed(429, html, ERROR_THROTTLED);
    assert_failed(200, html, ERROR_MALFORMED);
    assert_null(strstr(reply.error.message, "gateway"));
}

static void test_redirect_is_malformed(void **state)
{
    (void)state;
    assert_failed(302, "", ERROR_MALFORMED);
}

static void test_bodies_that_are_no_object(void **state)
{
    static const char *const bodies[] = {"",
                                         " ",
                                         "null",
                                         "1",
                                         "[]",
                                         "\"x\"",
                                         "{",
                                         "}",
                                         "{}{",
                                         "{\"a\"",
                                         "\xff\xfe",
                                         "{\"Code\":200,",
                                         "{\"Code\":1e999}",
                                         "{\"a\xc3\":(}"};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_failed(200, bodies[i], ERROR_MALFORMED);
        assert_failed(500, bodies[i], ERROR_TRANSIENT);
    }
}

static void test_no_body_at_all_is_malformed(void **state)
{
    (void)state;
    das_reply_parse(200, NULL, 0, -1, NULL, &reply);
    assert_int_equal(reply.error.class, ERROR_MALFORMED);
}

static void test_every_cut_of_a_reply_is_malformed(void **state)
{
    const char *body = finished_user("{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":1}");

    (void)state;
    for (size_t length = 0; length < strlen(body); length++) {
        das_reply_parse(200, body, length, -1, NULL, &reply);
        assert_int_equal(reply.outcome, DAS_FAILED);
        assert_int_equal(reply.error.class, ERROR_MALFORMED);
    }
}

static void test_deep_nesting_is_malformed(void **state)
{
    struct strbuf body;

    (void)state;
    strbuf_init(&body, 0);
    strbuf_append_text(&body, "{\"Data\":");
    for (int i = 0; i < DEEP; i++)
        strbuf_append_text(&body, "[");
    assert_failed(200, strbuf_text(&body), ERROR_MALFORMED);
    assert_non_null(strstr(reply.error.message, "deep"));
    strbuf_reset(&body);
    for (int i = 0; i < DEEP; i++)
        strbuf_append_text(&body, "{\"Data\":");
    assert_failed(200, strbuf_text(&body), ERROR_MALFORMED);
    strbuf_release(&body);
}

static void test_a_body_is_never_repeated(void **state)
{
    (void)state;
    assert_failed(200, "select * from canary", ERROR_MALFORMED);
    assert_null(strstr(reply.error.message, "canary"));
}

static void test_parsing_again_drops_the_first(void **state)
{
    (void)state;
    reply_parse(200, finished_user("{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":1}"));
    reply_parse(200, "{\"Data\":{\"ResultId\":\"1\",\"IsFinish\":false}}");
    assert_int_equal(reply.outcome, DAS_RUNNING);
    assert_int_equal(reply.users.count, 0);
    assert_null(reply.users.sessions);
    reply_parse(500, "");
    assert_string_equal(reply.result_id, "");
    reply_parse(200, finished("{\"UserStats\":[]}"));
    assert_int_equal(reply.error.class, ERROR_NONE);
    assert_string_equal(reply.error.message, "");
}

#define TEST(name) REPLY_TEST(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_reply_is_running),
        TEST(test_running_without_flags_needs_only_the_result_id),
        TEST(test_finished_reply_has_users_in_order),
        TEST(test_empty_user_stats_is_a_true_zero),
        TEST(test_names_in_any_case),
        TEST(test_incomplete_but_finished_is_accepted),
        TEST(test_user_with_nul_is_readable),
        TEST(test_broken_utf8_in_a_name_costs_no_other_name),
        TEST(test_anonymous_user_is_a_user),
        TEST(test_a_count_that_is_no_count_is_malformed),
        TEST(test_a_missing_number_is_malformed_and_never_zero),
        TEST(test_one_bad_element_spoils_the_reply),
        TEST(test_user_without_name_is_malformed),
        TEST(test_finished_without_user_stats_is_malformed),
        TEST(test_unfinished_without_result_id_is_malformed),
        TEST(test_sessions_without_is_finish_are_malformed),
        TEST(test_odd_flags_are_malformed),
        TEST(test_failed_computation_is_remote),
        TEST(test_no_success_or_no_data_is_remote),
        TEST(test_data_of_another_type_is_malformed),
        TEST(test_gateway_error_is_told),
        TEST(test_gateway_error_in_lower_case),
        TEST(test_code_decides_over_the_status),
        TEST(test_integer_code_is_an_error_code),
        TEST(test_error_status_with_a_good_body_is_an_error),
        TEST(test_retry_after_makes_an_error_throttled),
        TEST(test_retry_after_leaves_success_alone),
        TEST(test_xml_error_is_read),
        TEST(test_unfinished_xml_goes_by_the_status),
        TEST(test_html_goes_by_the_status),
        TEST(test_redirect_is_malformed),
        TEST(test_bodies_that_are_no_object),
        TEST(test_no_body_at_all_is_malformed),
        TEST(test_every_cut_of_a_reply_is_malformed),
        TEST(test_deep_nesting_is_malformed),
        TEST(test_a_body_is_never_repeated),
        TEST(test_parsing_again_drops_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
