#include "das/keyring/sources/credentials_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "das/keyring/sources/credentials_error.h"
#include "das/reply.h"

#define WHAT       "cannot assume the role acs:ram::1000000000000001:role/exporter"
#define EXPIRES    "2030-01-02T03:04:05Z"
#define EXPIRY     1893553445000 /* the same in ms */
#define ID         "\"AccessKeyId\":\"STS.Issued\""
#define SECRET     "\"AccessKeySecret\":\"IssuedSecret\""
#define TOKEN      "\"SecurityToken\":\"CAIS+x==\""
#define EXPIRATION "\"Expiration\":\"" EXPIRES "\""
#define MEMBERS    ID "," SECRET "," TOKEN "," EXPIRATION

typedef bool (*parse_function)(const struct credentials_reply *, struct issued_credentials *, struct error *);

static bool parse(parse_function function, long http_status, const char *body, struct error *error)
{
    char id[] = "TestAk", secret[] = "CanarySecret", token[] = "CanaryToken";
    const struct credentials caller = {
        .access_key_id = id, .access_key_secret = secret, .security_token = token};
    const struct credentials_reply reply = {
        .http_status = http_status,
        .body = body,
        .length = strlen(body),
        .what = WHAT,
        .advice = "look at the settings",
        .secrets = &caller,
    };
    struct issued_credentials issued = {(struct credentials *)error, 1};
    bool ok;

    error_clear(error);
    ok = function(&reply, &issued, error);
    if (ok) {
        assert_string_equal(issued.credentials->access_key_id, "STS.Issued");
        assert_string_equal(issued.credentials->access_key_secret, "IssuedSecret");
        assert_string_equal(issued.credentials->security_token, "CAIS+x==");
        assert_true(issued.expiry_unix_ms == EXPIRY);
    } else {
        assert_null(issued.credentials);
        assert_int_not_equal(error->class, ERROR_NONE);
        assert_ptr_equal(strstr(error->message, WHAT), error->message);
    }
    issued_credentials_release(&issued);
    return ok;
}

static void assert_refused(parse_function function, long http_status, const char *body,
                           enum error_class class, const char *part)
{
    struct error error;

    assert_false(parse(function, http_status, body, &error));
    assert_string_equal(error_class_name(error.class), error_class_name(class));
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, error.message);
    assert_null(strstr(error.message, "Canary"));
    assert_null(strstr(error.message, "IssuedSecret"));
}

static void assert_sts_refused(long http_status, const char *body, enum error_class class, const char *part)
{
    assert_refused(credentials_parse_sts_reply, http_status, body, class, part);
}

static void assert_sts_code(const char *code, enum error_class class, const char *advice)
{
    char body[128];

    snprintf(body, sizeof(body), "{\"Code\":\"%s\",\"Message\":\"no\",\"RequestId\":\"R-1\"}", code);
    assert_sts_refused(400, body, class, code);
    assert_sts_refused(400, body, class, advice);
}

static void test_sts_credentials_are_read(void **state)
{
    struct error error;

    (void)state;
    assert_true(parse(credentials_parse_sts_reply, 200,
                      "{\"RequestId\":\"R-1\",\"AssumedRoleUser\":{},\"Credentials\":{" MEMBERS "}}",
                      &error));
    assert_true(parse(credentials_parse_sts_reply, 200, "{\"credentials\":{" MEMBERS "}}", &error));
}

static void test_metadata_credentials_are_read(void **state)
{
    struct error error;

    (void)state;
    assert_true(parse(credentials_parse_metadata_reply, 200, "{\"Code\":\"Success\"," MEMBERS "}", &error));
    assert_true(parse(credentials_parse_metadata_reply, 200, "{" MEMBERS "}", &error));
}

/* All but one of the members, or one of another kind, is no set of credentials. */
static void test_incomplete_credentials_are_malformed(void **state)
{
    static const char *const members[] = {
        "",
        SECRET "," TOKEN "," EXPIRATION,
        ID "," TOKEN "," EXPIRATION,
        ID "," SECRET "," EXPIRATION,
        ID "," SECRET "," TOKEN,
        "\"AccessKeyId\":\"\"," SECRET "," TOKEN "," EXPIRATION,
        "\"AccessKeyId\":1," SECRET "," TOKEN "," EXPIRATION,
        ID "," SECRET "," TOKEN ",\"Expiration\":1893553445",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char body[256];

        snprintf(body, sizeof(body), "{\"Credentials\":{%s}}", members[i]);
        assert_sts_refused(200, body, ERROR_MALFORMED, WHAT);
    }
}

static void test_credentials_elsewhere_are_malformed(void **state)
{
    (void)state;
    assert_sts_refused(200, "{}", ERROR_MALFORMED, "no Credentials");
    assert_sts_refused(200, "{\"Credentials\":null}", ERROR_MALFORMED, "no Credentials");
    assert_sts_refused(200, "{\"Credentials\":[]}", ERROR_MALFORMED, "no Credentials");
    assert_sts_refused(200, "{" MEMBERS "}", ERROR_MALFORMED, "no Credentials");
}

static void test_a_token_that_would_end_a_header_is_malformed(void **state)
{
    (void)state;
    assert_sts_refused(200,
                       "{\"Credentials\":{\"AccessKeyId\":\"i\",\"AccessKeySecret\":\"s\","
                       "\"SecurityToken\":\"t\\r\\nx-evil: 1\",\"Expiration\":\"" EXPIRES "\"}}",
                       ERROR_MALFORMED, "control characters");
}

static void test_a_nul_in_a_text_is_malformed(void **state)
{
    (void)state;
    assert_sts_refused(200,
                       "{\"Credentials\":{\"AccessKeyId\":\"i\\u0000j\",\"AccessKeySecret\":\"s\","
                       "\"SecurityToken\":\"t\",\"Expiration\":\"" EXPIRES "\"}}",
                       ERROR_MALFORMED, "no JSON");
}

static void test_refusals_have_class_code_and_advice(void **state)
{
    (void)state;
    assert_sts_code("NoPermission", ERROR_CREDENTIALS, "sts:AssumeRole");
    assert_sts_code("EntityNotExist.Role", ERROR_CREDENTIALS, "role_arn");
    assert_sts_code("InvalidParameter.RoleArn", ERROR_CREDENTIALS, "role_arn");
    assert_sts_code("InvalidParameter.DurationSeconds", ERROR_CREDENTIALS, "duration");
    assert_sts_code("InvalidParameter.RoleSessionName", ERROR_CREDENTIALS, "role_session_name");
    assert_sts_code("InvalidParameter.PolicyGrammar", ERROR_CREDENTIALS, "policy");
    assert_sts_code("InvalidAccessKeyId.NotFound", ERROR_CREDENTIALS, "access_key_id");
    assert_sts_code("SignatureDoesNotMatch", ERROR_CREDENTIALS, "access_key_secret");
    assert_sts_code("AuthenticationFail.OIDCToken.Expired", ERROR_CREDENTIALS, "oidc_token_file");
    assert_sts_code("AuthenticationFail.NoPermission", ERROR_CREDENTIALS, "trust policy");
    assert_sts_code("InvalidSecurityToken.Expired", ERROR_TOKEN_EXPIRED, "renew");
    assert_sts_code("InvalidTimeStamp.Expired", ERROR_CLOCK_SKEW, "clock");
    assert_sts_code("Unheard.Of", ERROR_CREDENTIALS, "look at the settings");
}

static void test_throttling_and_gateway_trouble_are_transient(void **state)
{
    (void)state;
    assert_sts_code("Throttling.User", ERROR_TRANSIENT, "HTTP 400");
    assert_sts_code("ServiceUnavailable", ERROR_TRANSIENT, "HTTP 400");
    assert_sts_code("SignatureNonceUsed", ERROR_TRANSIENT, "HTTP 400");
    assert_sts_refused(503, "<html>bad</html>", ERROR_TRANSIENT, "HTTP 503");
    assert_sts_refused(429, "", ERROR_TRANSIENT, "HTTP 429");
    assert_sts_refused(500, "{}", ERROR_TRANSIENT, "HTTP 500");
}

static void test_code_and_request_id_are_kept(void **state)
{
    struct error error;

    (void)state;
    assert_false(parse(credentials_parse_sts_reply, 403,
                       "{\"code\":\"NoPermission\",\"requestid\":\"R-1\",\"message\":\"not you\"}", &error));
    assert_string_equal(error.code, "NoPermission");
    assert_string_equal(error.request_id, "R-1");
    assert_non_null(strstr(error.message, "not you"));
}

static void test_error_in_xml_is_read(void **state)
{
    (void)state;
    assert_sts_refused(403, "<Error><Code>NoPermission</Code><Message>not you</Message></Error>",
                       ERROR_CREDENTIALS, "not you");
}

static void test_a_foreign_answer_goes_by_its_status(void **state)
{
    (void)state;
    assert_sts_refused(200, "<html>login</html>", ERROR_MALFORMED, "no JSON");
    assert_sts_refused(200, "[]", ERROR_MALFORMED, "no JSON");
    assert_sts_refused(200, "", ERROR_MALFORMED, "no JSON");
    assert_sts_refused(302, "", ERROR_MALFORMED, "HTTP 302");
    assert_sts_refused(404, "", ERROR_CREDENTIALS, "look at the settings");
}

static void test_credentials_beside_an_error_do_not_count(void **state)
{
    (void)state;
    assert_sts_refused(403, "{\"Credentials\":{" MEMBERS "}}", ERROR_CREDENTIALS, "HTTP 403");
    assert_sts_refused(200, "{\"Code\":\"NoPermission\",\"Credentials\":{" MEMBERS "}}", ERROR_CREDENTIALS,
                       "NoPermission");
    assert_refused(credentials_parse_metadata_reply, 201, "{" MEMBERS "}", ERROR_MALFORMED, "HTTP 201");
    assert_refused(credentials_parse_metadata_reply, 200, "{\"Code\":\"Failed\"," MEMBERS "}",
                   ERROR_CREDENTIALS, "Failed");
}

static void test_secrets_in_messages_are_masked(void **state)
{
    (void)state;
    assert_sts_refused(400, "{\"Code\":\"CanaryToken\",\"Message\":\"CanaryToken of CanarySecret is bad\"}",
                       ERROR_CREDENTIALS, "*** of *** is bad");
}

/* It has the token twice percent-encoded, where no comparison would find it. */
static void test_a_message_that_repeats_what_was_signed_is_withheld(void **state)
{
    static const char *const bodies[] = {
        "{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"C%252BanaryX\"}",
        "{\"Code\":\"IncompleteSignature\",\"Message\":\"C%252BanaryX\"}",
        "{\"Code\":\"Other\",\"Message\":\"server string to sign is:POST C%252BanaryX\"}",
        "{\"Code\":\"Other\",\"Message\":\"POST&%2F&AccessKeyId%3DC%252BanaryX\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct error error;

        assert_sts_refused(400, bodies[i], ERROR_CREDENTIALS, "withheld");
        assert_false(parse(credentials_parse_sts_reply, 400, bodies[i], &error));
        assert_null(strstr(error.message, "C%252BanaryX"));
    }
}

static void test_expirations_are_read(void **state)
{
    static const struct {
        const char *text;
        long long unix_ms;
    } dates[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1999-12-31T23:59:59Z", 946684799000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2024-02-29T12:30:45Z", 1709209845000},
        {"2030-01-02T03:04:05Z", EXPIRY},
        {"2038-01-19T03:14:08Z", 2147483648000},
        {"2100-03-01T00:00:00Z", 4107542400000},
        {"9999-12-31T23:59:59Z", 253402300799000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        int64_t unix_ms;

        assert_true(credentials_parse_expiration(dates[i].text, &unix_ms));
        assert_true(unix_ms == dates[i].unix_ms);
    }
}

static void test_other_forms_of_a_date_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2030-01-02",
        "2030-01-02T03:04:05",
        "2030-01-02T03:04:05+00:00",
        "2030-01-02T03:04:05.000Z",
        "2030-01-02 03:04:05Z",
        "2030-01-02t03:04:05z",
        " 2030-01-02T03:04:05Z",
        "2030-01-02T03:04:05Z ",
        "2030-1-02T03:04:05Z",
        "+030-01-02T03:04:05Z",
        "2030-00-02T03:04:05Z",
        "2030-13-02T03:04:05Z",
        "2030-01-00T03:04:05Z",
        "2030-01-32T03:04:05Z",
        "2030-04-31T03:04:05Z",
        "2030-02-29T03:04:05Z",
        "2100-02-29T03:04:05Z",
        "2030-01-02T24:00:00Z",
        "2030-01-02T03:60:05Z",
        "2030-01-02T03:04:60Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t unix_ms = 1;

        if (credentials_parse_expiration(texts[i], &unix_ms))
            fail_msg("'%s' was read", texts[i]);
        assert_true(unix_ms == 0);
    }
}

static void test_an_odd_expiration_is_malformed(void **state)
{
    (void)state;
    assert_refused(credentials_parse_metadata_reply, 200,
                   "{\"AccessKeyId\":\"i\",\"AccessKeySecret\":\"s\",\"SecurityToken\":\"t\","
                   "\"Expiration\":\"tomorrow\"}",
                   ERROR_MALFORMED, "Expiration");
}

static void test_status_of_an_answer_that_is_not_read_is_told(void **state)
{
    struct credentials_reply reply = {
        .http_status = 404, .body = "", .length = 0, .what = WHAT, .advice = "look at the settings"};
    struct error error;

    (void)state;
    credentials_explain_reply(&reply, &error);
    assert_int_equal(error.class, ERROR_CREDENTIALS);
    assert_non_null(strstr(error.message, "look at the settings"));
    reply.body = "{\"Code\":\"Throttling\"}";
    reply.length = strlen(reply.body);
    credentials_explain_reply(&reply, &error);
    assert_int_equal(error.class, ERROR_TRANSIENT);
}

static int overwrite_freed(void **state)
{
    (void)state;
    das_reply_global_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sts_credentials_are_read),
        cmocka_unit_test(test_metadata_credentials_are_read),
        cmocka_unit_test(test_incomplete_credentials_are_malformed),
        cmocka_unit_test(test_credentials_elsewhere_are_malformed),
        cmocka_unit_test(test_a_token_that_would_end_a_header_is_malformed),
        cmocka_unit_test(test_a_nul_in_a_text_is_malformed),
        cmocka_unit_test(test_refusals_have_class_code_and_advice),
        cmocka_unit_test(test_throttling_and_gateway_trouble_are_transient),
        cmocka_unit_test(test_code_and_request_id_are_kept),
        cmocka_unit_test(test_error_in_xml_is_read),
        cmocka_unit_test(test_a_foreign_answer_goes_by_its_status),
        cmocka_unit_test(test_credentials_beside_an_error_do_not_count),
        cmocka_unit_test(test_secrets_in_messages_are_masked),
        cmocka_unit_test(test_a_message_that_repeats_what_was_signed_is_withheld),
        cmocka_unit_test(test_expirations_are_read),
        cmocka_unit_test(test_other_forms_of_a_date_are_refused),
        cmocka_unit_test(test_an_odd_expiration_is_malformed),
        cmocka_unit_test(test_status_of_an_answer_that_is_not_read_is_told),
    };

    return cmocka_run_group_tests(tests, overwrite_freed, NULL);
}
