#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/negotiate.h"

static void test_absent_header_means_identity(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip(NULL));
    assert_false(accept_encoding_gzip(""));
}

static void test_gzip_is_used_when_listed(void **state)
{
    (void)state;
    assert_true(accept_encoding_gzip("gzip"));
    assert_true(accept_encoding_gzip("deflate, GZIP , br"));
    assert_true(accept_encoding_gzip("x-gzip"));
    assert_true(accept_encoding_gzip("gzip;q=0.001"));
    assert_true(accept_encoding_gzip("gzip ; q=1.000"));
    assert_true(accept_encoding_gzip("gzip;Q=0.5 , br"));
}

static void test_gzip_with_weight_zero_is_refused(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q=0"));
    assert_false(accept_encoding_gzip("gzip; q=0.000"));
    assert_false(accept_encoding_gzip("*, gzip;q=0"));
}

static void test_star_covers_gzip(void **state)
{
    (void)state;
    assert_true(accept_encoding_gzip("*"));
    assert_true(accept_encoding_gzip("br, *;q=0.1"));
    assert_false(accept_encoding_gzip("*;q=0"));
}

static void test_other_codings_do_not_mean_gzip(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("deflate, br"));
    assert_false(accept_encoding_gzip("notgzip"));
    assert_false(accept_encoding_gzip("gzipped"));
}

static void test_preferred_identity_wins(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q=0.5, identity"));
    assert_true(accept_encoding_gzip("gzip;q=0.5, identity;q=0.5"));
    assert_true(accept_encoding_gzip("gzip, identity;q=0"));
}

static void test_malformed_weight_is_not_used(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q="));
    assert_false(accept_encoding_gzip("gzip;q=2"));
    assert_false(accept_encoding_gzip("gzip;q=1.001"));
    assert_false(accept_encoding_gzip("gzip;q=0.1234"));
    assert_false(accept_encoding_gzip("gzip;q=-1"));
    assert_false(accept_encoding_gzip("gzip;q=.5"));
    assert_false(accept_encoding_gzip("gzip;q=x"));
    assert_false(accept_encoding_gzip("gzip;q=0,5"));
    assert_false(accept_encoding_gzip(",;,;;q=1,"));
}

static void test_weights_are_compared_in_thousandths(void **state)
{
    (void)state;
    assert_true(accept_encoding_gzip("identity;q=0.05\t, gzip;q=0.123"));
    assert_false(accept_encoding_gzip("identity;q=0.124, gzip;level=1;q=0.123"));
    assert_true(accept_encoding_gzip(" ,identity;q=0.5 ,, gzip;x=y"));
}

static void assert_languages(enum language expected, const char *const *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (accept_language(headers[i]) != expected)
            fail_msg("%s", headers[i]);
    }
}

static void test_chinese_is_taken_when_preferred(void **state)
{
    static const char *const headers[] = {"zh",
                                          "zh-CN",
                                          "zh-TW",
                                          "ZH-Hans-cn",
                                          "zh-CN,zh;q=0.9,en;q=0.8",
                                          "en;q=0.5, zh-TW;q=0.6",
                                          "fr, de;q=0.9, zh;q=0.1",
                                          "zh, en",
                                          "en;q=0, zh;q=0.001"};

    (void)state;
    assert_languages(LANGUAGE_ZH, headers, sizeof(headers) / sizeof(headers[0]));
}

static void test_english_is_the_default(void **state)
{
    static const char *const headers[] = {
        "",       "en", "en-US,en;q=0.9,zh-CN;q=0.8", "*", "fr-FR", "zha, zhx-CN", "zh;q=0", "en, zh",
        "zh;q=2", ",;="};

    (void)state;
    assert_languages(LANGUAGE_EN, headers, sizeof(headers) / sizeof(headers[0]));
    assert_int_equal(accept_language(NULL), LANGUAGE_EN);
}

static void test_browsers_get_html(void **state)
{
    (void)state;
    assert_true(accept_html("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"));
    assert_true(accept_html("text/html;charset=utf-8"));
    assert_true(accept_html("application/json;q=0.5, text/html;q=0.5"));
}

static void test_programs_get_json(void **state)
{
    (void)state;
    assert_false(accept_html(NULL));
    assert_false(accept_html("*/*"));
    assert_false(accept_html("application/json"));
    assert_false(accept_html("application/json, text/html;q=0.9"));
    assert_false(accept_html("text/html;q=0"));
    assert_false(accept_html("text/*"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_header_means_identity),
        cmocka_unit_test(test_gzip_is_used_when_listed),
        cmocka_unit_test(test_gzip_with_weight_zero_is_refused),
        cmocka_unit_test(test_star_covers_gzip),
        cmocka_unit_test(test_other_codings_do_not_mean_gzip),
        cmocka_unit_test(test_preferred_identity_wins),
        cmocka_unit_test(test_malformed_weight_is_not_used),
        cmocka_unit_test(test_weights_are_compared_in_thousandths),
        cmocka_unit_test(test_chinese_is_taken_when_preferred),
        cmocka_unit_test(test_english_is_the_default),
        cmocka_unit_test(test_browsers_get_html),
        cmocka_unit_test(test_programs_get_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
