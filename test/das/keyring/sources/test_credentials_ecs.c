/* The RAM role of an ECS instance, from a local metadata service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/das/keyring/sources/issuer_fixture.h"

static bool fetch_ecs_role(const char *listener, const char *role_name, bool allow_without_token)
{
    const struct ecs_role_request request = {
        .role_name = role_name,
        .endpoint = issuer_endpoint("http", listener),
        .allow_without_token = allow_without_token,
    };

    return credentials_fetch_ecs_role(fixture.transport, &request, &fixture.issued, &fixture.error);
}

static void test_ecs_role_is_found_and_fetched_with_a_token(void **state)
{
    (void)state;
    assert_issued(fetch_ecs_role("metadata", "", false));
}

static void test_ecs_role_can_be_given(void **state)
{
    (void)state;
    assert_issued(fetch_ecs_role("metadata", "exporter-role", false));
}

static void test_without_a_token_only_when_allowed(void **state)
{
    (void)state;
    assert_failed(fetch_ecs_role("metadata_plain", "", false), ERROR_CREDENTIALS, "hardened mode");
    assert_issued(fetch_ecs_role("metadata_plain", "", true));
}

static void test_instance_without_a_role_is_told(void **state)
{
    (void)state;
    assert_failed(fetch_ecs_role("metadata_bare", "", true), ERROR_CREDENTIALS, "attach a RAM role");
}

static void test_other_role_than_the_attached_is_told(void **state)
{
    (void)state;
    assert_failed(fetch_ecs_role("metadata", "other", true), ERROR_CREDENTIALS, "name of the RAM role");
    assert_failed(fetch_ecs_role("metadata", "../x y", true), ERROR_CREDENTIALS, "name of the RAM role");
}

static void test_code_of_the_metadata_service_is_told(void **state)
{
    (void)state;
    assert_failed(fetch_ecs_role("metadata", "failing", true), ERROR_CREDENTIALS, "AssumeUnauthorized");
}

static void test_silent_metadata_service_is_given_up_soon(void **state)
{
    int64_t start = clock_now();

    (void)state;
    assert_failed(fetch_ecs_role("mute", "", false), ERROR_TRANSIENT, "ECS instance");
    assert_true(clock_now() - start < 10 * NS_PER_SECOND);
}

static void test_answers_that_are_no_token_are_refused(void **state)
{
    (void)state;
    assert_failed(fetch_ecs_role("http", "", false), ERROR_CREDENTIALS, "hardened mode");
}

static void test_metadata_elsewhere_is_refused_unsent(void **state)
{
    const struct ecs_role_request request = {.role_name = "", .endpoint = "http://192.0.2.1"};

    (void)state;
    assert_failed(credentials_fetch_ecs_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_CONFIG, "address");
}

/* After an abort nothing is sent: it is the reason only because the address itself is fine. */
static void test_metadata_service_has_its_one_address(void **state)
{
    const struct ecs_role_request request = {.role_name = "", .endpoint = "", .allow_without_token = true};

    (void)state;
    transport_abort(fixture.transport);
    assert_failed(credentials_fetch_ecs_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_TRANSIENT, "100.100.100.200: stopped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ISSUER_TEST(test_ecs_role_is_found_and_fetched_with_a_token),
        ISSUER_TEST(test_ecs_role_can_be_given),
        ISSUER_TEST(test_without_a_token_only_when_allowed),
        ISSUER_TEST(test_instance_without_a_role_is_told),
        ISSUER_TEST(test_other_role_than_the_attached_is_told),
        ISSUER_TEST(test_code_of_the_metadata_service_is_told),
        ISSUER_TEST(test_silent_metadata_service_is_given_up_soon),
        ISSUER_TEST(test_answers_that_are_no_token_are_refused),
        ISSUER_TEST(test_metadata_elsewhere_is_refused_unsent),
        ISSUER_TEST(test_metadata_service_has_its_one_address),
    };

    return cmocka_run_group_tests(tests, issuer_start, issuer_stop);
}
