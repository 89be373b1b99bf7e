/* The keyring against a local STS, metadata service and credentials URI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/das/keyring/keyring_fixture.h"

#define FIRST  "1000000000000001"
#define SECOND "1000000000000002"
#define THIRD  "1000000000000003"
#define FOURTH "1000000000000004"
#define FIFTH  "1000000000000005"

#define COMMON "[accounts]\nsts_endpoint = {sts}\nmetadata_endpoint = {metadata}\nsts_rate_limit = 100\n"
#define KEYS   "access_key_id = TestAk\naccess_key_secret = TestSecret\n"
#define ROLE   "role_arn = acs:ram::1000000000000009:role/"

static struct credentials *held(struct keyring *keyring, const char *aliyun_uid)
{
    struct keyring_entry entry;

    keyring_lookup(keyring, aliyun_uid, &entry);
    return entry.credentials;
}

static void test_values_are_there_before_the_start(void **state)
{
    struct keyring *keyring = keyring_test_new("[account " FIRST "]\n" KEYS, false);
    struct keyring_entry entry;

    (void)state;
    keyring_lookup(keyring, FIRST, &entry);
    assert_int_equal(entry.kind, CREDENTIAL_STATIC);
    assert_string_equal(entry.credentials->access_key_secret, "TestSecret");
    assert_true(entry.expiry_unix_ms == 0 && entry.error.class == ERROR_NONE);
    keyring_entry_release(&entry);
}

static void test_an_unknown_account_has_none(void **state)
{
    struct keyring *keyring = keyring_test_new("[account " FIRST "]\n" KEYS, false);
    struct keyring_entry entry;

    (void)state;
    keyring_lookup(keyring, SECOND, &entry);
    assert_true(entry.kind == CREDENTIAL_NONE && entry.credentials == NULL);
}

static void test_every_kind_of_source_gives_credentials(void **state)
{
    (void)state;
    keyring_test_write("token", "oidc-token\n");
    keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "fresh\n"
                            "[account " SECOND "]\n" ROLE "fresh\nsource_account = " FIRST "\n"
                            "[account " THIRD "]\necs_role = auto\n"
                            "[account " FOURTH "]\ncredentials_uri = {uri}\n"
                            "[account " FIFTH "]\n" ROLE "x\noidc_provider_arn = acs:ram::1000000000000009:"
                            "oidc-provider/p\noidc_token_file = {dir}/token\n",
                     true);
    await_key(FIRST, "");
    await_key(SECOND, "");
    await_key(THIRD, "");
    await_key(FOURTH, "");
    await_key(FIFTH, "");
}

static void test_accounts_of_the_default_share_one_caller(void **state)
{
    struct keyring *keyring = keyring_test_new(
        COMMON "[account default]\necs_role = fresh\nrole_arn = acs:ram::{uid}:role/fresh_all\n", true);
    int64_t metadata = keyring_test_requests("metadata");
    char uids[20][20];
    const char *list[20];

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(uids[i], sizeof(uids[i]), "%d", 100 + i);
        list[i] = uids[i];
    }
    assert_true(keyring_set_accounts(keyring, list, 20));
    for (int i = 0; i < 20; i++)
        await_key(uids[i], "");
    assert_true(keyring_test_requests("metadata") == metadata + 1);
    assert_true(keyring_test_requests("fresh_all") == 20);
}

static void test_short_tokens_are_replaced_before_they_expire(void **state)
{
    struct keyring *keyring = keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "short\n", true);
    int64_t end;
    unsigned keys = 0;
    char last[64] = "";

    (void)state;
    await_key(FIRST, "");
    for (end = clock_now() + 8 * NS_PER_SECOND; clock_now() < end;) {
        struct credentials *credentials = held(keyring, FIRST);

        assert_non_null(credentials);
        if (strcmp(credentials->access_key_id, last) != 0)
            keys++;
        snprintf(last, sizeof(last), "%s", credentials->access_key_id);
        credentials_put(credentials);
    }
    assert_in_range(keys, 3, 5);
}

static void test_refused_ones_are_fetched_once(void **state)
{
    struct keyring *keyring = keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "fresh_once\n", true);
    struct credentials *old;

    (void)state;
    await_key(FIRST, "");
    old = held(keyring, FIRST);
    for (int i = 0; i < 10; i++)
        keyring_refused(keyring, FIRST, old);
    await_key(FIRST, old->access_key_id);
    for (int i = 0; i < 10; i++)
        keyring_refused(keyring, FIRST, old);
    assert_true(keyring_test_requests("fresh_once") == 2);
    credentials_put(old);
}

static void test_a_source_that_gives_the_same_again_is_told(void **state)
{
    struct keyring *keyring = keyring_test_new(COMMON "[account " FIRST "]\ncredentials_uri = {uri}\n", true);
    struct credentials *old, *now;

    (void)state;
    await_key(FIRST, "");
    old = held(keyring, FIRST);
    keyring_refused(keyring, FIRST, old);
    await_error(FIRST, ERROR_CREDENTIALS, "still gives the same");
    now = held(keyring, FIRST);
    assert_ptr_equal(now, old);
    credentials_put(old);
    credentials_put(now);
}

static void test_refused_values_of_the_configuration_are_told(void **state)
{
    struct keyring *keyring = keyring_test_new("[account " FIRST "]\n" KEYS, true);
    struct credentials *old = held(keyring, FIRST);

    (void)state;
    keyring_refused(keyring, FIRST, old);
    await_error(FIRST, ERROR_CREDENTIALS, "[account " FIRST "] still gives the same");
    assert_int_equal(keyring_test_told(FIRST, 1), 1);
    credentials_put(old);
}

static void test_an_expired_caller_is_renewed_and_asked_again(void **state)
{
    (void)state;
    keyring_test_new(COMMON "[account " FIRST "]\necs_role = fresh\n"
                            "[account " SECOND "]\n" ROLE "wary\nsource_account = " FIRST "\n",
                     true);
    await_key(SECOND, "");
    assert_true(keyring_test_requests("wary") == 2);
}

static void test_a_role_that_may_not_be_assumed_leaves_the_others_alone(void **state)
{
    (void)state;
    keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "forbidden\n"
                            "[account " SECOND "]\n" KEYS ROLE "fresh\n",
                     true);
    await_error(FIRST, ERROR_CREDENTIALS, "NoPermission");
    await_key(SECOND, "");
}

static void test_a_role_says_why_its_caller_has_none(void **state)
{
    (void)state;
    keyring_test_new(COMMON "[account " FIRST "]\necs_role = other\n"
                            "[account " SECOND "]\n" ROLE "fresh\nsource_account = " FIRST "\n",
                     true);
    await_error(SECOND, ERROR_CREDENTIALS, "waits for the credentials of the account " FIRST);
}

static void test_a_source_that_hangs_delays_no_other(void **state)
{
    int64_t start;

    (void)state;
    keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "x\nsts_endpoint = {mute}\n"
                            "[account " SECOND "]\n" KEYS ROLE "x\nsts_endpoint = {mute}\n"
                            "[account " THIRD "]\n" KEYS ROLE "fresh\n",
                     true);
    start = clock_now();
    await_key(THIRD, "");
    assert_true(clock_now() - start < 4 * NS_PER_SECOND);
    assert_string_equal(keyring_test_key(FIRST), "");
}

static void test_it_stops_while_sources_hang(void **state)
{
    struct keyring *keyring =
        keyring_test_new(COMMON "[account " FIRST "]\n" KEYS ROLE "x\nsts_endpoint = {mute}\n"
                                "[account " SECOND "]\n" KEYS ROLE "fresh\n",
                         true);
    int64_t start;

    (void)state;
    await_key(SECOND, "");
    start = clock_now();
    keyring_stop(keyring);
    assert_true(clock_now() - start < NS_PER_SECOND);
    assert_string_not_equal(keyring_test_key(SECOND), "");
}

static void test_a_file_is_read_again(void **state)
{
    struct keyring *keyring;
    struct credentials *credentials;

    (void)state;
    keyring_test_write("id", "FileAk\n");
    keyring_test_write("secret", "FileSecret\r\n");
    keyring = keyring_test_new("[account " FIRST "]\naccess_key_id_file = {dir}/id\n"
                               "access_key_secret_file = {dir}/secret\n",
                               true);
    assert_string_equal(keyring_test_key(FIRST), "FileAk");
    keyring_test_write("secret", "NewSecret\n");
    keyring_test_write("id", "NewAk\n");
    await_key(FIRST, "FileAk");
    credentials = held(keyring, FIRST);
    assert_string_equal(credentials->access_key_id, "NewAk");
    credentials_put(credentials);
}

static void test_a_file_that_is_empty_leaves_the_old_ones(void **state)
{
    (void)state;
    keyring_test_write("secret", "FileSecret\n");
    keyring_test_new("[account " FIRST "]\naccess_key_id = FileAk\naccess_key_secret_file = {dir}/secret\n",
                     true);
    keyring_test_write("secret", "");
    await_error(FIRST, ERROR_CREDENTIALS, "access_key_secret_file");
    assert_string_equal(keyring_test_key(FIRST), "FileAk");
}

static void test_another_source_takes_over_when_it_gives(void **state)
{
    struct keyring *keyring =
        keyring_test_new(COMMON "[account " FIRST "]\n" KEYS "[account " SECOND "]\n" KEYS, true);
    struct config *config = keyring_test_config(COMMON "[account " FIRST "]\n" KEYS ROLE "fresh\n"
                                                       "[account " SECOND "]\n" KEYS);
    struct credentials *before = held(keyring, SECOND);
    struct credentials *after;
    struct keyring_change *change = keyring_prepare(keyring, config);

    (void)state;
    assert_non_null(change);
    config_put(config);
    keyring_commit(keyring, change);
    assert_string_not_equal(keyring_test_key(FIRST), "");
    await_key(FIRST, "TestAk");
    after = held(keyring, SECOND);
    assert_ptr_equal(after, before);
    credentials_put(before);
    credentials_put(after);
}

/* Somebody may have mended the role's trust policy, which is in no configuration. */
static void test_a_reload_tries_what_failed_again(void **state)
{
    static const char text[] = COMMON "[account " FIRST "]\n" KEYS ROLE "forbidden\n";
    struct keyring *keyring = keyring_test_new(text, true);
    struct config *config = keyring_test_config(text);
    int64_t end = clock_now() + 20 * NS_PER_SECOND;
    int64_t requests;

    (void)state;
    await_error(FIRST, ERROR_CREDENTIALS, "NoPermission");
    requests = keyring_test_requests("forbidden");
    keyring_commit(keyring, keyring_prepare(keyring, config));
    config_put(config);
    while (keyring_test_requests("forbidden") == requests)
        assert_true(clock_now() < end);
}

static void test_what_is_abandoned_changes_nothing(void **state)
{
    struct keyring *keyring = keyring_test_new("[account " FIRST "]\n" KEYS, false);
    struct config *config =
        keyring_test_config("[account " FIRST "]\naccess_key_id = Other\naccess_key_secret = s\n");

    (void)state;
    keyring_abandon(keyring_prepare(keyring, config));
    config_put(config);
    assert_string_equal(keyring_test_key(FIRST), "TestAk");
}

static void test_accounts_that_come_between_prepare_and_commit_are_known(void **state)
{
    static const char *const uids[] = {SECOND};
    struct keyring *keyring = keyring_test_new("[account " FIRST "]\n" KEYS, false);
    struct config *config =
        keyring_test_config("[account default]\naccess_key_id = Other\naccess_key_secret = s\n");
    struct keyring_change *change = keyring_prepare(keyring, config);

    (void)state;
    config_put(config);
    assert_true(keyring_set_accounts(keyring, uids, 1));
    assert_string_equal(keyring_test_key(SECOND), "");
    keyring_commit(keyring, change);
    assert_string_equal(keyring_test_key(SECOND), "Other");
    assert_string_equal(keyring_test_key(FIRST), ""); /* in no configuration and no inventory */
}

static void test_one_is_fetched_without_threads(void **state)
{
    struct keyring *keyring =
        keyring_test_new(COMMON "[account " FIRST "]\necs_role = fresh\n"
                                "[account " SECOND "]\n" ROLE "fresh\nsource_account = " FIRST
                                "\n[account " THIRD "]\n" KEYS ROLE "forbidden\n",
                         false);
    struct keyring_entry entry;

    (void)state;
    keyring_fetch(keyring, SECOND, &entry);
    if (entry.credentials == NULL)
        fail_msg("%s", entry.error.message);
    keyring_entry_release(&entry);
    keyring_fetch(keyring, THIRD, &entry);
    assert_true(entry.credentials == NULL && entry.error.class == ERROR_CREDENTIALS);
    assert_string_not_equal(keyring_test_key(FIRST), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(test_values_are_there_before_the_start),
        KEYRING_TEST(test_an_unknown_account_has_none),
        KEYRING_TEST(test_every_kind_of_source_gives_credentials),
        KEYRING_TEST(test_accounts_of_the_default_share_one_caller),
        KEYRING_TEST(test_short_tokens_are_replaced_before_they_expire),
        KEYRING_TEST(test_refused_ones_are_fetched_once),
        KEYRING_TEST(test_a_source_that_gives_the_same_again_is_told),
        KEYRING_TEST(test_refused_values_of_the_configuration_are_told),
        KEYRING_TEST(test_an_expired_caller_is_renewed_and_asked_again),
        KEYRING_TEST(test_a_role_that_may_not_be_assumed_leaves_the_others_alone),
        KEYRING_TEST(test_a_role_says_why_its_caller_has_none),
        KEYRING_TEST(test_a_source_that_hangs_delays_no_other),
        KEYRING_TEST(test_it_stops_while_sources_hang),
        KEYRING_TEST(test_a_file_is_read_again),
        KEYRING_TEST(test_a_file_that_is_empty_leaves_the_old_ones),
        KEYRING_TEST(test_another_source_takes_over_when_it_gives),
        KEYRING_TEST(test_a_reload_tries_what_failed_again),
        KEYRING_TEST(test_what_is_abandoned_changes_nothing),
        KEYRING_TEST(test_accounts_that_come_between_prepare_and_commit_are_known),
        KEYRING_TEST(test_one_is_fetched_without_threads),
    };

    return cmocka_run_group_tests(tests, keyring_tests_start, keyring_tests_stop);
}
