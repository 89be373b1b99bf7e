/* The column of an account's secret, and its base64: what was not encrypted with the key gives nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "das/keyring/base64url.h"
#include "das/keyring/fernet.h"
#include "test/fuzz/fuzz_input.h"

/* Whatever is decoded is encoded to the same text again, but for padding. */
static void check_base64url(const char *text, size_t length)
{
    struct strbuf bytes, again;

    strbuf_init(&bytes, 0);
    strbuf_init(&again, 0);
    if (base64url_decode(text, length, &bytes)) {
        base64url_encode(strbuf_text(&bytes), bytes.length, &again);
        assert(again.length >= length && memcmp(strbuf_text(&again), text, length) == 0);
    }
    strbuf_release(&bytes);
    strbuf_release(&again);
}

static void check_column(const struct fernet_key *key, const char *text, size_t length)
{
    struct strbuf message;
    enum fernet_status status;

    strbuf_init(&message, 0);
    status = fernet_decrypt_column(key, text, length, &message);
    assert(status == FERNET_OK || message.length == 0);
    assert(fernet_status_text(status)[0] != '\0');
    strbuf_release(&message);
}

/* Any message comes back from its column. */
static void check_round_trip(const struct fernet_key *key, const uint8_t *data, size_t size)
{
    static const unsigned char iv[FERNET_IV_SIZE] = {7};
    struct strbuf column, message;

    strbuf_init(&column, 0);
    strbuf_init(&message, 0);
    assert(fernet_encrypt_column(key, data, size, 0, iv, &column) == FERNET_OK);
    assert(fernet_decrypt_column(key, strbuf_text(&column), column.length, &message) == FERNET_OK);
    assert(message.length == size && memcmp(strbuf_text(&message), data, size) == 0);
    strbuf_release(&column);
    strbuf_release(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fernet_key key = {{0}, {0}};
    struct fernet_key parsed;
    char *text = input_text(data, size);

    check_base64url((const char *)data, size);
    check_column(&key, (const char *)data, size);
    check_round_trip(&key, data, size);
    fernet_key_parse(&parsed, text);
    fernet_key_release(&parsed);
    free(text);
    return 0;
}
