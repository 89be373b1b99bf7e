#include "control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "quota.h"
#include "sim.h"

/* Each setting is first checked and later applied; check returns false on a value
 * that apply could not use. */
struct action {
    const char *name;
    bool (*check)(const struct sim *sim, const char *value);
    void (*apply)(struct sim *sim, const char *value);
};

static bool parse_count(const char *text, int64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 0;
}

static bool check_deny(const struct sim *sim, const char *value)
{
    int64_t count;

    (void)sim;
    return parse_count(value, &count);
}

static void apply_deny(struct sim *sim, const char *value)
{
    (void)parse_count(value, &sim->deny_next);
}

static bool check_uid(const struct sim *sim, const char *value)
{
    return account_book_find(&sim->accounts, value) != NULL;
}

static void apply_deny_uid(struct sim *sim, const char *value)
{
    struct account *account = account_book_find(&sim->accounts, value);

    account->denied_until_us = clock_us() + (uint64_t)sim->options.deny_for;
}

static bool check_uid_or_none(const struct sim *sim, const char *value)
{
    return *value == '\0' || check_uid(sim, value);
}

static void apply_hang_uid(struct sim *sim, const char *value)
{
    free(sim->hang_uid);
    sim->hang_uid = *value == '\0' ? NULL : xstrdup(value);
}

static bool check_key(const struct sim *sim, const char *value)
{
    return account_book_find_key(&sim->accounts, value) != NULL;
}

static void apply_disable_key(struct sim *sim, const char *value)
{
    account_book_find_key(&sim->accounts, value)->disabled = true;
}

static void apply_enable_key(struct sim *sim, const char *value)
{
    account_book_find_key(&sim->accounts, value)->disabled = false;
}

static bool check_instance_fault(const struct sim *sim, const char *value)
{
    const char *colon = strchr(value, ':');

    (void)sim;
    if (colon == NULL || colon == value)
        return false;
    return colon[1] == '\0' || strcmp(colon + 1, "none") == 0 || faults_is_known(colon + 1);
}

static void apply_instance_fault(struct sim *sim, const char *value)
{
    const char *colon = strchr(value, ':');
    char *id = xstrdup(value);

    id[colon - value] = '\0';
    if (colon[1] == '\0')
        (void)json_object_del(sim->instance_faults, id);
    else
        (void)json_object_set_new(sim->instance_faults, id, json_string(colon + 1));
    free(id);
}

static void apply_expire_tokens(struct sim *sim, const char *value)
{
    token_store_expire(&sim->accounts.issued, account_book_find(&sim->accounts, value), clock_us());
}

static void apply_imds_forget(struct sim *sim, const char *value)
{
    if (strcmp(value, "1") == 0)
        metadata_forget_tokens(&sim->metadata);
}

static bool check_flag(const struct sim *sim, const char *value)
{
    (void)sim;
    return strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
}

static void apply_sts_deny(struct sim *sim, const char *value)
{
    (void)parse_count(value, &sim->sts.deny_next);
}

static bool check_role(const struct sim *sim, const char *value)
{
    return role_list_find(&sim->sts.roles, value) != NULL;
}

static void apply_role_deny(struct sim *sim, const char *value)
{
    role_list_find(&sim->sts.roles, value)->denied = true;
}

static void apply_role_allow(struct sim *sim, const char *value)
{
    role_list_find(&sim->sts.roles, value)->denied = false;
}

static bool check_text(const struct sim *sim, const char *value)
{
    (void)sim;
    (void)value;
    return true;
}

static void apply_oidc_token(struct sim *sim, const char *value)
{
    free(sim->sts.oidc_token);
    sim->sts.oidc_token = *value == '\0' ? NULL : xstrdup(value);
}

static const struct action table[] = {
    {"deny", check_deny, apply_deny},
    {"deny-uid", check_uid, apply_deny_uid},
    {"hang-uid", check_uid_or_none, apply_hang_uid},
    {"disable-key", check_key, apply_disable_key},
    {"enable-key", check_key, apply_enable_key},
    {"instance-fault", check_instance_fault, apply_instance_fault},
    {"expire-tokens", check_uid, apply_expire_tokens},
    {"sts-deny", check_deny, apply_sts_deny},
    {"role-deny", check_role, apply_role_deny},
    {"role-allow", check_role, apply_role_allow},
    {"oidc-token", check_text, apply_oidc_token},
    {"imds-forget-tokens", check_flag, apply_imds_forget},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

/* Numbers go into the copy, the rest is only looked at. */
static bool accept(const struct sim *sim, struct options *copy, const struct field *setting)
{
    const struct action *action = find_action(setting->name);

    if (action != NULL)
        return action->check(sim, setting->value);
    return options_is_run_time(setting->name) && options_set(copy, setting->name, setting->value);
}

/* The other tool's calls until now were made under the old values. */
static void take_over(struct sim *sim, const struct options *copy)
{
    bool other_window = copy->quota != sim->options.quota || copy->window != sim->options.window;
    uint64_t now = clock_us();

    for (size_t i = 0; i < sim->accounts.account_count; i++) {
        quota_run_foreign(sim->accounts.accounts[i], &sim->options, now);
        if (other_window)
            quota_restart(sim->accounts.accounts[i]);
    }
    sim->options = *copy;
}

char *control_apply(struct sim *sim, const struct field_list *settings)
{
    struct options copy = sim->options;

    for (size_t i = 0; i < settings->count; i++) {
        const struct field *setting = &settings->at[i];

        if (!accept(sim, &copy, setting))
            return xprintf("%s=%s is not accepted", setting->name, setting->value);
    }
    take_over(sim, &copy);
    for (size_t i = 0; i < settings->count; i++) {
        const struct action *action = find_action(settings->at[i].name);

        if (action != NULL)
            action->apply(sim, settings->at[i].value);
    }
    return NULL;
}

json_t *control_report(const struct sim *sim)
{
    json_t *report = json_object();
    json_t *denied = json_array();
    json_t *disabled = json_array();
    json_t *roles = json_array();
    uint64_t now = clock_us();

    options_report(&sim->options, report);
    for (size_t i = 0; i < sim->accounts.account_count; i++) {
        if (sim->accounts.accounts[i]->denied_until_us > now)
            (void)json_array_append_new(denied, json_string(sim->accounts.accounts[i]->uid));
    }
    for (size_t i = 0; i < sim->accounts.key_count; i++) {
        if (sim->accounts.keys[i]->disabled)
            (void)json_array_append_new(disabled, json_string(sim->accounts.keys[i]->id));
    }
    for (size_t i = 0; i < sim->sts.roles.count; i++) {
        if (sim->sts.roles.at[i].denied)
            (void)json_array_append_new(roles, json_string(sim->sts.roles.at[i].arn));
    }
    (void)json_object_set_new(report, "sts-deny", json_integer(sim->sts.deny_next));
    (void)json_object_set_new(report, "denied_roles", roles);
    (void)json_object_set_new(report, "deny", json_integer(sim->deny_next));
    (void)json_object_set_new(report, "denied_uids", denied);
    (void)json_object_set_new(report, "hang-uid", json_string(sim->hang_uid == NULL ? "" : sim->hang_uid));
    (void)json_object_set_new(report, "disabled_keys", disabled);
    (void)json_object_set(report, "instance_faults", sim->instance_faults);
    return report;
}
