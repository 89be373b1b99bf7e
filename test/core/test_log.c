#include "core/log.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/*
 * Standard error is a datagram socket while a line is captured: what one write(2) wrote is what
 * one recv(2) gives.
 */
static int real_stderr = -1;
static int reader = -1;

static void capture_begin(void)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(real_stderr >= 0);
    reader = pair[0];
    dup2(pair[1], STDERR_FILENO);
    close(pair[1]);
}

static void capture_end(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(reader);
}

/* The bytes of one write as a string; "" when there was none. */
static void captured_write(char *text, size_t size, int flags)
{
    ssize_t length = recv(reader, text, size - 1, flags);

    text[length > 0 ? length : 0] = '\0';
}

static char line[2 * PIPE_BUF];

#define CAPTURE(call)                                                                                        \
    do {                                                                                                     \
        capture_begin();                                                                                     \
        call;                                                                                                \
        captured_write(line, sizeof(line), MSG_DONTWAIT);                                                    \
        capture_end();                                                                                       \
    } while (0)

static int reset_log(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    log_set_format(LOG_FORMAT_LOGFMT);
    return 0;
}

/* The line without "ts=… "; fails when that is not how it begins. */
static const char *after_timestamp(void)
{
    const char *p = line;

    for (const char *shape = "ts=dddd-dd-ddTdd:dd:dd.dddZ "; *shape != '\0'; shape++, p++) {
        if (*shape == 'd')
            assert_in_range((unsigned char)*p, '0', '9');
        else
            assert_int_equal(*p, *shape);
    }
    return p;
}

static json_t *parse_json_line(void)
{
    size_t length = strlen(line);
    json_error_t error;
    json_t *object;

    assert_true(length > 0);
    assert_int_equal(line[length - 1], '\n');
    assert_null(memchr(line, '\n', length - 1));
    object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(object);
    return object;
}

static void assert_json_text(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

/* The value of a quoted logfmt field, whose quoting is that of JSON. */
static void assert_logfmt_text(const char *key, const char *expected)
{
    char start[64];
    const char *value;
    json_t *text;

    snprintf(start, sizeof(start), " %s=\"", key);
    value = strstr(line, start);
    assert_non_null(value);
    text = json_loads(value + strlen(start) - 1, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(text);
    assert_string_equal(json_string_value(text), expected);
    json_decref(text);
}

static void test_logfmt_line_has_timestamp_level_message_and_fields(void **state)
{
    (void)state;
    CAPTURE(log_info("inventory loaded", log_text("source", "mysql"), log_int("targets", 120)));
    assert_string_equal(after_timestamp(), "level=info msg=\"inventory loaded\" source=mysql targets=120\n");
}

static void test_line_without_fields(void **state)
{
    (void)state;
    CAPTURE(log_warn("stopping"));
    assert_string_equal(after_timestamp(), "level=warn msg=stopping\n");
}

static void test_json_line_begins_with_the_timestamp_without_blank(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(log_info("x"));
    assert_memory_equal(line, "{\"ts\":\"2", strlen("{\"ts\":\"2"));
    assert_null(strchr(line, ' '));
}

static void test_json_line_parses_back(void **state)
{
    json_t *object;

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(log_error("it \"broke\"", log_text("ins_id", "rm-test1"), log_int("n", INT64_MIN)));
    object = parse_json_line();
    assert_int_equal(json_object_size(object), 5);
    assert_json_text(object, "level", "error");
    assert_json_text(object, "msg", "it \"broke\"");
    assert_json_text(object, "ins_id", "rm-test1");
    assert_true(json_integer_value(json_object_get(object, "n")) == INT64_MIN);
    assert_int_equal(strlen(json_string_value(json_object_get(object, "ts"))), 24);
    json_decref(object);
}

static void test_logfmt_quotes_only_what_needs_it(void **state)
{
    (void)state;
    CAPTURE(log_info("m", log_text("a", "plain:/-_.,"), log_text("b", ""), log_text("c", "x=y"),
                     log_text("d", "back\\slash"), log_text("e", "say \"hi\""),
                     log_text("f", "caf\xc3\xa9")));
    assert_string_equal(after_timestamp(),
                        "level=info msg=m a=plain:/-_., b=\"\" c=\"x=y\" d=\"back\\\\slash\" "
                        "e=\"say \\\"hi\\\"\" f=\"caf\xc3\xa9\"\n");
}

static void test_null_text_is_empty(void **state)
{
    (void)state;
    CAPTURE(log_info("m", log_text("a", NULL)));
    assert_string_equal(after_timestamp(), "level=info msg=m a=\"\"\n");
}

static const char every_ascii[] =
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13"
    "\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !\"#$%&'()*+,-./0123456789"
    ":;<=>?@ABCXYZ[\\]^_`abcxyz{|}~\x7f";

static void test_control_characters_parse_back_from_json(void **state)
{
    json_t *object;

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(log_info("m", log_text("all", every_ascii)));
    object = parse_json_line();
    assert_json_text(object, "all", every_ascii);
    json_decref(object);
}

static void test_control_characters_parse_back_from_logfmt(void **state)
{
    (void)state;
    CAPTURE(log_info("m", log_text("all", every_ascii)));
    assert_logfmt_text("all", every_ascii);
}

static void test_no_control_character_reaches_the_terminal(void **state)
{
    (void)state;
    for (int format = LOG_FORMAT_LOGFMT; format <= LOG_FORMAT_JSON; format++) {
        log_set_format((enum log_format)format);
        CAPTURE(log_info(every_ascii, log_text("all", every_ascii), log_text("c1", "a\xc2\x9b\x31mb")));
        for (size_t i = 0; i + 1 < strlen(line); i++)
            assert_true((unsigned char)line[i] >= 0x20 && (unsigned char)line[i] != 0x7f);
        assert_non_null(strstr(line, "a\\u009b1mb"));
    }
}

static void test_newline_cannot_forge_a_line(void **state)
{
    (void)state;
    CAPTURE(log_info("m", log_text("a", "x\nts=0 level=info msg=forged")));
    assert_string_equal(after_timestamp(), "level=info msg=m a=\"x\\nts=0 level=info msg=forged\"\n");
}

static void test_broken_utf8_is_repaired(void **state)
{
    static const struct {
        const char *broken, *repaired;
    } cases[] = {
        {"a\xffz", "a\xef\xbf\xbdz"},
        {"caf\xc3", "caf\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\x80", "\xef\xbf\xbd"},
    };

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *object;

        CAPTURE(log_info(cases[i].broken, log_text("a", cases[i].broken)));
        object = parse_json_line();
        assert_json_text(object, "msg", cases[i].repaired);
        assert_json_text(object, "a", cases[i].repaired);
        json_decref(object);
    }
}

static void test_sound_utf8_is_kept(void **state)
{
    static const char text[] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98\xc2\xa0";
    json_t *object;

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(log_info("m", log_text("a", text)));
    object = parse_json_line();
    assert_json_text(object, "a", text);
    json_decref(object);
}

static void test_long_value_is_cut_at_about_a_kilobyte(void **state)
{
    static char text[100000];
    json_t *object;
    size_t length;

    (void)state;
    memset(text, 'v', sizeof(text) - 1);
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(log_info("m", log_text("long", text), log_text("after", "still here")));
    object = parse_json_line();
    length = json_string_length(json_object_get(object, "long"));
    assert_in_range(length, 1000, 1030);
    assert_json_text(object, "after", "still here");
    json_decref(object);
}

static void test_long_bare_value_is_cut_in_logfmt(void **state)
{
    static char text[100000];

    (void)state;
    memset(text, 'v', sizeof(text) - 1);
    CAPTURE(log_info("m", log_text("long", text), log_text("after", "here")));
    assert_in_range(strlen(line), 1000, 1200);
    assert_non_null(strstr(line, "v\" after=here\n"));
}

static void test_cut_does_not_split_a_utf8_character(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    for (size_t shift = 0; shift < 4; shift++) {
        char text[4000] = "xxx";
        json_t *object;

        for (size_t i = shift; i + 5 < sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x90\x98", 5);
        CAPTURE(log_info("m", log_text("a", text)));
        object = parse_json_line();
        assert_null(strstr(line, "\xef\xbf\xbd"));
        json_decref(object);
    }
}

static void test_field_that_does_not_fit_is_left_out(void **state)
{
    static char text[2000];
    json_t *object;

    (void)state;
    memset(text, '\x01', sizeof(text) - 1);
    log_set_format(LOG_FORMAT_JSON);
    CAPTURE(
        log_info(text, log_text("a", text), log_text("b", text), log_text("c", text), log_int("last", 7)));
    assert_true(strlen(line) <= PIPE_BUF);
    object = parse_json_line();
    assert_non_null(json_object_get(object, "b"));
    assert_null(json_object_get(object, "c"));
    assert_int_equal(json_integer_value(json_object_get(object, "last")), 7);
    json_decref(object);
}

static void test_line_of_any_length_up_to_the_limit_is_sound(void **state)
{
    static char fill[1001], last[1001];
    size_t longest = 0;

    (void)state;
    memset(fill, 'x', sizeof(fill) - 1);
    log_set_format(LOG_FORMAT_JSON);
    for (size_t length = 0; length < sizeof(last); length++) {
        memset(last, 'y', length);
        CAPTURE(log_info("message", log_text("a", fill), log_text("b", fill), log_text("padding", fill),
                         log_text("last", last)));
        json_decref(parse_json_line());
        longest = strlen(line) > longest ? strlen(line) : longest;
    }
    assert_int_equal(longest, PIPE_BUF);
}

static void write_one_line_of_each_level(void)
{
    log_debug("debug");
    log_info("info");
    log_warn("warn");
    log_error("error");
}

static void test_levels_below_the_minimum_are_not_written(void **state)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    (void)state;
    for (int minimum = LOG_LEVEL_DEBUG; minimum <= LOG_LEVEL_ERROR; minimum++) {
        char lines[5][256];

        log_set_level((enum log_level)minimum);
        capture_begin();
        write_one_line_of_each_level();
        for (int i = 0; i < 5; i++)
            captured_write(lines[i], sizeof(lines[i]), MSG_DONTWAIT);
        capture_end();
        for (int i = 0; minimum + i <= LOG_LEVEL_ERROR; i++)
            assert_non_null(strstr(lines[i], names[minimum + i]));
        assert_string_equal(lines[LOG_LEVEL_ERROR + 1 - minimum], "");
    }
}

static void test_start_is_info_and_up(void **state)
{
    (void)state;
    assert_false(log_enabled(LOG_LEVEL_DEBUG));
    assert_true(log_enabled(LOG_LEVEL_INFO));
}

static void test_error_details_follow_the_fields(void **state)
{
    struct error error = {
        .class = ERROR_THROTTLED, .code = "Throttling.User", .request_id = "R-1", .message = "slow down"};

    (void)state;
    CAPTURE(log_failure(LOG_LEVEL_WARN, "call failed", &error, log_text("ins_id", "rm-test1")));
    assert_string_equal(after_timestamp(),
                        "level=warn msg=\"call failed\" ins_id=rm-test1 class=throttled code=Throttling.User "
                        "request_id=R-1 error=\"slow down\"\n");
}

static void test_error_without_code_shows_none(void **state)
{
    struct error error = {.class = ERROR_SYSTEM, .message = "no"};

    (void)state;
    CAPTURE(log_failure(LOG_LEVEL_ERROR, "m", &error));
    assert_string_equal(after_timestamp(), "level=error msg=m class=system error=no\n");
}

static void test_error_details_survive_many_fields(void **state)
{
    struct error error = {.class = ERROR_SYSTEM, .code = "c", .request_id = "r", .message = "no"};
    struct log_field fields[40];

    (void)state;
    for (size_t i = 0; i < 40; i++)
        fields[i] = log_int("k", (int64_t)i);
    CAPTURE(log_error_details(LOG_LEVEL_ERROR, "m", &error, fields, 40));
    assert_non_null(strstr(line, " k=11 class=system code=c request_id=r error=no\n"));
}

static void test_closed_standard_error_is_harmless(void **state)
{
    (void)state;
    capture_begin();
    close(STDERR_FILENO);
    log_info("nobody reads this");
    capture_end();
}

#define LOG_TEST(name) cmocka_unit_test_setup(name, reset_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_is_info_and_up),
        LOG_TEST(test_logfmt_line_has_timestamp_level_message_and_fields),
        LOG_TEST(test_line_without_fields),
        LOG_TEST(test_json_line_begins_with_the_timestamp_without_blank),
        LOG_TEST(test_json_line_parses_back),
        LOG_TEST(test_logfmt_quotes_only_what_needs_it),
        LOG_TEST(test_null_text_is_empty),
        LOG_TEST(test_control_characters_parse_back_from_json),
        LOG_TEST(test_control_characters_parse_back_from_logfmt),
        LOG_TEST(test_no_control_character_reaches_the_terminal),
        LOG_TEST(test_newline_cannot_forge_a_line),
        LOG_TEST(test_broken_utf8_is_repaired),
        LOG_TEST(test_sound_utf8_is_kept),
        LOG_TEST(test_long_value_is_cut_at_about_a_kilobyte),
        LOG_TEST(test_long_bare_value_is_cut_in_logfmt),
        LOG_TEST(test_cut_does_not_split_a_utf8_character),
        LOG_TEST(test_field_that_does_not_fit_is_left_out),
        LOG_TEST(test_line_of_any_length_up_to_the_limit_is_sound),
        LOG_TEST(test_levels_below_the_minimum_are_not_written),
        LOG_TEST(test_error_details_follow_the_fields),
        LOG_TEST(test_error_without_code_shows_none),
        LOG_TEST(test_error_details_survive_many_fields),
        LOG_TEST(test_closed_standard_error_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
