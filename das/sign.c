/*
 * The canonical request, the text to sign and the signature, each in a buffer of exactly the
 * right size from the start: a buffer that grows leaves copies of the token behind in freed
 * memory.
 */
#include "das/sign.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <string.h>

#include "core/clock.h"

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "OpenSSL 3.0 or newer is needed"
#endif

#define ALGORITHM         "ACS3-HMAC-SHA256"
#define EMPTY_BODY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_SIZE       32
#define HEX_SIZE          (2 * SHA256_SIZE + 1)
#define HEADERS_MAX       8
#define FIXED_TEXT_SIZE   1024 /* more than all names, dates, digests and separators take */

struct header {
    const char *name;
    const char *value;
};

/* The headers to sign in the order of their names, which is the order the signature needs. */
struct header_set {
    struct header headers[HEADERS_MAX];
    size_t count;
    size_t value_size; /* of all values together */
    bool ok;
    char date[CLOCK_ISO_SIZE];
};

void signed_request_init(struct signed_request *out)
{
    strbuf_init(&out->query, 0);
    strbuf_init(&out->headers, 0);
}

void signed_request_release(struct signed_request *out)
{
    strbuf_release(&out->query);
    strbuf_release_secret(&out->headers);
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void sign_percent_encode(const char *text, struct strbuf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (is_unreserved(c)) {
            strbuf_append_char(out, *p);
        } else {
            const char encoded[] = {'%', digits[c >> 4], digits[c & 15]};

            strbuf_append(out, encoded, sizeof(encoded));
        }
    }
}

bool sign_header_value_ok(const char *value)
{
    size_t length = strlen(value);

    if (length > 0 && (value[0] == ' ' || value[length - 1] == ' '))
        return false;
    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

static int compare_parameters(const void *a, const void *b)
{
    const struct sign_parameter *left = a;
    const struct sign_parameter *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->value, right->value);
}

static bool append_query(const struct sign_request *request, struct strbuf *out)
{
    struct sign_parameter sorted[SIGN_PARAMETERS_MAX];

    if (request->parameter_count > SIGN_PARAMETERS_MAX)
        return false;
    for (size_t i = 0; i < request->parameter_count; i++)
        sorted[i] = request->parameters[i];
    qsort(sorted, request->parameter_count, sizeof(sorted[0]), compare_parameters);
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (i > 0)
            strbuf_append_char(out, '&');
        sign_percent_encode(sorted[i].name, out);
        strbuf_append_char(out, '=');
        sign_percent_encode(sorted[i].value, out);
    }
    return !strbuf_failed(out);
}

static void header_set_add(struct header_set *set, const char *name, const char *value)
{
    set->headers[set->count++] = (struct header){name, value};
    set->value_size += strlen(value);
    set->ok = set->ok && sign_header_value_ok(value);
}

static void header_set_init(struct header_set *set, const struct sign_request *request)
{
    *set = (struct header_set){.ok = true};
    clock_format_iso(request->unix_seconds * 1000, set->date);
    header_set_add(set, "host", request->host);
    if (request->send_access_key_id)
        header_set_add(set, "x-acs-accesskey-id", request->access_key_id);
    header_set_add(set, "x-acs-action", request->action);
    header_set_add(set, "x-acs-content-sha256", EMPTY_BODY_SHA256);
    header_set_add(set, "x-acs-date", set->date);
    if (request->security_token != NULL && request->security_token[0] != '\0')
        header_set_add(set, "x-acs-security-token", request->security_token);
    header_set_add(set, "x-acs-signature-nonce", request->nonce);
    header_set_add(set, "x-acs-version", request->version);
}

static void append_header_lines(const struct header_set *set, const char *separator, struct strbuf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        strbuf_append_text(out, set->headers[i].name);
        strbuf_append_text(out, separator);
        strbuf_append_text(out, set->headers[i].value);
        strbuf_append_char(out, '\n');
    }
}

static void append_header_names(const struct header_set *set, struct strbuf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0)
            strbuf_append_char(out, ';');
        strbuf_append_text(out, set->headers[i].name);
    }
}

static void format_hex(const unsigned char digest[SHA256_SIZE], char hex[HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[HEX_SIZE - 1] = '\0';
}

/* The digest of the canonical request, in hex. */
static bool canonical_hash(const struct header_set *set, const struct strbuf *query, char hex[HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    size_t digest_size = 0;
    struct strbuf canonical;
    bool ok;

    strbuf_init(&canonical, 0);
    strbuf_reserve(&canonical, FIXED_TEXT_SIZE + query->length + set->value_size);
    strbuf_append_text(&canonical, "POST\n/\n");
    strbuf_append_text(&canonical, strbuf_text(query));
    strbuf_append_char(&canonical, '\n');
    append_header_lines(set, ":", &canonical);
    strbuf_append_char(&canonical, '\n');
    append_header_names(set, &canonical);
    strbuf_append_text(&canonical, "\n" EMPTY_BODY_SHA256);
    ok = !strbuf_failed(&canonical) &&
         EVP_Q_digest(NULL, "SHA256", NULL, canonical.data, canonical.length, digest, &digest_size) == 1;
    if (ok)
        format_hex(digest, hex);
    strbuf_release_secret(&canonical);
    return ok;
}

static bool signature_of(const char *secret, const char *canonical_hex, char hex[HEX_SIZE])
{
    unsigned char mac[SHA256_SIZE];
    char text[sizeof(ALGORITHM) + HEX_SIZE];
    size_t mac_size = 0;
    int length = snprintf(text, sizeof(text), ALGORITHM "\n%s", canonical_hex);

    if (length < 0 || (size_t)length >= sizeof(text))
        return false;
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, strlen(secret), (const unsigned char *)text,
                  (size_t)length, mac, sizeof(mac), &mac_size) == NULL)
        return false;
    format_hex(mac, hex);
    return true;
}

static void append_authorization(const struct header_set *set, const char *access_key_id,
                                 const char *signature, struct strbuf *out)
{
    strbuf_append_text(out, "Authorization: " ALGORITHM " Credential=");
    strbuf_append_text(out, access_key_id);
    strbuf_append_text(out, ",SignedHeaders=");
    append_header_names(set, out);
    strbuf_append_text(out, ",Signature=");
    strbuf_append_text(out, signature);
}

bool sign_v3(const struct sign_request *request, struct signed_request *out)
{
    struct header_set set;
    char canonical_hex[HEX_SIZE];
    char signature[HEX_SIZE];

    strbuf_reset(&out->query);
    strbuf_reset(&out->headers);
    header_set_init(&set, request);
    if (!set.ok || !sign_header_value_ok(request->access_key_id) || !append_query(request, &out->query))
        return false;
    if (!canonical_hash(&set, &out->query, canonical_hex) ||
        !signature_of(request->access_key_secret, canonical_hex, signature))
        return false;
    strbuf_reserve(&out->headers, FIXED_TEXT_SIZE + set.value_size + strlen(request->access_key_id));
    append_header_lines(&set, ": ", &out->headers);
    append_authorization(&set, request->access_key_id, signature, &out->headers);
    return !strbuf_failed(&out->headers);
}

bool sign_canonical_hash(const struct sign_request *request, char hex[HEX_SIZE])
{
    struct header_set set;
    struct strbuf query;
    bool ok;

    strbuf_init(&query, 0);
    header_set_init(&set, request);
    ok = set.ok && append_query(request, &query) && canonical_hash(&set, &query, hex);
    strbuf_release(&query);
    return ok;
}
