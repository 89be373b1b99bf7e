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
static struct target_status targets[3];
static const struct error throttled = {.class = ERROR_THROTTLED,
                                       .code = "Throttling.User",
                                       .message = "said \"slow\" & <down>",
                                       .request_id = "REQUEST-1"};

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 0);
    targets[0] = fake_target("pc-test1", "Ledger");
    targets[0].ins_type = "polardb";
    targets[0].node_id = "pi-test1";
    targets[0].node_type = NODE_TYPE_READ;
    targets[0].aliyun_uid = "1000000000000002";
    targets[1] = fake_target("rm-test1", "<img src=x onerror=alert(1)>");
    targets[1].state = TARGET_RETRYING;
    targets[1].up = false;
    targets[1].failures = 3;
    targets[1].error = &throttled;
    targets[2] = fake_target("rm-test2", "bad \xFF bytes");
    targets[2].last_success_unix_ms = 0;
    targets[2].next_run_unix_ms = 0;
    fake.targets = targets;
    fake.target_count = 3;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static void ask(const char *path, const char *query, struct page_response *response)
{
    struct page_request request = {.method = "GET", .path = path, .query = query};

    pages_answer(&request, &fake.providers, response);
}

/* The JSON answer, read by a parser that is not ours. */
static json_t *ask_json(const char *query)
{
    struct page_response response;
    json_t *json;

    ask("/api/v1/targets", query, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "application/json");
    json = json_loadb(response.parts[0].bytes, response.length, 0, NULL);
    assert_non_null(json);
    page_response_release(&response);
    return json;
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static size_t count_of(const char *query)
{
    json_t *json = ask_json(query);
    size_t count = json_array_size(json_object_get(json, "targets"));

    json_decref(json);
    return count;
}

static void test_json_has_every_field(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 0);

    (void)state;
    assert_string_equal(text_of(json, "time"), "2026-01-02T03:04:05Z");
    assert_string_equal(text_of(target, "ins_id"), "pc-test1");
    assert_string_equal(text_of(target, "ins_name"), "Ledger");
    assert_string_equal(text_of(target, "ins_type"), "polardb");
    assert_string_equal(text_of(target, "node_id"), "pi-test1");
    assert_string_equal(text_of(target, "node_type"), "read");
    assert_string_equal(text_of(target, "aliyun_uid"), "1000000000000002");
    assert_string_equal(text_of(target, "state"), target_state_name(TARGET_WAITING));
    assert_true(json_is_true(json_object_get(target, "up")));
    assert_string_equal(text_of(target, "last_success"), "2026-01-02T03:03:23Z");
    assert_string_equal(text_of(target, "next_run"), "2026-01-02T03:04:23Z");
    assert_int_equal(json_integer_value(json_object_get(target, "failures")), 0);
    assert_true(json_is_null(json_object_get(target, "error")));
    assert_int_equal(json_object_size(target), 12);
    json_decref(json);
}

static void test_json_error_is_an_object(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 1);
    json_t *error = json_object_get(target, "error");

    (void)state;
    assert_true(json_is_false(json_object_get(target, "up")));
    assert_int_equal(json_integer_value(json_object_get(target, "failures")), 3);
    assert_string_equal(text_of(error, "class"), "throttled");
    assert_string_equal(text_of(error, "code"), "Throttling.User");
    assert_string_equal(text_of(error, "message"), "said \"slow\" & <down>");
    assert_string_equal(text_of(error, "request_id"), "REQUEST-1");
    json_decref(json);
}

static void test_json_unknown_times_are_null_and_bytes_repaired(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 2);

    (void)state;
    assert_true(json_is_null(json_object_get(target, "last_success")));
    assert_true(json_is_null(json_object_get(target, "next_run")));
    assert_string_equal(text_of(target, "ins_name"), "bad \xEF\xBF\xBD bytes");
    json_decref(json);
}

static void test_json_without_targets_is_an_empty_array(void **state)
{
    json_t *json;

    (void)state;
    fake.target_count = 0;
    json = ask_json(NULL);
    assert_true(json_is_array(json_object_get(json, "targets")));
    assert_int_equal(json_array_size(json_object_get(json, "targets")), 0);
    json_decref(json);
}

static void test_filters_narrow(void **state)
{
    char query[64];

    (void)state;
    assert_int_equal(count_of(NULL), 3);
    assert_int_equal(count_of("aliyun_uid=1000000000000001"), 2);
    assert_int_equal(count_of("aliyun_uid=1"), 0);
    assert_int_equal(count_of("q=ledger"), 1);
    assert_int_equal(count_of("q=RM-TEST"), 2);
    assert_int_equal(count_of("q=pi-test"), 1);
    snprintf(query, sizeof(query), "state=%s&q=test", target_state_name(TARGET_RETRYING));
    assert_int_equal(count_of(query), 1);
}

static void test_empty_filters_of_the_form_filter_nothing(void **state)
{
    (void)state;
    assert_int_equal(count_of("aliyun_uid=&state=&q="), 3);
}

static void test_bad_filters_are_400(void **state)
{
    struct page_response response;

    (void)state;
    ask("/api/v1/targets", "status=up", &response);
    assert_int_equal(response.status, 400);
    page_response_release(&response);
    ask("/targets", "state=%3Cb%3E", &response);
    assert_int_equal(response.status, 400);
    assert_string_equal(response.content_type, "text/plain; charset=utf-8");
    page_response_release(&response);
}

static void test_html_escapes_every_name(void **state)
{
    struct page_response response;

    (void)state;
    ask("/targets", NULL, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    assert_null(strstr(strbuf_text(&response.body), "<img"));
    assert_non_null(strstr(strbuf_text(&response.body), "&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(
        strstr(strbuf_text(&response.body), "said &quot;slow&quot; &amp; &lt;down&gt; REQUEST-1"));
    assert_non_null(strstr(strbuf_text(&response.body), "bad \xEF\xBF\xBD bytes"));
    page_response_release(&response);
}

static void test_html_shows_ages(void **state)
{
    struct page_response response;

    (void)state;
    ask("/targets", "q=ledger", &response);
    assert_non_null(strstr(strbuf_text(&response.body), "<td>2026-01-02T03:03:23Z (42s ago)</td>"));
    assert_non_null(strstr(strbuf_text(&response.body), "<td>2026-01-02T03:04:23Z (in 18s)</td>"));
    assert_non_null(strstr(strbuf_text(&response.body), "1 of 3 targets."));
    page_response_release(&response);
}

static void test_html_form_keeps_the_filter_escaped(void **state)
{
    struct page_response response;

    (void)state;
    ask("/targets", "q=%22%3E%3Cscript%3E", &response);
    assert_int_equal(response.status, 200);
    assert_null(strstr(strbuf_text(&response.body), "<script>"));
    assert_non_null(strstr(strbuf_text(&response.body), "value=\"&quot;&gt;&lt;script&gt;\""));
    page_response_release(&response);
}

static struct account_status overcommitted(void)
{
    return (struct account_status){.aliyun_uid = "1000000000000002",
                                   .up = true,
                                   .credential_kind = CREDENTIAL_STATIC,
                                   .targets = 2000,
                                   .targets_up = 1990,
                                   .rate_limit = 50,
                                   .rate_effective = 35,
                                   .rate_demand = 70.5,
                                   .cycle = 84500 * NS_PER_MS,
                                   .overcommitted = true,
                                   .throttled = 7};
}

static double number_of(json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void test_json_has_the_accounts_with_their_quota(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003"}};
    json_t *json, *account;

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 2;
    json = ask_json("aliyun_uid=1000000000000002");
    assert_int_equal(json_array_size(json_object_get(json, "accounts")), 1);
    account = json_array_get(json_object_get(json, "accounts"), 0);
    assert_string_equal(text_of(account, "aliyun_uid"), "1000000000000002");
    assert_true(json_is_true(json_object_get(account, "up")));
    assert_true(json_is_true(json_object_get(account, "overcommitted")));
    assert_true(number_of(account, "targets") == 2000);
    assert_true(number_of(account, "targets_up") == 1990);
    assert_true(number_of(account, "rate_limit") == 50);
    assert_true(number_of(account, "rate_effective") == 35);
    assert_true(number_of(account, "rate_demand") == 70.5);
    assert_true(number_of(account, "cycle_seconds") == 84.5);
    assert_true(number_of(account, "throttled") == 7);
    assert_true(json_is_null(json_object_get(account, "error")));
    json_decref(json);
}

static void test_html_says_which_accounts_need_more_than_their_quota(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003"}};
    struct page_response response;

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 2;
    ask("/targets", NULL, &response);
    assert_non_null(strstr(strbuf_text(&response.body),
                           "Account 1000000000000002 needs 70.5 calls a second and may make 50.0: its cycle "
                           "is stretched evenly, to 84s."));
    assert_null(strstr(strbuf_text(&response.body), "Account 1000000000000003"));
    page_response_release(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_has_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_error_is_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_unknown_times_are_null_and_bytes_repaired, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_without_targets_is_an_empty_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters_narrow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_filters_of_the_form_filter_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_filters_are_400, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_escapes_every_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_shows_ages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_accounts_with_their_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_says_which_accounts_need_more_than_their_quota, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_html_form_keeps_the_filter_escaped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
