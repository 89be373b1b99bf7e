#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "http/access.h"
#include "http/password.h"
#include "test/http/fake_providers.h"

#define TOKEN "0123456789abcdef"
#define RIGHT "Basic dXNlcjpyaWdodDpvbmU=" /* user:right:one */
#define WRONG "Basic dXNlcjp3cm9uZw=="     /* user:wrong */
#define OTHER "Basic bm9ib2R5OnJpZ2h0"     /* nobody:right */
#define NOW   (1000 * NS_PER_SECOND)

enum { HERE = 1, THERE = 2 };

static char path[] = "/tmp/test_access_XXXXXX";
static struct access *access_of_test;

static void write_users(const char *password)
{
    struct error error;
    struct strbuf line;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    strbuf_init(&line, 0);
    assert_true(password_line("user", password, (const unsigned char *)"0123456789abcdef", &line, &error));
    fprintf(file, "%s\n", strbuf_text(&line));
    fclose(file);
    strbuf_release(&line);
}

static void start(const char *users, const char *token)
{
    struct web_config web = fake_web("127.0.0.1:0");
    struct error error = {0};

    web.basic_auth_file = users;
    web.admin_token = token;
    access_of_test = access_new(access_rules_load(&web, &error), &error);
    assert_non_null(access_of_test);
}

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || close(fd) != 0)
        return -1;
    write_users("right:one");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    access_free(access_of_test);
    access_of_test = NULL;
    unlink(path);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    return 0;
}

static enum access_answer reads(const char *authorization, uint64_t client, int64_t now)
{
    return access_check(access_of_test, authorization, false, client, now);
}

static enum access_answer changes(const char *authorization)
{
    return access_check(access_of_test, authorization, true, HERE, NOW);
}

static void test_with_nothing_configured_everybody_reads(void **state)
{
    (void)state;
    start("", "");
    assert_int_equal(reads(NULL, HERE, NOW), ACCESS_READ);
    assert_int_equal(reads("Bearer " TOKEN, HERE, NOW), ACCESS_READ);
    assert_int_equal(changes(NULL), ACCESS_READ);
    assert_int_equal(changes("Bearer "), ACCESS_READ);
}

static void test_users_need_their_password(void **state)
{
    (void)state;
    start(path, "");
    assert_int_equal(reads(NULL, HERE, NOW), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    assert_int_equal(reads(WRONG, HERE, NOW), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(reads(OTHER, HERE, NOW), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(changes(RIGHT), ACCESS_READ);
}

static void test_malformed_headers_are_no_password(void **state)
{
    static const char *const headers[] = {"",
                                          "Basic",
                                          "Basic ",
                                          "Basic !",
                                          "Basic ====",
                                          "Basic dXNlcg==",
                                          "Basic dXNlcjpyaWdodDpvbmU",
                                          "Digest x",
                                          "basicdXNlcjpyaWdodDpvbmU=",
                                          "Basic dXNlcjpyaWdodDpvbmUAeA=="};

    (void)state;
    start(path, "");
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(reads(headers[i], HERE, NOW), ACCESS_NEEDS_PASSWORD);
}

static void test_the_token_is_the_admin(void **state)
{
    (void)state;
    start("", TOKEN);
    assert_int_equal(reads(NULL, HERE, NOW), ACCESS_READ);
    assert_int_equal(changes(NULL), ACCESS_NEEDS_TOKEN);
    assert_int_equal(changes("Bearer " TOKEN "x"), ACCESS_NEEDS_TOKEN);
    assert_int_equal(changes("Bearer 0123456789abcde"), ACCESS_NEEDS_TOKEN);
    assert_int_equal(changes("bearer  " TOKEN), ACCESS_ADMIN);
    assert_int_equal(access_check_token(access_of_test, TOKEN, HERE, NOW), ACCESS_ADMIN);
    assert_int_equal(access_check_token(access_of_test, "", HERE, NOW), ACCESS_NEEDS_TOKEN);
}

static void test_the_token_is_enough_beside_users(void **state)
{
    (void)state;
    start(path, TOKEN);
    assert_int_equal(changes("Bearer " TOKEN), ACCESS_ADMIN);
    assert_int_equal(reads("Bearer " TOKEN, HERE, NOW), ACCESS_ADMIN);
    assert_int_equal(changes(RIGHT), ACCESS_NEEDS_TOKEN);
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
}

static void test_a_client_may_guess_ten_times_then_once_a_second(void **state)
{
    (void)state;
    start(path, "");
    for (int i = 0; i < 10; i++)
        assert_int_equal(reads(WRONG, HERE, NOW), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(reads(WRONG, HERE, NOW), ACCESS_TOO_MANY);
    assert_int_equal(reads(WRONG, THERE, NOW), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(reads(WRONG, HERE, NOW + NS_PER_SECOND), ACCESS_NEEDS_PASSWORD);
    assert_int_equal(reads(WRONG, HERE, NOW + NS_PER_SECOND), ACCESS_TOO_MANY);
}

static void test_who_is_remembered_gets_in_beside_guesses(void **state)
{
    (void)state;
    start(path, "");
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    for (int i = 0; i < 11; i++)
        reads(WRONG, HERE, NOW);
    assert_int_equal(reads(WRONG, HERE, NOW), ACCESS_TOO_MANY);
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
}

static void test_tokens_are_guessed_as_slowly_as_passwords(void **state)
{
    (void)state;
    start("", TOKEN);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(changes("Bearer wrong"), ACCESS_NEEDS_TOKEN);
        assert_int_equal(access_check_token(access_of_test, "wrong", HERE, NOW), ACCESS_NEEDS_TOKEN);
    }
    assert_int_equal(changes("Bearer wrong"), ACCESS_TOO_MANY);
    assert_int_equal(changes("Bearer " TOKEN), ACCESS_TOO_MANY);
    assert_int_equal(access_check_token(access_of_test, TOKEN, HERE, NOW), ACCESS_TOO_MANY);
    assert_int_equal(access_check_token(access_of_test, TOKEN, HERE, NOW + NS_PER_SECOND), ACCESS_ADMIN);
}

static void test_a_token_that_was_used_gets_in_beside_guesses(void **state)
{
    (void)state;
    start("", TOKEN);
    assert_int_equal(changes("Bearer " TOKEN), ACCESS_ADMIN);
    for (int i = 0; i < 11; i++)
        changes("Bearer wrong");
    assert_int_equal(changes("Bearer wrong"), ACCESS_TOO_MANY);
    assert_int_equal(changes("Bearer " TOKEN), ACCESS_ADMIN);
}

static void test_a_token_that_decides_nothing_is_no_guess(void **state)
{
    (void)state;
    start("", TOKEN);
    for (int i = 0; i < 20; i++)
        assert_int_equal(reads("Bearer of another service", HERE, NOW), ACCESS_READ);
    assert_int_equal(changes("Bearer " TOKEN), ACCESS_ADMIN);
}

static void test_wrong_ones_are_counted_by_kind(void **state)
{
    uint64_t counts[AUTH_KIND_COUNT];

    (void)state;
    start(path, TOKEN);
    reads(NULL, HERE, NOW);
    reads(RIGHT, HERE, NOW);
    changes("Bearer " TOKEN);
    reads(WRONG, HERE, NOW);
    reads("Basic !", HERE, NOW);
    reads("Bearer wrong", HERE, NOW);
    for (int i = 0; i < 9; i++)
        access_check_token(access_of_test, "wrong", HERE, NOW); /* the last ones after too many */
    access_failures(access_of_test, counts);
    assert_int_equal(counts[AUTH_PASSWORD], 2);
    assert_int_equal(counts[AUTH_TOKEN], 10);
}

static void test_a_remembered_password_costs_no_bcrypt(void **state)
{
    int64_t began;

    (void)state;
    start(path, "");
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    began = clock_now();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    assert_true(clock_now() - began < 5 * NS_PER_SECOND); /* of bcrypt it would be a minute */
}

static void test_changed_users_are_noticed_after_a_second(void **state)
{
    (void)state;
    start(path, "");
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    write_users("another password");
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    assert_int_equal(reads(RIGHT, HERE, NOW + NS_PER_SECOND), ACCESS_NEEDS_PASSWORD);
}

static void test_a_bad_file_keeps_the_users(void **state)
{
    FILE *file;

    (void)state;
    start(path, "");
    assert_int_equal(reads(NULL, HERE, NOW), ACCESS_NEEDS_PASSWORD);
    file = fopen(path, "w");
    fputs("user:plain\n", file);
    fclose(file);
    assert_int_equal(reads(RIGHT, HERE, NOW + NS_PER_SECOND), ACCESS_READ);
    unlink(path);
    assert_int_equal(reads(RIGHT, HERE, NOW + 2 * NS_PER_SECOND), ACCESS_READ);
}

static void test_other_rules_forget_who_was_remembered(void **state)
{
    struct web_config web = fake_web("127.0.0.1:0");
    struct error error = {0};

    (void)state;
    start(path, "");
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_READ);
    write_users("another password");
    web.basic_auth_file = path;
    access_replace(access_of_test, access_rules_load(&web, &error));
    assert_int_equal(reads(RIGHT, HERE, NOW), ACCESS_NEEDS_PASSWORD);
}

static void test_tokens_that_are_no_tokens_are_refused(void **state)
{
    static const char *const tokens[] = {"short", "0123456789 abcdef", "0123456789abcdef\xc3\xa9"};
    struct web_config web = fake_web("127.0.0.1:0");
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        web.admin_token = tokens[i];
        assert_null(access_rules_load(&web, &error));
        assert_non_null(strstr(error.message, "admin_token"));
        assert_null(strstr(error.message, tokens[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_with_nothing_configured_everybody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_need_their_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed_headers_are_no_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_token_is_the_admin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_token_is_enough_beside_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_client_may_guess_ten_times_then_once_a_second, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_who_is_remembered_gets_in_beside_guesses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokens_are_guessed_as_slowly_as_passwords, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_token_that_was_used_gets_in_beside_guesses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_token_that_decides_nothing_is_no_guess, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_ones_are_counted_by_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_remembered_password_costs_no_bcrypt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_users_are_noticed_after_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_file_keeps_the_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_rules_forget_who_was_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokens_that_are_no_tokens_are_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
