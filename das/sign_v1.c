#include "das/sign_v1.h"

#include <openssl/evp.h>
#include <string.h>

#include "core/clock.h"

#define SHA1_SIZE             20
#define SYSTEM_PARAMETERS_MAX 9

static size_t list_system_parameters(const struct sign_v1_request *request, const char *date,
                                     struct sign_parameter *list)
{
    size_t count = 0;

    list[count++] = (struct sign_parameter){"AccessKeyId", request->access_key_id};
    list[count++] = (struct sign_parameter){"Action", request->action};
    list[count++] = (struct sign_parameter){"Format", request->format};
    if (request->security_token != NULL && request->security_token[0] != '\0')
        list[count++] = (struct sign_parameter){"SecurityToken", request->security_token};
    list[count++] = (struct sign_parameter){"SignatureMethod", "HMAC-SHA1"};
    list[count++] = (struct sign_parameter){"SignatureNonce", request->nonce};
    list[count++] = (struct sign_parameter){"SignatureVersion", "1.0"};
    list[count++] = (struct sign_parameter){"Timestamp", date};
    list[count++] = (struct sign_parameter){"Version", request->version};
    return count;
}

static int compare_parameters(const void *a, const void *b)
{
    const struct sign_parameter *left = a;
    const struct sign_parameter *right = b;

    return strcmp(left->name, right->name);
}

void sign_append_parameters(const struct sign_parameter *parameters, size_t count, struct strbuf *out)
{
    size_t size = 0;

    /* Room at once: growing would leave copies of a token behind in freed memory. */
    for (size_t i = 0; i < count; i++)
        size += 3 * (strlen(parameters[i].name) + strlen(parameters[i].value)) + 2;
    strbuf_reserve(out, size);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_append_char(out, '&');
        sign_percent_encode(parameters[i].name, out);
        strbuf_append_char(out, '=');
        sign_percent_encode(parameters[i].value, out);
    }
}

bool sign_hmac_sha1(const char *key, const char *text, size_t length, char signature[SIGN_V1_SIGNATURE_SIZE])
{
    unsigned char mac[SHA1_SIZE];
    size_t size = 0;

    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key, strlen(key), (const unsigned char *)text, length,
                  mac, sizeof(mac), &size) == NULL ||
        size != sizeof(mac))
        return false;
    return EVP_EncodeBlock((unsigned char *)signature, mac, (int)sizeof(mac)) == SIGN_V1_SIGNATURE_SIZE - 1;
}

/* METHOD&%2F& and the sorted parameters, encoded once more; "%2F" is the path "/". */
static bool build_text(const char *method, const struct sign_parameter *sorted, size_t count,
                       struct strbuf *text)
{
    struct strbuf parameters;
    bool ok;

    strbuf_init(&parameters, 0);
    sign_append_parameters(sorted, count, &parameters);
    strbuf_reserve(text, strlen(method) + strlen("&%2F&") + 3 * parameters.length);
    strbuf_append_text(text, method);
    strbuf_append_text(text, "&%2F&");
    sign_percent_encode(strbuf_text(&parameters), text);
    ok = !strbuf_failed(&parameters) && !strbuf_failed(text);
    strbuf_release_secret(&parameters);
    return ok;
}

static bool sign_text(const char *secret, const struct strbuf *text, char *signature)
{
    struct strbuf key;
    bool ok;

    strbuf_init(&key, 0);
    strbuf_reserve(&key, strlen(secret) + 1);
    strbuf_append_text(&key, secret);
    strbuf_append_char(&key, '&');
    ok =
        !strbuf_failed(&key) && sign_hmac_sha1(strbuf_text(&key), strbuf_text(text), text->length, signature);
    strbuf_release_secret(&key);
    return ok;
}

static bool compute_signature(const struct sign_v1_request *request, const struct sign_parameter *system_list,
                              size_t system_count, char *signature)
{
    struct sign_parameter sorted[SYSTEM_PARAMETERS_MAX + SIGN_PARAMETERS_MAX];
    size_t count = 0;
    struct strbuf text;
    bool ok;

    for (size_t i = 0; i < system_count; i++)
        sorted[count++] = system_list[i];
    for (size_t i = 0; i < request->parameter_count; i++)
        sorted[count++] = request->parameters[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_parameters);
    strbuf_init(&text, 0);
    ok = build_text(request->method, sorted, count, &text) &&
         sign_text(request->access_key_secret, &text, signature);
    strbuf_release_secret(&text);
    return ok;
}

bool sign_v1(const struct sign_v1_request *request, struct strbuf *query, struct strbuf *form)
{
    struct sign_parameter list[SYSTEM_PARAMETERS_MAX + 1];
    char signature[SIGN_V1_SIGNATURE_SIZE];
    char date[CLOCK_ISO_SIZE];
    size_t count;

    if (request->parameter_count > SIGN_PARAMETERS_MAX)
        return false;
    clock_format_iso(request->unix_seconds * 1000, date);
    count = list_system_parameters(request, date, list);
    if (!compute_signature(request, list, count, signature))
        return false;
    list[count++] = (struct sign_parameter){"Signature", signature};
    sign_append_parameters(list, count, query);
    sign_append_parameters(request->parameters, request->parameter_count, form);
    return !strbuf_failed(query) && !strbuf_failed(form);
}
