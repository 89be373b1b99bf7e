/* transport_send(): methods, bodies, limits and addresses that requests to others than DAS need. */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/transport.h"
#include "test/das/server_process.h"

static struct server_process *server;
static struct transport *transport;
static struct transport_response response;
static struct error error;
static char url[256];

static int setup(void **state)
{
    const struct transport_settings settings = {
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 16 << 20,
        .ca_file = server_process_ca_file(server),
    };

    (void)state;
    transport_response_init(&response);
    error_clear(&error);
    transport = transport_new(&settings, &error);
    return transport != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    transport_free(transport);
    transport_response_release(&response);
    return 0;
}

static void set_url(const char *host, const char *listener, const char *scenario)
{
    snprintf(url, sizeof(url), "http://%s:%d/?InstanceId=%s", host, server_process_port(server, listener),
             scenario);
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

    if (!transport_send(transport, request, &response, &error))
        fail_msg("%s", error.message);
    seen = json_loadb(response.body.data, response.body.length, 0, NULL);
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
    assert_false(transport_send(transport, request, &response, &error));
    assert_string_equal(error_class_name(error.class), error_class_name(class));
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, error.message);
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
        assert_true(transport_post(transport, url, "", &response, &error));
        assert_non_null(strstr(strbuf_text(&response.body), "\":method\": \"POST\""));
        assert_non_null(strstr(strbuf_text(&response.body), "\":body\": \"\""));
    }
}

static void test_body_can_be_kept_whole(void **state)
{
    struct transport_request request = request_for(TRANSPORT_POST, "finished");

    (void)state;
    assert_true(transport_send(transport, &request, &response, &error));
    assert_null(strstr(strbuf_text(&response.body), "SqlText"));
    request.whole_body_max = 1 << 20;
    assert_true(transport_send(transport, &request, &response, &error));
    assert_non_null(strstr(strbuf_text(&response.body), "SqlText"));
    assert_int_equal(response.body.length, response.received);
}

static void test_whole_body_has_its_own_limit(void **state)
{
    struct transport_request request = request_for(TRANSPORT_GET, "large");

    (void)state;
    request.whole_body_max = 1 << 20;
    assert_failed(&request, ERROR_TOO_LARGE, "larger than allowed");
    assert_null(strstr(error.message, "[das]"));
    assert_true(response.body.length <= 1 << 20);
    request.whole_body_max = 4 << 20;
    assert_true(transport_send(transport, &request, &response, &error));
}

static void test_request_may_have_a_shorter_time_limit(void **state)
{
    struct transport_request request = request_for(TRANSPORT_GET, "silent");
    int64_t start = clock_now();

    (void)state;
    request.timeout = 100 * NS_PER_MS;
    assert_failed(&request, ERROR_TRANSIENT, "no answer within");
    assert_null(strstr(error.message, "[das]"));
    assert_true(clock_now() - start < 10 * NS_PER_SECOND);
}

static void test_redirect_is_not_followed(void **state)
{
    const struct transport_request request = request_for(TRANSPORT_GET, "redirect");

    (void)state;
    assert_true(transport_send(transport, &request, &response, &error));
    assert_int_equal(response.http_status, 302);
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
    transport_abort(transport);
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
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server_process_port(server, "http"));
    setenv("http_proxy", proxy, 1);
    target = seen_of(&request, ":target");
    assert_non_null(strstr(target, "http://service.localhost"));
    free(target);
    request.no_proxy = true;
    assert_seen(&request, ":target", "/?InstanceId=seen");
    unsetenv("http_proxy");
}

static int start_server(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    server = server_process_start();
    return server != NULL && transport_global_init(&error) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    server_process_stop(server);
    transport_global_release();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get_has_no_body),
        TEST(test_put_has_an_empty_body),
        TEST(test_form_is_posted),
        TEST(test_methods_follow_each_other),
        TEST(test_body_can_be_kept_whole),
        TEST(test_whole_body_has_its_own_limit),
        TEST(test_request_may_have_a_shorter_time_limit),
        TEST(test_redirect_is_not_followed),
        TEST(test_plain_http_is_for_the_named_host_only),
        TEST(test_proxy_of_the_environment_can_be_passed_by),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
