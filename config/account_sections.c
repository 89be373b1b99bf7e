/*
 * DESIGN. The sections are handed over first and checked in the config, where whose credentials
 * come from where can be asked like anywhere else. A config that fails a check is dropped whole.
 */
#include "config/account_sections.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"

#define UID_CHARACTERS   "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
#define CALLER_CHAIN_MAX 8
#define DEFAULT_SECTION  "[" CONFIG_ACCOUNT_PREFIX CONFIG_DEFAULT_UID "]"

/* What the checks of one section share. */
struct account_check {
    const struct config *config;
    const struct account_section *section;
    const struct account_config *account;
    struct error *error;
};

/* Keys that are of no use without another one. */
struct dependency {
    const char *key;
    const char *needed;
};

/* One way to get credentials, by the key that stands for it. */
static const char *const sources[] = {"access_key_id", "ecs_role", "credentials_uri", "source_account",
                                      "oidc_token_file"};

static const struct dependency dependencies[] = {
    {"access_key_id", "access_key_secret"},
    {"access_key_secret", "access_key_id"},
    {"security_token", "access_key_id"},
    {"oidc_provider_arn", "oidc_token_file"},
    {"oidc_token_file", "oidc_provider_arn"},
    {"oidc_token_file", "role_arn"},
    {"source_account", "role_arn"},
    {"role_session_name", "role_arn"},
    {"external_id", "role_arn"},
    {"duration", "role_arn"},
    {"policy", "role_arn"},
    {"sts_endpoint", "role_arn"},
};

void account_sections_init(struct account_sections *sections)
{
    *sections = (struct account_sections){0};
    arena_init(&sections->arena);
}

void account_sections_release(struct account_sections *sections)
{
    arena_release(&sections->arena);
}

void account_sections_wipe(struct account_sections *sections)
{
    for (struct account_section *section = sections->newest; section != NULL; section = section->older)
        config_wipe_account(&section->account);
}

static bool no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "out of memory while reading the configuration");
    return false;
}

bool account_sections_add(struct account_sections *sections, struct arena *texts, const char *uid, int line,
                          struct error *error)
{
    struct account_section *section;

    if (uid[0] == '\0' || uid[strspn(uid, UID_CHARACTERS)] != '\0') {
        error_set(error, ERROR_CONFIG,
                  "[account%s%s] has a bad UID, expected digits, letters, '_' and '-', "
                  "such as [account 1000000000000001]",
                  uid[0] == '\0' ? "" : " ", uid);
        return false;
    }
    section = arena_alloc(&sections->arena, sizeof(*section));
    if (section == NULL)
        return no_memory(error);
    section->line = line;
    section->seen = arena_alloc_array(&sections->arena, config_key_count, sizeof(*section->seen));
    section->account.aliyun_uid = arena_strdup(texts, uid);
    if (section->seen == NULL || section->account.aliyun_uid == NULL ||
        !config_set_defaults(true, NULL, texts, &section->account))
        return no_memory(error);
    section->older = sections->newest;
    sections->newest = section;
    sections->count++;
    return true;
}

static const struct seen_key *seen_of(const struct account_check *check, const char *key)
{
    return &check->section->seen[config_key_find(CONFIG_ACCOUNT, key) - config_keys];
}

static bool is_given(const struct account_check *check, const char *key)
{
    return seen_of(check, key)->line != 0;
}

/* Points at the key, else at the section. Puts "[account UID]: " in front. Returns false. */
__attribute__((format(printf, 3, 4))) static bool refuse(const struct account_check *check, const char *key,
                                                         const char *format, ...)
{
    int line = key != NULL ? seen_of(check, key)->line : 0;
    char message[sizeof(check->error->message)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return ini_refuse(check->config->path, line != 0 ? line : check->section->line, check->error,
                      "[account %s]: %s", check->account->aliyun_uid, message);
}

static bool check_one_source(const struct account_check *check)
{
    const char *first = NULL;

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (!is_given(check, sources[i]))
            continue;
        if (first != NULL)
            return refuse(check, sources[i], "both '%s' and '%s', expected one source of credentials", first,
                          sources[i]);
        first = sources[i];
    }
    return true;
}

static bool check_dependencies(const struct account_check *check)
{
    for (size_t i = 0; i < sizeof(dependencies) / sizeof(dependencies[0]); i++) {
        const char *key = dependencies[i].key;
        const char *needed = dependencies[i].needed;

        if (!is_given(check, key) || is_given(check, needed))
            continue;
        if ((config_key_find(CONFIG_ACCOUNT, needed)->flags & CONFIG_FROM_FILE) != 0)
            return refuse(check, key, "'%s' without '%s', expected it or '%s_file' too", key, needed, needed);
        return refuse(check, key, "'%s' without '%s', expected both", key, needed);
    }
    if (is_given(check, "external_id") && is_given(check, "oidc_token_file"))
        return refuse(check, "external_id",
                      "both 'external_id' and 'oidc_token_file', but a role that is assumed "
                      "with an OIDC token takes no external_id: remove it");
    return true;
}

/* The text behind the prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* "acs:ram::UID:TYPE/NAME", where the UID may be {uid} and the name hold it. */
static bool arn_valid(const char *arn, const char *type)
{
    static const char name_characters[] = UID_CHARACTERS ".@{}";
    const char *uid = behind(arn, "acs:ram::");
    const char *name;

    if (uid == NULL)
        return false;
    name = behind(uid, CONFIG_UID_PLACEHOLDER);
    if (name == NULL)
        name = uid + strspn(uid, "0123456789");
    if (name == uid)
        return false;
    name = behind(name, type);
    return name != NULL && name[0] != '\0' && name[strspn(name, name_characters)] == '\0';
}

static bool check_arns(const struct account_check *check)
{
    const struct account_config *account = check->account;
    bool is_default = strcmp(account->aliyun_uid, CONFIG_DEFAULT_UID) == 0;
    bool holds_uid = strstr(account->role_arn, CONFIG_UID_PLACEHOLDER) != NULL;

    if (account->role_arn[0] == '\0')
        return true;
    if (!arn_valid(account->role_arn, ":role/"))
        return refuse(check, "role_arn", "role_arn is '%.80s', expected acs:ram::UID:role/NAME",
                      account->role_arn);
    if (holds_uid && !is_default)
        return refuse(check, "role_arn",
                      "role_arn holds {uid}, expected it in " DEFAULT_SECTION
                      " only; write the account's id");
    if (is_default && !holds_uid)
        return refuse(
            check, "role_arn",
            "role_arn without {uid} is a role of one account only, expected acs:ram::{uid}:role/NAME, "
            "or this role in that account's own section");
    if (account->oidc_provider_arn[0] != '\0' && !arn_valid(account->oidc_provider_arn, ":oidc-provider/"))
        return refuse(check, "oidc_provider_arn",
                      "oidc_provider_arn is '%.80s', expected acs:ram::UID:oidc-provider/NAME",
                      account->oidc_provider_arn);
    return true;
}

/*
 * The next one in the chain of those who assume a role. NULL when it ends there, or where only the accounts
 * table knows.
 */
static const struct account_config *caller_of(const struct config *config,
                                              const struct account_config *account)
{
    bool from_table = config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE;
    const struct account_config *named;

    if (account_kind(account) != CREDENTIAL_ROLE || account_caller_kind(account) != CREDENTIAL_NONE ||
        account->source_account[0] == '\0')
        return NULL;
    named = config_account(config, account->source_account);
    if (from_table && (named == NULL || account_kind(named) == CREDENTIAL_NONE))
        return NULL;
    return config_credential_section(config, account->source_account);
}

static bool check_source_account(const struct account_check *check)
{
    const struct config *config = check->config;
    const char *source = check->account->source_account;
    const struct account_config *account = check->account;

    if (source[0] == '\0')
        return true;
    if (strcmp(source, CONFIG_DEFAULT_UID) == 0)
        return refuse(check, "source_account",
                      "source_account is default, expected the UID of an account; the "
                      "default credentials are used when it is left out");
    if (config_account(config, source) == NULL && config->accounts_common.source == ACCOUNTS_SOURCE_CONFIG)
        return refuse(check, "source_account",
                      "source_account is '%.50s', expected the UID of another section", source);
    for (unsigned steps = 0; steps < CALLER_CHAIN_MAX; steps++) {
        account = caller_of(config, account);
        if (account == NULL)
            return true;
    }
    return refuse(check, "source_account",
                  "source_account is '%.50s', from which the sections lead in a circle, or over more than %d "
                  "others; expected an account that ends the chain, such as one with an AccessKey",
                  source, CALLER_CHAIN_MAX);
}

/* Somebody has to assume the role, and limits alone give no credentials. */
static bool check_has_source(const struct account_check *check)
{
    const struct config *config = check->config;
    const struct account_config *account = check->account;
    const struct account_config *common = config->default_account;

    if (account_kind(account) == CREDENTIAL_ROLE && account_caller_kind(account) == CREDENTIAL_NONE &&
        account->source_account[0] == '\0' && config_default_caller(config) == NULL)
        return refuse(check, "role_arn",
                      "nothing assumes the role, expected access_key_id, ecs_role, credentials_uri, "
                      "source_account or oidc_token_file here, a source in " DEFAULT_SECTION
                      ", or ALIBABA_CLOUD_... in the environment");
    if (account_kind(account) != CREDENTIAL_NONE ||
        config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE ||
        (common != NULL && account_kind(common) != CREDENTIAL_NONE))
        return true;
    return refuse(
        check, NULL,
        "no source of credentials, expected access_key_id and access_key_secret, role_arn, ecs_role or "
        "credentials_uri here, a source in " DEFAULT_SECTION ", or source = database in [accounts]");
}

static bool check_account(const struct config *config, const struct account_section *section,
                          struct error *error)
{
    const struct account_check check = {config, section, &section->account, error};

    return check_one_source(&check) && check_dependencies(&check) && check_arns(&check) &&
           check_source_account(&check) && check_has_source(&check);
}

static int compare_sections(const void *left, const void *right)
{
    const struct account_section *a = *(struct account_section *const *)left;
    const struct account_section *b = *(struct account_section *const *)right;
    int order = strcmp(a->account.aliyun_uid, b->account.aliyun_uid);

    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static bool check_unique(struct account_section *const *sorted, size_t count, const char *path,
                         struct error *error)
{
    for (size_t i = 1; i < count; i++) {
        const char *uid = sorted[i]->account.aliyun_uid;

        if (strcmp(sorted[i - 1]->account.aliyun_uid, uid) == 0)
            return ini_refuse(path, sorted[i]->line, error,
                              "[account %s] again, expected it once; it began in line %d", uid,
                              sorted[i - 1]->line);
    }
    return true;
}

/* By uid, then by line. NULL when memory runs out. */
static struct account_section **sorted_sections(struct account_sections *sections)
{
    struct account_section **sorted =
        arena_alloc_array(&sections->arena, sections->count, sizeof(struct account_section *));
    size_t left = sections->count;

    if (sorted == NULL)
        return NULL;
    for (struct account_section *section = sections->newest; section != NULL; section = section->older)
        sorted[--left] = section;
    qsort(sorted, sections->count, sizeof(struct account_section *), compare_sections);
    return sorted;
}

bool account_sections_hand_over(struct account_sections *sections, struct config *config, struct error *error)
{
    struct account_section **sorted = sorted_sections(sections);
    struct account_config *accounts = arena_alloc_array(&config->arena, sections->count, sizeof(*accounts));
    size_t count = 0;

    if (sorted == NULL || accounts == NULL)
        return no_memory(error);
    if (!check_unique(sorted, sections->count, config->path, error))
        return false;
    for (size_t i = 0; i < sections->count; i++) {
        if (strcmp(sorted[i]->account.aliyun_uid, CONFIG_DEFAULT_UID) != 0) {
            accounts[count++] = sorted[i]->account;
            continue;
        }
        config->default_account = arena_alloc(&config->arena, sizeof(*config->default_account));
        if (config->default_account == NULL)
            return no_memory(error);
        *config->default_account = sorted[i]->account;
    }
    config->accounts = accounts;
    config->account_count = count;
    for (size_t i = 0; i < sections->count; i++) {
        if (!check_account(config, sorted[i], error))
            return false;
    }
    return true;
}
