#include "das/keyring/sources/credentials_error.h"

#include <string.h>
#include <strings.h>

static const struct server_error_rule code_rules[] = {
    {"Throttling", ERROR_TRANSIENT, ""},
    {"ServiceUnavailable", ERROR_TRANSIENT, ""},
    {"InternalError", ERROR_TRANSIENT, ""},
    {"SignatureNonceUsed", ERROR_TRANSIENT, ""},
    {"InvalidTimeStamp", ERROR_CLOCK_SKEW, "correct the clock of this machine"},
    {"InvalidSecurityToken", ERROR_TOKEN_EXPIRED, "renew the token of the key that assumes the role"},
    {"MissingSecurityToken", ERROR_TOKEN_EXPIRED, "the key that assumes the role needs its security_token"},
    {"InvalidAccessKeyId", ERROR_CREDENTIALS, "check the access_key_id that assumes the role"},
    {"SignatureDoesNotMatch", ERROR_CREDENTIALS, "check the access_key_secret that assumes the role"},
    {"IncompleteSignature", ERROR_CREDENTIALS, "check the key that assumes the role"},
    {"Forbidden.AccessKeyDisabled", ERROR_CREDENTIALS, "enable the key that assumes the role"},
    {"NoPermission", ERROR_CREDENTIALS,
     "grant sts:AssumeRole to the RAM user and name it in the role's trust policy"},
    {"EntityNotExist", ERROR_CREDENTIALS, "there is no such role; check role_arn"},
    {"InvalidParameter.RoleArn", ERROR_CREDENTIALS, "check role_arn"},
    {"InvalidParameter.RoleSessionName", ERROR_CREDENTIALS, "check role_session_name"},
    {"InvalidParameter.DurationSeconds", ERROR_CREDENTIALS,
     "lower the duration to the role's maximum session duration"},
    {"InvalidParameter.Policy", ERROR_CREDENTIALS, "check policy"},
    {"AuthenticationFail.NoPermission", ERROR_CREDENTIALS,
     "let the role's trust policy name the OIDC provider and this service account"},
    {"AuthenticationFail.OIDCToken.Expired", ERROR_CREDENTIALS,
     "oidc_token_file holds an old token; check what renews it"},
    {"AuthenticationFail", ERROR_CREDENTIALS, "check oidc_token_file and oidc_provider_arn"},
};

/* Parts of a message that show that it repeats what was signed, keys and tokens included. */
static const char *const signed_text_marks[] = {"string to sign", "&%2F", "%3D"};

static const struct server_error_rule *find_rule(const char *code)
{
    return server_error_find_rule(code_rules, sizeof(code_rules) / sizeof(code_rules[0]), code);
}

enum error_class credentials_error_class(const char *code, long http_status)
{
    const struct server_error_rule *rule = find_rule(code);

    if (rule != NULL)
        return rule->class;
    if (http_status == 429 || http_status == 408 || (http_status >= 500 && http_status <= 599))
        return ERROR_TRANSIENT;
    if ((http_status >= 400 && http_status <= 499) || code[0] != '\0')
        return ERROR_CREDENTIALS;
    return ERROR_MALFORMED;
}

static bool repeats_signed_text(const struct server_error *said)
{
    if (strncasecmp(said->code, "Signature", strlen("Signature")) == 0 ||
        strncasecmp(said->code, "IncompleteSignature", strlen("IncompleteSignature")) == 0)
        return true;
    for (size_t i = 0; i < sizeof(signed_text_marks) / sizeof(signed_text_marks[0]); i++) {
        if (strcasestr(said->message, signed_text_marks[i]) != NULL)
            return true;
    }
    return false;
}

void credentials_error_explain(const char *what, const char *advice, const struct server_error *said,
                               const struct credentials *secrets, struct error *error)
{
    enum error_class class = credentials_error_class(said->code, said->http_status);
    const struct server_error_rule *rule = find_rule(said->code);
    struct server_error words = *said;
    struct error codes, message;

    if (rule != NULL)
        advice = rule->advice;
    else if (class != ERROR_CREDENTIALS)
        advice = "";
    server_error_explain(&words, class, secrets, &codes);
    /* Without the code, the text has no advice about DAS. */
    words.code = "";
    if (repeats_signed_text(said))
        words.message = "the message is withheld because it repeats what was signed";
    server_error_explain(&words, class, secrets, &message);
    error_set(error, class, "%s: %s%s%s%s(%s)", what, codes.code,
              codes.code[0] == '\0' ? ""
              : advice[0] != '\0'   ? "; "
                                    : " ",
              advice, advice[0] != '\0' ? " " : "", message.message);
    memcpy(error->code, codes.code, sizeof(error->code));
    memcpy(error->request_id, codes.request_id, sizeof(error->request_id));
}
