#include "config/value.h"

#include <sys/stat.h>

#include "config/table.h"
#include "test/config/config_fixture.h"

static void test_whole_value_comes_from_the_environment(void **state)
{
    struct config *config;

    (void)state;
    setenv("TEST_CONFIG_WORKERS", "7", 1);
    setenv("TEST_CONFIG_SECRET", " a;b ${X} #c", 1);
    config = load(MINIMAL "[exporter]\nworkers = ${TEST_CONFIG_WORKERS}\n"
                          "[mysql]\npassword = ${TEST_CONFIG_SECRET}\nhost = a${B}\n");
    assert_int_equal(config->exporter.workers, 7);
    assert_string_equal(config->mysql.password, " a;b ${X} #c");
    assert_string_equal(config->mysql.host, "a${B}");
    config_put(config);
}

#define VARIABLE_ADVICE                                                                                      \
    " starts with ${ but is not ${NAME}, expected the name of one environment variable (letters, digits, "   \
    "'_') and "                                                                                              \
    "nothing around it"

static void test_bad_variables_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"[mysql]\npassword = ${TEST_CONFIG_UNSET}\n",
         "exporter.ini:2: the environment variable TEST_CONFIG_UNSET for 'password' is not set, expected it "
         "to have a "
         "value when the exporter starts"},
        {"[mysql]\npassword = ${TEST_CONFIG_EMPTY}\n",
         "exporter.ini:2: the environment variable TEST_CONFIG_EMPTY for 'password' is empty, expected it to "
         "have a "
         "value when the exporter starts"},
        {"[mysql]\npassword = ${TEST_CONFIG_LINES}\n",
         "exporter.ini:2: the value of 'password' from the environment has a line break or another control "
         "character "
         "(byte 0x0a), expected one line of text"},
        {"[mysql]\nport = ${TEST_CONFIG_LETTERS}\n", "exporter.ini:2: port in [mysql] from the environment "
                                                     "variable TEST_CONFIG_LETTERS does not fit, expected a "
                                                     "whole number from 1 to 65535"},
        {"[mysql]\npassword = ${}\n", "exporter.ini:2: the value of 'password'" VARIABLE_ADVICE},
        {"[mysql]\npassword = ${\n", "exporter.ini:2: the value of 'password'" VARIABLE_ADVICE},
        {"[mysql]\npassword = ${A}b\n", "exporter.ini:2: the value of 'password'" VARIABLE_ADVICE},
        {"[mysql]\npassword = ${A-B}\n", "exporter.ini:2: the value of 'password'" VARIABLE_ADVICE},
    };

    (void)state;
    unsetenv("TEST_CONFIG_UNSET");
    setenv("TEST_CONFIG_EMPTY", "", 1);
    setenv("TEST_CONFIG_LINES", "canary\nsecret", 1);
    setenv("TEST_CONFIG_LETTERS", "canary", 1);
    assert_all_refused(cases, COUNT(cases));
}

static void assert_password_file_holds(const void *bytes, size_t length, const char *expected)
{
    struct config *config;

    write_bytes("secret", bytes, length);
    config = load(MINIMAL "[mysql]\npassword_file = secret\n");
    assert_string_equal(config->mysql.password, expected);
    config_put(config);
}

static void test_secret_file_loses_one_line_end(void **state)
{
    (void)state;
    assert_password_file_holds("pw", 2, "pw");
    assert_password_file_holds("pw\n", 3, "pw");
    assert_password_file_holds("pw\r\n", 4, "pw");
    assert_password_file_holds(" p ;w${X} \n", 11, " p ;w${X} ");
}

static void assert_password_file_is_refused(const void *bytes, size_t length, const char *message)
{
    write_bytes("secret", bytes, length);
    assert_refused(MINIMAL "[mysql]\npassword_file = secret\n", message);
}

static void test_bad_secret_files_are_refused(void **state)
{
    static char large[65537];
    static const char empty[] =
        "exporter.ini:4: 'password_file': the file secret is empty, expected the value in its only line";

    (void)state;
    assert_password_file_is_refused("", 0, empty);
    assert_password_file_is_refused("\n", 1, empty);
    assert_password_file_is_refused("\r\n", 2, empty);
    assert_password_file_is_refused(
        "a\nb\n", 4,
        "exporter.ini:4: 'password_file': the file secret has a line break or another "
        "control character (byte 0x0a), expected one line of text");
    assert_password_file_is_refused(
        "a\0b", 3,
        "exporter.ini:4: 'password_file': the file secret has a line break or another "
        "control character (byte 0x00), expected one line of text");
    memset(large, 'a', sizeof(large));
    assert_password_file_is_refused(
        large, sizeof(large), "exporter.ini:4: 'password_file': the file secret is larger than 65536 bytes");
    assert_refused("[mysql]\npassword_file =\n",
                   "exporter.ini:2: 'password_file' is empty, expected the path of a file");
    assert_refused("[mysql]\npassword_file = none\n",
                   "exporter.ini:2: 'password_file': cannot open the file none: No such file or directory");
}

static void test_secret_file_for_everybody_is_refused(void **state)
{
    (void)state;
    write_text("secret", "canary");
    assert_int_equal(chmod("secret", 0644), 0);
    assert_refused(MINIMAL "[mysql]\npassword_file = secret\n",
                   "exporter.ini:4: 'password_file': every user may read this secret (mode 0644), run: chmod "
                   "o= 'secret' (in Kubernetes: defaultMode: 0440)");
}

static void test_every_secret_has_a_file_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        if ((config_keys[i].flags & CONFIG_SECRET) != 0)
            assert_true((config_keys[i].flags & CONFIG_FROM_FILE) != 0);
    }
}

static void test_account_keys_come_from_files(void **state)
{
    struct config *config;

    (void)state;
    write_text("secret", "s\n");
    config = load(MINIMAL "[account 1]\naccess_key_id_file = secret\naccess_key_secret_file = secret\n"
                          "security_token_file = secret\n");
    assert_string_equal(config->accounts[0].access_key_id, "s");
    assert_string_equal(config->accounts[0].access_key_secret, "s");
    assert_string_equal(config->accounts[0].security_token, "s");
    config_put(config);
}

static void test_relative_paths_start_at_the_folder_of_the_file(void **state)
{
    struct config *config;
    struct error error;

    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    write_text("sub/secret", "in-sub");
    write_text("sub/exporter.ini", MINIMAL "[mysql]\npassword_file = secret\ntls_ca_file = ca.pem\n"
                                           "[das]\nca_file = /etc/ca.pem\n");
    config = config_load("sub/exporter.ini", &error);
    assert_non_null(config);
    assert_string_equal(config->inventory.file, "sub/inventory.ini");
    assert_string_equal(config->mysql.password, "in-sub");
    assert_string_equal(config->mysql.tls_ca_file, "sub/ca.pem");
    assert_string_equal(config->mysql.socket, "");
    assert_string_equal(config->das.ca_file, "/etc/ca.pem");
    config_put(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_value_comes_from_the_environment),
        cmocka_unit_test(test_bad_variables_are_refused),
        cmocka_unit_test(test_secret_file_loses_one_line_end),
        cmocka_unit_test(test_bad_secret_files_are_refused),
        cmocka_unit_test(test_secret_file_for_everybody_is_refused),
        cmocka_unit_test(test_every_secret_has_a_file_form),
        cmocka_unit_test(test_account_keys_come_from_files),
        cmocka_unit_test(test_relative_paths_start_at_the_folder_of_the_file),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
