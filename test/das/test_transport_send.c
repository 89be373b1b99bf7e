/* transport_send(): methods, bodies, limits and addresses that requests to others than DAS need. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/das/transport_fixture.h"

static struct transport_fixture fixture;
static char url[256];

static void set_url(const char *host, const char *listener, const char *scenario)
{
    snprintf(url, sizeof(url), "http://%s:%d/?InstanceId=%s", host,
             server_process_port(fixture.server, listener), scenario);
}

static struct transport_request request_for(enum transport_method method, const char *scenario)
{
    set_url("127.0.0.1", "http", scenario);
    return (struct transport_request){.method = method, .url = url, .header_lines = ""};
}

/* Sends and gives what the server saw of the request in `name`; to be freed. */
static char *seen_of(const struct transport_request *request, const char *name)
{
    json_t *seen;
    const char *text;
    char *copy;

    if (!transport_send(fixture.transport, request, &fixture.response, &fixture.error))
        fail_msg("%s", fixture.error.message);
    seen = json_loadb(fixture.response.body.data, fixture.response.body.length, 0, NULL);
    text = json_string_value(json_object_get(json_object_get(seen, "request"), name));
    copy = text != NULL ? strdup(text) : NULL;
    json_decref(seen);
    return copy;
}

static void assert_seen(const struct transport_request *request, const char *name, const char *expected)
{
    char *found = seen_of(request, name);

    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, expected);
    }
    free(found);
}

static void assert_failed(const struct transport_request *request, enum error_class class, const char *part)
{
    assert_false(transport_send(fixture.transport, request, &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, class, part);
}

static void test_get_has_no_body(void **state)
{
    const struct transport_request request = request_for(TRANSPORT_GET, "seen");

    (void)state;
    assert_seen(&request, ":method", "GET");
    assert_seen(&request, "content-length", NULL);
    assert_seen(&request, "content-type", NULL);
}

static void test_put_has_an_empty_body(void **state)
{
    struct transport_request request = request_for(TRANSPORT_PUT, "seen");

    (void)state;
    request.header_lines = "x-a: 1\nx-b: 2";
    assert_seen(&request, ":method", "PUT");
    assert_seen(&request, "content-length", "0");
    assert_seen(&request, "x-b", "2");
}

static void test_form_is_posted(void **state)
{
    struct transport_request request = request_for(TRANSPORT_POST, "seen");

    (void)state;
    request.form = "a=1&b=%20";
    assert_seen(&request, ":method", "POST");
    assert_seen(&request, ":body", "a=1&b=%20");
    assert_seen(&request, "content-type", "application/x-www-form-urlencoded");
    assert_seen(&request, "expect", NULL);
}

/* The same transport is used for all: nothing of one request may show in the next. */
static void test_methods_follow_each_other(void **state)
{
    struct transport_request form = request_for(TRANSPORT_POST, "seen");
    const struct transport_request get = request_for(TRANSPORT_GET, "seen");
    const struct transport_request put = request_for(TRANSPORT_PUT, "seen");

    (void)state;
    form.form = "a=1";
    for (int i = 0; i < 2; i++) {
        assert_seen(&put, ":method", "PUT");
        assert_seen(&form, ":body", "a=1");
        assert_seen(&get, ":method", "GET");
        assert_seen(&put, ":body", "");
        assert_true(transport_post(fixture.transport, url, "", &fixture.response, &fixture.error));
        assert_non_null(strstr(strbuf_text(&fixture.response.body), "\":method\": \"POST\""));
        assert_non_null(strstr(strbuf_text(&fixture.response.body), "\":body\": \"\""));
    }
}

static void test_body_can_be_kept_whole(void **state)
{
    struct transport_request request = request_for(TRANSPORT_POST, "finished");

    (void)state;
    assert_true(transport_send(fixture.transport, &request, &fixture.response, &fixture.error));
    assert_null(strstr(strbuf_text(&fixture.response.body), "SqlText"));
    request.whole_body_max = 1 << 20;
    assert_true(transport_send(fixture.transport, &request, &fixture.response, &fixture.error));
    assert_non_null(strstr(strbuf_text(&fixture.response.body), "SqlText"));
    assert_int_equal(fixture.response.body.length, fixture.response.received);
}

static void test_whole_body_has_its_own_limit(void **state)
{
    struct transport_request request = request_for(TRANSPORT_GET, "large");

    (void)state;
    request.whole_body_max = 1 << 20;
    assert_failed(&request, ERROR_TOO_LARGE, "larger than allowed");
    assert_null(strstr(fixture.error.message, "[das]"));
    assert_true(fixture.response.body.length <= 1 << 20);
    request.whole_body_max = 4 << 20;
    assert_true(transport_send(fixture.transport, &request, &fixture.response, &fixture.error));
}

static void test_request_may_have_a_shorter_time_limit(void **state)
{
    struct transport_request request = request_for(TRANSPORT_GET, "silent");
    int64_t start = clock_now();

    (void)state;
    request.timeout = 100 * NS_PER_MS;
    assert_failed(&request, ERROR_TRANSIENT, "no answer within");
    assert_null(strstr(fixture.error.message, "[das]"));
    assert_true(clock_now() - start < 10 * NS_PER_SECOND);
}

static void test_redirect_is_not_followed(void **state)
{
    const struct transport_request request = request_for(TRANSPORT_GET, "redirect");

    (void)state;
    assert_true(transport_send(fixture.transport, &request, &fixture.response, &fixture.error));
    assert_int_equal(fixture.response.http_status, 302);
}

/* After an abort nothing is sent, so that an address that is allowed fails for that reason. */
static void test_plain_http_is_for_the_named_host_only(void **state)
{
    struct transport_request request = {.method = TRANSPORT_GET, .header_lines = ""};
    static const char *const others[] = {
        "http://100.100.100.201/",           "http://100.100.100.200.test/", "http://x.100.100.100.200/",
        "http://100.100.100.200@192.0.2.1/", "ftp://100.100.100.200/",
    };

    (void)state;
    transport_abort(fixture.transport);
    request.url = "http://100.100.100.200/latest/";
    assert_failed(&request, ERROR_CONFIG, "not https");
    request.plain_http_host = "100.100.100.200";
    assert_failed(&request, ERROR_TRANSIENT, "stopped");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        request.url = others[i];
        assert_failed(&request, ERROR_CONFIG, "not https");
    }
}

/* libcurl itself takes every name under localhost for loopback, the transport only that name. */
static void test_proxy_of_the_environment_can_be_passed_by(void **state)
{
    struct transport_request request = {
        .method = TRANSPORT_GET, .url = url, .header_lines = "", .plain_http_host = "service.localhost"};
    char proxy[64];
    char *target;

    (void)state;
    set_url("service.localhost", "http", "seen");
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server_process_port(fixture.server, "http"));
    setenv("http_proxy", proxy, 1);
    target = seen_of(&request, ":target");
    assert_non_null(strstr(target, "http://service.localhost"));
    free(target);
    request.proxy = "";
    assert_seen(&request, ":target", "/?InstanceId=seen");
    unsetenv("http_proxy");
}

static int start_server(void **state)
{
    *state = &fixture;
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    return transport_fixture_start(&fixture) && transport_global_init(&fixture.error) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_get_has_no_body),
        TRANSPORT_TEST(test_put_has_an_empty_body),
        TRANSPORT_TEST(test_form_is_posted),
        TRANSPORT_TEST(test_methods_follow_each_other),
        TRANSPORT_TEST(test_body_can_be_kept_whole),
        TRANSPORT_TEST(test_whole_body_has_its_own_limit),
        TRANSPORT_TEST(test_request_may_have_a_shorter_time_limit),
        TRANSPORT_TEST(test_redirect_is_not_followed),
        TRANSPORT_TEST(test_plain_http_is_for_the_named_host_only),
        TRANSPORT_TEST(test_proxy_of_the_environment_can_be_passed_by),
    };

    return cmocka_run_group_tests(tests, start_server, transport_fixture_stop);
}
