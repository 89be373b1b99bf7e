/* What the sources of temporary credentials answer: credentials with all their parts, or an error. */
#include <assert.h>
#include <string.h>

#include "das/keyring/sources/credentials_reply.h"
#include "test/fuzz/fuzz_input.h"

#define HEADER_SIZE 2 /* bytes that choose the parser and the status */

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 200, 201, 302, 400, 403, 404, 429, 500};
    const char *text = (const char *)data + HEADER_SIZE;
    size_t length;

    if (size < HEADER_SIZE)
        return 0;
    length = size - HEADER_SIZE;
    check_reply(data[0] % 2 == 1, statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))], text, length);
    return 0;
}
