#include "das/server_error.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/strbuf.h"
#include "core/text.h"
#include "das/reply.h"

#define MESSAGE_MAX 160 /* bytes of the server's message that are kept */
#define MASK        "***"
#define OLD_TOKEN   "SecurityToken.Expired"

static const struct server_error_rule code_rules[] = {
    {"Throttling", ERROR_THROTTLED, "lower [das] rate_limit if this goes on: others may share the quota"},
    {"ServiceUnavailable", ERROR_TRANSIENT, ""},
    {"InternalError", ERROR_TRANSIENT, ""},
    {"InvalidTimeStamp.Expired", ERROR_CLOCK_SKEW, "correct the clock of this machine"},
    {"SignatureNonceUsed", ERROR_NONCE_USED, ""},
    {"SignatureDoesNotMatch", ERROR_CREDENTIALS, "check access_key_secret of the account"},
    {"IncompleteSignature", ERROR_CREDENTIALS, "check access_key_id and access_key_secret of the account"},
    {"InvalidAccessKeyId", ERROR_CREDENTIALS, "check access_key_id of the account"},
    {"Forbidden.AccessKeyDisabled", ERROR_CREDENTIALS, "enable the access key or configure another"},
    {"InvalidSecurityToken", ERROR_TOKEN_EXPIRED,
     "the temporary credentials of the account are to be renewed"},
    {"MissingSecurityToken", ERROR_TOKEN_EXPIRED, "a temporary AccessKey needs its security_token"},
    {"Forbidden.RAM", ERROR_REFUSED, "grant hdm:GetMySQLAllSessionAsync to the RAM user or role"},
    {"Forbidden", ERROR_REFUSED, "check that the instance belongs to the account"},
    {"InvalidParams", ERROR_REFUSED, "check the instance and node ids in the inventory"},
    {"InvalidParameter", ERROR_REFUSED, "check the instance and node ids in the inventory"},
};

/* Parts of a message that show that it repeats what was signed. */
static const char *const signed_text_marks[] = {"ACS3-HMAC", "x-acs-", "SignedHeaders", "StringToSign"};

const struct server_error_rule *server_error_find_rule(const struct server_error_rule *rules, size_t count,
                                                       const char *code)
{
    for (size_t i = 0; i < count; i++) {
        if (strncasecmp(code, rules[i].prefix, strlen(rules[i].prefix)) == 0)
            return &rules[i];
    }
    return NULL;
}

static const struct server_error_rule *find_rule(const char *code)
{
    return server_error_find_rule(code_rules, sizeof(code_rules) / sizeof(code_rules[0]), code);
}

static enum error_class status_class(long http_status)
{
    if (http_status == 429)
        return ERROR_THROTTLED;
    if (http_status == 408 || (http_status >= 500 && http_status <= 599))
        return ERROR_TRANSIENT;
    if (http_status >= 400 && http_status <= 499)
        return ERROR_REFUSED;
    if (http_status >= 200 && http_status <= 299)
        return ERROR_REMOTE;
    return ERROR_MALFORMED;
}

enum error_class das_error_class(const char *code, long http_status)
{
    const struct server_error_rule *rule = find_rule(code);
    int64_t code_status;

    if (strcasestr(code, "ResultId") != NULL)
        return ERROR_RESULT_LOST;
    if (rule != NULL)
        return rule->class;
    if (http_status >= 200 && http_status <= 299 && text_parse_int(code, 400, 599, &code_status))
        return status_class((long)code_status);
    return status_class(http_status);
}

/* The length of the longest text of the credentials that stands at `text`; 0 when none does. */
static size_t secret_length(const char *text, const struct credentials *credentials)
{
    const char *const secrets[] = {credentials->access_key_id, credentials->access_key_secret,
                                   credentials->security_token};
    size_t longest = 0;

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        size_t length = strlen(secrets[i]);

        if (length > longest && strncmp(text, secrets[i], length) == 0)
            longest = length;
    }
    return longest;
}

static void append_redacted(const char *text, const struct credentials *credentials, struct strbuf *out)
{
    while (*text != '\0') {
        size_t secret = credentials != NULL ? secret_length(text, credentials) : 0;
        size_t character;

        if (secret > 0) {
            strbuf_append_text(out, MASK);
            text += secret;
            continue;
        }
        character = text_utf8_length(text, strnlen(text, 4));
        if (character == 0)
            strbuf_append_char(out, '?');
        else
            strbuf_append(out, text, character);
        text += character == 0 ? 1 : character;
    }
}

/* Redacts before it cuts: the start of a secret at the cut would be no match any more. */
static void copy_message(const char *message, const struct credentials *credentials, char *out, size_t size)
{
    struct strbuf redacted;
    struct error cut;

    strbuf_init(&redacted, 0);
    append_redacted(message, credentials, &redacted);
    if (strbuf_failed(&redacted))
        strbuf_reset(&redacted);
    error_set(&cut, ERROR_NONE, "%s", strbuf_text(&redacted)); /* cuts between characters */
    if (strlen(cut.message) >= size) {
        size_t length = size - 1;

        while (length > 0 && ((unsigned char)cut.message[length] & 0xc0) == 0x80)
            length--;
        cut.message[length] = '\0';
    }
    snprintf(out, size, "%s", cut.message);
    strbuf_release(&redacted);
}

/* Codes and ids are for logs, labels and comparisons: only what such a word is made of. */
static void copy_word(const char *word, const struct credentials *credentials, char *out, size_t size)
{
    copy_message(word, credentials, out, size);
    for (char *p = out; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("._-*", *p) == NULL)
            *p = '_';
    }
}

static bool repeats_signed_text(const struct server_error *said)
{
    if (strncasecmp(said->code, "SignatureDoesNotMatch", strlen("SignatureDoesNotMatch")) == 0 ||
        strncasecmp(said->code, "IncompleteSignature", strlen("IncompleteSignature")) == 0)
        return true;
    for (size_t i = 0; i < sizeof(signed_text_marks) / sizeof(signed_text_marks[0]); i++) {
        if (strcasestr(said->message, signed_text_marks[i]) != NULL)
            return true;
    }
    return false;
}

/* Some gateways take an expired token for a bad parameter, and only the message says which. */
static bool names_old_token(const struct server_error *said, enum error_class class)
{
    return class == ERROR_REFUSED &&
           (strcasestr(said->code, OLD_TOKEN) != NULL || strcasestr(said->message, OLD_TOKEN) != NULL);
}

void server_error_explain(const struct server_error *said, enum error_class class,
                          const struct credentials *credentials, struct error *error)
{
    const bool is_old_token = names_old_token(said, class);
    const struct server_error_rule *rule = find_rule(is_old_token ? "InvalidSecurityToken" : said->code);
    const char *advice = rule != NULL ? rule->advice : "";
    char code[sizeof(error->code)];
    char request_id[sizeof(error->request_id)];
    char message[MESSAGE_MAX + 1];

    copy_word(said->code, credentials, code, sizeof(code));
    copy_word(said->request_id, credentials, request_id, sizeof(request_id));
    if (repeats_signed_text(said))
        snprintf(message, sizeof(message), "the message is withheld because it repeats what was signed");
    else
        copy_message(said->message, credentials, message, sizeof(message));
    error_set(error, is_old_token ? ERROR_TOKEN_EXPIRED : class, "HTTP %ld%s%s%s%s%s%s", said->http_status,
              code[0] != '\0' ? ", code " : "", code, message[0] != '\0' ? ": " : "", message,
              advice[0] != '\0' ? "; " : "", advice);
    memcpy(error->code, code, sizeof(code));
    memcpy(error->request_id, request_id, sizeof(request_id));
}

/* The text between <tag> and </tag>; "" when it is not there. */
static void read_element(const char *body, size_t length, const char *tag, char *text, size_t size)
{
    char open[32];
    char close[32];
    const char *start, *end;
    size_t text_length;

    text[0] = '\0';
    snprintf(open, sizeof(open), "<%s>", tag);
    snprintf(close, sizeof(close), "</%s>", tag);
    start = memmem(body, length, open, strlen(open));
    if (start == NULL)
        return;
    start += strlen(open);
    end = memmem(start, length - (size_t)(start - body), close, strlen(close));
    if (end == NULL)
        return;
    text_length = (size_t)(end - start);
    if (text_length >= size)
        text_length = size - 1;
    memcpy(text, start, text_length);
    text[text_length] = '\0';
}

/* HTML has an element <code>, too; only XML's capitals are those of a gateway. */
bool server_error_read_xml(const char *body, size_t length, struct server_error_xml *fields)
{
    read_element(body, length, "Code", fields->code, sizeof(fields->code));
    read_element(body, length, "Message", fields->message, sizeof(fields->message));
    read_element(body, length, "RequestId", fields->request_id, sizeof(fields->request_id));
    return length > 0 && fields->code[0] != '\0';
}
