#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/accept_html.h"
#include "http/language.h"

static void assert_languages(enum language expected, const char *const *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (language_negotiate(headers[i]) != expected)
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
    assert_int_equal(language_negotiate(NULL), LANGUAGE_EN);
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
        cmocka_unit_test(test_chinese_is_taken_when_preferred),
        cmocka_unit_test(test_english_is_the_default),
        cmocka_unit_test(test_browsers_get_html),
        cmocka_unit_test(test_programs_get_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
