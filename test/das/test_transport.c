#include "das/transport.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"
#include "test/das/server_process.h"

#define MIB ((int64_t)1 << 20)

static struct server_process *server;
static struct transport *transport;
static struct transport_response response;
static struct error error;

static struct transport_settings default_settings(void)
{
    return (struct transport_settings){
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 16 * MIB,
        .ca_file = server_process_ca_file(server),
    };
}

static int setup(void **state)
{
    const struct transport_settings settings = default_settings();

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

static const char *url_of(const char *scheme, const char *host, const char *listener, const char *scenario)
{
    static _Thread_local char url[256];

    snprintf(url, sizeof(url), "%s://%s:%d/?InstanceId=%s", scheme, host,
             server_process_port(server, listener), scenario);
    return url;
}

/* A request to the listener whose certificate is good. */
static bool post(const char *scenario)
{
    return transport_post(transport, url_of("https", "localhost", "good", scenario), "", &response, &error);
}

static void configure(const struct transport_settings *settings)
{
    assert_true(transport_configure(transport, settings));
}

static void assert_error(enum error_class class, const char *part)
{
    assert_string_equal(error_class_name(error.class), error_class_name(class));
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, error.message);
}

/* A counter of the server's, read over a connection of its own. The reading is counted, too. */
static json_int_t server_count(const char *name)
{
    const struct transport_settings settings = default_settings();
    struct transport *other = transport_new(&settings, NULL);
    struct transport_response answer;
    json_t *seen;
    json_int_t count;

    transport_response_init(&answer);
    assert_non_null(other);
    assert_true(transport_post(other, url_of("http", "127.0.0.1", "http", "seen"), "", &answer, NULL));
    seen = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    count = json_integer_value(json_object_get(seen, name));
    json_decref(seen);
    transport_response_release(&answer);
    transport_free(other);
    return count;
}

static void test_answer_arrives(void **state)
{
    (void)state;
    assert_true(post("rm-test1"));
    assert_int_equal(response.http_status, 200);
    assert_int_equal(response.retry_after_ms, -1);
    assert_true(response.answered);
    assert_true(response.duration > 0);
    assert_non_null(strstr(strbuf_text(&response.body), "async__1"));
    assert_int_equal(response.received, response.body.length);
}

static void test_any_status_is_an_answer(void **state)
{
    (void)state;
    assert_true(post("html"));
    assert_int_equal(response.http_status, 502);
    assert_non_null(strstr(strbuf_text(&response.body), "Bad gateway"));
}

static void test_request_is_a_bare_post(void **state)
{
    json_t *seen, *request;

    (void)state;
    assert_true(transport_post(transport, url_of("https", "localhost", "good", "seen"),
                               "x-acs-a: 1\nAuthorization: b c", &response, &error));
    seen = json_loadb(response.body.data, response.body.length, 0, NULL);
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
    assert_true(post("rm-test1"));
    apart = clock_unix_ms() - response.server_unix_ms;
    assert_in_range(apart + 60000, 0, 120000);
}

static void test_retry_after_is_read(void **state)
{
    (void)state;
    assert_true(post("throttled"));
    assert_int_equal(response.http_status, 400);
    assert_int_equal(response.retry_after_ms, 1500);
    assert_true(post("rm-test1"));
    assert_int_equal(response.retry_after_ms, -1);
}

static void test_headers_of_an_interim_answer_do_not_count(void **state)
{
    (void)state;
    assert_true(post("continue"));
    assert_int_equal(response.http_status, 200);
    assert_int_equal(response.retry_after_ms, -1);
}

static void test_connection_is_used_again(void **state)
{
    json_int_t before = server_count("connections");

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(post("rm-test1"));
    /* One for the five, one for the second reading. */
    assert_int_equal(server_count("connections") - before, 2);
}

static void test_a_dropped_kept_connection_is_not_tried_again(void **state)
{
    json_int_t before = server_count("requests");

    (void)state;
    assert_true(post("second_is_dropped"));
    assert_false(post("second_is_dropped"));
    assert_error(ERROR_TRANSIENT, "closed the kept connection");
    assert_false(response.answered);
    assert_int_equal(server_count("requests") - before, 3);
    assert_true(post("second_is_dropped"));
}

static void test_gzip_is_decoded(void **state)
{
    (void)state;
    assert_true(post("gzip"));
    assert_non_null(strstr(strbuf_text(&response.body), "async__1"));
}

static void test_lists_are_left_out(void **state)
{
    (void)state;
    assert_true(post("list"));
    assert_string_equal(strbuf_text(&response.body), "{\"SessionList\":[],\"a\":1}");
    assert_true(response.received > 2000000);
}

static void test_redirect_is_not_followed(void **state)
{
    json_int_t before = server_count("requests");

    (void)state;
    assert_true(post("redirect"));
    assert_int_equal(response.http_status, 302);
    assert_int_equal(server_count("requests") - before, 2);
}

static void test_large_answer_is_refused(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.max_response_size = 3 * MIB;
    configure(&settings);
    assert_true(post("large"));
    settings.max_response_size = 3 * MIB - 1;
    configure(&settings);
    assert_false(post("large"));
    assert_error(ERROR_TOO_LARGE, "localhost");
    assert_true(response.answered);
}

static void test_decoded_bytes_count(void **state)
{
    (void)state;
    assert_false(post("bomb"));
    assert_error(ERROR_TOO_LARGE, "max_response_size");
    assert_true(response.received <= (size_t)(16 * MIB));
}

static void test_kept_bytes_have_a_limit_of_their_own(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.max_response_size = 1024 * MIB;
    configure(&settings);
    assert_false(post("bomb"));
    assert_error(ERROR_TOO_LARGE, "larger");
    assert_true(response.body.length <= TRANSPORT_BODY_MAX);
}

static void test_header_bytes_count(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.max_response_size = MIB / 16;
    configure(&settings);
    assert_false(post("headers"));
    assert_error(ERROR_TOO_LARGE, "");
}

static void test_silence_ends_at_the_time_limit_unanswered(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.timeout = 200 * NS_PER_MS;
    configure(&settings);
    assert_false(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "silent"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "no answer within");
    assert_false(response.answered);
    assert_true(response.duration >= 200 * NS_PER_MS);
}

static void test_a_stalled_body_was_answered(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.timeout = 300 * NS_PER_MS;
    configure(&settings);
    assert_false(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "stalled"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "not complete");
    assert_true(response.answered);
}

static void test_an_endless_handshake_ends_at_the_connect_limit(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.connect_timeout = 200 * NS_PER_MS;
    configure(&settings);
    assert_false(transport_post(transport, url_of("https", "localhost", "mute", "x"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "no connection within");
    assert_true(response.answered); /* nothing was sent, so nothing can be counted */
}

static void test_broken_bodies_are_told(void **state)
{
    (void)state;
    assert_false(post("truncated"));
    assert_error(ERROR_TRANSIENT, "localhost");
    assert_true(response.answered);
    assert_false(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "truncated"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "cut short");
    assert_false(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "reset"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "127.0.0.1");
}

static void test_no_answer_at_all_is_told_and_unanswered(void **state)
{
    (void)state;
    assert_false(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "empty"), "", &response, &error));
    assert_error(ERROR_TRANSIENT, "without an answer");
    assert_false(response.answered); /* a proxy may have passed it on */
    assert_int_equal(response.http_status, 0);
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
    assert_false(transport_post(transport, url, "", &response, &error));
    assert_error(ERROR_TRANSIENT, "127.0.0.1: cannot connect");
    assert_null(strstr(error.message, "secret"));
    assert_true(response.answered);
    close(bound);
}

/* The label is longer than DNS allows, so that no name server is asked. */
static void test_unknown_name_is_told(void **state)
{
    (void)state;
    assert_false(transport_post(
        transport, "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/",
        "", &response, &error));
    assert_error(ERROR_TRANSIENT, "cannot be resolved");
    assert_true(response.answered);
}

static void test_no_proxy_for_loopback(void **state)
{
    (void)state;
    setenv("https_proxy", "http://192.0.2.1:1", 1);
    assert_true(post("rm-test1"));
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

    background->ok = transport_post(transport, url_of("http", "127.0.0.1", "http", "silent_and_watched"), "",
                                    &background->response, &background->error);
    return NULL;
}

static void test_abort_ends_a_running_request_soon(void **state)
{
    const struct transport_settings settings = default_settings();
    struct transport *other = transport_new(&settings, &error);
    struct background background;
    pthread_t thread;
    int64_t start;

    (void)state;
    transport_response_init(&background.response);
    error_clear(&background.error);
    /* On a kept connection, libcurl has no timers left that would end its poll. */
    assert_true(
        transport_post(transport, url_of("http", "127.0.0.1", "http", "rm-test1"), "", &response, &error));
    assert_true(thread_start(&thread, "request", run_silent_request, &background, &error));
    /* Answered once the other request has reached the server. */
    assert_true(
        transport_post(other, url_of("http", "127.0.0.1", "http", "when_hanging"), "", &response, &error));
    start = clock_now();
    transport_abort(transport);
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
    json_int_t before = server_count("requests");

    (void)state;
    transport_abort(transport);
    assert_false(post("rm-test1"));
    assert_error(ERROR_TRANSIENT, "stop");
    assert_true(response.answered);
    assert_int_equal(server_count("requests") - before, 1);
}

static int start_server(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
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
        TEST(test_answer_arrives),
        TEST(test_any_status_is_an_answer),
        TEST(test_request_is_a_bare_post),
        TEST(test_date_is_read),
        TEST(test_retry_after_is_read),
        TEST(test_headers_of_an_interim_answer_do_not_count),
        TEST(test_connection_is_used_again),
        TEST(test_a_dropped_kept_connection_is_not_tried_again),
        TEST(test_gzip_is_decoded),
        TEST(test_lists_are_left_out),
        TEST(test_redirect_is_not_followed),
        TEST(test_large_answer_is_refused),
        TEST(test_decoded_bytes_count),
        TEST(test_kept_bytes_have_a_limit_of_their_own),
        TEST(test_header_bytes_count),
        TEST(test_silence_ends_at_the_time_limit_unanswered),
        TEST(test_a_stalled_body_was_answered),
        TEST(test_an_endless_handshake_ends_at_the_connect_limit),
        TEST(test_broken_bodies_are_told),
        TEST(test_no_answer_at_all_is_told_and_unanswered),
        TEST(test_refused_connection_is_told),
        TEST(test_unknown_name_is_told),
        TEST(test_no_proxy_for_loopback),
        TEST(test_abort_ends_a_running_request_soon),
        TEST(test_after_an_abort_nothing_is_sent),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
