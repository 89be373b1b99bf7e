/*
 * The credentials of every account: resolved from the configuration and the accounts table, and kept
 * fresh. What the registry is to samples, the keyring is to keys: its threads write, everybody reads
 * what is in force now and nobody waits.
 *
 * Temporary credentials are fetched again after 80 % of their life (with jitter), one fetch at a
 * time for an account, a few accounts at once; the old ones serve as long as they are valid. Files
 * are read again every few seconds. A fetch that fails is repeated with back-off: from 1 s to a minute
 * for what may pass by itself, from 1 to 30 minutes for what somebody has to mend.
 */
#ifndef DAS_KEYRING_KEYRING_H
#define DAS_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/credentials.h"
#include "core/error.h"

struct keyring;

/* What is known of the credentials of one account at one moment. A value of the caller's. */
struct keyring_entry {
    enum credential_kind kind;       /* CREDENTIAL_NONE: nothing is configured for the account */
    struct credentials *credentials; /* one reference; NULL: none that are valid */
    int64_t expiry_unix_ms;          /* of those; 0: they do not expire, or there are none */
    struct error error; /* why the last fetch failed; ERROR_NONE: it did not, or none has ended */
};

/* Puts the reference and leaves an empty entry. */
void keyring_entry_release(struct keyring_entry *entry);

/* A row of the accounts table. Borrowed texts, never NULL. */
struct keyring_row {
    const char *aliyun_uid;
    const char *access_key_id;
    const char *encrypted_access_key_secret;
};

struct keyring_sink {
    void *context;
    /*
     * The entry of an account is another one now (credentials, error or kind). Called on a thread of the
     * keyring or of whoever changed it, without a lock; may block.
     */
    void (*changed)(void *context, const char *aliyun_uid);
};

/*
 * Resolves what needs no waiting (values in the configuration) at once; everything else after
 * keyring_start(). Keeps a reference to config. NULL when memory runs out.
 */
struct keyring *keyring_new(struct config *config, const struct keyring_sink *sink, uint64_t random_seed);

/* Starts the threads. False with *error. Main thread. */
bool keyring_start(struct keyring *keyring, struct error *error);

/* Aborts what is under way and ends the threads, within a moment. The entries stay. Main thread. */
void keyring_stop(struct keyring *keyring);

/* Zeroes and frees. No thread may use it any more. NULL is allowed. */
void keyring_free(struct keyring *keyring);

/*
 * The entry of an account in force now; CREDENTIAL_NONE for one that is not known. Takes the lock
 * for a moment. Any thread.
 */
void keyring_lookup(struct keyring *keyring, const char *aliyun_uid, struct keyring_entry *entry);

/*
 * The server refused these credentials of the account as expired: they are fetched at once, unless
 * they are not in force any more or that is under way. Ends in sink->changed, also when nothing newer
 * can be had: then the entry has an error, and the same credentials if they may still be tried.
 * False, and nothing follows, when the account is not known. Does not block. Any thread.
 */
bool keyring_refused(struct keyring *keyring, const char *aliyun_uid, const struct credentials *refused);

/*
 * The accounts of the inventory, beside those of the configuration, which are always known. New ones
 * are resolved, those that vanished are forgotten. False when memory runs out: nothing changed.
 * Calls sink->changed for what can be known at once. Any thread.
 */
bool keyring_set_accounts(struct keyring *keyring, const char *const *aliyun_uids, size_t count);

/* The accounts table as it is now; rows that did not change keep their credentials. As above. */
bool keyring_set_table(struct keyring *keyring, const struct keyring_row *rows, size_t count);

/*
 * A new configuration, in two parts so that a reload is all or nothing: prepare does all that can
 * fail and changes nothing, commit puts it in force and cannot fail, abandon drops it. Accounts whose source is
 * the same keep their credentials; those with another source keep the old ones until the new ones
 * are there; those whose last fetch failed are fetched again at once. NULL when memory runs out. Between prepare and commit the accounts of the inventory and the
 * table may change. Main thread.
 */
struct keyring_change;
struct keyring_change *keyring_prepare(struct keyring *keyring, struct config *config);
void keyring_commit(struct keyring *keyring, struct keyring_change *change);
void keyring_abandon(struct keyring_change *change); /* NULL is allowed */

/*
 * Fetches the credentials of one account now, on the calling thread, without any of the threads: for
 * --check. Blocks. The entry is what keyring_lookup() gives afterwards.
 */
void keyring_fetch(struct keyring *keyring, const char *aliyun_uid, struct keyring_entry *entry);

#endif
