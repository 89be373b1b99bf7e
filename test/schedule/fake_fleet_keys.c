/* The keyring as the scheduler sees it, played by the test. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fleet_account *account_of(struct fleet *fleet, const char *aliyun_uid)
{
    size_t i = strtoul(aliyun_uid + 1, NULL, 10) - 1;

    assert_true(i < fleet->account_count);
    return &fleet->accounts[i];
}

void fleet_lookup_credentials(void *context, const char *aliyun_uid, struct account_credentials *known)
{
    *known = account_of(context, aliyun_uid)->keys;
    if (known->credentials != NULL)
        credentials_get(known->credentials);
}

bool fleet_credentials_refused(void *context, const char *aliyun_uid, const struct credentials *refused)
{
    struct fleet_account *account = account_of(context, aliyun_uid);

    assert_ptr_equal(refused, account->keys.credentials);
    account->renewals++;
    return !account->unknown_to_keyring;
}

static void tell(struct fleet *fleet, size_t account)
{
    char uid[32];

    if (fleet->scheduler == NULL)
        return;
    scheduler_credentials_changed(fleet->scheduler, fleet_uid(account, uid), fleet->now);
    fleet_step(fleet);
    fleet_check(fleet);
}

/* NULL when memory runs out, as a test may have it. */
static struct credentials *credentials_of(unsigned key)
{
    char id[32];

    snprintf(id, sizeof(id), "key-%u", key);
    return credentials_new(id, "invented", "");
}

void fleet_give_keys(struct fleet *fleet, size_t account, unsigned key)
{
    struct account_credentials *keys = &fleet->accounts[account].keys;

    credentials_put(keys->credentials);
    *keys = (struct account_credentials){.kind = CREDENTIAL_ROLE,
                                         .credentials = credentials_of(key),
                                         .expiry_unix_ms = clock_unix_ms() + 3600000};
    assert_non_null(keys->credentials);
    tell(fleet, account);
}

void fleet_await_keys(struct fleet *fleet, size_t account)
{
    struct account_credentials *keys = &fleet->accounts[account].keys;

    credentials_put(keys->credentials);
    *keys = (struct account_credentials){.kind = CREDENTIAL_ROLE};
    tell(fleet, account);
}

void fleet_fail_keys(struct fleet *fleet, size_t account, bool keep)
{
    struct account_credentials *keys = &fleet->accounts[account].keys;

    keys->kind = CREDENTIAL_ROLE;
    error_set(&keys->error, ERROR_TRANSIENT, "STS cannot be reached");
    if (!keep) {
        credentials_put(keys->credentials);
        keys->credentials = NULL;
        keys->expiry_unix_ms = 0;
    }
    tell(fleet, account);
}

/* As the keyring does, the same keys stay the same object. */
static void configure(struct fleet_account *account)
{
    struct credentials *wanted = account->unconfigured ? NULL : credentials_of(account->key);
    struct credentials *had = account->keys.credentials;

    if (wanted != NULL && had != NULL && strcmp(wanted->access_key_id, had->access_key_id) == 0) {
        credentials_put(wanted);
        return;
    }
    credentials_put(had);
    account->keys = (struct account_credentials){.kind = wanted != NULL ? CREDENTIAL_STATIC : CREDENTIAL_NONE,
                                                 .credentials = wanted};
}

void fleet_configure_keys(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->account_count; i++) {
        configure(&fleet->accounts[i]);
        tell(fleet, i);
    }
}

void fleet_forget_keys(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->account_count; i++)
        credentials_put(fleet->accounts[i].keys.credentials);
}
