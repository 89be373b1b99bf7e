#include "das/server_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/das/reply_fixture.h"

static void test_class_of_every_code(void **state)
{
    static const struct {
        const char *code;
        long http_status;
        enum error_class class;
    } cases[] = {
        {"Throttling", 400, ERROR_THROTTLED},
        {"Throttling.User", 400, ERROR_THROTTLED},
        {"Throttling.Api", 503, ERROR_THROTTLED},
        {"throttling.api", 400, ERROR_THROTTLED},
        {"", 429, ERROR_THROTTLED},
        {"ServiceUnavailable", 503, ERROR_TRANSIENT},
        {"ServiceUnavailable", 400, ERROR_TRANSIENT},
        {"InternalError", 500, ERROR_TRANSIENT},
        {"Anything", 502, ERROR_TRANSIENT},
        {"", 504, ERROR_TRANSIENT},
        {"", 408, ERROR_TRANSIENT},
        {"InvalidTimeStamp.Expired", 400, ERROR_CLOCK_SKEW},
        {"InvalidTimeStamp.Format", 400, ERROR_REFUSED},
        {"SignatureNonceUsed", 400, ERROR_NONCE_USED},
        {"SignatureDoesNotMatch", 400, ERROR_CREDENTIALS},
        {"IncompleteSignature", 400, ERROR_CREDENTIALS},
        {"InvalidAccessKeyId.NotFound", 404, ERROR_CREDENTIALS},
        {"InvalidAccessKeyId.Inactive", 400, ERROR_CREDENTIALS},
        {"Forbidden.AccessKeyDisabled", 403, ERROR_CREDENTIALS},
        {"InvalidSecurityToken.Expired", 400, ERROR_TOKEN_EXPIRED},
        {"InvalidSecurityToken.Malformed", 400, ERROR_TOKEN_EXPIRED},
        {"MissingSecurityToken", 400, ERROR_TOKEN_EXPIRED},
        {"Forbidden.RAM", 403, ERROR_REFUSED},
        {"Forbidden", 403, ERROR_REFUSED},
        {"Forbidden.InstanceNotFound", 404, ERROR_REFUSED},
        {"InvalidParams", 400, ERROR_REFUSED},
        {"InvalidParameter", 400, ERROR_REFUSED},
        {"Anything", 400, ERROR_REFUSED},
        {"", 404, ERROR_REFUSED},
        {"InvalidResultId", 400, ERROR_RESULT_LOST},
        {"InvalidParameter.ResultId", 400, ERROR_RESULT_LOST},
        {"ResultIdNotFound", 200, ERROR_RESULT_LOST},
        {"Anything", 200, ERROR_REMOTE},
        {"-1", 200, ERROR_REMOTE},
        {"503", 200, ERROR_TRANSIENT},
        {"403", 200, ERROR_REFUSED},
        {"429", 200, ERROR_THROTTLED},
        {"", 302, ERROR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(error_class_name(das_error_class(cases[i].code, cases[i].http_status)),
                            error_class_name(cases[i].class));
}

static void test_an_expired_token_is_known_by_code_and_by_message(void **state)
{
    static const char *const bodies[] = {
        "{\"Code\":\"InvalidSecurityToken.Expired\",\"Message\":\"Specified SecurityToken is expired.\"}",
        "{\"Code\":\"InvalidParameter\",\"Message\":\"SecurityToken.Expired\"}",
        "{\"Code\":\"SecurityToken.Expired\",\"Message\":\"\"}",
        "<Error><Code>InvalidParameter</Code><Message>SecurityToken.Expired</Message></Error>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        reply_parse(400, bodies[i]);
        assert_int_equal(reply.error.class, ERROR_TOKEN_EXPIRED);
        assert_non_null(strstr(reply.error.message, "are to be renewed"));
    }
}

static void test_other_bad_parameters_are_refused(void **state)
{
    (void)state;
    reply_parse(400, "{\"Code\":\"InvalidParameter\",\"Message\":\"SecurityToken is odd\"}");
    assert_int_equal(reply.error.class, ERROR_REFUSED);
}

static void test_signature_messages_are_withheld(void **state)
{
    static const char *const codes[] = {"SignatureDoesNotMatch", "IncompleteSignature", "Other"};
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        snprintf(body, sizeof(body),
                 "{\"Code\":\"%s\",\"Message\":\"server string to sign is ACS3-HMAC-SHA256 canary\"}",
                 codes[i]);
        reply_parse(400, body);
        assert_string_equal(reply.error.code, codes[i]);
        assert_null(strstr(reply.error.message, "canary"));
        assert_non_null(strstr(reply.error.message, "withheld"));
    }
}

static void assert_no_secret(const char *text)
{
    assert_null(strstr(text, "canary"));
}

static void test_credentials_are_redacted_everywhere(void **state)
{
    struct credentials *credentials = credentials_new("canary-id", "canary-secret", "canary-id+token/==");
    static const char body[] = "{\"Code\":\"canary-id\",\"RequestId\":\"canary-secret\","
                               "\"Message\":\"canary-id canary-secret canary-id\\u002btoken\\/== end\"}";

    (void)state;
    assert_non_null(credentials);
    das_reply_parse(400, body, strlen(body), -1, credentials, &reply);
    assert_no_secret(reply.error.code);
    assert_no_secret(reply.error.request_id);
    assert_no_secret(reply.error.message);
    assert_null(strstr(reply.error.message, "token"));
    assert_non_null(strstr(reply.error.message, "*** *** *** end"));
    credentials_put(credentials);
}

/* Wherever the message is cut, no beginning of a secret is left. */
static void test_a_cut_message_ends_in_no_secret(void **state)
{
    struct credentials *credentials =
        credentials_new("id", "k", "canary0123456789012345678901234567890123456789");
    char body[1024];

    (void)state;
    assert_non_null(credentials);
    for (int padding = 0; padding < 400; padding++) {
        snprintf(body, sizeof(body), "{\"Code\":\"Other\",\"Message\":\"%0*d%s\"}", padding + 1, 0,
                 credentials->security_token);
        das_reply_parse(400, body, strlen(body), -1, credentials, &reply);
        assert_null(strstr(reply.error.message, "can"));
        assert_true(strlen(reply.error.message) < 250);
    }
    credentials_put(credentials);
}

static void test_codes_are_plain_words(void **state)
{
    (void)state;
    reply_parse(400, "{\"Code\":\"a b\\n\\\"c\\u00e9\",\"RequestId\":\"<1>\"}");
    assert_string_equal(reply.error.code, "a_b__c__");
    assert_string_equal(reply.error.request_id, "_1_");
}

static void test_broken_xml_text_becomes_utf8(void **state)
{
    (void)state;
    reply_parse(400, "<E><Code>Other</Code><Message>a\xff\xc3</Message></E>");
    assert_non_null(strstr(reply.error.message, "a??"));
}

#define TEST(name) REPLY_TEST(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_class_of_every_code),
        TEST(test_an_expired_token_is_known_by_code_and_by_message),
        TEST(test_other_bad_parameters_are_refused),
        TEST(test_signature_messages_are_withheld),
        TEST(test_credentials_are_redacted_everywhere),
        TEST(test_a_cut_message_ends_in_no_secret),
        TEST(test_codes_are_plain_words),
        TEST(test_broken_xml_text_becomes_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
