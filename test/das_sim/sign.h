/* The two signatures of the platform, written from its documentation and not from
 * the exporter's signer: this is the independent check of it. Pure functions; the
 * caller frees every returned text. */
#ifndef DAS_SIM_SIGN_H
#define DAS_SIM_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "field.h"

struct evbuffer;

enum {
    SIGN_V3_SIZE = 65, /* 64 hex digits and the NUL */
    SIGN_V1_SIZE = 29  /* base64 of 20 bytes and the NUL */
};

/* The parts of "ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…". */
struct sign_v3_authorization {
    char *credential;
    char *signed_headers;
    char *signature;
};

/* False when a part is missing, empty or unknown; release it in both cases. */
bool sign_v3_parse(struct sign_v3_authorization *out, const char *header);
void sign_v3_release(struct sign_v3_authorization *authorization);

/* The CanonicalRequest. headers: lower-case names, trimmed values. Sorts params.
 * NULL when a header named in signed_headers is not among headers. */
char *sign_v3_canonical_request(const char *method, struct field_list *params,
                                const struct field_list *headers, const char *signed_headers,
                                const char *body_hash);
char *sign_v3_string_to_sign(const char *canonical_request);
void sign_v3_signature(char out[SIGN_V3_SIZE], const char *secret, const char *string_to_sign);

/* params: query and form parameters; the one called Signature is left out. Sorts them. */
char *sign_v1_string_to_sign(const char *method, struct field_list *params);
void sign_v1_signature(char out[SIGN_V1_SIZE], const char *secret, const char *string_to_sign);

/* Lower-case hex of SHA-256. */
void sign_sha256_hex(char out[SIGN_V3_SIZE], const void *data, size_t size);
/* Appends name=value&… with both sides percent-encoded, skipping one name (or NULL). */
void sign_append_query(struct evbuffer *out, const struct field_list *params, const char *skip);
/* The content of a buffer as text; frees the buffer. */
char *sign_take_text(struct evbuffer *buffer);
/* Equal texts, in a time that does not depend on where they differ. */
bool sign_equal(const char *expected, const char *given);

#endif
