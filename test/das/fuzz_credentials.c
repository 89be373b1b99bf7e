/*
 * libFuzzer entry: what the sources of temporary credentials answer, and the column of a Fernet token.
 * Checks what holds for every input whatever.
 */
#undef NDEBUG /* the checks are the point, whatever the build type */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "das/base64url.h"
#include "das/credentials_reply.h"
#include "das/fernet.h"

#define HEADER_SIZE 2 /* bytes that choose the parser and the status */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(bool is_sts, long http_status, const char *body, size_t length)
{
    const struct credentials_reply reply = {
        .http_status = http_status, .body = body, .length = length, .what = "what", .advice = ""};
    struct issued_credentials issued;
    struct error error;
    bool ok;

    error_clear(&error);
    ok = is_sts ? credentials_parse_sts_reply(&reply, &issued, &error)
                : credentials_parse_metadata_reply(&reply, &issued, &error);
    assert(ok == (issued.credentials != NULL));
    assert(ok == (error.class == ERROR_NONE));
    assert(!ok || (issued.credentials->access_key_id[0] != '\0' &&
                   issued.credentials->access_key_secret[0] != '\0' &&
                   issued.credentials->security_token[0] != '\0' && issued.expiry_unix_ms >= 0));
    assert(ok || strncmp(error.message, "what: ", 6) == 0);
    issued_credentials_release(&issued);
}

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

static void check_column(const char *text, size_t length)
{
    struct fernet_key key = {{0}, {0}};
    struct strbuf message;
    enum fernet_status status;

    strbuf_init(&message, 0);
    status = fernet_decrypt_column(&key, text, length, &message);
    assert(status == FERNET_OK || message.length == 0);
    strbuf_release(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 200, 201, 302, 400, 403, 404, 429, 500};
    const char *text = (const char *)data + HEADER_SIZE;
    size_t length;

    if (size < HEADER_SIZE)
        return 0;
    length = size - HEADER_SIZE;
    if (data[0] % 3 == 0) {
        check_base64url(text, length);
        check_column(text, length);
    } else {
        check_reply(data[0] % 3 == 1, statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))], text,
                    length);
    }
    return 0;
}
