#include "das/sign_v1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The example of the platform's documentation of this signature; its answer is wanted in XML. */
static struct sign_v1_request published_request(const char *method)
{
    return (struct sign_v1_request){
        .method = method,
        .action = "DescribeRegions",
        .version = "2014-05-26",
        .format = "XML",
        .access_key_id = "testid",
        .access_key_secret = "testsecret",
        .unix_seconds = 1456231584, /* 2016-02-23T12:46:24Z */
        .nonce = "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
    };
}

static void assert_signed(const struct sign_v1_request *request, const char *query, const char *form)
{
    struct strbuf query_out, form_out;

    strbuf_init(&query_out, 0);
    strbuf_init(&form_out, 0);
    assert_true(sign_v1(request, &query_out, &form_out));
    assert_string_equal(strbuf_text(&query_out), query);
    assert_string_equal(strbuf_text(&form_out), form);
    strbuf_release(&query_out);
    strbuf_release(&form_out);
}

static void assert_signature(const struct sign_v1_request *request, const char *encoded)
{
    struct strbuf query, form;
    const char *found;

    strbuf_init(&query, 0);
    strbuf_init(&form, 0);
    assert_true(sign_v1(request, &query, &form));
    found = strstr(strbuf_text(&query), "&Signature=");
    assert_non_null(found);
    assert_string_equal(found + strlen("&Signature="), encoded);
    strbuf_release(&query);
    strbuf_release(&form);
}

static void test_published_hmac(void **state)
{
    char signature[SIGN_V1_SIGNATURE_SIZE];

    (void)state;
    assert_true(sign_hmac_sha1("secret", "source", strlen("source"), signature));
    assert_string_equal(signature, "Jv4yi8SobFhg5t1C7nWLbhBSFZQ=");
}

static void test_published_signature_of_a_get(void **state)
{
    const struct sign_v1_request request = published_request("GET");

    (void)state;
    assert_signature(&request, "OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D");
}

static void test_published_signature_of_a_post(void **state)
{
    const struct sign_v1_request request = published_request("POST");

    (void)state;
    assert_signature(&request, "MxbnVAM4w6sft9xjVpe%2FGCKueuk%3D");
}

static void test_query_on_the_wire(void **state)
{
    const struct sign_v1_request request = published_request("GET");

    (void)state;
    assert_signed(&request,
                  "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1"
                  "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0"
                  "&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26"
                  "&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D",
                  "");
}

/* Form parameters sort before, between and behind those of the system. Computed with another HMAC. */
static void test_form_parameters_and_token_are_signed(void **state)
{
    const struct sign_parameter parameters[] = {
        {"RoleSessionName", "exporter"}, {"Zone", "a b*~"}, {"AAA", ""}, {"Policy", "{\"Version\":\"1\"}"}};
    struct sign_v1_request request = published_request("POST");

    (void)state;
    request.security_token = "CAIS+token/==";
    request.parameters = parameters;
    request.parameter_count = 4;
    assert_signature(&request, "Fo%2BlFn8HE08RkhrqLkU98oDTDz4%3D");
}

static void test_form_on_the_wire(void **state)
{
    const struct sign_parameter parameters[] = {{"b", "x *~/+&="}, {"a", ""}};
    struct strbuf form;

    (void)state;
    strbuf_init(&form, 0);
    sign_append_parameters(parameters, 2, &form);
    assert_string_equal(strbuf_text(&form), "b=x%20%2A~%2F%2B%26%3D&a=");
    strbuf_release(&form);
}

static void test_token_of_any_length(void **state)
{
    struct sign_v1_request request = published_request("POST");
    size_t length = 200000;
    char *token = malloc(length + 1);
    struct strbuf query, form;

    (void)state;
    assert_non_null(token);
    memset(token, 't', length);
    token[length] = '\0';
    request.security_token = token;
    strbuf_init(&query, 0);
    strbuf_init(&form, 0);
    assert_true(sign_v1(&request, &query, &form));
    assert_non_null(strstr(strbuf_text(&query), token));
    strbuf_release(&query);
    strbuf_release(&form);
    free(token);
}

static void test_too_many_parameters_are_refused(void **state)
{
    struct sign_parameter parameters[SIGN_PARAMETERS_MAX + 1];
    struct sign_v1_request request = published_request("POST");
    struct strbuf query, form;

    (void)state;
    for (size_t i = 0; i < SIGN_PARAMETERS_MAX + 1; i++)
        parameters[i] = (struct sign_parameter){"a", "b"};
    request.parameters = parameters;
    strbuf_init(&query, 0);
    strbuf_init(&form, 0);
    request.parameter_count = SIGN_PARAMETERS_MAX + 1;
    assert_false(sign_v1(&request, &query, &form));
    request.parameter_count = SIGN_PARAMETERS_MAX;
    assert_true(sign_v1(&request, &query, &form));
    strbuf_release(&query);
    strbuf_release(&form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_hmac),
        cmocka_unit_test(test_published_signature_of_a_get),
        cmocka_unit_test(test_published_signature_of_a_post),
        cmocka_unit_test(test_query_on_the_wire),
        cmocka_unit_test(test_form_parameters_and_token_are_signed),
        cmocka_unit_test(test_form_on_the_wire),
        cmocka_unit_test(test_token_of_any_length),
        cmocka_unit_test(test_too_many_parameters_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
