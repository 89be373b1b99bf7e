/* Accounts whose keys are in the accounts table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/strbuf.h"
#include "das/keyring/fernet.h"
#include "test/das/keyring/keyring_fixture.h"

#define FIRST  "1000000000000001"
#define SECOND "1000000000000002"

#define TABLE "[accounts]\nsource = database\nencryption_password = table-password\n"
#define KEYS  "access_key_id = TestAk\naccess_key_secret = TestSecret\n"

/* The column's form of the secret. */
static const char *encrypt(const char *password, const char *secret)
{
    static const unsigned char iv[FERNET_IV_SIZE];
    static char column[512];
    struct fernet_key key;
    struct strbuf text;

    strbuf_init(&text, 0);
    assert_true(fernet_key_derive(&key, password));
    assert_int_equal(fernet_encrypt_column(&key, secret, strlen(secret), 1, iv, &text), FERNET_OK);
    snprintf(column, sizeof(column), "%s", strbuf_text(&text));
    strbuf_release(&text);
    return column;
}

static void set_row(struct keyring *keyring, const char *aliyun_uid, const char *access_key_id,
                    const char *column)
{
    const struct keyring_row row = {aliyun_uid, access_key_id, column};

    assert_true(keyring_set_table(keyring, &row, 1));
}

static void assert_secret(struct keyring *keyring, const char *aliyun_uid, const char *secret)
{
    struct keyring_entry entry;

    keyring_lookup(keyring, aliyun_uid, &entry);
    assert_non_null(entry.credentials);
    assert_string_equal(entry.credentials->access_key_secret, secret);
    keyring_entry_release(&entry);
}

void __real_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void __wrap_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

/* As a qsort that is not stable may: what is equal comes in the reverse order. */
void __wrap_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    char *bytes = base;

    for (size_t i = 0; i < count / 2; i++) {
        for (size_t j = 0; j < size; j++) {
            char byte = bytes[i * size + j];

            bytes[i * size + j] = bytes[(count - 1 - i) * size + j];
            bytes[(count - 1 - i) * size + j] = byte;
        }
    }
    __real_qsort(base, count, size, compare);
}

static void test_of_two_rows_of_an_account_the_last_one_counts(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);
    char first[512], last[512];

    (void)state;
    snprintf(first, sizeof(first), "%s", encrypt("table-password", "FirstSecret"));
    snprintf(last, sizeof(last), "%s", encrypt("table-password", "LastSecret"));
    const struct keyring_row rows[] = {
        {FIRST, "TableAk", first}, {SECOND, "OtherAk", first}, {FIRST, "TableAk", last}};

    assert_true(keyring_set_table(keyring, rows, 3));
    await_key(FIRST, "");
    assert_secret(keyring, FIRST, "LastSecret");
}

static void test_a_row_gives_the_keys_of_its_account(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);
    struct keyring_entry entry;

    (void)state;
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    await_key(FIRST, "");
    assert_secret(keyring, FIRST, "TableSecret");
    keyring_lookup(keyring, FIRST, &entry);
    assert_int_equal(entry.kind, CREDENTIAL_TABLE);
    keyring_entry_release(&entry);
}

#define ROLE_OF_A_ROW                                                                                        \
    TABLE "[account " FIRST "]\nrole_arn = acs:ram::" FIRST ":role/test\nsource_account = " SECOND "\n"

static void test_before_the_table_was_read_nobody_is_without_a_source(void **state)
{
    struct keyring *keyring = keyring_test_new(ROLE_OF_A_ROW, false);
    const char *const uids[] = {"1000000000000003"};
    struct keyring_entry entry;

    (void)state;
    assert_true(keyring_set_accounts(keyring, uids, 1));
    keyring_lookup(keyring, uids[0], &entry);
    assert_int_equal(entry.kind, CREDENTIAL_TABLE);
    assert_int_equal(entry.error.class, ERROR_NONE);
    keyring_fetch(keyring, FIRST, &entry);
    assert_int_equal(entry.error.class, ERROR_NONE);
}

static void test_an_account_that_the_table_lacks_is_told_when_it_was_read(void **state)
{
    struct keyring *keyring = keyring_test_new(ROLE_OF_A_ROW, true);
    const char *const uids[] = {"1000000000000003"};
    struct keyring_entry entry;

    (void)state;
    assert_true(keyring_set_accounts(keyring, uids, 1));
    assert_true(keyring_set_table(keyring, NULL, 0));
    keyring_lookup(keyring, uids[0], &entry);
    assert_int_equal(entry.kind, CREDENTIAL_NONE);
    await_error(FIRST, ERROR_CREDENTIALS, "nothing assumes the role");
}

static void test_a_row_of_another_implementation_is_read(void **state)
{
    struct keyring *keyring;
    char column[512];
    FILE *peer =
        popen("/usr/bin/python3 '" FERNET_PEER "' encrypt 7061737320776f7264 50656572536563726574", "r");
    bool made;

    (void)state;
    assert_non_null(peer);
    made = fgets(column, sizeof(column), peer) != NULL;
    if (pclose(peer) != 0 || !made) {
        print_message("skipped: python3-cryptography is not installed\n");
        skip();
    }
    column[strcspn(column, "\n")] = '\0';
    keyring = keyring_test_new("[accounts]\nsource = database\nencryption_password = pass word\n", true);
    set_row(keyring, FIRST, "TableAk", column);
    await_key(FIRST, "");
    assert_secret(keyring, FIRST, "PeerSecret");
}

static void test_a_row_that_did_not_change_keeps_its_credentials(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);
    struct keyring_entry before, after;

    (void)state;
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    await_key(FIRST, "");
    keyring_lookup(keyring, FIRST, &before);
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    keyring_lookup(keyring, FIRST, &after);
    assert_ptr_equal(before.credentials, after.credentials);
    keyring_entry_release(&before);
    keyring_entry_release(&after);
}

static void test_a_row_that_changed_is_read_and_the_old_keys_serve_until_then(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);

    (void)state;
    set_row(keyring, FIRST, "OldAk", encrypt("table-password", "TableSecret"));
    await_key(FIRST, "");
    set_row(keyring, FIRST, "NewAk", encrypt("table-password", "NewSecret"));
    assert_string_not_equal(keyring_test_key(FIRST), "");
    await_key(FIRST, "OldAk");
    assert_secret(keyring, FIRST, "NewSecret");
}

static void test_a_wrong_password_is_told(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);

    (void)state;
    set_row(keyring, FIRST, "TableAk", encrypt("other", "TableSecret"));
    await_error(FIRST, ERROR_CREDENTIALS, "[accounts] encryption_password");
}

static void test_a_cut_column_is_told(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);

    (void)state;
    set_row(keyring, FIRST, "TableAk", "Z0FBQUFBQg==");
    await_error(FIRST, ERROR_CREDENTIALS, "account " FIRST " in the accounts table");
}

static void test_a_new_password_in_the_file_mends_the_rows(void **state)
{
    struct keyring *keyring;

    (void)state;
    keyring_test_write("password", "wrong\n");
    keyring =
        keyring_test_new("[accounts]\nsource = database\nencryption_password_file = {dir}/password\n", true);
    set_row(keyring, FIRST, "TableAk", encrypt("right", "TableSecret"));
    await_error(FIRST, ERROR_CREDENTIALS, "encryption_password");
    keyring_test_write("password", "right\n");
    await_key(FIRST, "");
}

static void test_a_section_with_a_source_goes_before_the_row(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE "[account " FIRST "]\n" KEYS, true);

    (void)state;
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    assert_string_equal(keyring_test_key(FIRST), "TestAk");
}

static void test_the_default_serves_what_has_no_row(void **state)
{
    static const char *const uids[] = {SECOND};
    struct keyring *keyring = keyring_test_new(TABLE "[account default]\n" KEYS, true);

    (void)state;
    assert_true(keyring_set_accounts(keyring, uids, 1));
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    await_key(FIRST, "");
    assert_string_equal(keyring_test_key(FIRST), "TableAk");
    assert_string_equal(keyring_test_key(SECOND), "TestAk");
}

/* The default's own caller has neither a section nor a row, so that the default serves it, too. */
static void test_a_circle_through_the_table_is_told_and_a_row_ends_it(void **state)
{
    static const char *const uids[] = {FIRST};
    struct keyring *keyring =
        keyring_test_new(TABLE "sts_endpoint = {sts}\n[account default]\nrole_arn = "
                               "acs:ram::{uid}:role/fresh\nsource_account = " SECOND "\n",
                         true);

    (void)state;
    assert_true(keyring_set_accounts(keyring, uids, 1));
    assert_true(keyring_set_table(keyring, NULL, 0));
    await_error(SECOND, ERROR_CREDENTIALS, "in a circle");
    await_error(FIRST, ERROR_CREDENTIALS, "in a circle");
    set_row(keyring, SECOND, "TestAk", encrypt("table-password", "TestSecret"));
    await_key(FIRST, "");
}

static void test_an_account_without_its_row_is_forgotten(void **state)
{
    struct keyring *keyring = keyring_test_new(TABLE, true);

    (void)state;
    set_row(keyring, FIRST, "TableAk", encrypt("table-password", "TableSecret"));
    await_key(FIRST, "");
    assert_true(keyring_set_table(keyring, NULL, 0));
    assert_string_equal(keyring_test_key(FIRST), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(test_of_two_rows_of_an_account_the_last_one_counts),
        KEYRING_TEST(test_a_row_gives_the_keys_of_its_account),
        KEYRING_TEST(test_before_the_table_was_read_nobody_is_without_a_source),
        KEYRING_TEST(test_an_account_that_the_table_lacks_is_told_when_it_was_read),
        KEYRING_TEST(test_a_row_of_another_implementation_is_read),
        KEYRING_TEST(test_a_row_that_did_not_change_keeps_its_credentials),
        KEYRING_TEST(test_a_row_that_changed_is_read_and_the_old_keys_serve_until_then),
        KEYRING_TEST(test_a_wrong_password_is_told),
        KEYRING_TEST(test_a_cut_column_is_told),
        KEYRING_TEST(test_a_new_password_in_the_file_mends_the_rows),
        KEYRING_TEST(test_a_section_with_a_source_goes_before_the_row),
        KEYRING_TEST(test_the_default_serves_what_has_no_row),
        KEYRING_TEST(test_a_circle_through_the_table_is_told_and_a_row_ends_it),
        KEYRING_TEST(test_an_account_without_its_row_is_forgotten),
    };

    return cmocka_run_group_tests(tests, keyring_tests_start, keyring_tests_stop);
}
