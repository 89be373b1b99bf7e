#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "http/markup.h"

typedef void text_fn(struct strbuf *out, const char *text);

static void assert_marked_up(text_fn *function, const char *text, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    function(&out, text);
    assert_false(strbuf_failed(&out));
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_html_special_characters_become_references(void **state)
{
    (void)state;
    assert_marked_up(markup_html_text, "<b a=\"1\" c='2'>&amp;",
                     "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
}

static void test_html_keeps_other_languages(void **state)
{
    (void)state;
    assert_marked_up(markup_html_text, "订单\xF0\x9F\x98\x80", "订单\xF0\x9F\x98\x80");
}

static void test_html_repairs_broken_bytes(void **state)
{
    (void)state;
    assert_marked_up(markup_html_text, "a\xFF\xC3<\x01", "a\xEF\xBF\xBD\xEF\xBF\xBD&lt;\xEF\xBF\xBD");
}

static void test_html_shows_no_text_in_another_order_than_it_is_in(void **state)
{
    (void)state;
    assert_marked_up(markup_html_text,
                     "a\xE2\x80\xAE"
                     "b\xE2\x81\xA6"
                     "c",
                     "a\xEF\xBF\xBD"
                     "b\xEF\xBF\xBD"
                     "c");
    assert_marked_up(markup_html_text, "\xE2\x80\x94\xE2\x81\xA5\xE2\x80\xAF",
                     "\xE2\x80\x94\xE2\x81\xA5\xE2\x80\xAF");
}

static void test_json_escapes_what_json_must(void **state)
{
    (void)state;
    assert_marked_up(markup_json_string, "a\"b\\c\n\t\r\x01\x1F\x7F/",
                     "\"a\\\"b\\\\c\\n\\t\\u000d\\u0001\\u001f\x7F/\"");
}

static void test_json_repairs_broken_bytes(void **state)
{
    (void)state;
    assert_marked_up(markup_json_string, "\xC0\x80\xED\xA0\x80",
                     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_json_null_and_empty(void **state)
{
    (void)state;
    assert_marked_up(markup_json_string, NULL, "null");
    assert_marked_up(markup_json_string, "", "\"\"");
}

/* Every pair of bytes, against a parser that is not ours. */
static void test_json_of_any_bytes_is_read_by_a_json_parser(void **state)
{
    struct strbuf out;
    json_t *parsed;
    char text[4] = "x";

    (void)state;
    strbuf_init(&out, 0);
    for (int first = 1; first < 256; first++) {
        for (int second = 1; second < 256; second++) {
            text[1] = (char)first;
            text[2] = (char)second;
            strbuf_reset(&out);
            markup_json_string(&out, text);
            parsed = json_loadb(out.data, out.length, JSON_DECODE_ANY, NULL);
            assert_non_null(parsed);
            if (first < 128 && second < 128)
                assert_string_equal(json_string_value(parsed), text);
            json_decref(parsed);
        }
    }
    strbuf_release(&out);
}

static void test_json_time_is_rfc_3339(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    markup_json_time(&out, INT64_C(1767323045678));
    markup_json_time(&out, 0);
    assert_string_equal(strbuf_text(&out), "\"2026-01-02T03:04:05Z\"null");
    strbuf_release(&out);
}

static void test_json_seconds_have_three_decimals(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    markup_json_seconds(&out, INT64_C(12005999999));
    strbuf_append_char(&out, ' ');
    markup_json_seconds(&out, 0);
    strbuf_append_char(&out, ' ');
    markup_json_seconds(&out, -1);
    assert_string_equal(strbuf_text(&out), "12.005 0.000 null");
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_special_characters_become_references),
        cmocka_unit_test(test_html_keeps_other_languages),
        cmocka_unit_test(test_html_repairs_broken_bytes),
        cmocka_unit_test(test_html_shows_no_text_in_another_order_than_it_is_in),
        cmocka_unit_test(test_json_escapes_what_json_must),
        cmocka_unit_test(test_json_repairs_broken_bytes),
        cmocka_unit_test(test_json_null_and_empty),
        cmocka_unit_test(test_json_of_any_bytes_is_read_by_a_json_parser),
        cmocka_unit_test(test_json_time_is_rfc_3339),
        cmocka_unit_test(test_json_seconds_have_three_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
