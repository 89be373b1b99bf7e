#include "das/transport.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"
#include "test/das/transport_fixture.h"

#define MIB ((int64_t)1 << 20)

static struct transport_fixture fixture;

static void configure(const struct transport_settings *settings)
{
    assert_true(transport_configure(fixture.transport, settings));
}

static void test_answer_arrives(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
    assert_int_equal(fixture.response.http_status, 200);
    assert_int_equal(fixture.response.retry_after_ms, -1);
    assert_true(fixture.response.answered);
    assert_true(fixture.response.duration > 0);
    assert_non_null(strstr(strbuf_text(&fixture.response.body), "async__1"));
    assert_int_equal(fixture.response.received, fixture.response.body.length);
}

static void test_any_status_is_an_answer(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "html"));
    assert_int_equal(fixture.response.http_status, 502);
    assert_non_null(strstr(strbuf_text(&fixture.response.body), "Bad gateway"));
}

static void test_request_is_a_bare_post(void **state)
{
    json_t *seen, *request;

    (void)state;
    assert_true(transport_post(fixture.transport,
                               transport_fixture_url(&fixture, "https", "localhost", "good", "seen"),
                               "x-acs-a: 1\nAuthorization: b c", &fixture.response, &fixture.error));
    seen = json_loadb(fixture.response.body.data, fixture.response.body.length, 0, NULL);
    request = json_object_get(seen, "request");
    assert_string_equal(json_string_value(json_object_get(request, ":method")), "POST");
    assert_string_equal(json_string_value(json_object_get(request, "content-length")), "0");
    assert_string_equal(json_string_value(json_object_get(request, "x-acs-a")), "1");
    assert_string_equal(json_string_value(json_object_get(request, "authorization")), "b c");
    assert_null(json_object_get(request, "content-type"));
    assert_null(json_object_get(request, "expect"));
    assert_ptr_equal(
        strstr(json_string_value(json_object_get(request, "user-agent")), "mysql-session-exporter/"),
        json_string_value(json_object_get(request, "user-agent")));
    json_decref(seen);
}

static void test_date_is_read(void **state)
{
    int64_t apart;

    (void)state;
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
    apart = clock_unix_ms() - fixture.response.server_unix_ms;
    assert_in_range(apart + 60000, 0, 120000);
}

static void test_retry_after_is_read(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "throttled"));
    assert_int_equal(fixture.response.http_status, 400);
    assert_int_equal(fixture.response.retry_after_ms, 1500);
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
    assert_int_equal(fixture.response.retry_after_ms, -1);
}

static void test_headers_of_an_interim_answer_do_not_count(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "continue"));
    assert_int_equal(fixture.response.http_status, 200);
    assert_int_equal(fixture.response.retry_after_ms, -1);
}

static void test_connection_is_used_again(void **state)
{
    json_int_t before = transport_fixture_count(&fixture, "connections");

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(transport_fixture_post(&fixture, "rm-test1"));
    /* One for the five, one for the second reading. */
    assert_int_equal(transport_fixture_count(&fixture, "connections") - before, 2);
}

static void test_a_dropped_kept_connection_is_not_tried_again(void **state)
{
    json_int_t before = transport_fixture_count(&fixture, "requests");

    (void)state;
    assert_true(transport_fixture_post(&fixture, "second_is_dropped"));
    assert_false(transport_fixture_post(&fixture, "second_is_dropped"));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "closed the kept connection");
    assert_false(fixture.response.answered);
    assert_int_equal(transport_fixture_count(&fixture, "requests") - before, 3);
    assert_true(transport_fixture_post(&fixture, "second_is_dropped"));
}

static void test_gzip_is_decoded(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "gzip"));
    assert_non_null(strstr(strbuf_text(&fixture.response.body), "async__1"));
}

static void test_lists_are_left_out(void **state)
{
    (void)state;
    assert_true(transport_fixture_post(&fixture, "list"));
    assert_string_equal(strbuf_text(&fixture.response.body), "{\"SessionList\":[],\"a\":1}");
    assert_true(fixture.response.received > 2000000);
}

static void test_redirect_is_not_followed(void **state)
{
    json_int_t before = transport_fixture_count(&fixture, "requests");

    (void)state;
    assert_true(transport_fixture_post(&fixture, "redirect"));
    assert_int_equal(fixture.response.http_status, 302);
    assert_int_equal(transport_fixture_count(&fixture, "requests") - before, 2);
}

static void test_large_answer_is_refused(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.max_response_size = 3 * MIB;
    configure(&settings);
    assert_true(transport_fixture_post(&fixture, "large"));
    settings.max_response_size = 3 * MIB - 1;
    configure(&settings);
    assert_false(transport_fixture_post(&fixture, "large"));
    transport_fixture_assert_error(&fixture, ERROR_TOO_LARGE, "localhost");
    assert_true(fixture.response.answered);
}

static void test_decoded_bytes_count(void **state)
{
    (void)state;
    assert_false(transport_fixture_post(&fixture, "bomb"));
    transport_fixture_assert_error(&fixture, ERROR_TOO_LARGE, "max_response_size");
    assert_true(fixture.response.received <= (size_t)(16 * MIB));
}

static void test_kept_bytes_have_a_limit_of_their_own(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.max_response_size = 1024 * MIB;
    configure(&settings);
    assert_false(transport_fixture_post(&fixture, "bomb"));
    transport_fixture_assert_error(&fixture, ERROR_TOO_LARGE, "larger");
    assert_true(fixture.response.body.length <= TRANSPORT_BODY_MAX);
}

static void test_header_bytes_count(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.max_response_size = MIB / 16;
    configure(&settings);
    assert_false(transport_fixture_post(&fixture, "headers"));
    transport_fixture_assert_error(&fixture, ERROR_TOO_LARGE, "");
}

static void test_silence_ends_at_the_time_limit_unanswered(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.timeout = 200 * NS_PER_MS;
    configure(&settings);
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "silent"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "no answer within");
    assert_false(fixture.response.answered);
    assert_true(fixture.response.duration >= 200 * NS_PER_MS);
}

static void test_a_stalled_body_was_answered(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.timeout = 300 * NS_PER_MS;
    configure(&settings);
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "stalled"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "not complete");
    assert_true(fixture.response.answered);
}

static void test_an_endless_handshake_ends_at_the_connect_limit(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.connect_timeout = 200 * NS_PER_MS;
    configure(&settings);
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "https", "localhost", "mute", "x"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "no connection within");
    assert_true(fixture.response.answered); /* nothing was sent, so nothing can be counted */
}

static void test_broken_bodies_are_told(void **state)
{
    (void)state;
    assert_false(transport_fixture_post(&fixture, "truncated"));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "localhost");
    assert_true(fixture.response.answered);
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "truncated"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "cut short");
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "reset"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "127.0.0.1");
}

static void test_no_answer_at_all_is_told_and_unanswered(void **state)
{
    (void)state;
    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "empty"), "",
                                &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "without an answer");
    assert_false(fixture.response.answered); /* a proxy may have passed it on */
    assert_int_equal(fixture.response.http_status, 0);
}

static void test_refused_connection_is_told(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* holds the port, does not listen */
    char url[64];

    (void)state;
    assert_int_equal(bind(bound, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/?secret=1", ntohs(address.sin_port));
    assert_false(transport_post(fixture.transport, url, "", &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "127.0.0.1: cannot connect");
    assert_null(strstr(fixture.error.message, "secret"));
    assert_true(fixture.response.answered);
    close(bound);
}

/* The label is longer than DNS allows, so that no name server is asked. */
static void test_unknown_name_is_told(void **state)
{
    (void)state;
    assert_false(transport_post(
        fixture.transport,
        "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/", "",
        &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "cannot be resolved");
    assert_true(fixture.response.answered);
}

static void test_no_proxy_for_loopback(void **state)
{
    (void)state;
    setenv("https_proxy", "http://192.0.2.1:1", 1);
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
    unsetenv("https_proxy");
}

struct background {
    bool ok;
    struct error error;
    struct transport_response response;
};

static void *run_silent_request(void *argument)
{
    struct background *background = argument;

    background->ok = transport_post(
        fixture.transport, transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "silent_and_watched"),
        "", &background->response, &background->error);
    return NULL;
}

static void test_abort_ends_a_running_request_soon(void **state)
{
    const struct transport_settings settings = transport_fixture_settings(&fixture);
    struct transport *other = transport_new(&settings, &fixture.error);
    struct background background;
    pthread_t thread;
    int64_t start;

    (void)state;
    transport_response_init(&background.response);
    error_clear(&background.error);
    /* On a kept connection, libcurl has no timers left that would end its poll. */
    assert_true(transport_post(fixture.transport,
                               transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "rm-test1"), "",
                               &fixture.response, &fixture.error));
    assert_true(thread_start(&thread, "request", run_silent_request, &background, &fixture.error));
    /* Answered once the other request has reached the server. */
    assert_true(transport_post(other,
                               transport_fixture_url(&fixture, "http", "127.0.0.1", "http", "when_hanging"),
                               "", &fixture.response, &fixture.error));
    start = clock_now();
    transport_abort(fixture.transport);
    pthread_join(thread, NULL);
    assert_true(clock_now() - start < 200 * NS_PER_MS);
    assert_false(background.ok);
    assert_int_equal(background.error.class, ERROR_TRANSIENT);
    assert_false(background.response.answered);
    transport_response_release(&background.response);
    transport_free(other);
}

static void test_after_an_abort_nothing_is_sent(void **state)
{
    json_int_t before = transport_fixture_count(&fixture, "requests");

    (void)state;
    transport_abort(fixture.transport);
    assert_false(transport_fixture_post(&fixture, "rm-test1"));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, "stop");
    assert_false(fixture.response.attempted);
    assert_int_equal(transport_fixture_count(&fixture, "requests") - before, 1);
}

static int start_server(void **state)
{
    *state = &fixture;
    return transport_fixture_start(&fixture) && transport_global_init(&fixture.error) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_answer_arrives),
        TRANSPORT_TEST(test_any_status_is_an_answer),
        TRANSPORT_TEST(test_request_is_a_bare_post),
        TRANSPORT_TEST(test_date_is_read),
        TRANSPORT_TEST(test_retry_after_is_read),
        TRANSPORT_TEST(test_headers_of_an_interim_answer_do_not_count),
        TRANSPORT_TEST(test_connection_is_used_again),
        TRANSPORT_TEST(test_a_dropped_kept_connection_is_not_tried_again),
        TRANSPORT_TEST(test_gzip_is_decoded),
        TRANSPORT_TEST(test_lists_are_left_out),
        TRANSPORT_TEST(test_redirect_is_not_followed),
        TRANSPORT_TEST(test_large_answer_is_refused),
        TRANSPORT_TEST(test_decoded_bytes_count),
        TRANSPORT_TEST(test_kept_bytes_have_a_limit_of_their_own),
        TRANSPORT_TEST(test_header_bytes_count),
        TRANSPORT_TEST(test_silence_ends_at_the_time_limit_unanswered),
        TRANSPORT_TEST(test_a_stalled_body_was_answered),
        TRANSPORT_TEST(test_an_endless_handshake_ends_at_the_connect_limit),
        TRANSPORT_TEST(test_broken_bodies_are_told),
        TRANSPORT_TEST(test_no_answer_at_all_is_told_and_unanswered),
        TRANSPORT_TEST(test_refused_connection_is_told),
        TRANSPORT_TEST(test_unknown_name_is_told),
        TRANSPORT_TEST(test_no_proxy_for_loopback),
        TRANSPORT_TEST(test_abort_ends_a_running_request_soon),
        TRANSPORT_TEST(test_after_an_abort_nothing_is_sent),
    };

    return cmocka_run_group_tests(tests, start_server, transport_fixture_stop);
}
