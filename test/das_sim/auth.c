#include "auth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reply.h"
#include "sim.h"

bool auth_identify(struct call *call)
{
    return call->is_v1 ? auth_v1_identify(call) : auth_v3_identify(call);
}

bool auth_verify(struct call *call)
{
    return call->is_v1 ? auth_v1_verify(call) : auth_v3_verify(call);
}

bool auth_find_key(struct call *call, const char *access_key_id)
{
    call->key = account_book_find_key(&call->sim->accounts, access_key_id);
    if (call->key == NULL)
        reply_error(call, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    return call->key != NULL;
}

bool auth_check_date(struct call *call, const char *date)
{
    struct tm parts = {0};
    const char *end = strptime(date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    int64_t skew_us;

    if (end == NULL || *end != '\0' || strlen(date) != strlen("2025-01-02T03:04:05Z")) {
        reply_error(call, 400, "InvalidTimeStamp.Format",
                    "Specified time stamp or date value is not well formatted.");
        return false;
    }
    skew_us = ((int64_t)timegm(&parts) - clock_wall_ms() / 1000) * 1000000;
    if (llabs(skew_us) > call->sim->options.clock_tolerance) {
        reply_error(call, 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
        return false;
    }
    return true;
}

bool auth_check_nonce(struct call *call, const char *nonce)
{
    uint64_t remember = 2 * (uint64_t)call->sim->options.clock_tolerance;

    if (nonce_set_use(&call->sim->nonces, nonce, call->arrived_us, remember))
        return true;
    reply_error(call, 400, "SignatureNonceUsed", "Specified signature nonce was used already.");
    return false;
}

bool auth_check_token(struct call *call, const char *token)
{
    const char *expected = call->key->token;

    if (expected == NULL && token == NULL)
        return true;
    if (token == NULL) {
        reply_error(call, 400, "MissingSecurityToken", "SecurityToken is mandatory for this action.");
        return false;
    }
    if (expected == NULL || !sign_equal(expected, token)) {
        reply_error(call, 400, "InvalidSecurityToken.Malformed",
                    "The specified parameter \"SecurityToken\" is malformed: %s", token);
        return false;
    }
    if (call->key->expires_us != 0 && call->arrived_us >= call->key->expires_us) {
        call->key->account->tally.expired_tokens++;
        reply_error(call, 403, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
        return false;
    }
    return true;
}

bool auth_check_enabled(struct call *call)
{
    if (call->key->disabled)
        reply_error(call, 403, "Forbidden.AccessKeyDisabled", "The Access Key is disabled.");
    return !call->key->disabled;
}
