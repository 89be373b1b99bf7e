#include "metrics/exposition.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"

#define PROMETHEUS_2                                                                                         \
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"          \
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#define PROMETHEUS_3                                                                                         \
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"                                 \
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"  \
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
#define PROMETHEUS_3_PROTOBUF                                                                                \
    "application/"                                                                                           \
    "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," PROMETHEUS_3
#define PROMETHEUS_2_TEXT_ONLY "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
#define PROMETHEUS_2_5         "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#define FIREFOX                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

#define assert_openmetrics(accept) assert_int_equal(exposition_negotiate(accept), EXPOSITION_OPENMETRICS)
#define assert_text(accept)        assert_int_equal(exposition_negotiate(accept), EXPOSITION_TEXT)

static void test_prometheus_gets_openmetrics(void **state)
{
    (void)state;
    assert_openmetrics(PROMETHEUS_2);
    assert_openmetrics(PROMETHEUS_2_5);
    assert_openmetrics(PROMETHEUS_3);
    assert_openmetrics(PROMETHEUS_3_PROTOBUF);
}

static void test_prometheus_that_wants_text_gets_text(void **state)
{
    (void)state;
    assert_text(PROMETHEUS_2_TEXT_ONLY);
}

static void test_absent_and_empty_headers_get_text(void **state)
{
    (void)state;
    assert_text(NULL);
    assert_text("");
    assert_text(" , ,");
}

static void test_wildcards_get_text(void **state)
{
    (void)state;
    assert_text("*/*");
    assert_text("application/*");
    assert_text(FIREFOX);
}

static void test_larger_weight_of_text_wins(void **state)
{
    (void)state;
    assert_text("application/openmetrics-text;q=0.4,text/plain;q=0.5");
    assert_text("application/openmetrics-text;q=0.4,text/*;q=0.5");
    assert_text("application/openmetrics-text;q=0.4,*/*;q=0.5");
}

static void test_equal_weight_gives_openmetrics(void **state)
{
    (void)state;
    assert_openmetrics("text/plain,application/openmetrics-text");
}

static void test_openmetrics_without_version_is_accepted(void **state)
{
    (void)state;
    assert_openmetrics("application/openmetrics-text");
}

static void test_unknown_openmetrics_version_gets_text(void **state)
{
    (void)state;
    assert_text("application/openmetrics-text;version=2.0.0");
    assert_text("application/openmetrics-text;version=2.0.0,text/plain;q=0.1");
}

static void test_unknown_text_version_does_not_count_for_text(void **state)
{
    (void)state;
    assert_openmetrics("application/openmetrics-text;q=0.5,text/plain;version=1.0.0;q=0.9");
}

static void test_weight_zero_excludes(void **state)
{
    (void)state;
    assert_text("application/openmetrics-text;q=0,*/*;q=0.1");
    assert_text("application/openmetrics-text;q=0.000");
}

static void test_specific_range_overrides_wildcard(void **state)
{
    (void)state;
    assert_openmetrics("*/*;q=0.9,text/plain;q=0.2,application/openmetrics-text;q=0.3");
    assert_text("application/openmetrics-text;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1,text/"
                "plain;q=0.5");
}

static void test_case_blanks_and_quotes_do_not_matter(void **state)
{
    (void)state;
    assert_openmetrics("  Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.9 , text/plain ; q=0.5 ");
}

static void test_separators_inside_quotes_do_not_split(void **state)
{
    (void)state;
    assert_openmetrics("application/openmetrics-text;x=\"a,b;q=0\\\",\";q=0.9,text/plain;q=0.5");
}

static void test_unreadable_weight_passes_the_range_over(void **state)
{
    (void)state;
    assert_text("application/openmetrics-text;q=high");
    assert_text("application/openmetrics-text;q=1.5");
    assert_text("application/openmetrics-text;q=,text/plain;q=0.1");
    assert_openmetrics("application/openmetrics-text;q=0.5,text/plain;q=-1");
}

static void test_any_bytes_are_answered(void **state)
{
    static const char alphabet[] = "application/openmetrics-text;q=0.,\"\\*";
    uint64_t hash = TEXT_HASH_START;
    char accept[64];
    size_t i;
    int round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        for (i = 0; i + 1 < sizeof(accept); i++) {
            hash = text_hash(hash, &i, sizeof(i));
            accept[i] = (hash & 3) != 0 ? alphabet[(hash >> 8) % (sizeof(alphabet) - 1)] : (char)(hash >> 16);
        }
        accept[i] = '\0';
        assert_in_range(exposition_negotiate(accept), 0, EXPOSITION_FORMAT_COUNT - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus_gets_openmetrics),
        cmocka_unit_test(test_prometheus_that_wants_text_gets_text),
        cmocka_unit_test(test_absent_and_empty_headers_get_text),
        cmocka_unit_test(test_wildcards_get_text),
        cmocka_unit_test(test_larger_weight_of_text_wins),
        cmocka_unit_test(test_equal_weight_gives_openmetrics),
        cmocka_unit_test(test_openmetrics_without_version_is_accepted),
        cmocka_unit_test(test_unknown_openmetrics_version_gets_text),
        cmocka_unit_test(test_unknown_text_version_does_not_count_for_text),
        cmocka_unit_test(test_weight_zero_excludes),
        cmocka_unit_test(test_specific_range_overrides_wildcard),
        cmocka_unit_test(test_case_blanks_and_quotes_do_not_matter),
        cmocka_unit_test(test_separators_inside_quotes_do_not_split),
        cmocka_unit_test(test_unreadable_weight_passes_the_range_over),
        cmocka_unit_test(test_any_bytes_are_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
