#include "das/keyring/key_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define HIDDEN_KEYS        "the keys of [account %s]"
#define HIDDEN_ENVIRONMENT "the environment"
#define HIDDEN_ENV_KEYS    "the keys of the environment"
#define HIDDEN_PASSWORD    "[accounts] encryption_password"
#define SHARED_MAX         4 /* the keys of [account default], and the other three */

/* A set in the making. */
struct builder {
    const struct key_inputs *inputs;
    struct key_set *set;
    const struct key_entry *shared[SHARED_MAX]; /* hidden entries that several accounts may need */
    size_t shared_count;
    bool failed;
};

struct key_accounts *key_accounts_new(const char *const *uids, size_t count)
{
    struct key_accounts *accounts = calloc(1, sizeof(*accounts));

    if (accounts == NULL)
        return NULL;
    refcount_init(&accounts->refs);
    arena_init(&accounts->arena);
    accounts->uids = arena_alloc_array(&accounts->arena, count, sizeof(*accounts->uids));
    for (size_t i = 0; accounts->uids != NULL && i < count; i++) {
        accounts->uids[i] = arena_strdup(&accounts->arena, uids[i]);
        if (accounts->uids[i] == NULL)
            break;
        accounts->count++;
    }
    if (accounts->uids != NULL && accounts->count == count)
        return accounts;
    key_accounts_put(accounts);
    return NULL;
}

struct key_accounts *key_accounts_get(struct key_accounts *accounts)
{
    refcount_get(&accounts->refs);
    return accounts;
}

void key_accounts_put(struct key_accounts *accounts)
{
    if (accounts == NULL || !refcount_put(&accounts->refs))
        return;
    arena_release(&accounts->arena);
    free(accounts);
}

struct key_inputs key_inputs_get(const struct key_inputs *inputs)
{
    return (struct key_inputs){config_get(inputs->config), key_accounts_get(inputs->accounts),
                               key_rows_get(inputs->rows)};
}

void key_inputs_release(struct key_inputs *inputs)
{
    config_put(inputs->config);
    key_accounts_put(inputs->accounts);
    key_rows_put(inputs->rows);
    *inputs = (struct key_inputs){NULL, NULL, NULL};
}

static int compare_entries(const void *a, const void *b)
{
    return key_name_compare(key_entry_name(*(struct key_entry *const *)a),
                            key_entry_name(*(struct key_entry *const *)b));
}

/* The place of a name in the sorted set; KEY_SET_NONE: it is not in it. */
static size_t find(const struct key_set *set, struct key_name name)
{
    size_t low = 0;
    size_t high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = key_name_compare(key_entry_name(set->entries[middle]), name);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return KEY_SET_NONE;
}

struct key_entry *key_set_find(const struct key_set *set, const char *aliyun_uid)
{
    size_t place = find(set, (struct key_name){aliyun_uid, false});

    return place != KEY_SET_NONE ? set->entries[place] : NULL;
}

/* All accounts, sorted, each once. NULL when memory runs out; to be freed. */
static const char **list_accounts(const struct key_inputs *inputs, size_t *count)
{
    const struct config *config = inputs->config;
    size_t most = 2 * config->account_count + inputs->accounts->count + inputs->rows->count + 1;
    const char **names = calloc(most, sizeof(*names));
    size_t used = 0;

    *count = 0;
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < config->account_count; i++) {
        names[used++] = config->accounts[i].aliyun_uid;
        if (config->accounts[i].source_account[0] != '\0')
            names[used++] = config->accounts[i].source_account;
    }
    if (config->default_account != NULL && config->default_account->source_account[0] != '\0')
        names[used++] = config->default_account->source_account;
    for (size_t i = 0; i < inputs->accounts->count; i++)
        names[used++] = inputs->accounts->uids[i];
    for (size_t i = 0; i < inputs->rows->count; i++)
        names[used++] = inputs->rows->rows[i].aliyun_uid;
    *count = text_sort_unique(names, used);
    return names;
}

/* Takes the source over; NULL: memory ran out. */
static struct key_entry *add(struct builder *builder, struct key_name name, struct key_source *source)
{
    struct key_entry *entry = key_entry_new(name, source);

    if (entry == NULL)
        builder->failed = true;
    else
        builder->set->entries[builder->set->count++] = entry;
    return entry;
}

static bool is_shared(const struct builder *builder, const char *name)
{
    for (size_t i = 0; i < builder->shared_count; i++) {
        if (strcmp(builder->shared[i]->name, name) == 0)
            return true;
    }
    return false;
}

typedef struct key_source *make_function(struct builder *builder, const struct account_config *section);

/* Names the caller in the source, and makes its entry unless it is there. */
static void set_hidden_caller(struct builder *builder, struct key_source *source, const char *name,
                              make_function *make, const struct account_config *section)
{
    const struct config *config = builder->inputs->config;
    const struct key_name hidden = {name, true};
    struct key_entry *entry;

    if (!key_source_set_caller(source, hidden)) {
        builder->failed = true;
        return;
    }
    if (is_shared(builder, name))
        return;
    entry = add(builder, hidden, make(builder, section));
    if (entry != NULL &&
        (section == NULL || section == config->default_account || section == config->environment_account))
        builder->shared[builder->shared_count++] = entry;
}

static struct key_source *make_keys(struct builder *builder, const struct account_config *section)
{
    return key_source_new(builder->inputs->config, section, account_caller_kind(section), "");
}

static struct key_source *make_password(struct builder *builder, const struct account_config *section)
{
    (void)section;
    return key_source_new_password(builder->inputs->config);
}

/* Keys beside the role in the same section. */
static void set_own_keys(struct builder *builder, struct key_source *source,
                         const struct account_config *section)
{
    const struct config *config = builder->inputs->config;
    char name[sizeof(HIDDEN_KEYS) + 64]; /* longer than any account's id */

    if (section == config->environment_account)
        snprintf(name, sizeof(name), HIDDEN_ENV_KEYS);
    else
        snprintf(name, sizeof(name), HIDDEN_KEYS, section->aliyun_uid);
    set_hidden_caller(builder, source, name, make_keys, section);
}

/* The environment may itself be a role with keys beside it. */
static struct key_source *make_environment(struct builder *builder, const struct account_config *section)
{
    struct key_source *source =
        key_source_new(builder->inputs->config, section, account_kind(section), section->aliyun_uid);

    if (source != NULL && source->kind == CREDENTIAL_ROLE && account_caller_kind(section) != CREDENTIAL_NONE)
        set_own_keys(builder, source, section);
    return source;
}

static void set_default_caller(struct builder *builder, struct key_source *source)
{
    const struct config *config = builder->inputs->config;
    const struct account_config *section = config_default_caller(config);

    if (section == NULL)
        return;
    if (section == config->environment_account)
        set_hidden_caller(builder, source, HIDDEN_ENVIRONMENT, make_environment, section);
    else
        set_own_keys(builder, source, section);
}

/* Who assumes the role. */
static void set_caller(struct builder *builder, struct key_source *source)
{
    const struct account_config *section = source->section;

    if (source->kind == CREDENTIAL_TABLE)
        set_hidden_caller(builder, source, HIDDEN_PASSWORD, make_password, NULL);
    else if (source->kind != CREDENTIAL_ROLE)
        return;
    else if (account_caller_kind(section) != CREDENTIAL_NONE)
        set_own_keys(builder, source, section);
    else if (section->source_account[0] != '\0' && strcmp(section->source_account, "default") != 0)
        builder->failed = !key_source_set_caller(source, (struct key_name){section->source_account, false}) ||
                          builder->failed;
    else
        set_default_caller(builder, source);
}

/* Whether the account is one of the table is known only when that was read. */
static bool awaits_table(const struct key_inputs *inputs, const struct account_config *section)
{
    return inputs->config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE && inputs->rows->is_awaited &&
           (section == NULL || account_kind(section) == CREDENTIAL_NONE);
}

static struct key_source *new_awaiting(struct config *config, const char *aliyun_uid)
{
    struct key_source *source = key_source_new(config, NULL, CREDENTIAL_NONE, aliyun_uid);

    if (source != NULL)
        source->awaits_table = true;
    return source;
}

static struct key_source *resolve(const struct key_inputs *inputs, const char *aliyun_uid)
{
    struct config *config = inputs->config;
    const struct account_config *section = config_account(config, aliyun_uid);
    const struct keyring_row *row = NULL;

    if (config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE)
        row = key_rows_find(inputs->rows, aliyun_uid);
    if (row != NULL && (section == NULL || account_kind(section) == CREDENTIAL_NONE))
        return key_source_new_row(config, inputs->rows, row);
    if (awaits_table(inputs, section))
        return new_awaiting(config, aliyun_uid);
    section = config_credential_section(config, aliyun_uid);
    return key_source_new(config, section, section != NULL ? account_kind(section) : CREDENTIAL_NONE,
                          aliyun_uid);
}

static void add_account(struct builder *builder, const char *aliyun_uid)
{
    struct key_source *source = resolve(builder->inputs, aliyun_uid);

    if (source != NULL)
        set_caller(builder, source);
    add(builder, (struct key_name){aliyun_uid, false}, source);
}

/* An account has one entry and at most one hidden one of its own; a few are shared. */
static bool make_room(struct key_set *set, size_t account_count)
{
    size_t capacity = 2 * account_count + SHARED_MAX;

    set->entries = calloc(capacity, sizeof(struct key_entry *));
    set->callers = calloc(capacity, sizeof(*set->callers));
    set->changed = calloc(capacity, sizeof(struct key_entry *));
    return set->entries != NULL && set->callers != NULL && set->changed != NULL;
}

static void find_callers(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct key_source *source = set->entries[i]->source;

        set->callers[i] = KEY_SET_NONE;
        if (source->caller != NULL)
            set->callers[i] = find(set, (struct key_name){source->caller, source->caller_is_hidden});
    }
}

/* The sections were checked for it, but which accounts the table has is known only now. */
static bool leads_nowhere(const struct key_set *set, size_t place)
{
    for (int steps = 0; steps < KEY_CHAIN_MAX; steps++) {
        place = set->callers[place];
        if (place == KEY_SET_NONE)
            return false;
    }
    return true;
}

/* In a circle everybody would wait for everybody. */
static void cut_circles(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (leads_nowhere(set, i))
            set->callers[i] = KEY_SET_NONE;
    }
}

struct key_set *key_set_build(const struct key_inputs *inputs)
{
    struct builder builder = {.inputs = inputs, .set = calloc(1, sizeof(struct key_set))};
    size_t count;
    const char **names = list_accounts(inputs, &count);

    builder.failed = builder.set == NULL || names == NULL || !make_room(builder.set, count);
    for (size_t i = 0; !builder.failed && i < count; i++)
        add_account(&builder, names[i]);
    free(names);
    if (builder.failed) {
        key_set_free(builder.set);
        return NULL;
    }
    qsort(builder.set->entries, builder.set->count, sizeof(struct key_entry *), compare_entries);
    find_callers(builder.set);
    cut_circles(builder.set);
    return builder.set;
}

void key_set_free(struct key_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->changed_count; i++)
        key_entry_put(set->changed[i]);
    for (size_t i = 0; i < set->count; i++)
        key_entry_put(set->entries[i]);
    free(set->entries);
    free(set->callers);
    free(set->changed);
    free(set);
}

static void retire(struct key_entry *entry)
{
    entry->is_known = false;
    entry->caller = NULL;
    if (entry->heap != NULL)
        heap_remove(entry->heap, &entry->timer);
    entry->heap = NULL;
}

static void note_change(struct key_set *set, struct key_entry *entry)
{
    set->changed[set->changed_count++] = key_entry_get(entry);
}

/* The entry in force stays and takes the source of the one that was built for it. */
static void merge(struct key_set *set, struct key_entry **built, struct key_entry **in_force,
                  const struct key_moment *at)
{
    struct key_news news = {0};
    struct key_entry *entry = *in_force;

    key_entry_exchange(entry, *built, at, &news);
    *in_force = *built;
    *built = entry;
    if (news.changed)
        note_change(set, entry);
}

static void enter(struct key_set *set, struct key_entry *entry, const struct key_moment *at)
{
    key_entry_settle(entry, at);
    entry->is_known = true;
    if (entry->credentials != NULL || entry->source->kind == CREDENTIAL_NONE)
        note_change(set, entry);
}

static void link_callers(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct key_entry *entry = set->entries[i];

        if (list_linked(&entry->as_dependent))
            list_remove(&entry->as_dependent);
        entry->caller = set->callers[i] != KEY_SET_NONE ? set->entries[set->callers[i]] : NULL;
        if (entry->caller != NULL)
            list_push_back(&entry->caller->dependents, &entry->as_dependent);
    }
}

void key_set_replace(struct key_set *set, struct key_set *current, const struct key_moment *at)
{
    size_t j = 0;

    for (size_t i = 0; i < set->count; i++) {
        while (j < current->count && compare_entries(&current->entries[j], &set->entries[i]) < 0)
            retire(current->entries[j++]);
        if (j < current->count && compare_entries(&current->entries[j], &set->entries[i]) == 0)
            merge(set, &set->entries[i], &current->entries[j++], at);
        else
            enter(set, set->entries[i], at);
    }
    while (j < current->count)
        retire(current->entries[j++]);
    for (size_t i = 0; i < current->count; i++) {
        if (list_linked(&current->entries[i]->as_dependent))
            list_remove(&current->entries[i]->as_dependent);
    }
    link_callers(set);
}
