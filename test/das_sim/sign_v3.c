#include "sign.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

static const char scheme[] = "ACS3-HMAC-SHA256";

static void to_hex(char *out, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

void sign_sha256_hex(char out[SIGN_V3_SIZE], const void *data, size_t size)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};

    (void)EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL);
    to_hex(out, digest, 32);
}

bool sign_equal(const char *expected, const char *given)
{
    size_t size = strlen(expected);

    return strlen(given) == size && CRYPTO_memcmp(expected, given, size) == 0;
}

char *sign_take_text(struct evbuffer *buffer)
{
    size_t size = evbuffer_get_length(buffer);
    char *text = xcalloc(size + 1, 1);

    (void)evbuffer_remove(buffer, text, size);
    evbuffer_free(buffer);
    return text;
}

static void append_encoded(struct evbuffer *out, const char *text)
{
    char *encoded = evhttp_uriencode(text, -1, 0);

    if (encoded == NULL)
        abort();
    (void)evbuffer_add(out, encoded, strlen(encoded));
    free(encoded);
}

void sign_append_query(struct evbuffer *out, const struct field_list *params, const char *skip)
{
    const char *separator = "";

    for (size_t i = 0; i < params->count; i++) {
        const struct field *param = &params->at[i];

        if (skip != NULL && strcmp(param->name, skip) == 0)
            continue;
        (void)evbuffer_add(out, separator, strlen(separator));
        append_encoded(out, param->name);
        (void)evbuffer_add(out, "=", 1);
        append_encoded(out, param->value);
        separator = "&";
    }
}

/* Where the part called name is kept, or NULL when no part is called so. */
static char **part_slot(struct sign_v3_authorization *out, const char *name, size_t size)
{
    if (size == 10 && memcmp(name, "Credential", size) == 0)
        return &out->credential;
    if (size == 13 && memcmp(name, "SignedHeaders", size) == 0)
        return &out->signed_headers;
    if (size == 9 && memcmp(name, "Signature", size) == 0)
        return &out->signature;
    return NULL;
}

bool sign_v3_parse(struct sign_v3_authorization *out, const char *header)
{
    size_t scheme_size = strlen(scheme);

    *out = (struct sign_v3_authorization){0};
    if (strncmp(header, scheme, scheme_size) != 0 || header[scheme_size] != ' ')
        return false;
    for (const char *part = header + scheme_size; *part != '\0';) {
        part += strspn(part, " ,");
        size_t size = strcspn(part, ",");
        size_t name_size = strcspn(part, "=");
        char **slot = name_size < size ? part_slot(out, part, name_size) : NULL;

        if (slot == NULL || *slot != NULL || name_size + 1 == size)
            return false;
        *slot = strndup(part + name_size + 1, size - name_size - 1);
        part += size;
    }
    return out->credential != NULL && out->signed_headers != NULL && out->signature != NULL;
}

void sign_v3_release(struct sign_v3_authorization *authorization)
{
    free(authorization->credential);
    free(authorization->signed_headers);
    free(authorization->signature);
    *authorization = (struct sign_v3_authorization){0};
}

static bool append_headers(struct evbuffer *out, const struct field_list *headers, const char *signed_headers)
{
    for (const char *name = signed_headers; *name != '\0';) {
        size_t size = strcspn(name, ";");
        char *copy = strndup(name, size);
        const char *value = copy == NULL ? NULL : field_list_get(headers, copy);

        if (value != NULL)
            (void)evbuffer_add_printf(out, "%s:%s\n", copy, value);
        free(copy);
        if (value == NULL)
            return false;
        name += size;
        name += *name == ';';
    }
    return true;
}

char *sign_v3_canonical_request(const char *method, struct field_list *params,
                                const struct field_list *headers, const char *signed_headers,
                                const char *body_hash)
{
    struct evbuffer *out = evbuffer_new();

    if (out == NULL)
        abort();
    field_list_sort(params);
    (void)evbuffer_add_printf(out, "%s\n/\n", method);
    sign_append_query(out, params, NULL);
    (void)evbuffer_add(out, "\n", 1);
    if (!append_headers(out, headers, signed_headers)) {
        evbuffer_free(out);
        return NULL;
    }
    (void)evbuffer_add_printf(out, "\n%s\n%s", signed_headers, body_hash);
    return sign_take_text(out);
}

char *sign_v3_string_to_sign(const char *canonical_request)
{
    char hash[SIGN_V3_SIZE];

    sign_sha256_hex(hash, canonical_request, strlen(canonical_request));
    return xprintf("%s\n%s", scheme, hash);
}

void sign_v3_signature(char out[SIGN_V3_SIZE], const char *secret, const char *string_to_sign)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};

    (void)HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)string_to_sign,
               strlen(string_to_sign), digest, NULL);
    to_hex(out, digest, 32);
}
