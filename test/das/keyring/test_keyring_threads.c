/* Everything at once, for the thread sanitizer: look-ups, refusals, other accounts, reloads, the end. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "test/das/keyring/keyring_fixture.h"

#define ACCOUNTS 50
#define RELOADS  20
#define COMMON                                                                                               \
    "[accounts]\nsts_endpoint = {sts}\nmetadata_endpoint = {metadata}\nsts_rate_limit = 100\n"               \
    "source = database\nencryption_password = p\n"

static const char *const configurations[] = {
    COMMON "[account default]\necs_role = fresh\nrole_arn = acs:ram::{uid}:role/fresh_1\n",
    COMMON "[account default]\necs_role = fresh\nrole_arn = acs:ram::{uid}:role/fresh_2\n[account 107]\n"
           "access_key_id = k\naccess_key_secret = s\n",
};

static struct keyring *keyring;
static char uids[ACCOUNTS][8];
static const char *list[ACCOUNTS];
static atomic_bool done;

static void *look_up(void *argument)
{
    (void)argument;
    while (!atomic_load(&done)) {
        for (size_t i = 0; i < ACCOUNTS; i++) {
            struct keyring_entry entry;

            keyring_lookup(keyring, list[i], &entry);
            if (entry.credentials != NULL && i % 7 == 0)
                keyring_refused(keyring, list[i], entry.credentials);
            keyring_entry_release(&entry);
        }
    }
    return NULL;
}

static void *change_inventory(void *argument)
{
    size_t count = 0;

    (void)argument;
    while (!atomic_load(&done)) {
        const struct keyring_row rows[] = {{"103", "Id", count % 2 == 0 ? "Z0FB" : "Z0FBQUFB"},
                                           {"900", "Id", "gAAAAA"}};

        assert_true(keyring_set_accounts(keyring, list, ACCOUNTS - count % 10));
        assert_true(keyring_set_table(keyring, rows, count++ % 3));
    }
    return NULL;
}

static void test_everything_at_once(void **state)
{
    struct config *configs[2];
    pthread_t threads[3];

    (void)state;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        snprintf(uids[i], sizeof(uids[i]), "%zu", 100 + i);
        list[i] = uids[i];
    }
    configs[0] = keyring_test_config(configurations[0]);
    configs[1] = keyring_test_config(configurations[1]);
    keyring = keyring_test_new(configurations[0], true);
    pthread_create(&threads[0], NULL, look_up, NULL);
    pthread_create(&threads[1], NULL, look_up, NULL);
    pthread_create(&threads[2], NULL, change_inventory, NULL);
    for (size_t i = 0; i < RELOADS; i++) {
        struct keyring_change *change = keyring_prepare(keyring, configs[i % 2]);

        assert_non_null(change);
        if (i % 3 == 0)
            keyring_abandon(change);
        else
            keyring_commit(keyring, change);
        await_key("101", "");
    }
    keyring_stop(keyring);
    atomic_store(&done, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    config_put(configs[0]);
    config_put(configs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(test_everything_at_once),
    };

    return cmocka_run_group_tests(tests, keyring_tests_start, keyring_tests_stop);
}
