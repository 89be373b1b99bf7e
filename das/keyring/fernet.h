/*
 * Fernet tokens (the specification: docs/das.md), as the accounts table of the inventory database
 * holds its secrets: AES-128-CBC, guarded by HMAC-SHA256 over everything before it, which is
 * checked in constant time before anything is decrypted. Pure: time and random bytes are arguments.
 * Any thread; nothing blocks, but deriving a key takes tens of milliseconds.
 */
#ifndef DAS_KEYRING_FERNET_H
#define DAS_KEYRING_FERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"

#define FERNET_HALF_KEY_SIZE 16
#define FERNET_IV_SIZE       16
#define FERNET_MESSAGE_MAX   ((size_t)64 << 10) /* bytes of a message */

/* A value; whoever holds one ends with fernet_key_release(). */
struct fernet_key {
    unsigned char signing[FERNET_HALF_KEY_SIZE];
    unsigned char encryption[FERNET_HALF_KEY_SIZE];
};

enum fernet_status {
    FERNET_OK,
    FERNET_NOT_BASE64,
    FERNET_TRUNCATED,     /* shorter than a token can be, or not in whole blocks */
    FERNET_WRONG_VERSION, /* the first byte is not 0x80 */
    FERNET_WRONG_MAC,     /* another key, or a token that was changed */
    FERNET_WRONG_PADDING, /* the MAC is right, but what was encrypted is not padded */
    FERNET_TOO_LONG,      /* more than FERNET_MESSAGE_MAX */
    FERNET_FAILED,        /* memory ran out, or OpenSSL lacks an algorithm */
};

/* One line for people: what is wrong and what to do. Never NULL, never a part of the token. */
const char *fernet_status_text(enum fernet_status status);

/*
 * PBKDF2-HMAC-SHA256 with 100 000 rounds and the constant salt of the accounts table. Slow on
 * purpose: derive once and keep the key. False when OpenSSL fails; *key is zeroed then.
 */
bool fernet_key_derive(struct fernet_key *key, const char *password);

/* A key in its text form (base64url of 32 bytes). False when it is none; *key is zeroed then. */
bool fernet_key_parse(struct fernet_key *key, const char *text);

/* Zeroes the key. */
void fernet_key_release(struct fernet_key *key);

/* Appends a token (base64url text). The random bytes of `iv` must be new for every token. */
enum fernet_status fernet_encrypt(const struct fernet_key *key, const void *message, size_t length,
                                  int64_t unix_seconds, const unsigned char iv[FERNET_IV_SIZE],
                                  struct strbuf *token);

/*
 * Replaces the content of *message (initialised), which the caller ends with strbuf_release_secret();
 * it may hold NUL bytes, and is empty unless the result is FERNET_OK. The age of the token does not
 * matter.
 */
enum fernet_status fernet_decrypt(const struct fernet_key *key, const char *token, size_t length,
                                  struct strbuf *message);

/*
 * The same for the form in aliyun_uids.encrypted_access_key_secret, whose writers encode a token,
 * which is text already, to base64url once more. A plain token is accepted by the second as well.
 */
enum fernet_status fernet_encrypt_column(const struct fernet_key *key, const void *message, size_t length,
                                         int64_t unix_seconds, const unsigned char iv[FERNET_IV_SIZE],
                                         struct strbuf *column);
enum fernet_status fernet_decrypt_column(const struct fernet_key *key, const char *column, size_t length,
                                         struct strbuf *message);

#endif
