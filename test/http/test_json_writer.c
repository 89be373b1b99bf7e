#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "http/json_writer.h"

static void assert_string(const char *text, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    json_write_string(&out, text);
    assert_false(strbuf_failed(&out));
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_json_escapes_what_json_must(void **state)
{
    (void)state;
    assert_string("a\"b\\c\n\t\r\x01\x1F\x7F/", "\"a\\\"b\\\\c\\n\\t\\u000d\\u0001\\u001f\x7F/\"");
}

static void test_json_repairs_broken_bytes(void **state)
{
    (void)state;
    assert_string("\xC0\x80\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_json_null_and_empty(void **state)
{
    (void)state;
    assert_string(NULL, "null");
    assert_string("", "\"\"");
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
            json_write_string(&out, text);
            parsed = json_loadb(out.data, out.length, JSON_DECODE_ANY, NULL);
            assert_non_null(parsed);
            if (first < 128 && second < 128)
                assert_string_equal(json_string_value(parsed), text);
            json_decref(parsed);
        }
    }
    strbuf_release(&out);
}

static void test_members_are_separated_by_commas(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    strbuf_append_char(&out, '{');
    json_write_text(&out, "text", "a");
    json_write_count(&out, "count", UINT64_MAX);
    json_write_bool(&out, "yes", true);
    json_write_name(&out, "inner");
    strbuf_append_char(&out, '{');
    json_write_rate(&out, "rate", 12.5);
    strbuf_append_text(&out, "}}");
    assert_string_equal(
        strbuf_text(&out),
        "{\"text\":\"a\",\"count\":18446744073709551615,\"yes\":true,\"inner\":{\"rate\":12.500}}");
    strbuf_release(&out);
}

static void test_times_are_rfc_3339_and_0_is_none(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    json_write_time(&out, "a", INT64_C(1767323045678));
    json_write_time(&out, "b", 0);
    assert_string_equal(strbuf_text(&out), "\"a\":\"2026-01-02T03:04:05Z\",\"b\":null");
    strbuf_release(&out);
}

static void test_seconds_have_three_decimals(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    json_write_seconds(&out, "a", INT64_C(12005999999));
    json_write_seconds(&out, "b", 0);
    json_write_seconds(&out, "c", -1);
    assert_string_equal(strbuf_text(&out), "\"a\":12.005,\"b\":0.000,\"c\":null");
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_escapes_what_json_must),
        cmocka_unit_test(test_json_repairs_broken_bytes),
        cmocka_unit_test(test_json_null_and_empty),
        cmocka_unit_test(test_json_of_any_bytes_is_read_by_a_json_parser),
        cmocka_unit_test(test_members_are_separated_by_commas),
        cmocka_unit_test(test_times_are_rfc_3339_and_0_is_none),
        cmocka_unit_test(test_seconds_have_three_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
