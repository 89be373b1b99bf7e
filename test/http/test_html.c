#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/html.h"

#define NOW_UNIX_MS INT64_C(1767323045000) /* 2026-01-02T03:04:05Z */

static struct strbuf out;
static struct html english = {&out, LANGUAGE_EN, NOW_UNIX_MS};
static struct html chinese = {&out, LANGUAGE_ZH, NOW_UNIX_MS};

static void assert_out(const char *expected)
{
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_durations_have_their_two_largest_units(void **state)
{
    (void)state;
    assert_string_equal(figure_seconds(&english, 0).text, "0 s");
    assert_string_equal(figure_seconds(&english, 59).text, "59 s");
    assert_string_equal(figure_seconds(&english, 60).text, "1 min");
    assert_string_equal(figure_seconds(&english, 3725).text, "1 h 2 min");
    assert_string_equal(figure_seconds(&english, 86400 * 400 + 3600 * 3 + 59).text, "400 d 3 h");
    assert_string_equal(figure_seconds(&chinese, 61).text, "1 分 1 秒");
}

static void test_moments_are_told_by_their_distance(void **state)
{
    (void)state;
    html_time(&english, NOW_UNIX_MS - 42000);
    assert_out("<time datetime=\"2026-01-02T03:03:23Z\" title=\"2026-01-02T03:03:23Z\">42 s ago</time>");
    html_time(&chinese, NOW_UNIX_MS + 18999);
    assert_out("<time datetime=\"2026-01-02T03:04:23Z\" title=\"2026-01-02T03:04:23Z\">18 秒后</time>");
    html_time(&english, NOW_UNIX_MS - 999);
    assert_out("<time datetime=\"2026-01-02T03:04:04Z\" title=\"2026-01-02T03:04:04Z\">now</time>");
    html_time(&english, 0);
    assert_out("–");
}

static void test_moments_of_any_size_are_shown(void **state)
{
    (void)state;
    html_time(&english, INT64_MAX);
    assert_non_null(strstr(strbuf_text(&out), "in 106751"));
    strbuf_release(&out);
    html_time(&english, 1);
    assert_non_null(strstr(strbuf_text(&out), "20455 d 3 h ago"));
    strbuf_release(&out);
}

static void test_arguments_are_escaped(void **state)
{
    (void)state;
    html_say(&english, PHRASE_ACCOUNT_DOWN, "<b>{1}", NULL);
    assert_out("Account &lt;b&gt;{1} is down.");
}

static void test_errors_are_escaped_and_marked_as_english(void **state)
{
    struct error error = {.class = ERROR_THROTTLED, .code = "<i>", .message = "a & b", .request_id = "\"R\""};

    (void)state;
    html_error(&chinese, &error);
    assert_out("<span class=\"error\" lang=\"en\"><b>throttled</b> &lt;i&gt; · a &amp; b<br>RequestId "
               "<code>&quot;R&quot;</code></span>");
}

static void test_parameters_are_percent_encoded(void **state)
{
    (void)state;
    html_parameter(&english, "q", "a-b_c.d~9 &\"<\xE5%");
    assert_out("q=a-b_c.d~9%20%26%22%3C%E5%25");
}

static void test_a_page_names_its_language_and_place(void **state)
{
    (void)state;
    html_begin(&chinese, PHRASE_TARGETS, "/targets", 2);
    assert_non_null(strstr(strbuf_text(&out), "<html lang=\"zh-CN\">"));
    assert_non_null(strstr(strbuf_text(&out), "<meta http-equiv=\"refresh\" content=\"2\">"));
    assert_non_null(strstr(strbuf_text(&out), "<a href=\"/targets\" aria-current=\"page\">采集目标</a>"));
    assert_non_null(strstr(strbuf_text(&out), "<h1>采集目标</h1>"));
    strbuf_release(&out);
    html_begin(&english, PHRASE_TARGETS, "/targets", 0);
    assert_non_null(strstr(strbuf_text(&out), "<html lang=\"en\">"));
    assert_null(strstr(strbuf_text(&out), "http-equiv"));
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations_have_their_two_largest_units),
        cmocka_unit_test(test_moments_are_told_by_their_distance),
        cmocka_unit_test(test_moments_of_any_size_are_shown),
        cmocka_unit_test(test_arguments_are_escaped),
        cmocka_unit_test(test_errors_are_escaped_and_marked_as_english),
        cmocka_unit_test(test_parameters_are_percent_encoded),
        cmocka_unit_test(test_a_page_names_its_language_and_place),
    };

    strbuf_init(&out, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
