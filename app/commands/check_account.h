/* One account under --check: its credentials, and whether Alibaba Cloud accepts them. */
#ifndef APP_COMMANDS_CHECK_ACCOUNT_H
#define APP_COMMANDS_CHECK_ACCOUNT_H

#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "das/client.h"
#include "das/keyring/keyring.h"
#include "db/inventory.h"

struct account_trial {
    enum credential_kind kind;
    int64_t expiry_unix_ms; /* 0: they do not expire, or were not fetched */
    struct error error;     /* ERROR_NONE: nothing is wrong, as far as it was tried */
};

/*
 * Looks up how an account gets its credentials and, unless `client` is NULL, fetches them and asks for the
 * sessions of `target` (NULL: there is none to ask for): the submit of one result, which nobody
 * collects. Blocks. Main thread.
 */
void account_try(struct keyring *keyring, struct das_client *client, const char *aliyun_uid,
                 const struct target *target, struct account_trial *trial);

#endif
