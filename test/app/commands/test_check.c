#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/commands/check.h"

#define CONFIG    "exporter.ini"
#define INVENTORY "inventory.ini"
#define OPEN      "warning: every user may read the configuration file, which holds secrets; run: chmod o= "

static char folder[] = "/tmp/test_check_XXXXXX";

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    write_text(INVENTORY, "[instance rm-test1]\nins_name=orders\nins_type=rds\naliyun_uid=1\n", 0644);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(CONFIG) != 0 || unlink(INVENTORY) != 0 || chdir("/") != 0 || rmdir(folder) != 0;
}

/* What --check=offline prints about a file of that mode with more lines in [inventory]; the caller frees it. */
static char *check_offline_with(const char *inventory_lines, mode_t mode)
{
    char text[512];
    struct config *config;
    struct error error;
    char *said = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&said, &length);

    assert_non_null(out);
    snprintf(text, sizeof(text),
             "[inventory]\nsource = file\n%s[account 1]\naccess_key_id = testak1\n"
             "access_key_secret = testsecret1\n",
             inventory_lines);
    write_text(CONFIG, text, mode);
    config = config_load(CONFIG, &error);
    assert_non_null(config);
    assert_true(check_run(config, true, out, out));
    config_put(config);
    assert_int_equal(fclose(out), 0);
    return said;
}

static char *check_offline(mode_t mode)
{
    return check_offline_with("", mode);
}

static void test_secrets_that_every_user_may_read_are_warned_about(void **state)
{
    char *said = check_offline(0644);

    (void)state;
    assert_non_null(strstr(said, OPEN "'" CONFIG "'\n"));
    free(said);
}

static void test_secrets_of_the_owner_and_the_group_are_not(void **state)
{
    char *said = check_offline(0640);

    (void)state;
    assert_null(strstr(said, "warning"));
    assert_non_null(strstr(said, "inventory: 1 instances, 1 targets\n"));
    free(said);
}

static void test_what_a_terminal_would_obey_is_escaped(void **state)
{
    char *said = check_offline_with("exclude = rm-\xc2\x9b"
                                    "2J\n",
                                    0600);

    (void)state;
    assert_non_null(strstr(said, "exclude names no instance with: rm-\\u009b2J\n"));
    free(said);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_that_every_user_may_read_are_warned_about),
        cmocka_unit_test(test_secrets_of_the_owner_and_the_group_are_not),
        cmocka_unit_test(test_what_a_terminal_would_obey_is_escaped),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
