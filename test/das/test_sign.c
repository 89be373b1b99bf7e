#include "das/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAS_UNIX_SECONDS 1735787045 /* 2025-01-02T03:04:05Z */

/* The example of the platform's documentation of the signature. */
static const struct sign_parameter published_parameters[] = {
    {"RegionId", "cn-shanghai"},
    {"ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
};
static const struct sign_request published_request = {
    .host = "ecs.cn-shanghai.aliyuncs.com",
    .action = "RunInstances",
    .version = "2014-05-26",
    .access_key_id = "YourAccessKeyId",
    .access_key_secret = "YourAccessKeySecret",
    .parameters = published_parameters,
    .parameter_count = 2,
    .unix_seconds = 1698315752, /* 2023-10-26T10:22:32Z */
    .nonce = "3156853299f313e23d1673dc12e1703d",
};

static struct sign_request das_request(const struct sign_parameter *parameters, size_t count)
{
    return (struct sign_request){
        .host = "das.cn-shanghai.aliyuncs.com",
        .action = "GetMySQLAllSessionAsync",
        .version = "2020-01-16",
        .access_key_id = "TestAk",
        .access_key_secret = "TestSecret",
        .parameters = parameters,
        .parameter_count = count,
        .unix_seconds = DAS_UNIX_SECONDS,
        .nonce = "0123456789abcdef0123456789abcdef",
    };
}

static void assert_signature(const struct sign_request *request, const char *signature)
{
    struct signed_request out;
    const char *found;

    signed_request_init(&out);
    assert_true(sign_v3(request, &out));
    found = strstr(strbuf_text(&out.headers), ",Signature=");
    assert_non_null(found);
    assert_string_equal(found + strlen(",Signature="), signature);
    signed_request_release(&out);
}

static void test_published_canonical_hash(void **state)
{
    char hex[65];

    (void)state;
    assert_true(sign_canonical_hash(&published_request, hex));
    assert_string_equal(hex, "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
}

static void test_published_signature(void **state)
{
    (void)state;
    assert_signature(&published_request, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
}

static void test_submit(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    const struct sign_request request = das_request(parameters, 1);

    (void)state;
    assert_signature(&request, "2cff531d82eeb6be7d5bad343e2e003ad2b303078989c88f0e969e766d8d0f2b");
}

static void test_poll_of_a_node(void **state)
{
    const struct sign_parameter parameters[] = {
        {"ResultId", "async__0011223344556677"}, {"NodeId", "pi-test1"}, {"InstanceId", "pc-test1"}};
    const struct sign_request request = das_request(parameters, 3);

    (void)state;
    assert_signature(&request, "df2eebcd9d59761b3ee83b5327ae709bf313be77efcb68a78a6ebbc69288824d");
}

static void test_security_token_is_signed(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    struct sign_request request = das_request(parameters, 1);

    (void)state;
    request.access_key_id = "STS.TestAk";
    request.security_token = "CAIS+token/==";
    request.send_access_key_id = true;
    assert_signature(&request, "87af328c267028e496924306778a73685b10a9ee3cb8ff41732206742effd25b");
}

static void test_odd_characters_and_an_empty_value(void **state)
{
    const struct sign_parameter parameters[] = {
        {"InstanceId", "a b*c~d/e+f%g&h=i'(!)"}, {"NodeId", "\xe4\xb8\xad\xe6\x96\x87"}, {"ResultId", ""}};
    const struct sign_request request = das_request(parameters, 3);

    (void)state;
    assert_signature(&request, "f0c1d4312a6801134df743526d834e46f352a8f6cae2560f3549e611429a2d81");
}

static void test_query_is_sorted_and_encoded(void **state)
{
    const struct sign_parameter parameters[] = {{"b", ""}, {"a", "x *~/+"}, {"B", "1"}};
    const struct sign_request request = das_request(parameters, 3);
    struct signed_request out;

    (void)state;
    signed_request_init(&out);
    assert_true(sign_v3(&request, &out));
    assert_string_equal(strbuf_text(&out.query), "B=1&a=x%20%2A~%2F%2B&b=");
    signed_request_release(&out);
}

static void test_headers_on_the_wire(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    const struct sign_request request = das_request(parameters, 1);
    struct signed_request out;

    (void)state;
    signed_request_init(&out);
    assert_true(sign_v3(&request, &out));
    assert_string_equal(
        strbuf_text(&out.headers),
        "host: das.cn-shanghai.aliyuncs.com\n"
        "x-acs-action: GetMySQLAllSessionAsync\n"
        "x-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        "x-acs-date: 2025-01-02T03:04:05Z\n"
        "x-acs-signature-nonce: 0123456789abcdef0123456789abcdef\n"
        "x-acs-version: 2020-01-16\n"
        "Authorization: ACS3-HMAC-SHA256 Credential=TestAk,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=2cff531d82eeb6be7d5bad343e2e003ad2b303078989c88f0e969e766d8d0f2b");
    signed_request_release(&out);
}

static void test_signing_again_replaces_the_first(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    const struct sign_request request = das_request(parameters, 1);
    struct signed_request once, twice;

    (void)state;
    signed_request_init(&once);
    signed_request_init(&twice);
    assert_true(sign_v3(&request, &once));
    assert_true(sign_v3(&published_request, &twice));
    assert_true(sign_v3(&request, &twice));
    assert_string_equal(strbuf_text(&once.headers), strbuf_text(&twice.headers));
    assert_string_equal(strbuf_text(&once.query), strbuf_text(&twice.query));
    signed_request_release(&once);
    signed_request_release(&twice);
}

static void test_token_of_any_length(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    struct sign_request request = das_request(parameters, 1);
    size_t length = 200000;
    char *token = malloc(length + 1);
    struct signed_request out;

    (void)state;
    assert_non_null(token);
    memset(token, 't', length);
    token[length] = '\0';
    request.security_token = token;
    signed_request_init(&out);
    assert_true(sign_v3(&request, &out));
    assert_non_null(strstr(strbuf_text(&out.headers), token));
    signed_request_release(&out);
    free(token);
}

static void test_too_many_parameters_are_refused(void **state)
{
    struct sign_parameter parameters[SIGN_PARAMETERS_MAX + 1] = {0};
    struct sign_request request = das_request(parameters, SIGN_PARAMETERS_MAX + 1);
    struct signed_request out;
    char hex[65];

    (void)state;
    for (size_t i = 0; i < SIGN_PARAMETERS_MAX + 1; i++)
        parameters[i] = (struct sign_parameter){"a", "b"};
    signed_request_init(&out);
    assert_false(sign_v3(&request, &out));
    assert_false(sign_canonical_hash(&request, hex));
    request.parameter_count = SIGN_PARAMETERS_MAX;
    assert_true(sign_v3(&request, &out));
    signed_request_release(&out);
}

static void test_a_line_break_in_a_header_is_refused(void **state)
{
    const struct sign_parameter parameters[] = {{"InstanceId", "rm-test1"}};
    struct sign_request request = das_request(parameters, 1);
    struct signed_request out;

    (void)state;
    signed_request_init(&out);
    request.security_token = "token\r\nx-evil: 1";
    assert_false(sign_v3(&request, &out));
    request.security_token = NULL;
    request.access_key_id = "TestAk\n";
    assert_false(sign_v3(&request, &out));
    signed_request_release(&out);
}

static void test_blanks_around_a_header_value_are_refused(void **state)
{
    (void)state;
    assert_false(sign_header_value_ok(" token"));
    assert_false(sign_header_value_ok("token "));
    assert_true(sign_header_value_ok("to ken"));
    assert_true(sign_header_value_ok(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_canonical_hash),
        cmocka_unit_test(test_published_signature),
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_poll_of_a_node),
        cmocka_unit_test(test_security_token_is_signed),
        cmocka_unit_test(test_odd_characters_and_an_empty_value),
        cmocka_unit_test(test_query_is_sorted_and_encoded),
        cmocka_unit_test(test_headers_on_the_wire),
        cmocka_unit_test(test_signing_again_replaces_the_first),
        cmocka_unit_test(test_token_of_any_length),
        cmocka_unit_test(test_too_many_parameters_are_refused),
        cmocka_unit_test(test_a_line_break_in_a_header_is_refused),
        cmocka_unit_test(test_blanks_around_a_header_value_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
