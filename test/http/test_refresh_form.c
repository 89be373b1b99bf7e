/* A refresh by a form: what a browser sends, with JavaScript or without, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/access.h"
#include "http/pages.h"
#include "test/http/fake_providers.h"

#define BROWSER "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
#define TOKEN   "canary-token-0123456789"

static struct fake fake;
static struct access *access_of_token;

static struct page_request browser(const char *method, const char *path)
{
    return (struct page_request){.method = method,
                                 .path = path,
                                 .host = "localhost:10104",
                                 .accept = BROWSER,
                                 .from_loopback = true,
                                 .may_wait = true};
}

static struct page_request form(const char *fields)
{
    struct page_request request = browser("POST", "/refresh");

    request.form = fields;
    request.has_body = fields != NULL;
    request.sec_fetch_site = "same-origin";
    request.origin = "http://localhost:10104";
    return request;
}

static int setup(void **state)
{
    struct web_config web = {.basic_auth_file = "", .admin_token = TOKEN};
    struct access_rules *rules;
    struct error error;

    (void)state;
    fake_init(&fake, 0);
    rules = access_rules_load(&web, &error);
    access_of_token = rules != NULL ? access_new(rules, &error) : NULL;
    return access_of_token != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    access_free(access_of_token);
    fake_release(&fake);
    return 0;
}

static void assert_answer(const struct page_request *request, int status, const char *text)
{
    struct page_response response;

    pages_answer(request, &fake.providers, &response);
    assert_int_equal(response.status, status);
    if (strstr(strbuf_text(&response.body), text) == NULL)
        fail_msg("no \"%s\" in %s", text, strbuf_text(&response.body));
    assert_null(strstr(strbuf_text(&response.body), TOKEN));
    page_response_release(&response);
}

static void assert_no_refresh(const struct page_request *request, int status, const char *text)
{
    assert_answer(request, status, text);
    assert_int_equal(atomic_load(&fake.refreshes), 0);
}

static void test_a_form_is_sent_on_to_the_progress(void **state)
{
    struct page_request request = form("ins_id=rm-test1");
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 303);
    assert_string_equal(response.location, "/refresh/00112233445566778899aabbccddeeff");
    assert_string_equal(fake.filter.ins_id, "rm-test1");
    page_response_release(&response);
}

static void test_a_form_without_fields_refreshes_everything(void **state)
{
    struct page_request request = form(NULL);

    (void)state;
    assert_answer(&request, 303, "/refresh/00112233445566778899aabbccddeeff");
    assert_string_equal(fake.filter.ins_id, "");
}

static void test_a_query_beside_a_form_is_not_overlooked(void **state)
{
    struct page_request request = form("token=" TOKEN);

    (void)state;
    request.access = access_of_token;
    request.query = "ins_id=rm-test1";
    assert_no_refresh(&request, 400, "not in both");
}

static void test_programs_that_send_a_form_get_json(void **state)
{
    struct page_request request = form("aliyun_uid=1");

    (void)state;
    request.accept = "*/*";
    assert_answer(&request, 202, "\"refresh_id\":");
    assert_string_equal(fake.filter.aliyun_uid, "1");
}

static void test_browsers_are_told_what_a_refresh_needs(void **state)
{
    static const char *const paths[] = {"/api/v1/overview", "/api/v1/targets"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct page_request request = browser("GET", paths[i]);

        request.sec_fetch_site = "cross-site"; /* a link of another site led here */
        assert_answer(&request, 200, "\"refresh\":\"nothing\"");
        request.from_loopback = false;
        assert_answer(&request, 200, "\"refresh\":\"another_place\"");
        request.access = access_of_token;
        assert_answer(&request, 200, "\"refresh\":\"admin_token\"");
        request.authorization = "Bearer " TOKEN;
        assert_answer(&request, 200, "\"refresh\":\"nothing\"");
    }
}

static void test_a_form_with_the_token_may_come_from_elsewhere(void **state)
{
    struct page_request request = form("token=" TOKEN "&ins_id=rm-test1");

    (void)state;
    request.access = access_of_token;
    request.from_loopback = false;
    request.host = "exporter.example:10104";
    assert_answer(&request, 303, "/refresh/");
    assert_string_equal(fake.filter.ins_id, "rm-test1");
}

static void test_a_wrong_token_refreshes_nothing(void **state)
{
    struct page_request request = form("token=" TOKEN "x");

    (void)state;
    request.access = access_of_token;
    assert_no_refresh(&request, 401, "admin token");
    request.form = "ins_id=rm-test1";
    assert_no_refresh(&request, 401, "admin token");
}

static void test_a_token_in_the_url_counts_nothing(void **state)
{
    struct page_request request = form(NULL);

    (void)state;
    request.access = access_of_token;
    request.query = "token=" TOKEN;
    assert_no_refresh(&request, 401, "admin token");
    request.access = NULL;
    assert_no_refresh(&request, 400, "unknown query parameter 'token'");
}

static void test_a_form_of_another_site_is_refused(void **state)
{
    struct page_request request = form("ins_id=rm-test1");

    (void)state;
    request.sec_fetch_site = "cross-site";
    assert_no_refresh(&request, 403, "Sec-Fetch-Site");
    request.sec_fetch_site = NULL;
    request.origin = "http://evil.example";
    assert_no_refresh(&request, 403, "Origin");
}

static void test_health_is_plain_for_everybody(void **state)
{
    struct page_request request = browser("GET", "/-/healthy");

    (void)state;
    fake.healthy = false;
    assert_answer(&request, 503, "the scheduler made no progress for 60 s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_form_is_sent_on_to_the_progress, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_form_without_fields_refreshes_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_query_beside_a_form_is_not_overlooked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_programs_that_send_a_form_get_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_browsers_are_told_what_a_refresh_needs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_form_with_the_token_may_come_from_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wrong_token_refreshes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_token_in_the_url_counts_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_form_of_another_site_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_health_is_plain_for_everybody, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
