/* The credentials that the environment names, with the variables of Alibaba Cloud's own tools. */
#include <stdlib.h>
#include <string.h>

#include "config/account_sections.h"
#include "config/config.h"
#include "config/table.h"
#include "core/text.h"

#define PREFIX "ALIBABA_CLOUD_"

static bool is_true(const char *variable)
{
    const char *text = getenv(variable);
    bool flag;

    return text != NULL && text_parse_bool(text, &flag) && flag;
}

static bool is_set(const char *variable)
{
    const char *text = getenv(variable);

    return text != NULL && text[0] != '\0';
}

/* An unset variable, or one that is too long for a value, leaves the default. */
static bool take(struct config *config, const char *key_name, const char *variable)
{
    const struct config_key *key = config_key_find(CONFIG_ACCOUNT, key_name);

    return !is_set(variable) || config_key_parse(key, getenv(variable), NULL, &config->arena,
                                                 config->environment_account) != CONFIG_NO_MEMORY;
}

static bool take_session(struct config *config)
{
    return take(config, "role_arn", PREFIX "ROLE_ARN") &&
           take(config, "role_session_name", PREFIX "ROLE_SESSION_NAME");
}

static bool has_oidc(void)
{
    return is_set(PREFIX "ROLE_ARN") && is_set(PREFIX "OIDC_PROVIDER_ARN") &&
           is_set(PREFIX "OIDC_TOKEN_FILE");
}

static bool take_access_key(struct config *config)
{
    return take(config, "access_key_id", PREFIX "ACCESS_KEY_ID") &&
           take(config, "access_key_secret", PREFIX "ACCESS_KEY_SECRET") &&
           take(config, "security_token", PREFIX "SECURITY_TOKEN") && (has_oidc() || take_session(config));
}

/* The first source that is complete, in the order of Alibaba Cloud's tools. */
static bool take_source(struct config *config)
{
    if (is_set(PREFIX "ACCESS_KEY_ID") && is_set(PREFIX "ACCESS_KEY_SECRET"))
        return take_access_key(config);
    if (has_oidc())
        return take_session(config) && take(config, "oidc_provider_arn", PREFIX "OIDC_PROVIDER_ARN") &&
               take(config, "oidc_token_file", PREFIX "OIDC_TOKEN_FILE");
    if (is_set(PREFIX "ECS_METADATA") && !is_true(PREFIX "ECS_METADATA_DISABLED"))
        return take(config, "ecs_role", PREFIX "ECS_METADATA");
    return take(config, "credentials_uri", PREFIX "CREDENTIALS_URI");
}

bool config_read_environment(struct config *config)
{
    struct account_config *account = arena_alloc(&config->arena, sizeof(*account));

    if (account == NULL)
        return false;
    account->aliyun_uid = CONFIG_DEFAULT_UID;
    if (!config_set_defaults(true, NULL, &config->arena, account))
        return false;
    config->environment_account = account;
    if (!take_source(config))
        return false;
    if (account_kind(account) == CREDENTIAL_NONE) {
        config_wipe_account(account);
        config->environment_account = NULL;
    }
    if (is_true(PREFIX "IMDSV1_DISABLED"))
        config->accounts_common.metadata_without_token = false;
    return true;
}
