#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/terminal.h"

static void assert_line(const char *text, const char *expected)
{
    char *said = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&said, &length);

    assert_non_null(out);
    terminal_line(out, "<%s>", text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(said, expected);
    free(said);
}

static void test_plain_text_in_any_script_is_shown_as_it_is(void **state)
{
    (void)state;
    assert_line("rm-test1 '\"\\ 订单库 \xf0\x9f\x98\x80", "<rm-test1 '\"\\ 订单库 \xf0\x9f\x98\x80>\n");
}

static void test_escape_sequences_are_not_sent(void **state)
{
    (void)state;
    assert_line("\x1b[2J\x07\x7f", "<\\u001b[2J\\u0007\\u007f>\n");
}

static void test_c1_controls_are_not_sent(void **state)
{
    (void)state;
    assert_line("\xc2\x80\xc2\x9b[2J\xc2\x9f\xc2\xa0", "<\\u0080\\u009b[2J\\u009f\xc2\xa0>\n");
}

static void test_a_line_stays_one_line(void **state)
{
    (void)state;
    assert_line("a\nb\rc", "<a\\nb\\u000dc>\n");
}

static void test_bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    assert_line("\x9b[2J\xff", "<\xef\xbf\xbd[2J\xef\xbf\xbd>\n");
}

static void test_long_lines_are_shown_whole(void **state)
{
    char text[5000];
    char expected[sizeof(text) + 3];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    snprintf(expected, sizeof(expected), "<%s>\n", text);
    assert_line(text, expected);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_in_any_script_is_shown_as_it_is),
        cmocka_unit_test(test_escape_sequences_are_not_sent),
        cmocka_unit_test(test_c1_controls_are_not_sent),
        cmocka_unit_test(test_long_lines_are_shown_whole),
        cmocka_unit_test(test_a_line_stays_one_line),
        cmocka_unit_test(test_bytes_that_are_no_text_are_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
