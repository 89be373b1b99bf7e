/* Reads what the sources of temporary credentials answer. Pure; any thread. */
#ifndef DAS_KEYRING_SOURCES_CREDENTIALS_REPLY_H
#define DAS_KEYRING_SOURCES_CREDENTIALS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "das/keyring/sources/credential_source.h"

/* An answer, borrowed, and for whom it is explained. */
struct credentials_reply {
    long http_status;
    const char *body;
    size_t length;
    const char *what;                  /* what failed when it did: "cannot assume the role R" */
    const char *advice;                /* what to do when it was refused without a known code; "": nothing */
    const struct credentials *secrets; /* texts that never get into an error; NULL: none */
};

/*
 * The answer of STS: Credentials{AccessKeyId, AccessKeySecret, SecurityToken, Expiration}, all of them
 * there and not empty. *out and *error as in das/keyring/sources/credential_source.h.
 */
bool credentials_parse_sts_reply(const struct credentials_reply *reply, struct issued_credentials *out,
                                 struct error *error);

/*
 * The answer of the metadata service or of a credentials URI: the same members at the top level. With
 * a Code, which must be Success. HTTP 200 only.
 */
bool credentials_parse_metadata_reply(const struct credentials_reply *reply, struct issued_credentials *out,
                                      struct error *error);

/* For an answer that cannot be what was asked for, whatever it holds: makes an error of it. */
void credentials_explain_reply(const struct credentials_reply *reply, struct error *error);

/* "YYYY-MM-DDThh:mm:ssZ", a date that exists, 1970 to 9999; nothing else, whatever the locale. */
bool credentials_parse_expiration(const char *text, int64_t *unix_ms);

#endif
