/*
 * Fails the k-th allocation, for each k, of what issues credentials and of what reads secrets: no
 * crash, no leak (with the address sanitizer), nothing half, and all is well again afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/keyring/fernet.h"
#include "das/keyring/sources/credential_source.h"
#include "das/keyring/sources/credentials_reply.h"
#include "das/sign_v1.h"
#include "test/das/no_memory_fixture.h"

static struct server_process *server;
static char token_file[] = "/tmp/test_das_token_XXXXXX";

/* One whole use of a source, which succeeds when no allocation fails. */
typedef bool (*source_function)(struct transport *, struct issued_credentials *, struct error *);

static struct role_session https_session(void)
{
    return (struct role_session){
        .sts_endpoint = no_memory_endpoint(server, "https", "good"),
        .role_arn = "acs:ram::1000000000000001:role/exporter",
        .role_session_name = "exporter",
        .policy = "{}",
        .duration = 900 * NS_PER_SECOND,
    };
}

static bool use_sts(struct transport *transport, struct issued_credentials *issued, struct error *error)
{
    struct credentials *caller = credentials_new("TestAk", "TestSecret", "token");
    struct assume_role_request request = {.external_id = "1", .caller = caller, .nonce = "n"};
    bool ok = false;

    request.session = https_session();
    if (caller != NULL)
        ok = credentials_fetch_assume_role(transport, &request, issued, error);
    else
        error_set(error, ERROR_NO_MEMORY, "no caller");
    credentials_put(caller);
    return ok;
}

static bool use_oidc(struct transport *transport, struct issued_credentials *issued, struct error *error)
{
    struct assume_role_with_oidc_request request = {.oidc_provider_arn = "p", .oidc_token_file = token_file};

    request.session = https_session();
    return credentials_fetch_assume_role_with_oidc(transport, &request, issued, error);
}

static bool use_ecs(struct transport *transport, struct issued_credentials *issued, struct error *error)
{
    const struct ecs_role_request request = {.role_name = "",
                                             .endpoint = no_memory_endpoint(server, "http", "metadata")};

    return credentials_fetch_ecs_role(transport, &request, issued, error);
}

static bool use_uri(struct transport *transport, struct issued_credentials *issued, struct error *error)
{
    char uri[96];

    snprintf(uri, sizeof(uri), "%s/?InstanceId=credentials", no_memory_endpoint(server, "https", "good"));
    return credentials_fetch_uri(transport, uri, issued, error);
}

static void assert_survives(source_function use)
{
    const struct transport_settings settings = {
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 1 << 20,
        .ca_file = server_process_ca_file(server),
    };
    int failed_at = 0;
    bool ok;

    do {
        struct issued_credentials issued = {NULL, 0};
        struct transport *transport;
        struct error error;

        error_clear(&error);
        fail_allocation(failed_at++);
        transport = transport_new(&settings, &error);
        ok = transport != NULL && use(transport, &issued, &error);
        assert_true(ok == (issued.credentials != NULL));
        if (ok)
            assert_string_equal(issued.credentials->access_key_id, "STS.Issued");
        else
            assert_int_not_equal(error.class, ERROR_NONE);
        issued_credentials_release(&issued);
        transport_free(transport);
    } while (!all_allocations_done());
    assert_true(ok);
    assert_true(failed_at > 20);
}

static void test_assume_role(void **state)
{
    (void)state;
    assert_survives(use_sts);
}

static void test_assume_role_with_oidc(void **state)
{
    (void)state;
    assert_survives(use_oidc);
}

static void test_ecs_role(void **state)
{
    (void)state;
    assert_survives(use_ecs);
}

static void test_credentials_uri(void **state)
{
    (void)state;
    assert_survives(use_uri);
}

static void test_refusals(void **state)
{
    static const char *const bodies[] = {"{\"Code\":\"NoPermission\",\"Message\":\"token is odd\"}",
                                         "<html>"};
    int failed_at = 0;

    (void)state;
    do {
        fail_allocation(failed_at++);
        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
            const struct credentials_reply reply = {.http_status = 403,
                                                    .body = bodies[i],
                                                    .length = strlen(bodies[i]),
                                                    .what = "w",
                                                    .advice = ""};
            struct issued_credentials issued;
            struct error error;

            assert_false(credentials_parse_sts_reply(&reply, &issued, &error));
            assert_true(error.class == ERROR_CREDENTIALS || error.class == ERROR_NO_MEMORY);
        }
    } while (!all_allocations_done());
    assert_true(failed_at > 5);
}

static void test_signing(void **state)
{
    const struct sign_parameter parameters[] = {{"a", "b"}};
    const struct sign_v1_request request = {.method = "POST",
                                            .action = "a",
                                            .version = "v",
                                            .format = "JSON",
                                            .access_key_id = "i",
                                            .access_key_secret = "s",
                                            .parameters = parameters,
                                            .parameter_count = 1,
                                            .nonce = "n"};
    int failed_at = 0;
    bool ok;

    (void)state;
    do {
        struct strbuf query, form;

        strbuf_init(&query, 0);
        strbuf_init(&form, 0);
        fail_allocation(failed_at++);
        ok = sign_v1(&request, &query, &form);
        strbuf_release(&query);
        strbuf_release(&form);
    } while (!all_allocations_done());
    assert_true(ok);
    assert_true(failed_at > 4);
}

static void test_fernet(void **state)
{
    static const unsigned char iv[FERNET_IV_SIZE];
    struct fernet_key key = {{1}, {2}};
    int failed_at = 0;
    enum fernet_status status;

    (void)state;
    do {
        struct strbuf column, message;

        strbuf_init(&column, 0);
        strbuf_init(&message, 0);
        fail_allocation(failed_at++);
        status = fernet_encrypt_column(&key, "secret", 6, 1, iv, &column);
        if (status == FERNET_OK)
            status = fernet_decrypt_column(&key, strbuf_text(&column), column.length, &message);
        assert_true(status == FERNET_OK || status == FERNET_FAILED);
        assert_string_equal(strbuf_text(&message), status == FERNET_OK ? "secret" : "");
        strbuf_release(&column);
        strbuf_release(&message);
    } while (!all_allocations_done());
    assert_int_equal(status, FERNET_OK);
    assert_true(failed_at > 5);
}

static bool write_token(void)
{
    int file = mkstemp(token_file);
    bool ok = file >= 0 && write(file, "token\n", 6) == 6;

    if (file >= 0)
        close(file);
    return ok;
}

static int start(void **state)
{
    if (no_memory_start(state) != 0)
        return -1;
    server = *state;
    return write_token() ? 0 : -1;
}

static int stop(void **state)
{
    unlink(token_file);
    return no_memory_stop(state);
}

static void test_a_credentials_uri_is_not_blamed(void **state)
{
    (void)state;
    no_memory_blames_nothing(credentials_check_uri, "https://192.0.2.1:8443/keys?of=all");
}

static void test_an_sts_endpoint_is_not_blamed(void **state)
{
    (void)state;
    no_memory_blames_nothing(credentials_check_sts_endpoint, "sts.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assume_role),
        cmocka_unit_test(test_assume_role_with_oidc),
        cmocka_unit_test(test_ecs_role),
        cmocka_unit_test(test_credentials_uri),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_signing),
        cmocka_unit_test(test_fernet),
        cmocka_unit_test(test_a_credentials_uri_is_not_blamed),
        cmocka_unit_test(test_an_sts_endpoint_is_not_blamed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
