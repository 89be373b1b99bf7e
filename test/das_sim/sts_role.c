/* The two actions of STS: which role, may it be assumed, and its credentials. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "reply.h"
#include "sim.h"
#include "stats.h"

enum { DURATION_LEAST = 900, SESSION_NAME_LEAST = 2, SESSION_NAME_MOST = 64, POLICY_MOST = 2048 };

static const char session_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@-_";

static const char *param(const struct call *call, const char *name)
{
    return field_list_get(&call->params, name);
}

static bool refuse(struct call *call, const char *code, const char *message)
{
    reply_error(call, 400, code, "%s", message);
    return false;
}

/* False, with MissingNAME as the reply, when it is absent or empty. */
static bool is_given(struct call *call, const char *name)
{
    const char *value = param(call, name);
    char *code;

    if (value != NULL && *value != '\0')
        return true;
    code = xprintf("Missing%s", name);
    reply_error(call, 400, code, "%s is mandatory for this action.", name);
    free(code);
    return false;
}

static bool is_whole_arn(const char *text, const char *kind)
{
    size_t size = ram_arn_size(text, kind, NULL);

    return size > 0 && text[size] == '\0';
}

static bool check_duration(struct call *call)
{
    int64_t most = call->sim->options.role_max_duration / 1000000;
    const char *text = param(call, "DurationSeconds");
    char *end = NULL;
    long long seconds;

    if (text == NULL)
        return true;
    errno = 0;
    seconds = strtoll(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && seconds >= DURATION_LEAST &&
        seconds <= most)
        return true;
    reply_error(call, 400, "InvalidParameter.DurationSeconds",
                "The Min/Max value of DurationSeconds is %ds/%llds.", DURATION_LEAST, (long long)most);
    return false;
}

static bool check_policy(struct call *call)
{
    const char *text = param(call, "Policy");
    json_t *policy;
    bool ok;

    if (text == NULL)
        return true;
    if (strlen(text) > POLICY_MOST)
        return refuse(call, "InvalidParameter.PolicySize", "The parameter Policy is too long.");
    policy = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ok = json_is_string(json_object_get(policy, "Version")) &&
         json_is_array(json_object_get(policy, "Statement"));
    json_decref(policy);
    return ok || refuse(call, "InvalidParameter.PolicyGrammar",
                        "The parameter Policy has not passed grammar check.");
}

/* What both actions are told. */
static bool check_form(struct call *call)
{
    const char *session;
    size_t size;

    if (!is_given(call, "RoleArn") || !is_given(call, "RoleSessionName"))
        return false;
    if (!is_whole_arn(param(call, "RoleArn"), "role"))
        return refuse(call, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.");
    session = param(call, "RoleSessionName");
    size = strlen(session);
    if (size < SESSION_NAME_LEAST || size > SESSION_NAME_MOST || strspn(session, session_letters) != size)
        return refuse(call, "InvalidParameter.RoleSessionName",
                      "The parameter RoleSessionName is wrongly formed.");
    return check_duration(call) && check_policy(call);
}

/* NULL, with the reply made, when it does not exist. */
static struct role *find_role(struct call *call)
{
    const char *arn = param(call, "RoleArn");
    struct role *role = role_list_find(&call->sim->sts.roles, arn);

    if (role == NULL)
        reply_error(call, 404, "EntityNotExist.Role", "The specified Role not exists: %s.", arn);
    return role;
}

static void issue(struct call *call, struct role *role, json_t *more)
{
    const char *duration = param(call, "DurationSeconds");
    int64_t seconds = duration == NULL ? TOKEN_DEFAULT_SECONDS : strtoll(duration, NULL, 10);
    struct access_key *key = token_issue(call->sim, role->account, call->arrived_us, seconds);
    char *request_id = reply_request_id(call->sim);
    char *id = xprintf("300000000000000000:%s", param(call, "RoleSessionName"));
    char *arn = xprintf("%s/%s", role->arn, param(call, "RoleSessionName"));
    json_t *body = json_pack("{s:s,s:{s:s,s:s},s:o}", "RequestId", request_id, "AssumedRoleUser", "Arn", arn,
                             "AssumedRoleId", id, "Credentials", token_json(key));

    if (more != NULL)
        (void)json_object_update_new(body, more);
    role->assumed++;
    reply_json(call, "issued", body);
    free(arn);
    free(id);
    free(request_id);
}

static bool trusts(const struct role *role, const char *external_id)
{
    if (role->denied)
        return false;
    return role->external_id == NULL || (external_id != NULL && strcmp(role->external_id, external_id) == 0);
}

void sts_assume_role(struct call *call)
{
    struct role *role;

    if (!auth_v1_identify(call))
        return;
    stats_count(call->sim->sts.callers, call->key->account->uid);
    if (!auth_v1_verify(call) || !check_form(call) || (role = find_role(call)) == NULL)
        return;
    if (trusts(role, param(call, "ExternalId")))
        issue(call, role, NULL);
    else
        reply_error(call, 403, "NoPermission",
                    "You are not authorized to do this action. You should be authorized by RAM.");
}

static bool check_oidc(struct call *call)
{
    const char *valid = call->sim->sts.oidc_token;

    if (!is_given(call, "OIDCProviderArn") || !is_given(call, "OIDCToken"))
        return false;
    if (!is_whole_arn(param(call, "OIDCProviderArn"), "oidc-provider"))
        return refuse(call, "InvalidParameter.OIDCProviderArn",
                      "The parameter OIDCProviderArn is wrongly formed.");
    if (valid == NULL || !sign_equal(valid, param(call, "OIDCToken")))
        return refuse(call, "AuthenticationFail.OIDCToken.Invalid", "This OIDC token is not valid.");
    return true;
}

/* A role trusts the providers of its own account. */
static bool is_own_provider(const struct role *role, const char *provider)
{
    char *uid = NULL;
    bool own;

    (void)ram_arn_size(provider, "oidc-provider", &uid);
    own = strcmp(uid, role->account->uid) == 0;
    free(uid);
    return own;
}

void sts_assume_role_with_oidc(struct call *call)
{
    struct role *role;

    if (!check_form(call) || !check_oidc(call) || (role = find_role(call)) == NULL)
        return;
    if (role->denied || !is_own_provider(role, param(call, "OIDCProviderArn"))) {
        reply_error(call, 403, "AuthenticationFail.NoPermission",
                    "You are not authorized to assume this role with OIDC.");
        return;
    }
    issue(call, role,
          json_pack("{s:{s:s,s:s,s:s}}", "OIDCTokenInfo", "Subject", "system:serviceaccount:test:exporter",
                    "Issuer", "https://oidc.example.com", "ClientIds", "sts.aliyuncs.com"));
}
