#include "das/client.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/sign.h"
#include "das/transport.h"
#include "test/das/server_process.h"

#define TOKEN "canary+token/=="

static struct server_process *server;
static char endpoint[64];
static struct das_client *client;
static struct credentials *credentials;
static struct das_reply reply;
static struct error error;

static struct das_config config(void)
{
    return (struct das_config){
        .endpoint = endpoint,
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 16 << 20,
        .ca_file = server_process_ca_file(server),
    };
}

static int setup(void **state)
{
    const struct das_config settings = config();

    (void)state;
    das_reply_init(&reply);
    credentials = credentials_new("TestAk", "TestSecret", "");
    client = das_client_new(&settings, 0, &error);
    return client != NULL && credentials != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    das_client_free(client);
    credentials_put(credentials);
    das_reply_release(&reply);
    return 0;
}

static void use_credentials(const char *id, const char *secret, const char *token)
{
    credentials_put(credentials);
    credentials = credentials_new(id, secret, token);
    assert_non_null(credentials);
}

static void call_node(const char *instance_id, const char *node_id, const char *result_id)
{
    const struct das_call call = {credentials, instance_id, node_id, result_id};

    das_client_call(client, &call, &reply);
}

static void call(const char *instance_id)
{
    call_node(instance_id, "", "");
}

static void assert_failed(enum error_class class)
{
    assert_int_equal(reply.outcome, DAS_FAILED);
    assert_string_equal(error_class_name(reply.error.class), error_class_name(class));
}

/* Makes a call and asks the server, by another connection, how it looked and how many there were. */
static json_t *seen_by_server(const char *node_id, const char *result_id, json_int_t *requests)
{
    const struct transport_settings settings = {20 * NS_PER_SECOND, 20 * NS_PER_SECOND, 1 << 20,
                                                server_process_ca_file(server), 0};
    struct transport *transport = transport_new(&settings, &error);
    struct transport_response response;
    json_t *body, *request;
    char url[128];

    transport_response_init(&response);
    snprintf(url, sizeof(url), "%s/?InstanceId=last", endpoint);
    call_node("rm-test1", node_id, result_id);
    assert_true(transport_post(transport, url, "", &response, &error));
    body = json_loadb(response.body.data, response.body.length, 0, NULL);
    request = json_incref(json_object_get(body, "request"));
    *requests = json_integer_value(json_object_get(body, "requests"));
    json_decref(body);
    transport_response_release(&response);
    transport_free(transport);
    assert_non_null(request);
    return request;
}

static const char *header(json_t *request, const char *name)
{
    const char *value = json_string_value(json_object_get(request, name));

    return value != NULL ? value : "";
}

static void test_submit_is_running(void **state)
{
    (void)state;
    call("rm-test1");
    assert_int_equal(reply.outcome, DAS_RUNNING);
    assert_string_equal(reply.result_id, "async__1");
    assert_int_equal(reply.retry_after_ms, -1);
    assert_true(reply.answered);
    assert_true(reply.duration > 0);
    assert_true(reply.server_unix_ms > 0);
}

static void test_poll_is_finished(void **state)
{
    (void)state;
    call_node("finished", "", "async__1");
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 1);
    assert_string_equal(reply.users.sessions[0].key, "app");
    assert_int_equal(reply.users.sessions[0].total, 7);
    assert_int_equal(reply.users.sessions[0].active, 2);
}

static void test_parameters_are_in_the_query(void **state)
{
    json_int_t requests;
    json_t *request = seen_by_server("pi-test1", "a b", &requests);

    (void)state;
    assert_string_equal(header(request, ":method"), "POST");
    assert_string_equal(header(request, ":target"), "/?InstanceId=rm-test1&NodeId=pi-test1&ResultId=a%20b");
    assert_string_equal(header(request, "x-acs-action"), "GetMySQLAllSessionAsync");
    assert_string_equal(header(request, "x-acs-version"), "2020-01-16");
    json_decref(request);
}

static void test_empty_parameters_are_left_out(void **state)
{
    json_int_t requests;
    json_t *request = seen_by_server("", "", &requests);

    (void)state;
    assert_string_equal(header(request, ":target"), "/?InstanceId=rm-test1");
    json_decref(request);
}

static void test_host_is_the_one_that_was_signed(void **state)
{
    json_int_t requests;
    json_t *request = seen_by_server("", "", &requests);

    (void)state;
    assert_string_equal(header(request, "host"), endpoint + strlen("https://"));
    json_decref(request);
}

static void test_one_call_is_one_request(void **state)
{
    json_int_t before, after;

    (void)state;
    json_decref(seen_by_server("", "", &before));
    for (int i = 0; i < 7; i++)
        call(i % 2 == 0 ? "rm-test1" : "html");
    json_decref(seen_by_server("", "", &after));
    assert_int_equal(after - before, 7 + 2);
}

static void test_nonce_is_new_every_time(void **state)
{
    json_int_t requests;
    json_t *first = seen_by_server("", "", &requests);
    json_t *second = seen_by_server("", "", &requests);
    const char *nonce = header(first, "x-acs-signature-nonce");

    (void)state;
    assert_int_equal(strlen(nonce), 32);
    for (const char *p = nonce; *p != '\0'; p++)
        assert_true(isdigit((unsigned char)*p) || (*p >= 'a' && *p <= 'f'));
    assert_string_not_equal(nonce, header(second, "x-acs-signature-nonce"));
    json_decref(first);
    json_decref(second);
}

/* Signs once more what arrived: the same signature comes out. */
static void test_signature_fits_what_arrived(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}, {"NodeId", "pi-test1"}};
    json_int_t requests;
    json_t *request;
    struct sign_request again = {
        .action = "GetMySQLAllSessionAsync",
        .version = "2020-01-16",
        .access_key_id = "STS.TestAk",
        .access_key_secret = "TestSecret",
        .security_token = TOKEN,
        .send_access_key_id = true,
        .parameters = parameters,
        .parameter_count = 2,
    };
    struct signed_request out;
    struct tm date = {0};
    char authorization[512];

    (void)state;
    use_credentials("STS.TestAk", "TestSecret", TOKEN);
    request = seen_by_server("pi-test1", "", &requests);
    assert_string_equal(header(request, "x-acs-security-token"), TOKEN);
    assert_non_null(strptime(header(request, "x-acs-date"), "%Y-%m-%dT%H:%M:%SZ", &date));
    again.unix_seconds = timegm(&date);
    again.host = header(request, "host");
    again.nonce = header(request, "x-acs-signature-nonce");
    signed_request_init(&out);
    assert_true(sign_v3(&again, &out));
    snprintf(authorization, sizeof(authorization), "Authorization: %s", header(request, "authorization"));
    assert_non_null(strstr(strbuf_text(&out.headers), authorization));
    signed_request_release(&out);
    json_decref(request);
}

static void test_throttled_reply_says_when(void **state)
{
    (void)state;
    call("throttled");
    assert_failed(ERROR_THROTTLED);
    assert_int_equal(reply.retry_after_ms, 1500);
    assert_string_equal(reply.error.code, "Throttling.User");
    assert_string_equal(reply.error.request_id, "R-1");
}

static void test_clock_skew_names_the_difference(void **state)
{
    (void)state;
    call("skew");
    assert_failed(ERROR_CLOCK_SKEW);
    assert_true(reply.server_unix_ms > clock_unix_ms() + 3500 * 1000);
    assert_non_null(strstr(reply.error.message, "behind the server's"));
    assert_non_null(strstr(reply.error.message, " 3"));
    assert_string_equal(reply.error.code, "InvalidTimeStamp.Expired");
    assert_string_equal(reply.error.request_id, "R-1");
}

static void test_error_never_repeats_the_token(void **state)
{
    (void)state;
    use_credentials("STS.TestAk", "TestSecret", TOKEN);
    call("echo_error");
    assert_failed(ERROR_REFUSED);
    assert_non_null(strstr(reply.error.message, "token *** is odd"));
    assert_null(strstr(reply.error.message, "canary"));
}

static void test_html_of_a_gateway_is_transient(void **state)
{
    (void)state;
    call("html");
    assert_failed(ERROR_TRANSIENT);
}

static void test_broken_answer_is_transient(void **state)
{
    (void)state;
    call("truncated");
    assert_failed(ERROR_TRANSIENT);
    assert_true(reply.answered);
}

static void test_silence_is_unanswered(void **state)
{
    struct das_config settings = config();

    (void)state;
    settings.timeout = 2 * NS_PER_SECOND;
    das_client_free(client);
    client = das_client_new(&settings, 0, &error);
    assert_non_null(client);
    call("silent");
    assert_failed(ERROR_TRANSIENT);
    assert_false(reply.answered);
}

static void test_keys_that_cannot_be_sent_are_bad_credentials(void **state)
{
    (void)state;
    use_credentials("TestAk\n", "TestSecret", "");
    call("rm-test1");
    assert_failed(ERROR_CREDENTIALS);
    assert_int_equal(reply.duration, 0);
    assert_true(reply.answered);
    use_credentials("", "TestSecret", "");
    call("rm-test1");
    assert_failed(ERROR_CREDENTIALS);
    use_credentials("TestAk", "TestSecret", "a\r\nb");
    call("rm-test1");
    assert_failed(ERROR_CREDENTIALS);
}

static void test_after_an_abort_calls_fail(void **state)
{
    (void)state;
    das_client_abort(client);
    call("rm-test1");
    assert_failed(ERROR_TRANSIENT);
}

static void test_reply_can_be_used_again(void **state)
{
    (void)state;
    call("throttled");
    call_node("finished", "", "1");
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.retry_after_ms, -1);
    call("rm-test1");
    assert_int_equal(reply.users.count, 0);
}

static void test_bad_endpoint_makes_no_client(void **state)
{
    struct das_config settings = config();

    (void)state;
    settings.endpoint = "http://das.example.test";
    assert_null(das_client_new(&settings, 0, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
}

static int start_server(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server = server_process_start();
    if (server == NULL)
        return -1;
    snprintf(endpoint, sizeof(endpoint), "https://localhost:%d", server_process_port(server, "good"));
    return das_global_init(&error) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    server_process_stop(server);
    das_global_release();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_submit_is_running),
        TEST(test_poll_is_finished),
        TEST(test_parameters_are_in_the_query),
        TEST(test_empty_parameters_are_left_out),
        TEST(test_host_is_the_one_that_was_signed),
        TEST(test_one_call_is_one_request),
        TEST(test_nonce_is_new_every_time),
        TEST(test_signature_fits_what_arrived),
        TEST(test_throttled_reply_says_when),
        TEST(test_clock_skew_names_the_difference),
        TEST(test_error_never_repeats_the_token),
        TEST(test_html_of_a_gateway_is_transient),
        TEST(test_broken_answer_is_transient),
        TEST(test_silence_is_unanswered),
        TEST(test_keys_that_cannot_be_sent_are_bad_credentials),
        TEST(test_after_an_abort_calls_fail),
        TEST(test_reply_can_be_used_again),
        TEST(test_bad_endpoint_makes_no_client),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
