/*
 * Fails the k-th allocation, for each k, of the project's own code, Jansson and libcurl: no crash,
 * no leak (with the address sanitizer), no half answer, and all is well again afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/client.h"
#include "das/elide.h"
#include "das/sign.h"
#include "das/transport.h"
#include "test/das/no_memory_fixture.h"

static void test_parsing(void **state)
{
    static const char body[] = "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"SessionData\":{\"UserStats\":["
                               "{\"Key\":\"a\\u0000\",\"TotalCount\":1,\"ActiveCount\":1},"
                               "{\"Key\":\"b\",\"TotalCount\":1,\"ActiveCount\":1}],\"ClientStats\":["
                               "{\"Key\":\"192.0.2.1:1\",\"TotalCount\":1,\"ActiveCount\":1}],\"DbStats\":["
                               "{\"Key\":\"shop\",\"TotalCount\":1,\"ActiveCount\":1}]}}}";
    struct das_reply reply;
    int failed_at = 0;

    (void)state;
    das_reply_init(&reply);
    do {
        fail_allocation(failed_at++);
        das_reply_parse(200, body, strlen(body), -1, NULL, &reply);
        if (reply.outcome == DAS_FAILED)
            assert_true(reply.error.class == ERROR_NO_MEMORY || reply.error.class == ERROR_MALFORMED);
        else
            assert_int_equal(reply.users.count + reply.clients.count + reply.schemas.count, 4);
    } while (!all_allocations_done());
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_true(failed_at > 10);
    das_reply_release(&reply);
}

static void test_signing_and_credentials(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    int failed_at = 0;
    bool ok;

    (void)state;
    do {
        struct credentials *credentials;
        struct signed_request out;

        signed_request_init(&out);
        fail_allocation(failed_at++);
        credentials = credentials_new("TestAk", "TestSecret", "token");
        ok = credentials != NULL;
        if (ok) {
            const struct sign_request request = {
                .host = "h",
                .action = "a",
                .version = "v",
                .access_key_id = credentials->access_key_id,
                .access_key_secret = credentials->access_key_secret,
                .parameters = parameters,
                .parameter_count = 1,
                .nonce = "n",
            };

            ok = sign_v3(&request, &out);
        }
        credentials_put(credentials);
        signed_request_release(&out);
    } while (!all_allocations_done());
    assert_true(ok);
    assert_true(failed_at > 5);
}

static void test_whole_calls(void **state)
{
    struct server_process *server = *state;
    const struct das_config config = {
        .endpoint = no_memory_endpoint(server, "https", "good"),
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 1 << 20,
        .ca_file = server_process_ca_file(server),
    };
    struct credentials *credentials = credentials_new("TestAk", "TestSecret", "token");
    const struct das_call call = {credentials, "finished", "", "1"};
    struct das_reply reply;
    int failed_at = 0;

    das_reply_init(&reply);
    do {
        struct error error;
        struct das_client *client;

        fail_allocation(failed_at++);
        client = das_client_new(&config, 0, &error);
        if (client != NULL) {
            das_client_call(client, &call, &reply);
            if (reply.outcome == DAS_FINISHED)
                assert_int_equal(reply.users.count, 1);
            else
                assert_int_not_equal(reply.error.class, ERROR_NONE);
        }
        das_client_free(client);
    } while (!all_allocations_done());
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_true(failed_at > 20);
    das_reply_release(&reply);
    credentials_put(credentials);
}

static void test_an_endpoint_is_not_blamed(void **state)
{
    (void)state;
    no_memory_blames_nothing(transport_check_endpoint, "https://das.example:8443/");
}

static void test_a_proxy_is_not_blamed(void **state)
{
    (void)state;
    no_memory_blames_nothing(transport_check_proxy, "http://user:canary@192.0.2.1:3128");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_signing_and_credentials),
        cmocka_unit_test(test_whole_calls),
        cmocka_unit_test(test_an_endpoint_is_not_blamed),
        cmocka_unit_test(test_a_proxy_is_not_blamed),
    };

    return cmocka_run_group_tests(tests, no_memory_start, no_memory_stop);
}
