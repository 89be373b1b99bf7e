#include "core/file.h"

#include <sys/stat.h>

#include "test/config/config_fixture.h"

typedef bool read_fn(const char *path, struct strbuf *out, struct error *error);

static void assert_reads(read_fn *read, const char *path, const char *expected)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf out;

    strbuf_init(&out, 0);
    if (!read(path, &out, &error))
        fail_msg("%s", error.message);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void assert_does_not_read(read_fn *read, const char *path, const char *message)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf out;

    strbuf_init(&out, 0);
    assert_false(read(path, &out, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.class, ERROR_SYSTEM);
    assert_int_equal(out.length, 0);
    strbuf_release(&out);
}

static void test_regular_file_is_read(void **state)
{
    (void)state;
    write_text("secret", "text");
    assert_reads(file_read, "secret", "text");
    assert_reads(file_read_secret, "secret", "text");
}

/* As those that Kubernetes puts into a volume. */
static void test_symbolic_link_to_a_file_is_read(void **state)
{
    (void)state;
    write_text("secret", "text");
    assert_int_equal(symlink("secret", "other.ini"), 0);
    assert_reads(file_read_secret, "other.ini", "text");
    assert_int_equal(unlink("other.ini"), 0);
}

static void test_empty_file_is_read(void **state)
{
    (void)state;
    write_text("secret", "");
    assert_reads(file_read, "secret", "");
}

static void test_byte_order_mark_at_the_beginning_is_taken_off(void **state)
{
    (void)state;
    write_text("secret", "\xef\xbb\xbftext");
    assert_reads(file_read, "secret", "text");
    assert_reads(file_read_secret, "secret", "text");
    assert_reads(file_read_secret_line, "secret", "text");
    write_text("secret", "\xef\xbb\xbf");
    assert_reads(file_read, "secret", "");
}

static void test_byte_order_mark_inside_stays(void **state)
{
    (void)state;
    write_text("secret", "text\xef\xbb\xbf");
    assert_reads(file_read, "secret", "text\xef\xbb\xbf");
}

static void test_named_pipe_is_refused_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_does_not_read(file_read, "pipe", "pipe is a named pipe, expected a regular file");
    assert_int_equal(unlink("pipe"), 0);
}

static void test_folder_is_refused(void **state)
{
    (void)state;
    assert_does_not_read(file_read, "/tmp", "/tmp is a folder, expected a regular file");
}

static void test_device_is_refused(void **state)
{
    (void)state;
    assert_does_not_read(file_read, "/dev/zero", "/dev/zero is a device, expected a regular file");
}

static void test_missing_file_is_named(void **state)
{
    (void)state;
    assert_does_not_read(file_read, "none", "cannot open the file none: No such file or directory");
}

static void set_mode(const char *path, mode_t mode)
{
    assert_int_equal(chmod(path, mode), 0);
}

static void test_secret_that_everybody_may_read_is_refused(void **state)
{
    (void)state;
    write_text("secret", "canary");
    set_mode("secret", 0604);
    assert_does_not_read(file_read_secret, "secret",
                         "every user may read this secret (mode 0604), run: chmod o= 'secret' (in "
                         "Kubernetes: defaultMode: 0440)");
}

static void test_secret_that_everybody_may_change_is_refused(void **state)
{
    (void)state;
    write_text("secret", "canary");
    set_mode("secret", 0602);
    assert_does_not_read(file_read_secret, "secret",
                         "every user may change this secret (mode 0602), run: chmod o= 'secret' (in "
                         "Kubernetes: defaultMode: 0440)");
}

static void test_secret_of_owner_and_group_is_read(void **state)
{
    (void)state;
    write_text("secret", "text");
    set_mode("secret", 0660);
    assert_reads(file_read_secret, "secret", "text");
}

static void test_path_in_the_command_is_one_word_of_a_shell(void **state)
{
    (void)state;
    write_text("a'b c", "canary");
    set_mode("a'b c", 0644);
    assert_does_not_read(file_read_secret, "a'b c",
                         "every user may read this secret (mode 0644), run: chmod o= 'a'\\''b c' (in "
                         "Kubernetes: defaultMode: 0440)");
    assert_int_equal(unlink("a'b c"), 0);
}

static void test_other_files_may_be_open_to_everybody(void **state)
{
    (void)state;
    write_text("secret", "text");
    set_mode("secret", 0666);
    assert_reads(file_read, "secret", "text");
}

static void test_being_open_to_everybody_is_told(void **state)
{
    (void)state;
    write_text("secret", "text");
    assert_false(file_open_to_everybody("secret"));
    set_mode("secret", 0604);
    assert_true(file_open_to_everybody("secret"));
    assert_false(file_open_to_everybody("none"));
}

static void test_larger_file_than_the_ceiling_is_refused(void **state)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf out;

    (void)state;
    write_text("secret", "12345");
    strbuf_init(&out, 4);
    assert_false(file_read("secret", &out, &error));
    assert_string_equal(error.message, "the file secret is larger than 4 bytes");
    assert_int_equal(error.class, ERROR_TOO_LARGE);
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regular_file_is_read),
        cmocka_unit_test(test_symbolic_link_to_a_file_is_read),
        cmocka_unit_test(test_empty_file_is_read),
        cmocka_unit_test(test_byte_order_mark_at_the_beginning_is_taken_off),
        cmocka_unit_test(test_byte_order_mark_inside_stays),
        cmocka_unit_test(test_named_pipe_is_refused_without_waiting),
        cmocka_unit_test(test_folder_is_refused),
        cmocka_unit_test(test_device_is_refused),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_secret_that_everybody_may_read_is_refused),
        cmocka_unit_test(test_secret_that_everybody_may_change_is_refused),
        cmocka_unit_test(test_secret_of_owner_and_group_is_read),
        cmocka_unit_test(test_path_in_the_command_is_one_word_of_a_shell),
        cmocka_unit_test(test_other_files_may_be_open_to_everybody),
        cmocka_unit_test(test_being_open_to_everybody_is_told),
        cmocka_unit_test(test_larger_file_than_the_ceiling_is_refused),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
