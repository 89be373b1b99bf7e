/* Roles assumed at a local server, which checks the signature by its own means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/das/keyring/sources/issuer_fixture.h"

#define ROLE(name) "acs:ram::1000000000000001:role/" name

static char token_file[] = "/tmp/test_das_token_XXXXXX";

static struct role_session session_of(const char *role_arn)
{
    return (struct role_session){
        .sts_endpoint = issuer_endpoint("https", "good"),
        .role_arn = role_arn,
        .role_session_name = "exporter",
        .policy = "",
    };
}

static struct assume_role_request assume_role(const char *role_arn)
{
    return (struct assume_role_request){
        .session = session_of(role_arn),
        .external_id = "",
        .caller = fixture.caller,
        .unix_ms = 1735787045000,
        .nonce = "0123456789abcdef0123456789abcdef",
    };
}

static void assert_role_refused(const char *role_arn, enum error_class class, const char *part)
{
    const struct assume_role_request request = assume_role(role_arn);

    assert_failed(credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  class, part);
    assert_non_null(strstr(fixture.error.message, role_arn));
}

static void write_token(const char *text)
{
    FILE *file = fopen(token_file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_role_is_assumed(void **state)
{
    const struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    assert_issued(
        credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error));
    assert_string_equal(fixture.issued.credentials->security_token, "CAIS+issued/==");
}

static void test_role_is_assumed_by_a_lasting_key(void **state)
{
    struct credentials *lasting = credentials_new("TestAk", "TestSecret", "");
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.caller = lasting;
    assert_issued(
        credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error));
    credentials_put(lasting);
}

static void test_settings_of_the_role_are_sent_in_the_form(void **state)
{
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.session.duration = 900 * NS_PER_SECOND;
    request.session.policy = "{\"Version\": \"1\"}";
    request.external_id = "abc 1";
    assert_issued(
        credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error));
    assert_last_seen(":body", "RoleArn=acs%3Aram%3A%3A1000000000000001%3Arole%2Fexporter");
    assert_last_seen(":body", "RoleSessionName=exporter");
    assert_last_seen(":body", "DurationSeconds=900");
    assert_last_seen(":body", "Policy=%7B%22Version%22%3A%20%221%22%7D");
    assert_last_seen(":body", "ExternalId=abc%201");
    assert_last_seen(":target", "Timestamp=2025-01-02T03%3A04%3A05Z");
    assert_last_seen(":target", "SecurityToken=CanaryToken");
}

static void test_settings_that_are_not_there_are_not_sent(void **state)
{
    const struct assume_role_request request = assume_role(ROLE("exporter"));
    char *form;

    (void)state;
    assert_issued(
        credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error));
    form = issuer_last_seen(":body");
    assert_string_equal(form,
                        "RoleArn=acs%3Aram%3A%3A1000000000000001%3Arole%2Fexporter&RoleSessionName=exporter");
    free(form);
}

static void test_refused_role_names_role_code_and_advice(void **state)
{
    (void)state;
    assert_role_refused(ROLE("forbidden"), ERROR_CREDENTIALS, "NoPermission");
    assert_role_refused(ROLE("forbidden"), ERROR_CREDENTIALS, "trust policy");
    assert_role_refused(ROLE("forbidden"), ERROR_CREDENTIALS, "You are not authorized");
    assert_string_equal(fixture.error.request_id, "R-3");
}

static void test_wrong_key_is_told_without_what_was_signed(void **state)
{
    struct credentials *wrong = credentials_new("TestAk", "CanarySecret", "CanaryToken");
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.caller = wrong;
    assert_failed(credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_CREDENTIALS, "access_key_secret");
    assert_string_equal(fixture.error.code, "SignatureDoesNotMatch");
    assert_non_null(strstr(fixture.error.message, "withheld"));
    credentials_put(wrong);
}

static void test_empty_key_is_not_tried(void **state)
{
    struct credentials *empty = credentials_new("", "", "");
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.caller = empty;
    assert_failed(credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_CREDENTIALS, "is empty");
    credentials_put(empty);
}

static void test_tokens_that_sts_repeats_are_masked(void **state)
{
    (void)state;
    assert_role_refused(ROLE("echo"), ERROR_CREDENTIALS, "token *** is odd");
}

static void test_trouble_at_sts_is_transient(void **state)
{
    (void)state;
    assert_role_refused(ROLE("throttled"), ERROR_TRANSIENT, "Throttling.User");
    assert_role_refused(ROLE("broken"), ERROR_TRANSIENT, "HTTP 502");
}

static void test_expired_token_of_the_caller_is_told(void **state)
{
    (void)state;
    assert_role_refused(ROLE("old_token"), ERROR_TOKEN_EXPIRED, "renew");
}

static void test_answers_that_are_no_credentials_are_malformed(void **state)
{
    (void)state;
    assert_role_refused(ROLE("half"), ERROR_MALFORMED, "SecurityToken");
    assert_role_refused(ROLE("redirect"), ERROR_MALFORMED, "HTTP 302");
    assert_role_refused(ROLE("large"), ERROR_TOO_LARGE, "larger than allowed");
}

static void test_token_of_any_length_is_taken(void **state)
{
    const struct assume_role_request request = assume_role(ROLE("long"));

    (void)state;
    assert_issued(
        credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error));
    assert_int_equal(strlen(fixture.issued.credentials->security_token), 200000);
}

static void test_untrusted_sts_is_refused(void **state)
{
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.session.sts_endpoint = issuer_endpoint("https", "wrongname");
    assert_failed(credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_TRANSIENT, "not trusted");
}

static void test_unreachable_sts_is_told(void **state)
{
    struct assume_role_request request = assume_role(ROLE("exporter"));

    (void)state;
    request.session.sts_endpoint = "https://127.0.0.1:1";
    assert_failed(credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
                  ERROR_TRANSIENT, "check sts_endpoint");
}

static void test_endpoints_of_sts_are_checked(void **state)
{
    static const char *const good[] = {"", "sts.cn-shanghai.aliyuncs.com", "https://sts.aliyuncs.com",
                                       "https://sts.example.test:8443", "http://127.0.0.1:8080"};
    static const char *const bad[] = {"http://sts.aliyuncs.com", "https://sts.aliyuncs.com/x",
                                      "https://u:CanaryToken@sts.aliyuncs.com", "ftp://sts.aliyuncs.com",
                                      " "};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(credentials_check_sts_endpoint(good[i], &fixture.error));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct assume_role_request request = assume_role(ROLE("exporter"));

        request.session.sts_endpoint = bad[i];
        assert_failed(credentials_check_sts_endpoint(bad[i], &fixture.error), ERROR_CONFIG, "sts_endpoint");
        assert_failed(
            credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
            ERROR_CONFIG, "sts_endpoint");
    }
}

static void test_session_names_are_checked(void **state)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "a b",
                                      "a/b",
                                      "\xc3\xa4\xc3\xa4",
                                      "12345678901234567890123456789012345678901234567890123456789012345"};

    (void)state;
    assert_true(credentials_check_role_session_name("a-b_c.d@E9", &fixture.error));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct assume_role_request request = assume_role(ROLE("exporter"));

        request.session.role_session_name = bad[i];
        assert_failed(
            credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error),
            ERROR_CONFIG, "role_session_name");
    }
}

static struct assume_role_with_oidc_request assume_role_with_oidc(const char *role_arn)
{
    return (struct assume_role_with_oidc_request){
        .session = session_of(role_arn),
        .oidc_provider_arn = "acs:ram::1000000000000001:oidc-provider/test",
        .oidc_token_file = token_file,
        .unix_ms = 1735787045000,
    };
}

static void test_role_is_assumed_with_a_token_file(void **state)
{
    const struct assume_role_with_oidc_request request = assume_role_with_oidc(ROLE("exporter"));

    (void)state;
    write_token("CanaryOidc.1\n");
    assert_issued(credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued,
                                                          &fixture.error));
    assert_last_seen(
        ":body",
        "OIDCProviderArn=acs%3Aram%3A%3A1000000000000001%3Aoidc-provider%2Ftest&OIDCToken=CanaryOidc.1");
    assert_last_seen(":target", "Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=2025-01-02T03%3A04%3A05Z");
}

static void test_token_file_is_read_anew(void **state)
{
    const struct assume_role_with_oidc_request request = assume_role_with_oidc(ROLE("exporter"));

    (void)state;
    write_token("first");
    assert_issued(credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued,
                                                          &fixture.error));
    issued_credentials_release(&fixture.issued);
    write_token("second");
    assert_issued(credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued,
                                                          &fixture.error));
    assert_last_seen(":body", "OIDCToken=second");
}

static void test_refused_token_is_masked(void **state)
{
    const struct assume_role_with_oidc_request request = assume_role_with_oidc(ROLE("echo"));

    (void)state;
    write_token("CanaryOidc");
    assert_failed(
        credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued, &fixture.error),
        ERROR_CREDENTIALS, "token *** is odd");
}

static void test_missing_token_file_is_named(void **state)
{
    struct assume_role_with_oidc_request request = assume_role_with_oidc(ROLE("exporter"));

    (void)state;
    request.oidc_token_file = "/nonexistent/token";
    assert_failed(
        credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued, &fixture.error),
        ERROR_CREDENTIALS, "/nonexistent/token");
    assert_non_null(strstr(fixture.error.message, "oidc_token_file"));
}

static void test_empty_token_file_is_named(void **state)
{
    const struct assume_role_with_oidc_request request = assume_role_with_oidc(ROLE("exporter"));

    (void)state;
    write_token(" \n");
    assert_failed(
        credentials_fetch_assume_role_with_oidc(fixture.transport, &request, &fixture.issued, &fixture.error),
        ERROR_CREDENTIALS, token_file);
}

static int start(void **state)
{
    int file = mkstemp(token_file);

    if (file < 0)
        return -1;
    close(file);
    return issuer_start(state);
}

static int stop(void **state)
{
    unlink(token_file);
    return issuer_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ISSUER_TEST(test_role_is_assumed),
        ISSUER_TEST(test_role_is_assumed_by_a_lasting_key),
        ISSUER_TEST(test_settings_of_the_role_are_sent_in_the_form),
        ISSUER_TEST(test_settings_that_are_not_there_are_not_sent),
        ISSUER_TEST(test_refused_role_names_role_code_and_advice),
        ISSUER_TEST(test_wrong_key_is_told_without_what_was_signed),
        ISSUER_TEST(test_empty_key_is_not_tried),
        ISSUER_TEST(test_tokens_that_sts_repeats_are_masked),
        ISSUER_TEST(test_trouble_at_sts_is_transient),
        ISSUER_TEST(test_expired_token_of_the_caller_is_told),
        ISSUER_TEST(test_answers_that_are_no_credentials_are_malformed),
        ISSUER_TEST(test_token_of_any_length_is_taken),
        ISSUER_TEST(test_untrusted_sts_is_refused),
        ISSUER_TEST(test_unreachable_sts_is_told),
        ISSUER_TEST(test_endpoints_of_sts_are_checked),
        ISSUER_TEST(test_session_names_are_checked),
        ISSUER_TEST(test_role_is_assumed_with_a_token_file),
        ISSUER_TEST(test_token_file_is_read_anew),
        ISSUER_TEST(test_refused_token_is_masked),
        ISSUER_TEST(test_missing_token_file_is_named),
        ISSUER_TEST(test_empty_token_file_is_named),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
