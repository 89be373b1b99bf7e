#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "operation.h"
#include "reply.h"
#include "sim.h"

static const char *const mandatory[] = {"host",       "x-acs-action",          "x-acs-version",
                                        "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"};

bool auth_v3_identify(struct call *call)
{
    const char *header = field_list_get(&call->headers, "authorization");

    if (header == NULL || !sign_v3_parse(&call->authorization, header)) {
        reply_error(call, 400, "IncompleteSignature",
                    "The request signature does not conform to Aliyun standards: Authorization is %s",
                    header == NULL ? "missing" : header);
        return false;
    }
    return auth_find_key(call, call->authorization.credential);
}

static bool is_signed(const char *signed_headers, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = signed_headers; (at = strstr(at, name)) != NULL; at += size) {
        bool begins = at == signed_headers || at[-1] == ';';

        if (begins && (at[size] == '\0' || at[size] == ';'))
            return true;
    }
    return false;
}

/* Lower case, strictly increasing. */
static bool is_well_ordered(const char *signed_headers)
{
    char *copy = xstrdup(signed_headers);
    char *rest = copy;
    const char *previous = "";
    bool ordered = true;

    for (const char *name; (name = strsep(&rest, ";")) != NULL; previous = name) {
        if (strcmp(previous, name) >= 0 || strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") != NULL)
            ordered = false;
    }
    free(copy);
    return ordered;
}

static bool incomplete(struct call *call, const char *what, const char *name)
{
    reply_error(call, 400, "IncompleteSignature",
                "The request signature does not conform to Aliyun standards: %s %s (Authorization: %s)", what,
                name, field_list_get(&call->headers, "authorization"));
    return false;
}

static bool check_headers(struct call *call)
{
    const char *signed_headers = call->authorization.signed_headers;

    if (!is_well_ordered(signed_headers))
        return incomplete(call, "SignedHeaders not in order or not lower case:", signed_headers);
    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
        if (field_list_count(&call->headers, mandatory[i]) != 1)
            return incomplete(call, "needed exactly once:", mandatory[i]);
        if (!is_signed(signed_headers, mandatory[i]))
            return incomplete(call, "not signed:", mandatory[i]);
    }
    for (size_t i = 0; i < call->headers.count; i++) {
        const char *name = call->headers.at[i].name;

        if (strncmp(name, "x-acs-", 6) == 0 && !is_signed(signed_headers, name))
            return incomplete(call, "sent and not signed:", name);
    }
    return true;
}

/* The real message, too, shows the whole string to sign and the canonical request
 * with the key and the token in it: whoever logs it must redact it. */
static void reply_mismatch(struct call *call, const char *string_to_sign, const char *canonical)
{
    reply_error(call, 400, "SignatureDoesNotMatch",
                "Specified signature does not match our calculation. AccessKeyId is: %s, "
                "server string to sign is: %s, server canonical request is: %s",
                call->key->id, string_to_sign, canonical);
}

static bool check_body_hash(struct call *call)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(call->request);
    size_t size = evbuffer_get_length(body);
    char hash[SIGN_V3_SIZE];

    sign_sha256_hex(hash, size == 0 ? "" : (const char *)evbuffer_pullup(body, -1), size);
    if (sign_equal(hash, field_list_get(&call->headers, "x-acs-content-sha256")))
        return true;
    reply_error(call, 400, "SignatureDoesNotMatch",
                "x-acs-content-sha256 does not match the body. AccessKeyId is: %s, server hash is: %s",
                call->key->id, hash);
    return false;
}

static bool check_signature(struct call *call)
{
    char *canonical =
        sign_v3_canonical_request("POST", &call->params, &call->headers, call->authorization.signed_headers,
                                  field_list_get(&call->headers, "x-acs-content-sha256"));
    char *text;
    char expected[SIGN_V3_SIZE];
    bool same;

    if (canonical == NULL)
        return incomplete(call, "signed and not sent:", call->authorization.signed_headers);
    text = sign_v3_string_to_sign(canonical);
    sign_v3_signature(expected, call->key->secret, text);
    same = sign_equal(expected, call->authorization.signature);
    if (!same)
        reply_mismatch(call, text, canonical);
    free(text);
    free(canonical);
    return same;
}

static bool check_key_header(struct call *call)
{
    const char *id = field_list_get(&call->headers, "x-acs-accesskey-id");

    if (id == NULL || strcmp(id, call->key->id) == 0)
        return true;
    return incomplete(call, "differs from the Credential:", "x-acs-accesskey-id");
}

static bool check_version(struct call *call)
{
    if (strcmp(field_list_get(&call->headers, "x-acs-version"), OPERATION_VERSION) == 0)
        return true;
    reply_error(call, 400, "InvalidVersion", "Specified parameter Version is not valid.");
    return false;
}

bool auth_v3_verify(struct call *call)
{
    return auth_check_enabled(call) && check_headers(call) && check_key_header(call) &&
           auth_check_date(call, field_list_get(&call->headers, "x-acs-date")) && check_body_hash(call) &&
           check_signature(call) &&
           auth_check_token(call, field_list_get(&call->headers, "x-acs-security-token")) &&
           auth_check_nonce(call, field_list_get(&call->headers, "x-acs-signature-nonce")) &&
           check_version(call);
}
