/* The simulator's signatures against the published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "sign.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGNED     "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"

struct vector {
    const char *query;
    const char *key_id;
    const char *token;
    const char *signature;
};

static void das_headers(struct field_list *headers)
{
    field_list_add(headers, "host", "das.cn-shanghai.aliyuncs.com");
    field_list_add(headers, "x-acs-action", "GetMySQLAllSessionAsync");
    field_list_add(headers, "x-acs-content-sha256", EMPTY_HASH);
    field_list_add(headers, "x-acs-date", "2025-01-02T03:04:05Z");
    field_list_add(headers, "x-acs-signature-nonce", "0123456789abcdef0123456789abcdef");
    field_list_add(headers, "x-acs-version", "2020-01-16");
}

static void check_v3(struct field_list *headers, const char *names, const char *query, const char *secret,
                     const char *signature)
{
    struct field_list params = {0};
    char actual[SIGN_V3_SIZE];
    char *canonical, *text;

    assert_true(field_list_add_encoded(&params, query, strlen(query)));
    canonical = sign_v3_canonical_request("POST", &params, headers, names, EMPTY_HASH);
    assert_non_null(canonical);
    text = sign_v3_string_to_sign(canonical);
    sign_v3_signature(actual, secret, text);
    assert_string_equal(actual, signature);
    free(text);
    free(canonical);
    field_list_release(&params);
}

static void test_v3_published(void **state)
{
    struct field_list headers = {0};

    (void)state;
    field_list_add(&headers, "host", "ecs.cn-shanghai.aliyuncs.com");
    field_list_add(&headers, "x-acs-action", "RunInstances");
    field_list_add(&headers, "x-acs-content-sha256", EMPTY_HASH);
    field_list_add(&headers, "x-acs-date", "2023-10-26T10:22:32Z");
    field_list_add(&headers, "x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d");
    field_list_add(&headers, "x-acs-version", "2014-05-26");
    check_v3(&headers, SIGNED,
             "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
             "YourAccessKeySecret", "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
    field_list_release(&headers);
}

static void test_v3_das(void **state)
{
    static const struct vector vectors[] = {
        {"InstanceId=rm-test1", NULL, NULL,
         "2cff531d82eeb6be7d5bad343e2e003ad2b303078989c88f0e969e766d8d0f2b"},
        {"ResultId=async__0011223344556677&NodeId=pi-test1&InstanceId=pc-test1", NULL, NULL,
         "df2eebcd9d59761b3ee83b5327ae709bf313be77efcb68a78a6ebbc69288824d"},
        {"InstanceId=rm-test1", "STS.TestAk",
         "CAIS+token/==", "87af328c267028e496924306778a73685b10a9ee3cb8ff41732206742effd25b"},
        {"InstanceId=a+b%2Ac~d%2Fe%2Bf%25g%26h%3Di%27%28%21%29&NodeId=%e4%b8%ad%E6%96%87&ResultId=", NULL,
         NULL, "f0c1d4312a6801134df743526d834e46f352a8f6cae2560f3549e611429a2d81"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        const char *names = SIGNED;
        struct field_list headers = {0};

        das_headers(&headers);
        if (vector->token != NULL) {
            field_list_add(&headers, "x-acs-accesskey-id", vector->key_id);
            field_list_add(&headers, "x-acs-security-token", vector->token);
            names = "host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;"
                    "x-acs-security-token;x-acs-signature-nonce;x-acs-version";
        }
        check_v3(&headers, names, vector->query, "TestSecret", vector->signature);
        field_list_release(&headers);
    }
}

static void test_v3_header_missing(void **state)
{
    struct field_list headers = {0}, params = {0};

    (void)state;
    das_headers(&headers);
    assert_null(sign_v3_canonical_request("POST", &params, &headers, "host;x-acs-other", EMPTY_HASH));
    field_list_release(&headers);
}

static void test_v3_parse(void **state)
{
    static const char *const broken[] = {
        "",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 Credential=a",
        "ACS3-HMAC-SHA256 Credential=,SignedHeaders=b,Signature=c",
        "ACS3-HMAC-SHA256 Credential=a,Credential=a,SignedHeaders=b,Signature=c",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c,Else=d",
        "acs Credential=a,SignedHeaders=b,Signature=c"};
    struct sign_v3_authorization parts;

    (void)state;
    assert_true(sign_v3_parse(&parts, "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b;c, Signature=d"));
    assert_string_equal(parts.credential, "a");
    assert_string_equal(parts.signed_headers, "b;c");
    assert_string_equal(parts.signature, "d");
    sign_v3_release(&parts);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(sign_v3_parse(&parts, broken[i]));
        sign_v3_release(&parts);
    }
}

static void test_v1_published(void **state)
{
    static const char query[] =
        "Timestamp=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions"
        "&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"
        "&Version=2014-05-26&SignatureVersion=1.0&Signature=left-out";
    static const char *const cases[][2] = {{"GET", "OLeaidS1JvxuMvnyHOwuJ+uX5qY="},
                                           {"POST", "MxbnVAM4w6sft9xjVpe/GCKueuk="}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct field_list params = {0};
        char actual[SIGN_V1_SIZE];
        char *text;

        assert_true(field_list_add_encoded(&params, query, strlen(query)));
        text = sign_v1_string_to_sign(cases[i][0], &params);
        sign_v1_signature(actual, "testsecret", text);
        assert_string_equal(actual, cases[i][1]);
        free(text);
        field_list_release(&params);
    }
}

static void test_broken_encoding(void **state)
{
    static const char *const broken[] = {"a=%", "a=%4", "a=%zz", "%=1", "a=%00"};

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct field_list params = {0};

        assert_false(field_list_add_encoded(&params, broken[i], strlen(broken[i])));
        field_list_release(&params);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v3_published),      cmocka_unit_test(test_v3_das),
        cmocka_unit_test(test_v3_header_missing), cmocka_unit_test(test_v3_parse),
        cmocka_unit_test(test_v1_published),      cmocka_unit_test(test_broken_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
