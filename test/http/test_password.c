#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/password.h"

/* "secret" by another program, with the prefixes that are around. */
#define HASH_2Y "$2y$05$abcdefghijklmnopqrstuuPhzPIUy4RBDzYG9YzDYNpAaS2rbsJQ."
static const unsigned char random_bytes[16] = "0123456789abcdef";

static char path[] = "/tmp/test_password_XXXXXX";

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    return 0;
}

static struct password_file *load(const char *content, struct error *error)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return password_file_load(path, error);
}

static void append_line(struct strbuf *out, const char *user, const char *password)
{
    struct error error;

    assert_true(password_line(user, password, random_bytes, out, &error));
    strbuf_append_char(out, '\n');
}

static void test_a_made_line_lets_its_user_in_and_nobody_else(void **state)
{
    struct password_scratch *scratch = password_scratch_new();
    struct password_file *file;
    struct error error = {0};
    struct strbuf lines;

    (void)state;
    strbuf_init(&lines, 0);
    strbuf_append_text(&lines, "# comment\n\n");
    append_line(&lines, "one", "secret of one");
    append_line(&lines, "two", "secret of two: \xc3\xa9");
    file = load(strbuf_text(&lines), &error);
    assert_non_null(file);
    assert_true(password_check(file, "one", "secret of one", scratch));
    assert_true(password_check(file, "two", "secret of two: \xc3\xa9", scratch));
    assert_false(password_check(file, "one", "secret of two: \xc3\xa9", scratch));
    assert_false(password_check(file, "three", "secret of one", scratch));
    assert_false(password_check(file, "one", "", scratch));
    password_file_put(file);
    password_scratch_free(scratch);
    strbuf_release(&lines);
}

static void assert_refused(const char *content, const char *words)
{
    struct error error = {0};

    assert_null(load(content, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_non_null(strstr(error.message, words));
    assert_null(strstr(error.message, "$2"));
}

static void test_mistakes_are_named_with_their_line(void **state)
{
    char twice[256];

    (void)state;
    assert_refused("", "names no user");
    assert_refused("# nobody\n", "names no user");
    assert_refused("user\n", ":1: there is no colon");
    assert_refused("\n:x\n", ":2: the name is empty");
    assert_refused("user:plain\n", ":1: after the colon is no bcrypt");
    assert_refused("user:$1$abcdefgh$abcdefghijklmnopqrstuv\n", "no bcrypt");
    assert_refused("user:$2y$31$abcdefghijklmnopqrstuuPhzPIUy4RBDzYG9YzDYNpAaS2rbsJQ.\n", "no bcrypt");
    snprintf(twice, sizeof(twice), "user:%.60s\nuser:%.60s\n", HASH_2Y, HASH_2Y);
    assert_refused(twice, ":2: the user is there already");
}

static void test_a_file_open_to_everybody_is_refused(void **state)
{
    struct error error = {0};

    (void)state;
    chmod(path, 0644);
    assert_null(load("user:" HASH_2Y "\n", &error));
    assert_non_null(strstr(error.message, "chmod"));
    chmod(path, 0600);
}

static void test_line_ends_of_another_system_are_understood(void **state)
{
    struct error error = {0};
    struct password_file *file;

    (void)state;
    file = load("user:" HASH_2Y "\r\n", &error);
    assert_non_null(file);
    password_file_put(file);
}

static void assert_no_line(const char *user, const char *password, const char *words)
{
    struct error error = {0};
    struct strbuf line;

    strbuf_init(&line, 0);
    assert_false(password_line(user, password, random_bytes, &line, &error));
    assert_non_null(strstr(error.message, words));
    assert_int_equal(line.length, 0);
    strbuf_release(&line);
}

static void test_what_cannot_be_a_login_makes_no_line(void **state)
{
    char longest[PASSWORD_SIZE_MAX + 2];

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_no_line("user", longest, "longer than 72 bytes");
    assert_no_line("user", "", "empty");
    assert_no_line("", "x", "name");
    assert_no_line("a:b", "x", "colon");
    assert_no_line("a\nb", "x", "control");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_made_line_lets_its_user_in_and_nobody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_are_named_with_their_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_open_to_everybody_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_ends_of_another_system_are_understood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_a_login_makes_no_line, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
