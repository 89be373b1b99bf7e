/* Which section is the source of whose credentials. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static const char *const kind_names[CREDENTIAL_KIND_COUNT] = {
    [CREDENTIAL_NONE] = "none",      [CREDENTIAL_STATIC] = "static", [CREDENTIAL_ROLE] = "role",
    [CREDENTIAL_OIDC_ROLE] = "oidc", [CREDENTIAL_ECS_ROLE] = "ecs",  [CREDENTIAL_URI] = "uri",
    [CREDENTIAL_TABLE] = "table",
};

const char *credential_kind_name(enum credential_kind kind)
{
    return kind_names[kind];
}

enum credential_kind account_caller_kind(const struct account_config *account)
{
    if (account->access_key_id[0] != '\0' || account->access_key_id_file[0] != '\0')
        return CREDENTIAL_STATIC;
    if (account->ecs_role[0] != '\0')
        return CREDENTIAL_ECS_ROLE;
    return account->credentials_uri[0] != '\0' ? CREDENTIAL_URI : CREDENTIAL_NONE;
}

enum credential_kind account_kind(const struct account_config *account)
{
    if (account->oidc_token_file[0] != '\0')
        return CREDENTIAL_OIDC_ROLE;
    return account->role_arn[0] != '\0' ? CREDENTIAL_ROLE : account_caller_kind(account);
}

static int compare_uid(const void *uid, const void *account)
{
    return strcmp(uid, ((const struct account_config *)account)->aliyun_uid);
}

const struct account_config *config_account(const struct config *config, const char *aliyun_uid)
{
    if (config->account_count == 0)
        return NULL;
    return bsearch(aliyun_uid, config->accounts, config->account_count, sizeof(config->accounts[0]),
                   compare_uid);
}

int64_t config_rate_limit(const struct das_config *das, const struct account_config *account)
{
    return account != NULL && account->rate_limit > 0 ? account->rate_limit : das->rate_limit;
}

static bool names_source(const struct account_config *account)
{
    return account != NULL && account_kind(account) != CREDENTIAL_NONE;
}

const struct account_config *config_credential_section(const struct config *config, const char *aliyun_uid)
{
    const struct account_config *account = config_account(config, aliyun_uid);
    bool nothing_configured = config->account_count == 0 && config->default_account == NULL &&
                              config->accounts_common.source == ACCOUNTS_SOURCE_CONFIG;

    if (names_source(account))
        return account;
    if (names_source(config->default_account))
        return config->default_account;
    return nothing_configured ? config->environment_account : NULL;
}

const struct account_config *config_default_caller(const struct config *config)
{
    const struct account_config *common = config->default_account;

    if (common != NULL && account_caller_kind(common) != CREDENTIAL_NONE)
        return common;
    return config->environment_account;
}
