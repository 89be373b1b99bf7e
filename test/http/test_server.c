#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/strbuf.h"
#include "test/http/http_client.h"
#include "test/http/server_fixture.h"

static struct server_fixture fixture;

static int setup(void **state)
{
    (void)state;
    return server_fixture_start(&fixture, 300000);
}

static int teardown(void **state)
{
    (void)state;
    return server_fixture_stop(&fixture);
}

static void assert_field(const struct http_answer *answer, const char *name, const char *expected)
{
    char value[256];

    assert_true(answer_field(answer, name, value, sizeof(value)));
    assert_string_equal(value, expected);
}

static void test_port_zero_reports_the_chosen_port(void **state)
{
    (void)state;
    assert_in_range(fixture.port, 1024, 65535);
}

static void test_every_route_answers(void **state)
{
    (void)state;
    assert_status(&fixture, "GET", "/", "", 200);
    assert_status(&fixture, "GET", "/metrics", "", 200);
    assert_status(&fixture, "GET", "/metrics?collect[]=a%20b", "", 200);
    assert_status(&fixture, "GET", "/targets", "", 200);
    assert_status(&fixture, "GET", "/api/v1/targets?q=x", "", 200);
    assert_status(&fixture, "GET", "/-/healthy", "", 200);
    assert_status(&fixture, "GET", "/health", "", 200);
    assert_status(&fixture, "GET", "/-/ready", "", 200);
    assert_status(&fixture, "GET", "/refresh/00112233445566778899aabbccddeeff", "", 200);
    assert_status(&fixture, "POST", "/refresh?ins_id=rm-test1", "", 202);
    assert_status(&fixture, "POST", "/-/reload", "Content-Length: 0\r\n", 200);
}

static void test_unknown_paths_and_methods(void **state)
{
    struct http_answer answer;

    (void)state;
    assert_status(&fixture, "GET", "/metrics/x", "", 404);
    assert_status(&fixture, "GET", "/metrics/../targets", "", 404);
    assert_status(&fixture, "GET", "/%6detrics", "", 404);
    assert_status(&fixture, "PUT", "/metrics", "", 405);
    assert_status(&fixture, "DELETE", "/targets", "", 405);
    assert_status(&fixture, "OPTIONS", "/metrics",
                  "Origin: http://evil.example\r\nAccess-Control-Request-Method: GET\r\n", 200);
    fetch(fixture.port, "GET", "/refresh", "", &answer);
    assert_int_equal(answer.status, 405);
    assert_field(&answer, "Allow", "POST, OPTIONS");
    answer_release(&answer);
}

static void test_absolute_uri_is_answered(void **state)
{
    char target[64];

    (void)state;
    snprintf(target, sizeof(target), "http://127.0.0.1:%d/health", fixture.port);
    assert_status(&fixture, "GET", target, "", 200);
}

static void test_headers_protect_and_leak_nothing(void **state)
{
    struct http_answer answer;
    char value[256];

    (void)state;
    fetch(fixture.port, "GET", "/api/v1/targets", "Origin: http://evil.example\r\n", &answer);
    assert_field(&answer, "X-Content-Type-Options", "nosniff");
    assert_field(&answer, "Cache-Control", "no-store");
    assert_true(answer_field(&answer, "Content-Security-Policy", value, sizeof(value)));
    assert_true(answer_field(&answer, "Date", value, sizeof(value)));
    assert_false(answer_field(&answer, "Server", value, sizeof(value)));
    assert_false(answer_field(&answer, "Access-Control-Allow-Origin", value, sizeof(value)));
    answer_release(&answer);
}

static void test_head_has_the_headers_of_get_and_no_body(void **state)
{
    struct http_client client;
    struct http_answer get;
    struct http_answer head;
    char length[32];

    (void)state;
    fetch(fixture.port, "GET", "/metrics", "", &get);
    answer_field(&get, "Content-Length", length, sizeof(length));
    client_open(&client, fixture.port, 0);
    client_send(&client, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(client_receive(&client, false, &head));
    assert_int_equal(head.status, 200);
    assert_field(&head, "Content-Length", length);
    assert_true(client_at_end(&client));
    client_close(&client);
    answer_release(&get);
    answer_release(&head);
}

static void test_connection_is_used_again(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    for (int i = 0; i < 20; i++) {
        client_send(&client, i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
                                        : "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_receive(&client, true, &answer));
        assert_int_equal(answer.status, i % 2 == 0 ? 200 : 404);
        assert_field(&answer, "Connection", "keep-alive");
        answer_release(&answer);
    }
    client_close(&client);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    static const int statuses[] = {200, 404, 200, 405};
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                         "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nPUT /metrics HTTP/1.1\r\nHost: "
                         "x\r\nConnection: close\r\n\r\n");
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_true(client_receive(&client, true, &answer));
        assert_int_equal(answer.status, statuses[i]);
        answer_release(&answer);
    }
    assert_true(client_at_end(&client));
    client_close(&client);
}

static void test_client_may_close(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "GET /health HTTP/1.0\r\n\r\n");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 200);
    assert_field(&answer, "Connection", "close");
    assert_true(client_at_end(&client));
    client_close(&client);
    answer_release(&answer);
}

/* The answer to a request with something that is, or may be, a body; and nothing after it. */
static void assert_body_refused(const char *request)
{
    struct http_client client;
    struct http_answer answer;

    client_open(&client, fixture.port, 0);
    client_send(&client, request);
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 413);
    assert_field(&answer, "Connection", "close");
    assert_true(client_at_end(&client));
    client_close(&client);
    answer_release(&answer);
}

static void test_bodies_are_refused(void **state)
{
    (void)state;
    assert_body_refused("POST /refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nins_id=x");
    assert_body_refused("POST /refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
                        "Expect: 100-continue\r\n\r\n");
    assert_body_refused("GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
}

static void test_refresh_takes_the_fields_of_a_form(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "POST /refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
                         "Content-Type: application/x-www-form-urlencoded\r\n\r\nins_id=");
    client_send(&client, "rm-test1GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(client_receive(&client, true, &answer));
    assert_int_not_equal(answer.status, 413);
    answer_release(&answer);
    assert_string_equal(fixture.fake.filter.ins_id, "rm-test1");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    client_close(&client);
}

static void test_form_that_does_not_come_whole_is_refused(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "POST /refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
                         "Content-Type: application/x-www-form-urlencoded\r\n\r\nins_id=");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 413);
    answer_release(&answer);
    client_close(&client);
}

static void test_changes_need_a_local_client(void **state)
{
    (void)state;
    assert_status(&fixture, "POST", "/refresh", "X-Forwarded-For: 192.0.2.1\r\n", 403);
    assert_status(&fixture, "POST", "/refresh", "Forwarded: for=192.0.2.1\r\n", 403);
    assert_status(&fixture, "POST", "/refresh", "Origin: http://evil.example\r\n", 403);
    assert_status(&fixture, "POST", "/refresh", "Sec-Fetch-Site: cross-site\r\n", 403);
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 0);
    assert_status(&fixture, "POST", "/refresh", "Sec-Fetch-Site: same-origin\r\n", 202);
    assert_int_equal(atomic_load(&fixture.fake.refreshes), 1);
}

static void test_rebound_host_name_is_refused(void **state)
{
    struct http_client client;
    struct http_answer answer;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "POST /refresh HTTP/1.1\r\nHost: rebound.example:10104\r\n\r\n");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 403);
    client_close(&client);
    answer_release(&answer);
}

static void inflate_all(const struct strbuf *in, struct strbuf *out)
{
    z_stream stream = {.next_in = (Bytef *)in->data, .avail_in = (uInt)in->length};
    char bytes[65536];
    int result;

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    do {
        stream.next_out = (Bytef *)bytes;
        stream.avail_out = sizeof(bytes);
        result = inflate(&stream, Z_NO_FLUSH);
        assert_true(result == Z_OK || result == Z_STREAM_END);
        strbuf_append(out, bytes, sizeof(bytes) - stream.avail_out);
    } while (result != Z_STREAM_END);
    inflateEnd(&stream);
}

static void test_gzip_holds_the_same_bytes_as_identity(void **state)
{
    struct http_answer identity;
    struct http_answer gzip;
    struct strbuf inflated;
    char value[64];

    (void)state;
    strbuf_init(&inflated, 0);
    fetch(fixture.port, "GET", "/metrics", "", &identity);
    fetch(fixture.port, "GET", "/metrics", "Accept-Encoding: gzip;q=0.5, br\r\n", &gzip);
    assert_false(answer_field(&identity, "Content-Encoding", value, sizeof(value)));
    assert_field(&gzip, "Content-Encoding", "gzip");
    assert_field(&gzip, "Vary", "Accept, Accept-Encoding");
    assert_field(&identity, "Vary", "Accept, Accept-Encoding");
    inflate_all(&gzip.body, &inflated);
    assert_true(identity.body.length >= 300000);
    assert_true(gzip.body.length < identity.body.length / 2);
    assert_int_equal(inflated.length, identity.body.length);
    assert_memory_equal(inflated.data, identity.body.data, inflated.length);
    strbuf_release(&inflated);
    answer_release(&gzip);
    answer_release(&identity);
}

static void test_openmetrics_is_negotiated(void **state)
{
    struct http_answer answer;
    char value[128];

    (void)state;
    fetch(fixture.port, "GET", "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n", &answer);
    assert_true(answer_field(&answer, "Content-Type", value, sizeof(value)));
    assert_non_null(strstr(value, "application/openmetrics-text"));
    assert_string_equal(answer.body.data + answer.body.length - 6, "# EOF\n");
    answer_release(&answer);
}

static void *refresh_and_wait(void *argument)
{
    int *status = argument;
    struct http_answer answer;

    fetch(fixture.port, "POST", "/refresh?wait=60s", "", &answer);
    *status = answer.status;
    answer_release(&answer);
    return NULL;
}

static void test_many_waiting_refreshes_leave_threads_for_scrapes(void **state)
{
    enum { WAITERS = 40 };
    pthread_t threads[WAITERS];
    int statuses[WAITERS] = {0};

    (void)state;
    fixture.fake.refresh_blocks = true;
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refresh_and_wait, &statuses[i]), 0);
    while (atomic_load(&fixture.fake.refreshes) < WAITERS) /* those that may not wait return at once */
        sched_yield();
    assert_status(&fixture, "GET", "/metrics", "", 200);
    atomic_store(&fixture.fake.released, true);
    for (size_t i = 0; i < WAITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(statuses[i], 202);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_port_zero_reports_the_chosen_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_route_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_paths_and_methods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absolute_uri_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_headers_protect_and_leak_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_has_the_headers_of_get_and_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connection_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pipelined_requests_are_answered_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_may_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bodies_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refresh_takes_the_fields_of_a_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form_that_does_not_come_whole_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_need_a_local_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rebound_host_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip_holds_the_same_bytes_as_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_openmetrics_is_negotiated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_waiting_refreshes_leave_threads_for_scrapes, setup,
                                        teardown),
    };
    int failed;

    if (!server_global_init(NULL))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_global_release();
    return failed;
}
