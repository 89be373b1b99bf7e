#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Requests that no honest client sends. */
#include "core/strbuf.h"
#include "test/http/http_client.h"
#include "test/http/server_fixture.h"

static struct server_fixture fixture;

static int setup(void **state)
{
    (void)state;
    return server_fixture_start(&fixture, 1000);
}

static int teardown(void **state)
{
    (void)state;
    return server_fixture_stop(&fixture);
}

/* Sends raw bytes and expects an error status and the end. */
static void assert_unreadable(const char *request, int status)
{
    struct http_client client;
    struct http_answer answer;
    char value[64];

    client_open(&client, fixture.port, 0);
    client_send(&client, request);
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, status);
    assert_true(answer_field(&answer, "Connection", value, sizeof(value)));
    assert_string_equal(value, "close");
    assert_false(answer_field(&answer, "Server", value, sizeof(value)));
    assert_true(client_at_end(&client));
    client_close(&client);
    answer_release(&answer);
}

static void test_unreadable_requests_are_refused(void **state)
{
    (void)state;
    assert_unreadable("BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    assert_unreadable("GET /metrics\r\n\r\n", 400);
    assert_unreadable("GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", 505);
    assert_unreadable("GET metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    assert_status(&fixture, "GET", "/health", "", 200);
}

static void test_overlong_head_is_refused(void **state)
{
    char request[16384 + 1];

    (void)state;
    memset(request, 'a', sizeof(request) - 1);
    request[sizeof(request) - 1] = '\0';
    memcpy(request, "GET /", 5);
    assert_unreadable(request, 400);
}

static void test_what_can_be_read_in_two_ways_is_refused(void **state)
{
    static const char *const heads[] = {
        "Host: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n",
        "Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Host: x\r\nHost: localhost\r\n",
        "Accept: */*\r\n",
        "Host: x\r\nAuthorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n",
    };
    char request[512];

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        snprintf(request, sizeof(request),
                 "GET /metrics HTTP/1.1\r\n%s\r\nPOST /refresh HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 heads[i]);
        assert_unreadable(request, 400);
    }
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
}

#ifdef SERVER_IS_OURS
/* Each hides the field after it from a reader that stops at the strange line. */
static void test_strange_header_lines_hide_nothing(void **state)
{
    static const char *const lines[] = {
        " folded\r\n", "\tfolded\r\n", ": no name\r\n", "no colon\r\n",   "Name : blank\r\n",
        "\x80: x\r\n", "A: b\n",       "A: b\n\r",      "A: b\rC: d\r\n",
    };
    char request[512];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(request, sizeof(request),
                 "POST /refresh HTTP/1.1\r\nHost: localhost\r\n%sX-Forwarded-For: 192.0.2.1\r\n\r\n",
                 lines[i]);
        assert_unreadable(request, 400);
    }
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
}

/* Lines and words that other readers see elsewhere. */
static void test_a_head_that_is_not_to_the_letter_is_refused(void **state)
{
    static const char *const heads[] = {
        "POST /refresh HTTP/1.1\r\nHost: localhost\r\n\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
        "POST /refresh HTTP/1.1\r\n\nHost: localhost\r\n\r\n",
        "POST /refresh HTTP/1.1\nHost: localhost\r\n\r\n",
        "POST /refresh HTTP/1.1\rHost: localhost\r\n\r\n",
        "POST /refresh HTTP/1.1\r\r\nHost: localhost\r\n\r\n",
        "POST /refresh HTTP/1.1\r\n Host: localhost\r\n\r\n",
        "POST /refresh HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        "POST /refresh  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST  /refresh HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST\t/refresh HTTP/1.1\r\nHost: localhost\r\n\r\n",
        " POST /refresh HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\r\n\r\nPOST /refresh HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        assert_unreadable(heads[i], 400);
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
}

static void test_an_empty_line_before_a_request_is_passed_over(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    for (int i = 0; i < 2; i++) {
        client_send(&client, "\r\nGET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_receive(&client, true, &answer));
        assert_int_equal(answer.status, 200);
        answer_release(&answer);
    }
    client_close(&client);
}

static void test_no_header_of_too_many_is_dropped(void **state)
{
    struct strbuf request;

    (void)state;
    strbuf_init(&request, 0);
    strbuf_append_text(&request, "POST /refresh HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (int i = 0; i < 63; i++)
        strbuf_append_format(&request, "X-%d: y\r\n", i);
    strbuf_append_text(&request, "X-Forwarded-For: 192.0.2.1\r\n\r\n");
    assert_unreadable(strbuf_text(&request), 400);
    strbuf_release(&request);
}

/* "GET http://HOST/metrics" is what proxies are sent; a server must understand it. */
static void test_a_whole_uri_is_served(void **state)
{
    static const char *const targets[] = {"http://exporter.example/health",
                                          "https://exporter.example:1/health", "HTTP://[::1]:80/health?x=1",
                                          "http://127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_status(&fixture, "GET", targets[i], "", 200);
    assert_status(&fixture, "GET", "http://exporter.example/unknown", "", 404);
    assert_unreadable("GET ftp://x/health HTTP/1.1\r\nHost: x\r\n\r\n", 400);
}

static void test_the_host_of_a_whole_uri_counts_instead_of_the_header(void **state)
{
    (void)state;
    assert_status(&fixture, "POST", "http://rebound.example/refresh", "", 403);
    assert_status(&fixture, "POST", "http://user@127.0.0.1/refresh", "", 403);
    assert_status(&fixture, "POST", "http://localhost:1/refresh", "", 202);
}

static void test_options_of_the_whole_server_is_answered(void **state)
{
    struct http_answer answer;
    char allow[64];

    (void)state;
    fetch(fixture.port, "OPTIONS", "*", "", &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer_field(&answer, "Allow", allow, sizeof(allow)));
    assert_string_equal(allow, "GET, HEAD, OPTIONS, POST");
    answer_release(&answer);
    assert_status(&fixture, "GET", "*", "", 404);
}
#endif

static void test_second_forwarding_header_counts_too(void **state)
{
    (void)state;
    assert_status(&fixture, "POST", "/refresh",
                  "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n", 403);
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
}

static void test_whatever_a_proxy_adds_counts_as_forwarded(void **state)
{
    static const char *const fields[] = {
        "Forwarded: for=192.0.2.1", "Via: 1.1 proxy",           "X-Forwarded-Host: x",
        "x-forwarded-proto: https", "X-Envoy-Peer-Metadata: x", "X-Real-Ip: 192.0.2.1",
        "True-Client-IP: x",        "Fastly-Client-IP: x",      "CF-Connecting-IP: x",
        "X-Azure-ClientIP: x",      "Ali-Cdn-Real-Ip: x",       "X-Original-Forwarded-For: x",
    };
    char field[64];

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        snprintf(field, sizeof(field), "%s\r\n", fields[i]);
        assert_status(&fixture, "POST", "/refresh", field, 403);
    }
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
    assert_status(&fixture, "POST", "/refresh", "X-Request-Id: 1\r\n", 202);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unreadable_requests_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overlong_head_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_can_be_read_in_two_ways_is_refused, setup, teardown),
#ifdef SERVER_IS_OURS
        cmocka_unit_test_setup_teardown(test_strange_header_lines_hide_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_head_that_is_not_to_the_letter_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_line_before_a_request_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_header_of_too_many_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_whole_uri_is_served, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_host_of_a_whole_uri_counts_instead_of_the_header, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_options_of_the_whole_server_is_answered, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(test_second_forwarding_header_counts_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whatever_a_proxy_adds_counts_as_forwarded, setup, teardown),
    };
    int failed;

    if (!server_global_init(NULL))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_global_release();
    return failed;
}
