/*
 * What comes in: inventories, limits and accounts from the inventory thread, news of credentials from the
 * keyring. Whatever the scheduler owns is changed on its thread, while the one who brings it waits.
 */
#include "app/feed.h"

#include <stdlib.h>

#include "app/runtime_state.h"
#include "collectors/user_limits.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

bool keyring_feed_inventory(struct keyring *keyring, const struct inventory *inventory)
{
    const char **uids = calloc(inventory->instance_count + 1, sizeof(*uids));
    size_t count;
    bool known;

    if (uids == NULL)
        return false;
    for (size_t i = 0; i < inventory->instance_count; i++)
        uids[i] = inventory->instances[i].aliyun_uid;
    count = text_sort_unique(uids, inventory->instance_count);
    known = keyring_set_accounts(keyring, uids, count);
    free(uids);
    return known;
}

bool keyring_feed_table(struct keyring *keyring, const struct accounts_table *table)
{
    struct keyring_row *rows = calloc(table->count + 1, sizeof(*rows));
    bool taken;

    if (rows == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++)
        rows[i] = (struct keyring_row){
            .aliyun_uid = table->rows[i].aliyun_uid,
            .access_key_id = table->rows[i].access_key_id,
            .encrypted_access_key_secret = table->rows[i].encrypted_access_key_secret,
        };
    taken = keyring_set_table(keyring, rows, table->count);
    free(rows);
    return taken;
}

struct inventory_arrival {
    struct runtime *runtime;
    struct inventory *inventory;
    bool applied;
};

static void apply_inventory(void *argument, int64_t now)
{
    struct inventory_arrival *arrival = argument;

    arrival->applied = scheduler_apply_inventory(arrival->runtime->scheduler, arrival->inventory, now);
}

/* Also while the program ends: the scheduler is gone then. */
static bool fail_without_scheduler(struct error *error)
{
    error_set(error, ERROR_SYSTEM, "the scheduler did not answer: the old load stays in force");
    return false;
}

static int64_t session_interval(struct runtime *runtime)
{
    struct config *config = config_in_force_get(runtime->in_force);
    int64_t interval = config->metrics[METRIC_USER_SESSION_COUNT].interval;

    config_put(config);
    return interval;
}

/* As before: an account that the scheduler does not have needs no keys, one that it has does. */
static void forget_inventory(struct runtime *runtime)
{
    bool known = runtime->inventory != NULL ? keyring_feed_inventory(runtime->keyring, runtime->inventory)
                                            : keyring_set_accounts(runtime->keyring, NULL, 0);

    if (!known)
        log_warn("the credentials in use are those of a newer inventory: out of memory");
}

static bool inventory_loaded(void *context, struct inventory *inventory, struct error *error)
{
    struct inventory_arrival arrival = {.runtime = context, .inventory = inventory};
    struct runtime *runtime = context;

    if (!keyring_feed_inventory(runtime->keyring, inventory)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory: the old inventory stays in force");
        return false;
    }
    if (!scheduler_call(runtime->scheduler, apply_inventory, &arrival)) {
        forget_inventory(runtime);
        return fail_without_scheduler(error);
    }
    if (!arrival.applied) {
        forget_inventory(runtime);
        error_set(error, ERROR_NO_MEMORY, "out of memory: the old inventory stays in force");
        return false;
    }
    inventory_put(runtime->inventory);
    runtime->inventory = inventory_get(inventory);
    if (atomic_load(&runtime->ready_deadline) == CLOCK_NEVER)
        atomic_store(&runtime->ready_deadline, clock_now() + 2 * session_interval(runtime));
    return true;
}

struct limits_arrival {
    struct runtime *runtime;
    struct metric_load load;
};

static void apply_limits(void *argument, int64_t now)
{
    struct limits_arrival *arrival = argument;

    scheduler_apply_load(arrival->runtime->scheduler, &arrival->load, now);
    arrival->load.batch = NULL; /* taken over */
}

static bool user_limits_loaded(void *context, struct user_limits *limits, int64_t load_duration,
                               struct error *error)
{
    struct limits_arrival arrival = {
        .runtime = context,
        .load = {.metric = METRIC_MAX_USER_CONNECTIONS,
                 .batch = user_limits_render(limits),
                 .rejected = limits->rejected,
                 .loaded_unix_ms = limits->loaded_unix_ms,
                 .duration = load_duration},
    };
    struct runtime *runtime = context;
    bool called;

    if (arrival.load.batch == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory: the old user limits stay on the page");
        return false;
    }
    called = scheduler_call(runtime->scheduler, apply_limits, &arrival);
    batch_put(arrival.load.batch);
    return called || fail_without_scheduler(error);
}

static bool accounts_loaded(void *context, struct accounts_table *accounts, struct error *error)
{
    struct runtime *runtime = context;

    if (keyring_feed_table(runtime->keyring, accounts))
        return true;
    error_set(error, ERROR_NO_MEMORY, "out of memory: the old accounts table stays in force");
    return false;
}

static void load_failed(void *context, unsigned scope, const struct error *error)
{
    struct limits_arrival arrival = {.runtime = context, .load.metric = METRIC_MAX_USER_CONNECTIONS};
    struct runtime *runtime = context;

    (void)error;
    if ((scope & LOAD_USERS) != 0 && !scheduler_call(runtime->scheduler, apply_limits, &arrival) &&
        !runtime_is_stopping(runtime))
        log_warn("the scheduler was not told of a failed load", log_text("scope", "users"));
}

static void loads_changed(void *context)
{
    struct runtime *runtime = context;

    registry_touch(runtime->registry);
    publisher_wake(runtime->publisher);
}

struct loader_sink runtime_loader_sink(struct runtime *runtime)
{
    return (struct loader_sink){
        .context = runtime,
        .inventory_loaded = inventory_loaded,
        .user_limits_loaded = user_limits_loaded,
        .accounts_loaded = accounts_loaded,
        .load_failed = load_failed,
        .status_changed = loads_changed,
    };
}

static void lookup_credentials(void *context, const char *aliyun_uid, struct account_credentials *known)
{
    struct runtime *runtime = context;
    struct keyring_entry entry;

    keyring_lookup(runtime->keyring, aliyun_uid, &entry);
    *known = (struct account_credentials){
        .kind = entry.kind,
        .credentials = entry.credentials,
        .expiry_unix_ms = entry.expiry_unix_ms,
        .error = entry.error,
    };
}

static bool credentials_refused(void *context, const char *aliyun_uid, const struct credentials *refused)
{
    struct runtime *runtime = context;

    return keyring_refused(runtime->keyring, aliyun_uid, refused);
}

struct credentials_source runtime_credentials_source(struct runtime *runtime)
{
    return (struct credentials_source){
        .context = runtime, .lookup = lookup_credentials, .refused = credentials_refused};
}

struct credentials_news {
    struct runtime *runtime;
    const char *aliyun_uid;
};

static void tell_scheduler(void *argument, int64_t now)
{
    struct credentials_news *news = argument;

    scheduler_credentials_changed(news->runtime->scheduler, news->aliyun_uid, now);
}

/* The scheduler may be busy for a while, but must not miss it. */
static void credentials_changed(void *context, const char *aliyun_uid)
{
    struct runtime *runtime = context;
    struct credentials_news news = {.runtime = runtime, .aliyun_uid = aliyun_uid};

    while (!scheduler_call(runtime->scheduler, tell_scheduler, &news) && !runtime_is_stopping(runtime))
        log_warn("the scheduler is too busy for new credentials; once more",
                 log_text("aliyun_uid", aliyun_uid));
}

struct keyring_sink runtime_keyring_sink(struct runtime *runtime)
{
    return (struct keyring_sink){.context = runtime, .changed = credentials_changed};
}
