/*
 * The entries and the sets they are in. A set is built aside and put in force in a moment; whoever was slower
 * than another sees it by the version and builds again. The threads: keyring_thread.c.
 */
#include "das/keyring/keyring.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/thread.h"
#include "das/keyring/keyring_state.h"

struct keyring_change {
    struct keyring *keyring;
    struct config *config; /* one reference */
    struct key_set *set;   /* what follows from it and from the other inputs in force */
};

void keyring_entry_release(struct keyring_entry *entry)
{
    credentials_put(entry->credentials);
    *entry = (struct keyring_entry){.kind = CREDENTIAL_NONE};
}

/* Entries to tell the sink about, once the lock is let go. */
struct changes {
    struct key_entry **entries; /* one reference each */
    size_t count;
};

static void announce(struct keyring *keyring, struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (!changes->entries[i]->is_hidden)
            keyring->sink.changed(keyring->sink.context, changes->entries[i]->name);
        key_entry_put(changes->entries[i]);
    }
    free(changes->entries);
}

/* Puts *set in force and leaves the one before it there. The mutex is held. */
static struct changes install(struct keyring *keyring, struct key_set **set)
{
    const struct key_moment at = keyring_moment(keyring);
    struct key_set *before = keyring->set;
    struct key_set *after = *set;
    struct changes changes;

    key_set_replace(after, before, &at);
    keyring->set = after;
    *set = before;
    keyring->version++;
    for (size_t i = 0; i < after->count; i++)
        keyring_reschedule(keyring, after->entries[i]);
    changes = (struct changes){after->changed, after->changed_count};
    after->changed = NULL;
    after->changed_count = 0;
    for (size_t i = 0; i < changes.count; i++)
        keyring_wake_dependents(keyring, changes.entries[i], true, at.now);
    return changes;
}

/* What is built aside, for the configuration in force and for the prepared one, if there is one. */
struct rebuild {
    uint64_t version;
    struct key_inputs inputs;
    struct key_inputs prepared_inputs; /* config NULL: nothing is prepared */
    struct key_set *set;
    struct key_set *prepared_set;
};

static void rebuild_release(struct rebuild *rebuild)
{
    key_inputs_release(&rebuild->inputs);
    key_inputs_release(&rebuild->prepared_inputs);
    key_set_free(rebuild->set);
    key_set_free(rebuild->prepared_set);
}

static void override_inputs(struct key_inputs *inputs, struct key_accounts *accounts, struct key_rows *rows)
{
    if (accounts != NULL) {
        key_accounts_put(inputs->accounts);
        inputs->accounts = key_accounts_get(accounts);
    }
    if (rows != NULL) {
        key_rows_put(inputs->rows);
        inputs->rows = key_rows_get(rows);
    }
}

static bool rebuild_build(struct keyring *keyring, struct rebuild *rebuild, struct key_accounts *accounts,
                          struct key_rows *rows)
{
    bool prepared;

    mutex_lock(&keyring->mutex);
    prepared = keyring->change != NULL;
    rebuild->version = keyring->version;
    rebuild->inputs = key_inputs_get(&keyring->inputs);
    if (prepared) {
        rebuild->prepared_inputs = key_inputs_get(&keyring->inputs);
        config_put(rebuild->prepared_inputs.config);
        rebuild->prepared_inputs.config = config_get(keyring->change->config);
    }
    mutex_unlock(&keyring->mutex);
    override_inputs(&rebuild->inputs, accounts, rows);
    rebuild->set = key_set_build(&rebuild->inputs);
    if (!prepared)
        return rebuild->set != NULL;
    override_inputs(&rebuild->prepared_inputs, accounts, rows);
    rebuild->prepared_set = key_set_build(&rebuild->prepared_inputs);
    return rebuild->set != NULL && rebuild->prepared_set != NULL;
}

static struct changes rebuild_install(struct keyring *keyring, struct rebuild *rebuild)
{
    struct key_inputs inputs = keyring->inputs;

    keyring->inputs = rebuild->inputs;
    rebuild->inputs = inputs;
    if (keyring->change != NULL) {
        struct key_set *set = keyring->change->set;

        keyring->change->set = rebuild->prepared_set;
        rebuild->prepared_set = set;
    }
    return install(keyring, &rebuild->set);
}

/* NULL: as they are. Builds again when somebody else was quicker. */
static bool update(struct keyring *keyring, struct key_accounts *accounts, struct key_rows *rows)
{
    for (;;) {
        struct rebuild rebuild = {0};
        struct changes changes = {0};
        bool built = rebuild_build(keyring, &rebuild, accounts, rows);
        bool installed = false;

        if (built) {
            mutex_lock(&keyring->mutex);
            installed = rebuild.version == keyring->version;
            if (installed)
                changes = rebuild_install(keyring, &rebuild);
            mutex_unlock(&keyring->mutex);
        }
        rebuild_release(&rebuild);
        announce(keyring, &changes);
        if (installed || !built)
            return installed;
    }
}

bool keyring_set_accounts(struct keyring *keyring, const char *const *aliyun_uids, size_t count)
{
    struct key_accounts *accounts = key_accounts_new(aliyun_uids, count);
    bool ok = accounts != NULL && update(keyring, accounts, NULL);

    key_accounts_put(accounts);
    return ok;
}

bool keyring_set_table(struct keyring *keyring, const struct keyring_row *rows, size_t count)
{
    struct key_rows *copy = key_rows_new(rows, count);
    bool ok = copy != NULL && update(keyring, NULL, copy);

    key_rows_put(copy);
    return ok;
}

/* Registers the change, unless its set is outdated already. */
static bool offer_change(struct keyring *keyring, struct keyring_change *change, uint64_t version)
{
    bool current;

    mutex_lock(&keyring->mutex);
    current = version == keyring->version;
    if (current) {
        keyring->change = change;
        keyring->version++;
    }
    mutex_unlock(&keyring->mutex);
    return current;
}

struct keyring_change *keyring_prepare(struct keyring *keyring, struct config *config)
{
    struct keyring_change *change = calloc(1, sizeof(*change));
    bool ok = change != NULL;

    if (!ok)
        return NULL;
    *change = (struct keyring_change){.keyring = keyring, .config = config_get(config)};
    mutex_lock(&keyring->mutex);
    ok = limiter_reserve(keyring->limiter, config->accounts_common.sts_rate_limit);
    mutex_unlock(&keyring->mutex);
    while (ok) {
        struct key_inputs inputs;
        uint64_t version;

        mutex_lock(&keyring->mutex);
        version = keyring->version;
        inputs = key_inputs_get(&keyring->inputs);
        mutex_unlock(&keyring->mutex);
        config_put(inputs.config);
        inputs.config = config_get(config);
        key_set_free(change->set);
        change->set = key_set_build(&inputs);
        key_inputs_release(&inputs);
        ok = change->set != NULL;
        if (ok && offer_change(keyring, change, version))
            return change;
    }
    keyring_abandon(change);
    return NULL;
}

/* Whoever reloads has often mended something outside of the configuration, a role or a file. */
static void retry_failed(struct keyring *keyring)
{
    const int64_t now = clock_now();

    for (size_t i = 0; i < keyring->set->count; i++) {
        key_entry_retry(keyring->set->entries[i], now);
        keyring_reschedule(keyring, keyring->set->entries[i]);
    }
}

void keyring_commit(struct keyring *keyring, struct keyring_change *change)
{
    struct changes changes;
    struct config *before;

    mutex_lock(&keyring->mutex);
    before = keyring->inputs.config;
    keyring->inputs.config = change->config;
    change->config = before;
    keyring->change = NULL;
    limiter_configure(keyring->limiter, keyring->inputs.config->accounts_common.sts_rate_limit, NS_PER_SECOND,
                      clock_now());
    changes = install(keyring, &change->set);
    retry_failed(keyring);
    mutex_unlock(&keyring->mutex);
    announce(keyring, &changes);
    keyring_abandon(change);
}

void keyring_abandon(struct keyring_change *change)
{
    struct keyring *keyring;

    if (change == NULL)
        return;
    keyring = change->keyring;
    mutex_lock(&keyring->mutex);
    if (keyring->change == change) {
        keyring->change = NULL;
        keyring->version++;
    }
    mutex_unlock(&keyring->mutex);
    key_set_free(change->set);
    config_put(change->config);
    free(change);
}

static void look_up(const struct key_entry *found, int64_t now, struct keyring_entry *entry)
{
    entry->kind = found->source->awaits_table ? CREDENTIAL_TABLE : found->source->kind;
    entry->error = found->error;
    if (found->credentials == NULL || renewal_expired(&found->renewal, now))
        return;
    entry->credentials = credentials_get(found->credentials);
    entry->expiry_unix_ms = found->expiry_unix_ms;
}

void keyring_lookup(struct keyring *keyring, const char *aliyun_uid, struct keyring_entry *entry)
{
    const struct key_entry *found;

    *entry = (struct keyring_entry){.kind = CREDENTIAL_NONE};
    mutex_lock(&keyring->mutex);
    found = key_set_find(keyring->set, aliyun_uid);
    if (found != NULL)
        look_up(found, clock_now(), entry);
    mutex_unlock(&keyring->mutex);
}

bool keyring_refused(struct keyring *keyring, const char *aliyun_uid, const struct credentials *refused)
{
    struct key_entry *found;

    mutex_lock(&keyring->mutex);
    found = key_set_find(keyring->set, aliyun_uid);
    if (found != NULL && key_entry_refuse(found, refused, clock_now()))
        keyring_reschedule(keyring, found);
    mutex_unlock(&keyring->mutex);
    return found != NULL;
}

static bool fill(struct keyring *keyring, struct config *config)
{
    const int64_t now = clock_now();
    /* What an earlier process asked for is forgotten: STS has no quota that a restart could exceed. */
    const int64_t start = now > NS_PER_SECOND ? now - NS_PER_SECOND : 0;

    keyring->inputs.config = config_get(config);
    keyring->inputs.accounts = key_accounts_new(NULL, 0);
    keyring->inputs.rows = key_rows_new(NULL, 0);
    keyring->limiter = limiter_new(config->accounts_common.sts_rate_limit, NS_PER_SECOND, start);
    keyring->set = calloc(1, sizeof(*keyring->set));
    if (keyring->inputs.rows != NULL)
        keyring->inputs.rows->is_awaited = true;
    return keyring->inputs.accounts != NULL && keyring->inputs.rows != NULL && keyring->limiter != NULL &&
           keyring->set != NULL;
}

/* The first set; nobody is told, for nobody has the keyring yet. */
static bool make_first_set(struct keyring *keyring)
{
    struct key_set *set = key_set_build(&keyring->inputs);
    struct changes changes;

    if (set == NULL)
        return false;
    changes = install(keyring, &set);
    for (size_t i = 0; i < changes.count; i++)
        key_entry_put(changes.entries[i]);
    free(changes.entries);
    key_set_free(set);
    return true;
}

struct keyring *keyring_new(struct config *config, const struct keyring_sink *sink, uint64_t random_seed)
{
    struct keyring *keyring = calloc(1, sizeof(*keyring));

    if (keyring == NULL)
        return NULL;
    if (!cond_init(&keyring->wakeup)) {
        free(keyring);
        return NULL;
    }
    pthread_mutex_init(&keyring->mutex, NULL);
    for (size_t i = 0; i < KEYRING_LANES; i++)
        heap_init(&keyring->lanes[i]);
    keyring->sink = *sink;
    keyring->random = random_seed;
    if (fill(keyring, config) && make_first_set(keyring))
        return keyring;
    keyring_free(keyring);
    return NULL;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    key_set_free(keyring->set);
    key_inputs_release(&keyring->inputs);
    limiter_free(keyring->limiter);
    pthread_cond_destroy(&keyring->wakeup);
    pthread_mutex_destroy(&keyring->mutex);
    free(keyring);
}
