#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct number_case {
    const char *text;
    int64_t value;
};

static void test_integers_are_read_to_the_ends_of_their_type(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"-7", -7},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 1;

        assert_true(text_parse_int(cases[i].text, INT64_MIN, INT64_MAX, &value));
        assert_int_equal(value, cases[i].value);
    }
}

static void test_what_is_no_integer_is_refused_and_the_value_kept(void **state)
{
    static const char *const cases[] = {"",
                                        "-",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1.5",
                                        "0x10",
                                        "1e3",
                                        "--1",
                                        "1-",
                                        "ten",
                                        "9223372036854775808",
                                        "1k",
                                        "\t1",
                                        "１",
                                        "-9223372036854775809",
                                        "99999999999999999999999"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 42;

        assert_false(text_parse_int(cases[i], INT64_MIN, INT64_MAX, &value));
        assert_int_equal(value, 42);
    }
}

static void test_integers_outside_their_bounds_are_refused(void **state)
{
    int64_t value;

    (void)state;
    assert_true(text_parse_int("1", 1, 10, &value));
    assert_true(text_parse_int("10", 1, 10, &value));
    assert_false(text_parse_int("0", 1, 10, &value));
    assert_false(text_parse_int("11", 1, 10, &value));
}

static void test_durations_are_read_in_every_unit(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0},
        {"0s", 0},
        {"500ms", 500 * NS_PER_MS},
        {"60s", 60 * NS_PER_SECOND},
        {"5m", 300 * NS_PER_SECOND},
        {"1h", 3600 * NS_PER_SECOND},
        {"2562047h", INT64_C(2562047) * 3600 * NS_PER_SECOND},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 1;

        assert_true(text_parse_duration(cases[i].text, &value));
        assert_int_equal(value, cases[i].value);
    }
}

static void test_what_is_no_duration_is_refused(void **state)
{
    static const char *const cases[] = {"",    "60",  "s",   "-1s",   "1.5s",     "1 s",
                                        "1S",  "1d",  "1ss", "1m30s", "2562048h", "99999999999999999999s",
                                        " 1s", "1s ", "00"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 42;

        assert_false(text_parse_duration(cases[i], &value));
        assert_int_equal(value, 42);
    }
}

static void test_sizes_are_read_in_every_unit(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0}, {"512", 512}, {"64KiB", 65536}, {"8MiB", 8388608}, {"1GiB", 1073741824},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 1;

        assert_true(text_parse_size(cases[i].text, &value));
        assert_int_equal(value, cases[i].value);
    }
}

static void test_what_is_no_size_is_refused(void **state)
{
    static const char *const cases[] = {
        "", "KiB", "1KB", "1kib", "1K", "1.5MiB", "-1", "1 MiB", "9223372036854775807GiB"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 42;

        assert_false(text_parse_size(cases[i], &value));
        assert_int_equal(value, 42);
    }
}

static void test_switches_are_read_in_any_case(void **state)
{
    static const char *const on[] = {"yes", "true", "on", "YES", "True", "oN"};
    static const char *const off[] = {"no", "false", "off", "NO", "False", "oFF"};
    static const char *const neither[] = {"", "1", "0", "y", "yes ", "enable"};
    bool value;

    (void)state;
    for (size_t i = 0; i < COUNT(on); i++) {
        value = false;
        assert_true(text_parse_bool(on[i], &value));
        assert_true(value);
        assert_true(text_parse_bool(off[i], &value));
        assert_false(value);
        assert_false(text_parse_bool(neither[i], &value));
    }
}

static void test_durations_are_written_in_their_largest_whole_unit(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0},
        {"0", NS_PER_MS - 1},
        {"1ms", NS_PER_MS},
        {"1500ms", 1500 * NS_PER_MS},
        {"90s", 90 * NS_PER_SECOND},
        {"1m", 60 * NS_PER_SECOND},
        {"24h", 24 * 3600 * NS_PER_SECOND},
    };
    char buffer[32];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_format_duration(cases[i].value, buffer, sizeof(buffer));
        assert_string_equal(buffer, cases[i].text);
    }
}

static void test_written_durations_are_read_back(void **state)
{
    char buffer[32];
    int64_t value;

    (void)state;
    for (int64_t ms = 0; ms < 4000000; ms += 1 + ms / 7) {
        text_format_duration(ms * NS_PER_MS, buffer, sizeof(buffer));
        assert_true(text_parse_duration(buffer, &value));
        assert_int_equal(value, ms * NS_PER_MS);
    }
}

static void test_written_sizes_are_read_back(void **state)
{
    char buffer[32];
    int64_t value;

    (void)state;
    text_format_size(1536 * 1024, buffer, sizeof(buffer));
    assert_string_equal(buffer, "1536KiB");
    for (int64_t size = 0; size < INT64_MAX / 4; size += 1 + size / 3) {
        text_format_size(size, buffer, sizeof(buffer));
        assert_true(text_parse_size(buffer, &value));
        assert_int_equal(value, size);
    }
}

static void test_well_formed_utf8_is_measured(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_length("a", 1), 1);
    assert_int_equal(text_utf8_length("\0", 1), 1);
    assert_int_equal(text_utf8_length("\xc3\xa9", 2), 2);
    assert_int_equal(text_utf8_length("\xe4\xb8\xad", 3), 3);
    assert_int_equal(text_utf8_length("\xef\xbf\xbf", 3), 3);
    assert_int_equal(text_utf8_length("\xed\x9f\xbf", 3), 3);
    assert_int_equal(text_utf8_length("\xf0\x9f\x98\x80", 4), 4);
    assert_int_equal(text_utf8_length("\xf4\x8f\xbf\xbf", 4), 4);
}

static void test_malformed_utf8_has_no_length(void **state)
{
    static const char *const cases[] = {
        "\x80",             /* a continuation alone */
        "\xc0\x80",         /* overlong */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* over U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3(",
        "\xe4\xb8(",
        "\xf0\x9f\x98(",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_utf8_length(cases[i], strlen(cases[i])), 0);
}

static void test_utf8_cut_short_has_no_length(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_length("", 0), 0);
    assert_int_equal(text_utf8_length("\xc3\xa9", 1), 0);
    assert_int_equal(text_utf8_length("\xe4\xb8\xad", 2), 0);
    assert_int_equal(text_utf8_length("\xf0\x9f\x98\x80", 3), 0);
}

/* The vectors are those of the FNV authors' test suite. */
static void test_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(text_hash(TEXT_HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(text_hash(TEXT_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(text_hash(TEXT_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void test_hash_can_be_continued(void **state)
{
    uint64_t first = text_hash(TEXT_HASH_START, "foo", 3);

    (void)state;
    assert_true(text_hash(first, "bar", 3) == text_hash(TEXT_HASH_START, "foobar", 6));
}

static void test_sorting_leaves_each_text_once(void **state)
{
    const char *texts[] = {"b", "a", "", "b", "aa", "a"};

    (void)state;
    assert_int_equal(text_sort_unique(texts, 6), 4);
    assert_string_equal(texts[0], "");
    assert_string_equal(texts[1], "a");
    assert_string_equal(texts[2], "aa");
    assert_string_equal(texts[3], "b");
}

static void test_sorting_nothing_leaves_nothing(void **state)
{
    const char *texts[1];

    (void)state;
    assert_int_equal(text_sort_unique(texts, 0), 0);
}

static void assert_trimmed(const char *text, const char *expected)
{
    char copy[32];

    snprintf(copy, sizeof(copy), "%s", text);
    assert_string_equal(text_trim(copy), expected);
}

static void test_blanks_and_line_ends_are_trimmed_at_both_ends_only(void **state)
{
    (void)state;
    assert_trimmed(" \t\r\na b\v\f\n ", "a b");
    assert_trimmed("a", "a");
    assert_trimmed(" \n", "");
    assert_trimmed("", "");
}

static void test_first_invisible_character_is_named(void **state)
{
    (void)state;
    assert_string_equal(text_invisible("rm-1\xe2\x80\x8b\xc2\xa0"), "a zero-width space (U+200B)");
    assert_string_equal(text_invisible("\xc2\xa0rm\xe2\x80\x8b"), "a no-break space (U+00A0)");
    assert_string_equal(text_invisible("rm\xe3\x80\x80"), "an ideographic space (U+3000)");
}

static void test_what_can_be_seen_is_not_invisible(void **state)
{
    (void)state;
    assert_null(text_invisible(""));
    assert_null(text_invisible("rm-1 \t\n"));
    assert_null(text_invisible("\xe8\xae\xa2\xe5\x8d\x95"));
    assert_null(text_invisible("\xa0\xff\xe2\x80"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorting_leaves_each_text_once),
        cmocka_unit_test(test_sorting_nothing_leaves_nothing),
        cmocka_unit_test(test_integers_are_read_to_the_ends_of_their_type),
        cmocka_unit_test(test_what_is_no_integer_is_refused_and_the_value_kept),
        cmocka_unit_test(test_integers_outside_their_bounds_are_refused),
        cmocka_unit_test(test_durations_are_read_in_every_unit),
        cmocka_unit_test(test_what_is_no_duration_is_refused),
        cmocka_unit_test(test_sizes_are_read_in_every_unit),
        cmocka_unit_test(test_what_is_no_size_is_refused),
        cmocka_unit_test(test_switches_are_read_in_any_case),
        cmocka_unit_test(test_durations_are_written_in_their_largest_whole_unit),
        cmocka_unit_test(test_written_durations_are_read_back),
        cmocka_unit_test(test_written_sizes_are_read_back),
        cmocka_unit_test(test_well_formed_utf8_is_measured),
        cmocka_unit_test(test_malformed_utf8_has_no_length),
        cmocka_unit_test(test_utf8_cut_short_has_no_length),
        cmocka_unit_test(test_blanks_and_line_ends_are_trimmed_at_both_ends_only),
        cmocka_unit_test(test_first_invisible_character_is_named),
        cmocka_unit_test(test_what_can_be_seen_is_not_invisible),
        cmocka_unit_test(test_hash_is_fnv_1a),
        cmocka_unit_test(test_hash_can_be_continued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
