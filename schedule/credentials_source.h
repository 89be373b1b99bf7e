/*
 * Where the engine gets the credentials of accounts from: the keyring, as it is seen from here. The engine hands
 * them to the collector and never looks into them.
 */
#ifndef SCHEDULE_CREDENTIALS_SOURCE_H
#define SCHEDULE_CREDENTIALS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/credentials.h"
#include "core/error.h"

/* What is known of the credentials of one account now. */
struct account_credentials {
    enum credential_kind kind;       /* CREDENTIAL_NONE: nothing is configured for the account */
    struct credentials *credentials; /* one reference; NULL: none that are valid */
    int64_t expiry_unix_ms;          /* of those; 0: they do not expire, or there are none */
    struct error error;              /* why there are none or no newer ones; ERROR_NONE: all is well */
};

/* Both are called on the scheduler thread and do not block. */
struct credentials_source {
    void *context;
    void (*lookup)(void *context, const char *aliyun_uid, struct account_credentials *known);
    /*
     * These were refused as expired: newer ones are fetched, and scheduler_credentials_changed() tells the end of
     * it. False, and nothing follows, for an account that is not known.
     */
    bool (*refused)(void *context, const char *aliyun_uid, const struct credentials *refused);
};

#endif
