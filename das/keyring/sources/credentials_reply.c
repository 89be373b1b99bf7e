#include "das/keyring/sources/credentials_reply.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "das/keyring/sources/credentials_error.h"
#include "das/sign.h"

#define EXPIRATION_FORM "dddd-dd-ddTdd:dd:ddZ"

/* The member of that name in any case, an exact match first; NULL when absent. */
static json_t *member(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);
    const char *key;
    json_t *value;

    if (found != NULL)
        return found;
    json_object_foreach(object, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

static const char *text_member(json_t *object, const char *name)
{
    const char *text = json_string_value(member(object, name));

    return text != NULL ? text : "";
}

static int64_t number_at(const char *text, size_t digits)
{
    int64_t number = 0;

    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

/* Days from 1970-01-01 to the given date of the Gregorian calendar. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t before = year - 1;
    int64_t days = 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) -
                   (1969 / 4 - 1969 / 100 + 1969 / 400);

    for (int64_t m = 1; m < month; m++)
        days += days_of_month(year, m);
    return days + day - 1;
}

bool credentials_parse_expiration(const char *text, int64_t *unix_ms)
{
    int64_t year, month, day, hour, minute, second;

    *unix_ms = 0;
    if (strlen(text) != strlen(EXPIRATION_FORM))
        return false;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';

        if (EXPIRATION_FORM[i] == 'd' ? !is_digit : text[i] != EXPIRATION_FORM[i])
            return false;
    }
    year = number_at(text, 4);
    month = number_at(text + 5, 2);
    day = number_at(text + 8, 2);
    hour = number_at(text + 11, 2);
    minute = number_at(text + 14, 2);
    second = number_at(text + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    *unix_ms = (((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    return true;
}

static bool fail_malformed(const struct credentials_reply *reply, const char *reason, struct error *error)
{
    error_set(error, ERROR_MALFORMED, "%s: %s", reply->what, reason);
    return false;
}

static bool fail_no_memory(const struct credentials_reply *reply, struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "%s: out of memory while reading the answer", reply->what);
    return false;
}

static bool fail_as_said(const struct credentials_reply *reply, json_t *root, struct error *error)
{
    const struct server_error said = {
        .http_status = reply->http_status,
        .code = text_member(root, "Code"),
        .message = text_member(root, "Message"),
        .request_id = text_member(root, "RequestId"),
    };

    credentials_error_explain(reply->what, reply->advice, &said, reply->secrets, error);
    return false;
}

/* A body that is no JSON object: a gateway's XML, or whatever stands between. */
static bool fail_foreign(const struct credentials_reply *reply, struct error *error)
{
    struct server_error said = {reply->http_status, "", "the answer is no JSON", ""};
    struct server_error_xml xml;

    if (server_error_read_xml(reply->body, reply->length, &xml))
        said = (struct server_error){reply->http_status, xml.code, xml.message, xml.request_id};
    credentials_error_explain(reply->what, reply->advice, &said, reply->secrets, error);
    return false;
}

/* NULL with *error when the body is no JSON object. */
static json_t *load_object(const struct credentials_reply *reply, struct error *error)
{
    json_error_t json_error;
    json_t *root = json_loadb(reply->body, reply->length, 0, &json_error);

    if (json_is_object(root))
        return root;
    /* Jansson gives no reason in most cases of memory that ran out. */
    if (root == NULL &&
        (json_error_code(&json_error) == json_error_out_of_memory || json_error.text[0] == '\0'))
        fail_no_memory(reply, error);
    else
        fail_foreign(reply, error);
    json_decref(root);
    return NULL;
}

static bool read_credentials(const struct credentials_reply *reply, json_t *object,
                             struct issued_credentials *out, struct error *error)
{
    const char *access_key_id = text_member(object, "AccessKeyId");
    const char *access_key_secret = text_member(object, "AccessKeySecret");
    const char *security_token = text_member(object, "SecurityToken");
    int64_t expiry;

    if (access_key_id[0] == '\0' || access_key_secret[0] == '\0' || security_token[0] == '\0')
        return fail_malformed(reply, "the answer lacks AccessKeyId, AccessKeySecret or SecurityToken", error);
    if (!sign_header_value_ok(access_key_id) || !sign_header_value_ok(security_token))
        return fail_malformed(reply, "AccessKeyId or SecurityToken has blanks or control characters", error);
    if (!credentials_parse_expiration(text_member(object, "Expiration"), &expiry))
        return fail_malformed(reply, "Expiration is missing or not like 2026-01-02T03:04:05Z", error);
    out->credentials = credentials_new(access_key_id, access_key_secret, security_token);
    if (out->credentials == NULL)
        return fail_no_memory(reply, error);
    out->expiry_unix_ms = expiry;
    return true;
}

bool credentials_parse_sts_reply(const struct credentials_reply *reply, struct issued_credentials *out,
                                 struct error *error)
{
    json_t *root = load_object(reply, error);
    json_t *credentials;
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    if (root == NULL)
        return false;
    credentials = member(root, "Credentials");
    if (reply->http_status < 200 || reply->http_status > 299 || text_member(root, "Code")[0] != '\0')
        ok = fail_as_said(reply, root, error);
    else if (!json_is_object(credentials))
        ok = fail_malformed(reply, "the answer has no Credentials", error);
    else
        ok = read_credentials(reply, credentials, out, error);
    json_decref(root);
    return ok;
}

bool credentials_parse_metadata_reply(const struct credentials_reply *reply, struct issued_credentials *out,
                                      struct error *error)
{
    json_t *root = load_object(reply, error);
    const char *code;
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    if (root == NULL)
        return false;
    code = text_member(root, "Code");
    if (reply->http_status != 200 || (code[0] != '\0' && strcasecmp(code, "Success") != 0))
        ok = fail_as_said(reply, root, error);
    else
        ok = read_credentials(reply, root, out, error);
    json_decref(root);
    return ok;
}

void credentials_explain_reply(const struct credentials_reply *reply, struct error *error)
{
    json_t *root = load_object(reply, error);

    if (root != NULL)
        fail_as_said(reply, root, error);
    json_decref(root);
}
