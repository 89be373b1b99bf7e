#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/table.h"

static const char *const metric_names[METRIC_ID_COUNT] = {
    [METRIC_USER_SESSION_COUNT] = "db_user_session_count",
    [METRIC_MAX_USER_CONNECTIONS] = "db_max_user_connections",
};

const char *metric_id_name(enum metric_id id)
{
    return metric_names[id];
}

enum metric_id metric_id_from_name(const char *name)
{
    unsigned id = 0;

    while (id < METRIC_ID_COUNT && strcmp(metric_names[id], name) != 0)
        id++;
    return (enum metric_id)id;
}

static bool is_account_key(const struct config_key *key)
{
    return strcmp(key->section, CONFIG_ACCOUNT) == 0;
}

struct config *config_get(struct config *config)
{
    refcount_get(&config->refs);
    return config;
}

void config_wipe_account(struct account_config *account)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (is_account_key(&config_keys[i]) && (config_keys[i].flags & CONFIG_SECRET) != 0)
            config_key_wipe(&config_keys[i], account);
    }
}

static void wipe_secrets(struct config *config)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (!is_account_key(&config_keys[i]) && (config_keys[i].flags & CONFIG_SECRET) != 0)
            config_key_wipe(&config_keys[i], config);
    }
    for (size_t i = 0; i < config->account_count; i++)
        config_wipe_account(&config->accounts[i]);
    if (config->default_account != NULL)
        config_wipe_account(config->default_account);
    if (config->environment_account != NULL)
        config_wipe_account(config->environment_account);
}

void config_put(struct config *config)
{
    if (config == NULL || !refcount_put(&config->refs))
        return;
    wipe_secrets(config);
    arena_release(&config->arena);
    free(config);
}

bool config_reloadable(const struct config *current, const struct config *next, struct error *error)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct strbuf before;
        struct strbuf after;

        if ((key->flags & CONFIG_RESTART) == 0 || config_key_equal(key, current, next))
            continue;
        strbuf_init(&before, 0);
        strbuf_init(&after, 0);
        config_key_format(key, current, &before);
        config_key_format(key, next, &after);
        error_set(error, ERROR_CONFIG,
                  "%s in [%s] changed from %.60s to %.60s, which needs a restart; restart, or set it back "
                  "and reload",
                  key->key, key->section, strbuf_text(&before), strbuf_text(&after));
        strbuf_release(&before);
        strbuf_release(&after);
        return false;
    }
    return true;
}

static void dump_key(const struct config_key *key, const char *section, const void *object,
                     struct strbuf *out)
{
    strbuf_append_format(out, "%s.%s=", section, key->key);
    config_key_format(key, object, out);
    strbuf_append_char(out, '\n');
}

static void dump_account(const struct account_config *account, struct strbuf *out)
{
    char section[sizeof(CONFIG_ACCOUNT_PREFIX) + CONFIG_TEXT_SIZE];

    snprintf(section, sizeof(section), CONFIG_ACCOUNT_PREFIX "%s", account->aliyun_uid);
    for (size_t i = 0; i < config_key_count; i++) {
        if (is_account_key(&config_keys[i]))
            dump_key(&config_keys[i], section, account, out);
    }
}

void config_dump(const struct config *config, struct strbuf *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (!is_account_key(&config_keys[i]))
            dump_key(&config_keys[i], config_keys[i].section, config, out);
    }
    for (size_t i = 0; i < config->account_count; i++)
        dump_account(&config->accounts[i], out);
    if (config->default_account != NULL)
        dump_account(config->default_account, out);
}
