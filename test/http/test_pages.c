#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/semaphore.h"
#include "http/pages.h"
#include "test/http/fake_providers.h"

static struct fake fake;

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static struct page_request request_for(const char *method, const char *path)
{
    return (struct page_request){
        .method = method, .path = path, .host = "localhost:10104", .from_loopback = true, .may_wait = true};
}

static void assert_status(const char *method, const char *path, int status)
{
    struct page_request request = request_for(method, path);
    struct page_response response;

    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, status);
    page_response_release(&response);
}

static void assert_body_has(const char *method, const char *path, const char *text)
{
    struct page_request request = request_for(method, path);
    struct page_response response;

    pages_answer(&request, &fake.providers, &response);
    assert_non_null(memmem(response.parts[0].bytes, response.length, text, strlen(text)));
    page_response_release(&response);
}

static void test_a_costly_page_waits_for_its_turn_and_others_do_not(void **state)
{
    struct page_request costly = request_for("GET", "/api/v1/targets");
    struct page_request cheap = request_for("GET", "/-/healthy");
    struct page_response response;
    struct semaphore *turns = semaphore_new(1, 1);

    (void)state;
    assert_true(semaphore_acquire(turns, 0));
    costly.turns = cheap.turns = turns;
    pages_answer(&costly, &fake.providers, &response);
    assert_int_equal(response.status, 503);
    assert_true(response.retry_after > 0);
    page_response_release(&response);
    pages_answer(&cheap, &fake.providers, &response);
    assert_int_equal(response.status, 200);
    page_response_release(&response);
    semaphore_release(turns);
    for (int i = 0; i < 2; i++) { /* the turn is given back */
        pages_answer(&costly, &fake.providers, &response);
        assert_int_equal(response.status, 200);
        page_response_release(&response);
    }
    semaphore_free(turns);
}

static void test_every_route_answers(void **state)
{
    static const char *const paths[] = {"/",
                                        "/metrics",
                                        "/targets",
                                        "/web/app.js",
                                        "/api/v1/overview",
                                        "/api/v1/targets",
                                        "/-/healthy",
                                        "/health",
                                        "/-/ready",
                                        "/refresh/00112233445566778899aabbccddeeff"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_status("GET", paths[i], 200);
        assert_status("HEAD", paths[i], 200);
    }
    assert_status("POST", "/refresh", 202);
    assert_status("POST", "/-/reload", 200);
}

static void test_unknown_paths_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/metrics/", "/metrics/x",   "/metricsx",  "//metrics",   "/Metrics", "*",         "",
        "/refresh/", "/refresh/a/b", "/%6detrics", "/../metrics", "/-/",      "/refresh/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_status("GET", paths[i], 404);
    assert_body_has("GET", "/nothing", "POST /refresh\nGET  /refresh/ID\n");
}

static void test_wrong_methods_name_the_right_ones(void **state)
{
    struct page_request request = request_for("DELETE", "/metrics");
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 405);
    assert_string_equal(response.allow, "GET, HEAD, OPTIONS");
    page_response_release(&response);
    request = request_for("GET", "/refresh");
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 405);
    assert_string_equal(response.allow, "POST, OPTIONS");
    page_response_release(&response);
    assert_status("OPTIONS", "/metrics", 200);
    assert_status("OPTIONS", "/nothing", 404);
    assert_status("POST", "/refresh/00112233445566778899aabbccddeeff", 405);
    assert_status("get", "/metrics", 405);
}

static void test_body_is_refused_and_closes(void **state)
{
    struct page_request request = request_for("POST", "/refresh");
    struct page_response response;

    (void)state;
    request.has_body = true;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 413);
    assert_true(response.close);
    assert_int_equal(atomic_load(&fake.refreshes), 0);
    page_response_release(&response);
}

static void test_body_on_any_answer_closes(void **state)
{
    struct page_request request = request_for("GET", "/nothing");
    struct page_response response;

    (void)state;
    request.has_body = true;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 404);
    assert_true(response.close);
    page_response_release(&response);
}

static void test_changes_from_elsewhere_do_not_happen(void **state)
{
    struct page_request request = request_for("POST", "/-/reload");
    struct page_response response;

    (void)state;
    request.from_loopback = false;
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 403);
    page_response_release(&response);
    request.path = "/refresh";
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 403);
    page_response_release(&response);
    assert_int_equal(atomic_load(&fake.reloads) + atomic_load(&fake.refreshes), 0);
}

static void test_reading_from_elsewhere_works(void **state)
{
    struct page_request request = request_for("GET", "/metrics");
    struct page_response response;

    (void)state;
    request.from_loopback = false;
    request.host = "rebound.example";
    request.origin = "http://evil.example";
    request.sec_fetch_site = "cross-site";
    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 200);
    page_response_release(&response);
}

static void test_metrics_default_is_plain_text_format(void **state)
{
    struct page_request request = request_for("GET", "/metrics");
    struct page_response response;
    size_t sum = 0;

    (void)state;
    request.query = "collect[]=x&y";
    pages_answer(&request, &fake.providers, &response);
    assert_string_equal(response.content_type, exposition_content_type(EXPOSITION_TEXT));
    assert_false(response.gzip);
    assert_string_equal(response.vary, "Accept, Accept-Encoding");
    for (size_t i = 0; i < response.part_count; i++)
        sum += response.parts[i].length;
    assert_int_equal(sum, response.length);
    assert_in_range(response.length, 1000, 2000);
    page_response_release(&response);
}

static void test_metrics_follow_accept_headers(void **state)
{
    struct page_request request = request_for("GET", "/metrics");
    struct page_response response;

    (void)state;
    request.accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    request.accept_encoding = "gzip";
    pages_answer(&request, &fake.providers, &response);
    assert_string_equal(response.content_type, exposition_content_type(EXPOSITION_OPENMETRICS));
    assert_true(response.gzip);
    assert_int_equal(response.part_count, 1);
    assert_memory_equal(response.parts[0].bytes, "\x1f\x8b", 2);
    page_response_release(&response);
}

static void test_metrics_survive_the_end_of_their_snapshot(void **state)
{
    struct page_request request = request_for("GET", "/metrics");
    struct page_response response;

    (void)state;
    pages_answer(&request, &fake.providers, &response);
    snapshot_put(fake.front);
    fake.front = NULL;
    assert_memory_equal(response.parts[0].bytes, "# HELP", 6);
    page_response_release(&response);
}

static void test_unhealthy_says_why(void **state)
{
    (void)state;
    fake.healthy = false;
    assert_status("GET", "/-/healthy", 503);
    assert_status("GET", "/health", 503);
    assert_status("GET", "/-/ready", 200);
    assert_body_has("GET", "/-/healthy", "the scheduler made no progress for 60 s\n");
}

static void test_not_ready_says_why(void **state)
{
    (void)state;
    fake.ready = false;
    assert_status("GET", "/-/ready", 503);
    assert_status("GET", "/-/healthy", 200);
    assert_body_has("GET", "/-/ready", "waiting for the inventory\n");
}

static void test_failed_reload_is_400_with_the_reason(void **state)
{
    (void)state;
    fake.reload_error = "exporter.ini:3: unknown key";
    assert_status("POST", "/-/reload", 400);
    assert_body_has("POST", "/-/reload", "exporter.ini:3: unknown key");
}

static void test_memory_trouble_is_503(void **state)
{
    (void)state;
    fake.out_of_memory = true;
    assert_status("GET", "/metrics", 503);
    assert_body_has("GET", "/metrics", "out of memory\n");
}

static void test_without_a_status_that_is_said(void **state)
{
    (void)state;
    fake.no_status = true;
    assert_status("GET", "/api/v1/overview", 503);
    assert_status("GET", "/api/v1/targets", 503);
    assert_body_has("GET", "/api/v1/overview", "there is no state to show yet");
    assert_body_has("GET", "/api/v1/targets", "there is no state to show yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_costly_page_waits_for_its_turn_and_others_do_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_every_route_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_paths_are_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_methods_name_the_right_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_is_refused_and_closes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_on_any_answer_closes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_from_elsewhere_do_not_happen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading_from_elsewhere_works, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics_default_is_plain_text_format, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics_follow_accept_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics_survive_the_end_of_their_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unhealthy_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_ready_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_reload_is_400_with_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_trouble_is_503, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_status_that_is_said, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
