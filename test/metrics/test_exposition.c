#include "metrics/exposition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include "test/metrics/page_check.h"

#define REPLACED "\xEF\xBF\xBD"

static void assert_value(const char *value, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    exposition_label_value(&out, value);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_backslash_quote_and_newline_are_escaped(void **state)
{
    (void)state;
    assert_value("a\\b\"c\nd", "a\\\\b\\\"c\\nd");
}

static void test_other_control_characters_stay(void **state)
{
    (void)state;
    assert_value("\t\r\x01\x7f", "\t\r\x01\x7f");
}

static void test_well_formed_utf8_stays(void **state)
{
    (void)state;
    assert_value("caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80", "caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80");
}

static void test_truncated_sequence_becomes_one_replacement(void **state)
{
    (void)state;
    assert_value("a\xE4\xB8", "a" REPLACED);
    assert_value("\xF0\x9F\x98z", REPLACED "z");
}

static void test_stray_continuation_bytes_become_one_replacement_each(void **state)
{
    (void)state;
    assert_value("\x80\xBF", REPLACED REPLACED);
}

static void test_surrogates_and_overlong_forms_are_replaced_byte_by_byte(void **state)
{
    (void)state;
    assert_value("\xED\xA0\x80", REPLACED REPLACED REPLACED);
    assert_value("\xC0\xAF", REPLACED REPLACED);
    assert_value("\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
}

/* The example of Unicode 15, table 3-11. */
static void test_maximal_subparts_as_in_the_unicode_standard(void **state)
{
    (void)state;
    assert_value("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", REPLACED REPLACED REPLACED REPLACED "A");
}

static void assert_number(double value, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    exposition_number(&out, value);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_numbers_are_the_shortest_that_read_back(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(0.1, "0.1");
    assert_number(0.1 + 0.2, "0.30000000000000004");
    assert_number(-2.5, "-2.5");
    assert_number(1735787045.678, "1735787045.678");
    assert_number(5e-324, "5e-324");
}

static void test_special_numbers_are_spelled_for_prometheus(void **state)
{
    (void)state;
    assert_number(INFINITY, "+Inf");
    assert_number(-INFINITY, "-Inf");
    assert_number((double)NAN, "NaN");
}

static void test_any_double_reads_back_the_same(void **state)
{
    struct strbuf out;
    uint64_t bits = TEXT_HASH_START;
    double value;
    int i;

    (void)state;
    strbuf_init(&out, 0);
    for (i = 0; i < 20000; i++) {
        bits = text_hash(bits, &i, sizeof(i));
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        strbuf_reset(&out);
        exposition_number(&out, value);
        assert_true(strtod(strbuf_text(&out), NULL) == value);
    }
    strbuf_release(&out);
}

static void assert_unix_ms(int64_t unix_ms, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    exposition_unix_ms(&out, unix_ms);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_times_are_seconds_without_trailing_zeros(void **state)
{
    (void)state;
    assert_unix_ms(0, "0");
    assert_unix_ms(1735787045000, "1735787045");
    assert_unix_ms(1735787045600, "1735787045.6");
    assert_unix_ms(1735787045007, "1735787045.007");
}

static void test_gauge_line(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_sample_int(&out, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){"rm-test1", "app"}, -3);
    assert_string_equal(strbuf_text(&out),
                        "db_max_user_connections{ins_id=\"rm-test1\",username=\"app\"} -3\n");
    strbuf_release(&out);
}

static void test_counter_line_has_total(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_sample_uint(&out, FAMILY_API_THROTTLED, (const char *[]){"1000000000000001"}, UINT64_MAX);
    assert_string_equal(
        strbuf_text(&out),
        "session_exporter_api_throttled_total{aliyun_uid=\"1000000000000001\"} 18446744073709551615\n");
    strbuf_release(&out);
}

static void test_line_without_labels_has_no_braces(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_sample_double(&out, FAMILY_QUEUE_LENGTH, NULL, 1.5);
    assert_string_equal(strbuf_text(&out), "session_exporter_queue_length 1.5\n");
    strbuf_release(&out);
}

static void test_histogram_is_cumulative_and_ends_with_sum_and_count(void **state)
{
    const double bounds[] = {0.5, 1};
    const uint64_t counts[] = {2, 0, 1};
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_histogram(&out, FAMILY_RESULT_WAIT, NULL, bounds, counts, 2, 7.25);
    assert_string_equal(strbuf_text(&out), "session_exporter_result_wait_seconds_bucket{le=\"0.5\"} 2\n"
                                           "session_exporter_result_wait_seconds_bucket{le=\"1.0\"} 2\n"
                                           "session_exporter_result_wait_seconds_bucket{le=\"+Inf\"} 3\n"
                                           "session_exporter_result_wait_seconds_sum 7.25\n"
                                           "session_exporter_result_wait_seconds_count 3\n");
    strbuf_release(&out);
}

static void test_histogram_labels_precede_le(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_histogram(&out, FAMILY_API_REQUEST_DURATION, (const char *[]){"poll"}, NULL,
                         (const uint64_t[]){4}, 0, 1);
    assert_true(page_has_line(
        &out, "session_exporter_api_request_duration_seconds_bucket{phase=\"poll\",le=\"+Inf\"} 4"));
    assert_true(page_has_line(&out, "session_exporter_api_request_duration_seconds_sum{phase=\"poll\"} 1"));
    strbuf_release(&out);
}

static void assert_header(enum family_id family, enum exposition_format format, const char *type_line)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    exposition_header(&out, family, format);
    assert_true(page_has_line(&out, type_line));
    strbuf_release(&out);
}

static void test_type_line_of_a_counter_differs_by_format(void **state)
{
    (void)state;
    assert_header(FAMILY_API_REQUESTS, EXPOSITION_TEXT, "# TYPE session_exporter_api_requests_total counter");
    assert_header(FAMILY_API_REQUESTS, EXPOSITION_OPENMETRICS,
                  "# TYPE session_exporter_api_requests counter");
}

static void test_help_escapes_quotes_in_openmetrics_only(void **state)
{
    const struct family family = {.name = "x", .type = FAMILY_GAUGE, .help = "a\\b\nc\"d"};
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_family_header(&out, &family, EXPOSITION_TEXT);
    assert_string_equal(strbuf_text(&out), "# HELP x a\\\\b\\nc\"d\n# TYPE x gauge\n");
    strbuf_reset(&out);
    exposition_family_header(&out, &family, EXPOSITION_OPENMETRICS);
    assert_string_equal(strbuf_text(&out), "# HELP x a\\\\b\\nc\\\"d\n# TYPE x gauge\n");
    strbuf_release(&out);
}

static void test_only_openmetrics_ends_with_eof(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    exposition_end(&out, EXPOSITION_TEXT);
    assert_string_equal(strbuf_text(&out), "");
    exposition_end(&out, EXPOSITION_OPENMETRICS);
    assert_string_equal(strbuf_text(&out), "# EOF\n");
    strbuf_release(&out);
}

static void test_content_types(void **state)
{
    (void)state;
    assert_string_equal(exposition_content_type(EXPOSITION_TEXT), "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(exposition_content_type(EXPOSITION_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

/* Random bytes, with those that matter to the format made frequent. */
static void random_value(uint64_t *seed, char *value, size_t size)
{
    static const char frequent[] = "\\\"\n{},= #\xE4\xED\xF0\x80\xA0";
    size_t length;
    size_t i;

    *seed = text_hash(*seed, "next", 4);
    length = (size_t)(*seed % size);
    for (i = 0; i < length; i++) {
        *seed = text_hash(*seed, &i, sizeof(i));
        value[i] = (*seed & 1) != 0 ? frequent[(*seed >> 8) % (sizeof(frequent) - 1)] : (char)(*seed >> 16);
        if (value[i] == '\0')
            value[i] = 'x';
    }
    value[length] = '\0';
}

static void test_random_labels_give_valid_pages(void **state)
{
    uint64_t seed = TEXT_HASH_START;
    char values[2][40];
    char why[128] = "";
    struct strbuf out;
    int i;

    (void)state;
    strbuf_init(&out, 0);
    for (i = 0; i < 20000; i++) {
        random_value(&seed, values[0], sizeof(values[0]));
        random_value(&seed, values[1], sizeof(values[1]));
        strbuf_reset(&out);
        exposition_header(&out, FAMILY_MAX_USER_CONNECTIONS, EXPOSITION_OPENMETRICS);
        exposition_sample_int(&out, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){values[0], values[1]}, i);
        exposition_end(&out, EXPOSITION_OPENMETRICS);
        if (!page_check(out.data, out.length, EXPOSITION_OPENMETRICS, why, sizeof(why)))
            fail_msg("%s in\n%s", why, out.data);
    }
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backslash_quote_and_newline_are_escaped),
        cmocka_unit_test(test_other_control_characters_stay),
        cmocka_unit_test(test_well_formed_utf8_stays),
        cmocka_unit_test(test_truncated_sequence_becomes_one_replacement),
        cmocka_unit_test(test_stray_continuation_bytes_become_one_replacement_each),
        cmocka_unit_test(test_surrogates_and_overlong_forms_are_replaced_byte_by_byte),
        cmocka_unit_test(test_maximal_subparts_as_in_the_unicode_standard),
        cmocka_unit_test(test_numbers_are_the_shortest_that_read_back),
        cmocka_unit_test(test_special_numbers_are_spelled_for_prometheus),
        cmocka_unit_test(test_any_double_reads_back_the_same),
        cmocka_unit_test(test_times_are_seconds_without_trailing_zeros),
        cmocka_unit_test(test_gauge_line),
        cmocka_unit_test(test_counter_line_has_total),
        cmocka_unit_test(test_line_without_labels_has_no_braces),
        cmocka_unit_test(test_histogram_is_cumulative_and_ends_with_sum_and_count),
        cmocka_unit_test(test_histogram_labels_precede_le),
        cmocka_unit_test(test_type_line_of_a_counter_differs_by_format),
        cmocka_unit_test(test_help_escapes_quotes_in_openmetrics_only),
        cmocka_unit_test(test_only_openmetrics_ends_with_eof),
        cmocka_unit_test(test_content_types),
        cmocka_unit_test(test_random_labels_give_valid_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
