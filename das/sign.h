/*
 * Alibaba Cloud's request signature, version 3 (ACS3-HMAC-SHA256), for POST requests with
 * parameters in the query and an empty body. Pure: date and nonce are arguments.
 * Facts and their sources: docs/das.md.
 */
#ifndef DAS_SIGN_H
#define DAS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"

struct sign_parameter {
    const char *name;
    const char *value;
};

struct sign_request {
    const char *host; /* as sent in the Host header, with a port when it is not the default */
    const char *action;
    const char *version;
    const char *access_key_id;
    const char *access_key_secret;
    const char *security_token; /* NULL or "": none */
    bool send_access_key_id;    /* add a signed x-acs-accesskey-id header */
    const struct sign_parameter *parameters;
    size_t parameter_count; /* at most SIGN_PARAMETERS_MAX */
    int64_t unix_seconds;   /* x-acs-date */
    const char *nonce;      /* 32 hex digits, new for every attempt */
};

#define SIGN_PARAMETERS_MAX 16

/* What goes on the wire. */
struct signed_request {
    struct strbuf query;   /* the canonical query, without '?' */
    struct strbuf headers; /* "name: value" lines separated by '\n', host and Authorization included */
};

void signed_request_init(struct signed_request *out);

/* Frees; what may hold a secret is overwritten first. */
void signed_request_release(struct signed_request *out);

/*
 * True when the text can stand in a header as it is: no control characters and no blanks around
 * it, which the server would trim before it checks the signature.
 */
bool sign_header_value_ok(const char *value);

/*
 * Fills *out (initialised; earlier content is dropped). Any thread, does not block. False when
 * memory runs out, OpenSSL fails, there are too many parameters or a header value is not ok.
 */
bool sign_v3(const struct sign_request *request, struct signed_request *out);

/* RFC 3986 with the unreserved set only: space is %20, '*' is %2A, bytes above 127 are %XX. */
void sign_percent_encode(const char *text, struct strbuf *out);

/* The hex digest of the canonical request, for diagnosing and for the published vector. */
bool sign_canonical_hash(const struct sign_request *request, char hex[65]);

#endif
