/*
 * Alibaba Cloud's older request signature, version 1 (HMAC-SHA1), which STS speaks: the system's
 * parameters and the signature in the query, the action's own parameters in a form. Pure: date and
 * nonce are arguments. Any thread, nothing blocks. Facts and their sources: docs/das.md.
 */
#ifndef DAS_SIGN_V1_H
#define DAS_SIGN_V1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "das/sign.h"

struct sign_v1_request {
    const char *method; /* "GET" or "POST" */
    const char *action;
    const char *version;
    const char *format; /* of the answer: "JSON" or "XML" */
    const char *access_key_id;
    const char *access_key_secret;
    const char *security_token; /* NULL or "": none */
    const struct sign_parameter *parameters;
    size_t parameter_count; /* at most SIGN_PARAMETERS_MAX */
    int64_t unix_seconds;   /* Timestamp */
    const char *nonce;      /* new for every attempt */
};

/*
 * Appends the query, without '?', and the form. Both may hold secrets: end with
 * strbuf_release_secret(). False when memory runs out, OpenSSL fails or there are too many
 * parameters.
 */
bool sign_v1(const struct sign_v1_request *request, struct strbuf *query, struct strbuf *form);

/* Appends name=value pairs, percent-encoded and joined by '&', in the given order. */
void sign_append_parameters(const struct sign_parameter *parameters, size_t count, struct strbuf *out);

/* The Base64 of 20 bytes, with its NUL. */
#define SIGN_V1_SIGNATURE_SIZE 29

/* Base64 of HMAC-SHA1 with `key` as it is. False when OpenSSL fails. */
bool sign_hmac_sha1(const char *key, const char *text, size_t length, char signature[SIGN_V1_SIGNATURE_SIZE]);

#endif
