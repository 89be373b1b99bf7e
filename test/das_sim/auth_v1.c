/* The older signature, in the parameters: STS speaks it. */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "reply.h"
#include "sim.h"

static const char *const mandatory[] = {"Action",         "Version",         "Timestamp",
                                        "SignatureNonce", "SignatureMethod", "SignatureVersion",
                                        "AccessKeyId",    "Signature"};

static const char *param(const struct call *call, const char *name)
{
    return field_list_get(&call->params, name);
}

bool auth_v1_identify(struct call *call)
{
    const char *id = param(call, "AccessKeyId");

    if (id == NULL)
        reply_error(call, 400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.");
    return id != NULL && auth_find_key(call, id);
}

static bool check_params(struct call *call)
{
    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
        if (field_list_count(&call->params, mandatory[i]) != 1) {
            reply_error(call, 400, "IncompleteSignature",
                        "The request signature does not conform to Aliyun standards: %s is needed "
                        "exactly once. AccessKeyId is: %s",
                        mandatory[i], call->key->id);
            return false;
        }
    }
    if (strcmp(param(call, "SignatureMethod"), "HMAC-SHA1") != 0 ||
        strcmp(param(call, "SignatureVersion"), "1.0") != 0) {
        reply_error(call, 400, "InvalidParameter",
                    "SignatureMethod must be HMAC-SHA1 and SignatureVersion 1.0.");
        return false;
    }
    return true;
}

static bool check_signature(struct call *call)
{
    char *text = sign_v1_string_to_sign("POST", &call->params);
    char expected[SIGN_V1_SIZE];
    bool same;

    sign_v1_signature(expected, call->key->secret, text);
    same = sign_equal(expected, param(call, "Signature"));
    if (!same)
        reply_error(call, 400, "SignatureDoesNotMatch",
                    "Specified signature is not matched with our calculation. AccessKeyId is: %s, "
                    "server string to sign is:%s",
                    call->key->id, text);
    free(text);
    return same;
}

bool auth_v1_verify(struct call *call)
{
    return auth_check_enabled(call) && check_params(call) &&
           auth_check_date(call, param(call, "Timestamp")) && check_signature(call) &&
           auth_check_token(call, param(call, "SecurityToken")) &&
           auth_check_nonce(call, param(call, "SignatureNonce"));
}
