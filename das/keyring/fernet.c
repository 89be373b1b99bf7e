/*
 * A token, before it is encoded:
 *
 *     0x80 | time, 8 bytes big-endian | IV, 16 | ciphertext, n times 16 | HMAC, 32
 */
#include "das/keyring/fernet.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "das/keyring/base64url.h"

#define VERSION       0x80
#define TIME_SIZE     8
#define BLOCK_SIZE    16
#define MAC_SIZE      32
#define IV_OFFSET     (1 + TIME_SIZE)
#define CIPHER_OFFSET (IV_OFFSET + FERNET_IV_SIZE)
#define TOKEN_MAX     (CIPHER_OFFSET + FERNET_MESSAGE_MAX + BLOCK_SIZE + MAC_SIZE)
#define TEXT_MAX      (TOKEN_MAX * 2) /* more than base64 makes of it, even twice */

#define PBKDF2_ROUNDS 100000
#define PBKDF2_SALT   "salt_32bytes_length_for_pbkdf2"

const char *fernet_status_text(enum fernet_status status)
{
    switch (status) {
    case FERNET_OK:
        return "fine";
    case FERNET_NOT_BASE64:
        return "not urlsafe base64: it was cut or changed, or is no Fernet token; encrypt the secret again";
    case FERNET_TRUNCATED:
        return "the Fernet token is cut short: check the width of the column, or encrypt the secret again";
    case FERNET_WRONG_VERSION:
        return "not a Fernet token of version 0x80; encrypt the secret again";
    case FERNET_WRONG_MAC:
        return "the HMAC of the Fernet token does not fit: it was encrypted with another password, or "
               "changed afterwards; check the encryption password";
    case FERNET_WRONG_PADDING:
        return "what the Fernet token holds is not padded as it must be; encrypt the secret again";
    case FERNET_TOO_LONG:
        return "longer than any secret; encrypt the secret again";
    default:
        return "out of memory, or OpenSSL lacks AES-128-CBC, HMAC or PBKDF2";
    }
}

static void split_key(const unsigned char *bytes, struct fernet_key *key)
{
    memcpy(key->signing, bytes, FERNET_HALF_KEY_SIZE);
    memcpy(key->encryption, bytes + FERNET_HALF_KEY_SIZE, FERNET_HALF_KEY_SIZE);
}

void fernet_key_release(struct fernet_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
}

bool fernet_key_derive(struct fernet_key *key, const char *password)
{
    unsigned char bytes[2 * FERNET_HALF_KEY_SIZE];
    size_t length = strlen(password);
    bool ok =
        length <= INT32_MAX &&
        PKCS5_PBKDF2_HMAC(password, (int)length, (const unsigned char *)PBKDF2_SALT, (int)strlen(PBKDF2_SALT),
                          PBKDF2_ROUNDS, EVP_sha256(), (int)sizeof(bytes), bytes) == 1;

    fernet_key_release(key);
    if (ok)
        split_key(bytes, key);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return ok;
}

bool fernet_key_parse(struct fernet_key *key, const char *text)
{
    struct strbuf bytes;
    bool ok;

    fernet_key_release(key);
    strbuf_init(&bytes, 0);
    ok = base64url_decode(text, strlen(text), &bytes) && bytes.length == sizeof(*key);
    if (ok)
        split_key((const unsigned char *)bytes.data, key);
    strbuf_release_secret(&bytes);
    return ok;
}

static bool compute_mac(const struct fernet_key *key, const unsigned char *bytes, size_t length,
                        unsigned char mac[MAC_SIZE])
{
    size_t size = 0;

    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->signing, sizeof(key->signing), bytes, length,
                     mac, MAC_SIZE, &size) != NULL &&
           size == MAC_SIZE;
}

/* Writes all but the MAC. `token` has the room. */
static bool encrypt_message(const struct fernet_key *key, const void *message, size_t length,
                            unsigned char *token)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char *out = token + CIPHER_OFFSET;
    int written = 0;
    int last = 0;
    bool ok =
        context != NULL &&
        EVP_EncryptInit_ex2(context, EVP_aes_128_cbc(), key->encryption, token + IV_OFFSET, NULL) == 1 &&
        EVP_EncryptUpdate(context, out, &written, message, (int)length) == 1 &&
        EVP_EncryptFinal_ex(context, out + written, &last) == 1;

    EVP_CIPHER_CTX_free(context);
    return ok;
}

enum fernet_status fernet_encrypt(const struct fernet_key *key, const void *message, size_t length,
                                  int64_t unix_seconds, const unsigned char iv[FERNET_IV_SIZE],
                                  struct strbuf *token)
{
    size_t signed_size = CIPHER_OFFSET + (length / BLOCK_SIZE + 1) * BLOCK_SIZE;
    enum fernet_status status = FERNET_FAILED;
    unsigned char *bytes;

    if (length > FERNET_MESSAGE_MAX)
        return FERNET_TOO_LONG;
    bytes = malloc(signed_size + MAC_SIZE);
    if (bytes == NULL)
        return FERNET_FAILED;
    bytes[0] = VERSION;
    for (size_t i = 0; i < TIME_SIZE; i++)
        bytes[1 + i] = (unsigned char)((uint64_t)unix_seconds >> (8 * (TIME_SIZE - 1 - i)));
    memcpy(bytes + IV_OFFSET, iv, FERNET_IV_SIZE);
    if (encrypt_message(key, message, length, bytes) &&
        compute_mac(key, bytes, signed_size, bytes + signed_size)) {
        base64url_encode(bytes, signed_size + MAC_SIZE, token);
        status = strbuf_failed(token) ? FERNET_FAILED : FERNET_OK;
    }
    free(bytes);
    return status;
}

static enum fernet_status decrypt_message(const struct fernet_key *key, const unsigned char *token,
                                          size_t cipher_size, unsigned char *out, size_t *length)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    enum fernet_status status = FERNET_FAILED;
    int written = 0;
    int last = 0;

    if (context != NULL &&
        EVP_DecryptInit_ex2(context, EVP_aes_128_cbc(), key->encryption, token + IV_OFFSET, NULL) == 1 &&
        EVP_DecryptUpdate(context, out, &written, token + CIPHER_OFFSET, (int)cipher_size) == 1)
        status = EVP_DecryptFinal_ex(context, out + written, &last) == 1 ? FERNET_OK : FERNET_WRONG_PADDING;
    EVP_CIPHER_CTX_free(context);
    *length = (size_t)written + (size_t)last;
    return status;
}

/* The token is whole and its MAC fits. */
static enum fernet_status open_token(const struct fernet_key *key, const unsigned char *token,
                                     size_t cipher_size, struct strbuf *message)
{
    size_t room = cipher_size + BLOCK_SIZE;
    unsigned char *plain = malloc(room);
    enum fernet_status status;
    size_t length;

    if (plain == NULL)
        return FERNET_FAILED;
    status = decrypt_message(key, token, cipher_size, plain, &length);
    if (status == FERNET_OK) {
        strbuf_reserve(message, length);
        strbuf_append(message, plain, length);
        status = strbuf_failed(message) ? FERNET_FAILED : FERNET_OK;
    }
    OPENSSL_cleanse(plain, room);
    free(plain);
    return status;
}

static enum fernet_status decrypt_bytes(const struct fernet_key *key, const struct strbuf *token,
                                        struct strbuf *message)
{
    const unsigned char *bytes = (const unsigned char *)strbuf_text(token);
    unsigned char mac[MAC_SIZE];
    size_t signed_size;

    if (token->length > 0 && bytes[0] != VERSION)
        return FERNET_WRONG_VERSION;
    if (token->length < CIPHER_OFFSET + BLOCK_SIZE + MAC_SIZE ||
        (token->length - CIPHER_OFFSET - MAC_SIZE) % BLOCK_SIZE != 0)
        return FERNET_TRUNCATED;
    if (token->length > TOKEN_MAX)
        return FERNET_TOO_LONG;
    signed_size = token->length - MAC_SIZE;
    if (!compute_mac(key, bytes, signed_size, mac))
        return FERNET_FAILED;
    if (CRYPTO_memcmp(mac, bytes + signed_size, MAC_SIZE) != 0)
        return FERNET_WRONG_MAC;
    return open_token(key, bytes, signed_size - CIPHER_OFFSET, message);
}

static enum fernet_status decode(const char *text, size_t length, struct strbuf *bytes)
{
    if (length > TEXT_MAX)
        return FERNET_TOO_LONG;
    if (base64url_decode(text, length, bytes))
        return FERNET_OK;
    return strbuf_failed(bytes) ? FERNET_FAILED : FERNET_NOT_BASE64;
}

enum fernet_status fernet_decrypt(const struct fernet_key *key, const char *token, size_t length,
                                  struct strbuf *message)
{
    enum fernet_status status;
    struct strbuf bytes;

    strbuf_reset(message);
    strbuf_init(&bytes, 0);
    status = decode(token, length, &bytes);
    if (status == FERNET_OK)
        status = decrypt_bytes(key, &bytes, message);
    strbuf_release(&bytes);
    return status;
}

enum fernet_status fernet_encrypt_column(const struct fernet_key *key, const void *message, size_t length,
                                         int64_t unix_seconds, const unsigned char iv[FERNET_IV_SIZE],
                                         struct strbuf *column)
{
    enum fernet_status status;
    struct strbuf token;

    strbuf_init(&token, 0);
    status = fernet_encrypt(key, message, length, unix_seconds, iv, &token);
    if (status == FERNET_OK) {
        base64url_encode(strbuf_text(&token), token.length, column);
        status = strbuf_failed(column) ? FERNET_FAILED : FERNET_OK;
    }
    strbuf_release(&token);
    return status;
}

/* Decoded once, a plain token starts with the version, the column's form with a token's text. */
enum fernet_status fernet_decrypt_column(const struct fernet_key *key, const char *column, size_t length,
                                         struct strbuf *message)
{
    enum fernet_status status;
    struct strbuf token;

    strbuf_reset(message);
    strbuf_init(&token, 0);
    status = decode(column, length, &token);
    if (status == FERNET_OK && token.length > 0 && (unsigned char)token.data[0] == VERSION)
        status = decrypt_bytes(key, &token, message);
    else if (status == FERNET_OK)
        status = fernet_decrypt(key, strbuf_text(&token), token.length, message);
    strbuf_release(&token);
    return status;
}
