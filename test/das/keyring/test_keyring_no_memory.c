/*
 * Fails the k-th allocation, for each k, of what the keyring does without requests: it says so or does
 * it, nothing leaks (with the address sanitizer), and what was in force stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "das/keyring/keyring.h"
#include "test/das/failing_allocation.h"
#include "test/das/keyring/keyring_fixture.h"

#define FIRST  "1000000000000001"
#define SECOND "1000000000000002"
#define TABLE  "[accounts]\nsource = database\nencryption_password = p\n"
#define KEYS   "access_key_id = TestAk\naccess_key_secret = TestSecret\n"

static void ignore(void *context, const char *aliyun_uid)
{
    (void)context;
    (void)aliyun_uid;
}

static void assert_has_first(struct keyring *keyring)
{
    struct keyring_entry entry;

    keyring_lookup(keyring, FIRST, &entry);
    assert_non_null(entry.credentials);
    assert_string_equal(entry.credentials->access_key_id, "TestAk");
    keyring_entry_release(&entry);
}

/* Each of it once. False when one of them failed. */
static bool use(struct config *first, struct config *second, struct keyring *keyring)
{
    static const char *const uids[] = {SECOND, FIRST};
    const struct keyring_row row = {SECOND, "TableAk", "Z0FBQUFBQg=="};
    struct keyring_change *change;
    struct keyring_entry entry;
    bool ok;

    ok = keyring_set_accounts(keyring, uids, 2);
    assert_has_first(keyring);
    ok = keyring_set_table(keyring, &row, 1) && ok;
    assert_has_first(keyring);
    keyring_fetch(keyring, SECOND, &entry);
    assert_null(entry.credentials); /* the row is cut */
    assert_true(entry.error.class != ERROR_NONE || entry.kind == CREDENTIAL_NONE || !ok);
    keyring_entry_release(&entry);
    change = keyring_prepare(keyring, second);
    ok = change != NULL && keyring_set_accounts(keyring, uids, 1) && ok;
    if (change != NULL)
        keyring_commit(keyring, change);
    assert_has_first(keyring);
    keyring_abandon(keyring_prepare(keyring, first));
    return ok;
}

static void test_every_allocation_may_fail(void **state)
{
    const struct keyring_sink sink = {NULL, ignore};
    struct config *first = keyring_test_config(TABLE "[account " FIRST "]\n" KEYS);
    struct config *second =
        keyring_test_config(TABLE "[account default]\n" KEYS "[account " FIRST "]\n" KEYS);
    int failed_at = 0;
    bool ok;

    (void)state;
    do {
        struct keyring *keyring;

        fail_allocation(failed_at++);
        keyring = keyring_new(first, &sink, 1);
        ok = keyring != NULL && use(first, second, keyring);
        keyring_free(keyring);
    } while (!all_allocations_done());
    assert_true(ok);
    assert_true(failed_at > 40);
    config_put(first);
    config_put(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(test_every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, keyring_tests_start, keyring_tests_stop);
}
