/* One attempt to get the credentials of one entry of the keyring, whatever its source is. */
#ifndef DAS_KEYRING_KEY_FETCH_H
#define DAS_KEYRING_KEY_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "das/keyring/key_source.h"
#include "das/keyring/sources/credential_source.h"
#include "das/transport.h"

/*
 * Blocks on files and on the network, or computes for tens of milliseconds (the password). `caller` is
 * what the source needs of another entry, NULL when it needs nothing; `held` what it gave before, or NULL.
 *
 * *out as in das/keyring/sources/credential_source.h; expiry 0: it does not expire. Of the password it holds the
 * password as id and, as secret, the text form of the key made of it (fernet_key_parse); `held` itself
 * when the password is the same. The thread that owns the transport.
 */
bool key_fetch(struct transport *transport, const struct key_source *source, const struct credentials *caller,
               struct credentials *held, struct issued_credentials *out, struct error *error);

#endif
