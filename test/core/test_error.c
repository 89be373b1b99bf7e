#include "core/error.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_every_class_has_a_name_fit_for_a_label(void **state)
{
    (void)state;
    for (int class = 0; class < ERROR_CLASS_COUNT; class ++) {
        const char *name = error_class_name((enum error_class) class);

        assert_non_null(name);
        assert_true(name[0] != '\0');
        for (const char *p = name; *p != '\0'; p++)
            assert_true(islower((unsigned char)*p) || *p == '_');
    }
}

static void test_class_names_differ(void **state)
{
    (void)state;
    for (int a = 0; a < ERROR_CLASS_COUNT; a++) {
        for (int b = 0; b < a; b++)
            assert_string_not_equal(error_class_name((enum error_class)a),
                                    error_class_name((enum error_class)b));
    }
}

static void test_set_formats_class_and_message(void **state)
{
    struct error error;

    (void)state;
    error_set(&error, ERROR_CONFIG, "%s:%d: expected %s", "exporter.ini", 3, "a number");
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_string_equal(error.message, "exporter.ini:3: expected a number");
}

static void test_set_clears_code_and_request_id(void **state)
{
    struct error error = {.class = ERROR_THROTTLED, .code = "Throttling.User", .request_id = "R-1"};

    (void)state;
    error_set(&error, ERROR_SYSTEM, "x");
    assert_string_equal(error.code, "");
    assert_string_equal(error.request_id, "");
}

static void test_clear_says_no_error(void **state)
{
    struct error error = {.class = ERROR_REMOTE, .code = "c", .request_id = "r", .message = "m"};

    (void)state;
    error_clear(&error);
    assert_int_equal(error.class, ERROR_NONE);
    assert_string_equal(error.code, "");
    assert_string_equal(error.request_id, "");
    assert_string_equal(error.message, "");
}

static void test_null_error_is_ignored(void **state)
{
    (void)state;
    error_clear(NULL);
    error_set(NULL, ERROR_CONFIG, "x %d", 1);
    error_set_system(NULL, ENOENT, "x %d", 1);
}

static void test_arguments_may_come_from_the_error_itself(void **state)
{
    struct error error;

    (void)state;
    error_set(&error, ERROR_REFUSED, "inner");
    error_set(&error, error.class, "outer: %s", error.message);
    assert_int_equal(error.class, ERROR_REFUSED);
    assert_string_equal(error.message, "outer: inner");
    error_set_system(&error, ENOENT, "again: %s", error.message);
    assert_string_equal(error.message, "again: outer: inner: No such file or directory");
}

static void test_control_characters_become_blanks(void **state)
{
    struct error error;

    (void)state;
    error_set(&error, ERROR_REMOTE, "a\nb\tc\r\x1b[1m\x7f.");
    assert_string_equal(error.message, "a b c  [1m .");
}

static void test_utf8_in_a_message_is_kept(void **state)
{
    struct error error;

    (void)state;
    error_set(&error, ERROR_REMOTE, "%s", "caf\xc3\xa9");
    assert_string_equal(error.message, "caf\xc3\xa9");
}

static void test_long_message_is_cut_and_terminated(void **state)
{
    char text[2000];
    struct error error;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&error, ERROR_REMOTE, "%s", text);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
}

static void test_cut_does_not_split_a_utf8_character(void **state)
{
    char text[2000];

    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        struct error error;
        size_t length;

        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        error_set(&error, ERROR_REMOTE, "%s", text);
        length = strlen(error.message);
        assert_true(length > sizeof(error.message) - 8);
        assert_int_equal((length - shift) % 3, 0);
    }
}

static void test_system_error_ends_with_the_reason(void **state)
{
    struct error error;

    (void)state;
    error_set_system(&error, EACCES, "cannot open %s", "key.pem");
    assert_int_equal(error.class, ERROR_SYSTEM);
    assert_string_equal(error.message, "cannot open key.pem: Permission denied");
}

static void test_system_reason_survives_a_long_message(void **state)
{
    static const char reason[] = ": Permission denied";
    char path[2000];
    struct error error;
    size_t length;

    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    error_set_system(&error, EACCES, "cannot open %s", path);
    length = strlen(error.message);
    assert_int_equal(length, sizeof(error.message) - 1);
    assert_string_equal(error.message + length - strlen(reason), reason);
}

static void test_errno_text_is_in_the_buffer(void **state)
{
    char buffer[128] = "";

    (void)state;
    assert_ptr_equal(errno_text(ENOENT, buffer, sizeof(buffer)), buffer);
    assert_string_equal(buffer, "No such file or directory");
}

static void test_unknown_errno_has_a_text(void **state)
{
    char buffer[128] = "";

    (void)state;
    assert_non_null(strstr(errno_text(98765, buffer, sizeof(buffer)), "98765"));
}

static void test_errno_text_is_cut_at_the_buffer(void **state)
{
    char buffer[8];

    (void)state;
    assert_string_equal(errno_text(ENOENT, buffer, sizeof(buffer)), "No such");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_class_has_a_name_fit_for_a_label),
        cmocka_unit_test(test_class_names_differ),
        cmocka_unit_test(test_set_formats_class_and_message),
        cmocka_unit_test(test_set_clears_code_and_request_id),
        cmocka_unit_test(test_clear_says_no_error),
        cmocka_unit_test(test_null_error_is_ignored),
        cmocka_unit_test(test_arguments_may_come_from_the_error_itself),
        cmocka_unit_test(test_control_characters_become_blanks),
        cmocka_unit_test(test_utf8_in_a_message_is_kept),
        cmocka_unit_test(test_long_message_is_cut_and_terminated),
        cmocka_unit_test(test_cut_does_not_split_a_utf8_character),
        cmocka_unit_test(test_system_error_ends_with_the_reason),
        cmocka_unit_test(test_system_reason_survives_a_long_message),
        cmocka_unit_test(test_errno_text_is_in_the_buffer),
        cmocka_unit_test(test_unknown_errno_has_a_text),
        cmocka_unit_test(test_errno_text_is_cut_at_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
