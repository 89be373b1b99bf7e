/* Base64 with the alphabet for URLs and file names (RFC 4648, section 5). Pure; any thread. */
#ifndef DAS_KEYRING_BASE64URL_H
#define DAS_KEYRING_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strbuf.h"

/* Appends the encoding, with padding. */
void base64url_encode(const void *bytes, size_t length, struct strbuf *out);

/*
 * Appends the decoded bytes; leaves no copies of them elsewhere. False when the text is not what an
 * encoder makes (another character, a blank or line break included; padding that is wrong, though it
 * may be absent; bits behind the last byte), or when *out failed.
 */
bool base64url_decode(const char *text, size_t length, struct strbuf *out);

#endif
