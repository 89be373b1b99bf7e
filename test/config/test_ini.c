#include "config/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ini.h>

#include "core/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Writes what it is told as "LINE[section]" and "LINE:key=value|", and stops at the key "stop". */
static bool record(void *context, const char *section, const char *key, const char *value, int line,
                   struct error *error)
{
    struct strbuf *seen = context;

    if (key == NULL) {
        assert_null(value);
        strbuf_append_format(seen, "%d[%s]", line, section);
        return true;
    }
    if (strcmp(key, "stop") == 0) {
        error_set(error, ERROR_CONFIG, "stopped");
        return false;
    }
    strbuf_append_format(seen, "%d:%s=%s|", line, key, value);
    return true;
}

static void assert_read_bytes(const char *text, size_t length, const char *expected)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf seen;

    strbuf_init(&seen, 0);
    if (!ini_read_text("x.ini", text, length, record, &seen, &error))
        fail_msg("%s", error.message);
    assert_string_equal(strbuf_text(&seen), expected);
    strbuf_release(&seen);
}

static void assert_read(const char *text, const char *expected)
{
    assert_read_bytes(text, strlen(text), expected);
}

static void assert_refused_bytes(const char *text, size_t length, const char *message)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf seen;

    strbuf_init(&seen, 0);
    assert_false(ini_read_text("x.ini", text, length, record, &seen, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.class, ERROR_CONFIG);
    strbuf_release(&seen);
}

static void assert_refused(const char *text, const char *message)
{
    assert_refused_bytes(text, strlen(text), message);
}

static void test_sections_and_keys_come_in_order_with_their_lines(void **state)
{
    (void)state;
    assert_read("[a]\nx=1\n\n# note\ny = 2\n[b c]\nz=3\n", "1[a]2:x=1|5:y=2|6[b c]7:z=3|");
}

static void test_empty_text_is_a_file_without_sections(void **state)
{
    (void)state;
    assert_read("", "");
    assert_read("\n\n", "");
    assert_read("  \n\t\n", "");
}

static void test_last_line_needs_no_newline(void **state)
{
    (void)state;
    assert_read("[a]\nx=1", "1[a]2:x=1|");
}

static void test_byte_order_mark_left_in_the_text_is_refused(void **state)
{
    (void)state;
    assert_refused("\xef\xbb\xbf[a]\n",
                   "x.ini:1: a line without '=', expected 'key = value', '[section]' or '# comment'");
}

static void test_crlf_line_ends_are_accepted(void **state)
{
    (void)state;
    assert_read("[a]\r\nx=1\r\n\r\n# c\r\ny=2\r\n", "1[a]2:x=1|5:y=2|");
}

static void test_comment_signs_inside_a_value_belong_to_it(void **state)
{
    (void)state;
    assert_read("[a]\nx=a#b;c # d\n", "1[a]2:x=a#b;c # d|");
}

static void test_value_may_hold_equals_and_colons(void **state)
{
    (void)state;
    assert_read("[a]\nx = a=b:c==\n", "1[a]2:x=a=b:c==|");
}

static void test_value_may_be_empty(void **state)
{
    (void)state;
    assert_read("[a]\nx=\ny = \n", "1[a]2:x=|3:y=|");
}

static void test_blanks_around_key_and_value_do_not_count(void **state)
{
    (void)state;
    assert_read("[a]  \nx \t=\t one two \t\n", "1[a]2:x=one two|");
}

static void test_value_may_be_any_utf8(void **state)
{
    (void)state;
    assert_read("[a]\nx=\xe4\xb8\xad\xe6\x96\x87\n", "1[a]2:x=\xe4\xb8\xad\xe6\x96\x87|");
}

struct refusal {
    const char *text;
    const char *message;
};

static void test_bad_lines_are_refused_with_file_and_line(void **state)
{
    static const struct refusal cases[] = {
        {"x=1\n", "x.ini:1: a key before the first section, expected a [section] header above it"},
        {"[a]\n x=1\n", "x.ini:2: the line is indented, expected 'key = value' at the start of a line "
                        "(a value cannot go on in the next line)"},
        {"[a]\n\t# c\n", "x.ini:2: the line is indented, expected 'key = value' at the start of a line "
                         "(a value cannot go on in the next line)"},
        {"[a]\nx=1\n  and more\n",
         "x.ini:3: the line is indented, expected 'key = value' at the start of a line "
         "(a value cannot go on in the next line)"},
        {"[a]\nx\n", "x.ini:2: a line without '=', expected 'key = value', '[section]' or '# comment'"},
        {"[a]\nx: 1\n", "x.ini:2: a line without '=', expected 'key = value', '[section]' or '# comment'"},
        {"[a]\nx:y = 1\n", "x.ini:2: a ':' before the '=', expected 'key = value'"},
        {"[a]\n= 1\n", "x.ini:2: a value without a key, expected 'key = value'"},
        {"[a\n", "x.ini:1: a section header without ']', expected [NAME]"},
        {"[\n", "x.ini:1: a section header without ']', expected [NAME]"},
        {"[]\n", "x.ini:1: a section header without a name, expected [NAME]"},
        {"[a] # c\n", "x.ini:1: text after the section header's ']', expected nothing "
                      "(a comment needs a line of its own)"},
        {"[a]]\n", "x.ini:1: text after the section header's ']', expected nothing "
                   "(a comment needs a line of its own)"},
        {"[a]\rx=1\r", "x.ini:1: a carriage return inside the line, expected LF or CRLF line ends"},
        {"# c\r[a]\n", "x.ini:1: a carriage return inside the line, expected LF or CRLF line ends"},
        {"[a]\nx=\x01\n", "x.ini:2: a control character (byte 0x01), expected plain text"},
        {"[a]\nx=\x7f\n", "x.ini:2: a control character (byte 0x7f), expected plain text"},
        {"[a]\nx=1\nstop=1\ny=1\n", "x.ini:3: stopped"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
}

static void test_nul_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused_bytes("[a]\nx=1\0b\n", 10,
                         "x.ini:2: a NUL byte, expected a text file in UTF-8 (not UTF-16)");
    assert_refused_bytes("# c\0\n", 5, "x.ini:1: a NUL byte, expected a text file in UTF-8 (not UTF-16)");
}

static void test_nothing_is_reported_after_a_refused_line(void **state)
{
    static const char text[] = "[a]\nx=1\nbad\ny=2\n";
    struct strbuf seen;

    (void)state;
    strbuf_init(&seen, 0);
    assert_false(ini_read_text("x.ini", text, strlen(text), record, &seen, NULL));
    assert_string_equal(strbuf_text(&seen), "1[a]2:x=1|");
    strbuf_release(&seen);
}

/* "[NAME]\nKEY=VALUE\n" with a value of `length` letters. */
static char *text_with_value(size_t length, size_t *total)
{
    struct strbuf text;

    strbuf_init(&text, 0);
    strbuf_append_text(&text, "[a]\nx=");
    for (size_t i = 0; i < length; i++)
        strbuf_append_char(&text, 'v');
    strbuf_append_char(&text, '\n');
    assert_false(strbuf_failed(&text));
    return strbuf_detach(&text, total);
}

static void assert_value_arrives(size_t length)
{
    size_t total;
    char *text = text_with_value(length, &total);
    struct strbuf expected;

    strbuf_init(&expected, 0);
    strbuf_append_text(&expected, "1[a]2:x=");
    strbuf_append(&expected, text + strlen("[a]\nx="), length);
    strbuf_append_char(&expected, '|');
    assert_read_bytes(text, total, strbuf_text(&expected));
    strbuf_release(&expected);
    free(text);
}

static void assert_value_is_refused(size_t length, const char *message)
{
    size_t total;
    char *text = text_with_value(length, &total);

    assert_refused_bytes(text, total, message);
    free(text);
}

static void test_longest_line_arrives_whole(void **state)
{
    (void)state;
    assert_value_arrives(198);
    assert_value_arrives(INI_LINE_MAX - 2);
}

static void test_longer_line_is_refused(void **state)
{
    (void)state;
    assert_value_is_refused(INI_LINE_MAX - 1, "x.ini:2: the line has 65537 bytes, expected at most 65536");
}

static void test_blank_and_semicolon_in_a_value(void **state)
{
    (void)state;
    assert_read("[a]\nx=a ;b\n", "1[a]2:x=a ;b|");
}

static void test_long_comments_are_no_trouble(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 0);
    strbuf_append_text(&text, "# a ;b");
    while (text.length < 1000)
        strbuf_append_char(&text, 'c');
    strbuf_append_text(&text, "\n[a]\n");
    assert_read(strbuf_text(&text), "2[a]");
    strbuf_release(&text);
}

static void test_names_as_long_as_inih_keeps_arrive_whole(void **state)
{
    (void)state;
    assert_read("[s123456789012345678901234567890123456789012345678]\n"
                "k123456789012345678901234567890123456789012345678=1\n",
                "1[s123456789012345678901234567890123456789012345678]"
                "2:k123456789012345678901234567890123456789012345678=1|");
}

static void test_longer_names_are_refused(void **state)
{
    (void)state;
    assert_refused("[s1234567890123456789012345678901234567890123456789]\n",
                   "x.ini:1: a section name of 50 bytes, expected at most 49");
    assert_refused("[s]\nk1234567890123456789012345678901234567890123456789=1\n",
                   "x.ini:2: a key of 50 bytes, expected at most 49");
}

/* Between inih and the reader: what is left in inih's buffer when the reader ends. */
static struct {
    ini_reader read;
    int bytes_left;
} watched;

static char *read_watched(char *buffer, int size, void *stream)
{
    char *line = watched.read(buffer, size, stream);

    watched.bytes_left = 0;
    for (int i = 0; line == NULL && i < size; i++)
        watched.bytes_left += buffer[i] != '\0';
    return line;
}

int __real_ini_parse_stream(ini_reader read, void *stream, ini_handler handle, void *user);
int __wrap_ini_parse_stream(ini_reader read, void *stream, ini_handler handle, void *user);

int __wrap_ini_parse_stream(ini_reader read, void *stream, ini_handler handle, void *user)
{
    watched.read = read;
    watched.bytes_left = -1;
    return __real_ini_parse_stream(read_watched, stream, handle, user);
}

static void test_no_value_stays_in_inihs_memory(void **state)
{
    (void)state;
    assert_read("[a]\npassword = invented\n", "1[a]2:password=invented|");
    assert_int_equal(watched.bytes_left, 0);
}

static void test_nor_when_a_line_is_refused(void **state)
{
    (void)state;
    assert_refused("[a]\npassword = invented\nx\n",
                   "x.ini:3: a line without '=', expected 'key = value', '[section]' or '# comment'");
    assert_int_equal(watched.bytes_left, 0);
}

static void test_missing_file_is_an_error_that_names_it(void **state)
{
    struct error error;

    (void)state;
    assert_false(ini_read("/nonexistent/x.ini", record, NULL, &error));
    assert_int_equal(error.class, ERROR_SYSTEM);
    assert_string_equal(error.message, "cannot open the file /nonexistent/x.ini: No such file or directory");
}

static void test_folder_is_no_file(void **state)
{
    struct error error;

    (void)state;
    assert_false(ini_read("/", record, NULL, &error));
    assert_string_equal(error.message, "/ is a folder, expected a regular file");
}

static void test_file_is_read_like_text(void **state)
{
    char path[] = "/tmp/test_ini_XXXXXX";
    int fd = mkstemp(path);
    struct error error;
    struct strbuf seen;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[a]\nx=1\n", 8), 8);
    close(fd);
    strbuf_init(&seen, 0);
    assert_true(ini_read(path, record, &seen, &error));
    assert_string_equal(strbuf_text(&seen), "1[a]2:x=1|");
    strbuf_release(&seen);
    unlink(path);
}

static void test_invisible_characters_in_names_are_named(void **state)
{
    (void)state;
    assert_refused("[a\xc2\xa0]\n", "x.ini:1: the section header holds a no-break space (U+00A0), which "
                                    "looks like nothing or a blank; delete it");
    assert_refused(
        "[a]\n\xe2\x80\x8bkey = 1\n",
        "x.ini:2: the key holds a zero-width space (U+200B), which looks like nothing or a blank; delete it");
}

static void test_file_over_16_mib_is_refused(void **state)
{
    char path[] = "/tmp/test_ini_XXXXXX";
    int fd = mkstemp(path);
    struct error error;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
    close(fd);
    assert_false(ini_read(path, record, NULL, &error));
    assert_int_equal(error.class, ERROR_TOO_LARGE);
    unlink(path);
}

static void test_long_path_is_cut_at_its_front(void **state)
{
    char path[300];
    struct error error;

    (void)state;
    memset(path, 'd', sizeof(path));
    memcpy(path + sizeof(path) - sizeof("/x.ini"), "/x.ini", sizeof("/x.ini"));
    error_set(&error, ERROR_CONFIG, "bad");
    ini_locate(path, 7, &error);
    assert_int_equal(strlen(error.message), 120 + strlen(":7: bad"));
    assert_memory_equal(error.message, "...d", 4);
    assert_string_equal(error.message + 120 - strlen("/x.ini"), "/x.ini:7: bad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_and_keys_come_in_order_with_their_lines),
        cmocka_unit_test(test_empty_text_is_a_file_without_sections),
        cmocka_unit_test(test_last_line_needs_no_newline),
        cmocka_unit_test(test_byte_order_mark_left_in_the_text_is_refused),
        cmocka_unit_test(test_crlf_line_ends_are_accepted),
        cmocka_unit_test(test_comment_signs_inside_a_value_belong_to_it),
        cmocka_unit_test(test_value_may_hold_equals_and_colons),
        cmocka_unit_test(test_value_may_be_empty),
        cmocka_unit_test(test_blanks_around_key_and_value_do_not_count),
        cmocka_unit_test(test_value_may_be_any_utf8),
        cmocka_unit_test(test_bad_lines_are_refused_with_file_and_line),
        cmocka_unit_test(test_nul_bytes_are_refused),
        cmocka_unit_test(test_nothing_is_reported_after_a_refused_line),
        cmocka_unit_test(test_longest_line_arrives_whole),
        cmocka_unit_test(test_longer_line_is_refused),
        cmocka_unit_test(test_blank_and_semicolon_in_a_value),
        cmocka_unit_test(test_long_comments_are_no_trouble),
        cmocka_unit_test(test_names_as_long_as_inih_keeps_arrive_whole),
        cmocka_unit_test(test_longer_names_are_refused),
        cmocka_unit_test(test_no_value_stays_in_inihs_memory),
        cmocka_unit_test(test_nor_when_a_line_is_refused),
        cmocka_unit_test(test_missing_file_is_an_error_that_names_it),
        cmocka_unit_test(test_folder_is_no_file),
        cmocka_unit_test(test_file_is_read_like_text),
        cmocka_unit_test(test_invisible_characters_in_names_are_named),
        cmocka_unit_test(test_file_over_16_mib_is_refused),
        cmocka_unit_test(test_long_path_is_cut_at_its_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
