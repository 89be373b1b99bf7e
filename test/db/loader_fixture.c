#include "test/db/loader_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

/* Counts down what is to be refused. The mutex is held. */
static bool refuse(unsigned *refusals, struct error *error)
{
    if (*refusals == 0)
        return false;
    --*refusals;
    error_set(error, ERROR_NO_MEMORY, "refused");
    return true;
}

static bool inventory_loaded(void *context, struct inventory *inventory, struct error *error)
{
    struct seen *seen = context;
    unsigned requests;
    bool refused;

    mutex_lock(&seen->mutex);
    inventory_put(seen->inventory);
    seen->inventory = inventory_get(inventory);
    seen->inventories++;
    requests = seen->requests_from_sink;
    seen->requests_from_sink = 0;
    refused = refuse(&seen->inventories_to_refuse, error);
    pthread_cond_broadcast(&seen->changed);
    mutex_unlock(&seen->mutex);
    while (requests-- > 0)
        loader_request(seen->loader, LOAD_INSTANCES);
    return !refused;
}

static bool user_limits_loaded(void *context, struct user_limits *limits, int64_t load_duration,
                               struct error *error)
{
    struct seen *seen = context;
    bool refused;

    mutex_lock(&seen->mutex);
    user_limits_put(seen->limits);
    seen->limits = user_limits_get(limits);
    seen->limit_loads++;
    seen->limits_duration = load_duration;
    refused = refuse(&seen->limits_to_refuse, error);
    pthread_cond_broadcast(&seen->changed);
    mutex_unlock(&seen->mutex);
    return !refused;
}

static bool accounts_loaded(void *context, struct accounts_table *accounts, struct error *error)
{
    struct seen *seen = context;

    (void)error;
    mutex_lock(&seen->mutex);
    accounts_table_put(seen->accounts);
    seen->accounts = accounts_table_get(accounts);
    seen->account_loads++;
    pthread_cond_broadcast(&seen->changed);
    mutex_unlock(&seen->mutex);
    return true;
}

static void load_failed(void *context, unsigned scope, const struct error *error)
{
    struct seen *seen = context;

    mutex_lock(&seen->mutex);
    seen->failures++;
    seen->failed_scope = scope;
    seen->error = *error;
    pthread_cond_broadcast(&seen->changed);
    mutex_unlock(&seen->mutex);
}

static void status_changed(void *context)
{
    struct seen *seen = context;

    mutex_lock(&seen->mutex);
    seen->status_changes++;
    pthread_cond_broadcast(&seen->changed);
    mutex_unlock(&seen->mutex);
}

void await(struct seen *seen, const unsigned *counter, unsigned number)
{
    int64_t deadline = clock_now() + PATIENCE;
    bool reached;

    mutex_lock(&seen->mutex);
    while (*counter < number && clock_now() < deadline)
        cond_wait_until(&seen->changed, &seen->mutex, deadline);
    reached = *counter >= number;
    mutex_unlock(&seen->mutex);
    assert_true(reached);
}

unsigned count_of(struct seen *seen, const unsigned *counter)
{
    unsigned number;

    mutex_lock(&seen->mutex);
    number = *counter;
    mutex_unlock(&seen->mutex);
    return number;
}

size_t targets_of(struct seen *seen)
{
    size_t targets;

    mutex_lock(&seen->mutex);
    targets = seen->inventory->target_count;
    mutex_unlock(&seen->mutex);
    return targets;
}

char *config_text(struct config *config, const char *text)
{
    char *copied = arena_strdup(&config->arena, text);

    assert_non_null(copied);
    return copied;
}

struct config *file_config(const char *file)
{
    struct config *config = calloc(1, sizeof(*config));

    assert_non_null(config);
    refcount_init(&config->refs);
    arena_init(&config->arena);
    config->path = "";
    config->inventory.source = INVENTORY_SOURCE_FILE;
    config->inventory.file = config_text(config, file);
    config->inventory.exclude = "";
    config->inventory.refresh_interval = HOURLY;
    config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled = true;
    config->metrics[METRIC_MAX_USER_CONNECTIONS].interval = HOURLY;
    config->mysql.host = config->mysql.socket = config->mysql.tls_ca_file = config->mysql.password_file = "";
    config->mysql.tls_cert_file = config->mysql.tls_key_file = config->mysql.server_public_key_file = "";
    config->mysql.user = "root";
    config->mysql.password = config_text(config, "");
    config->mysql.database = "cmdb";
    config->mysql.connect_timeout = NS_PER_SECOND;
    return config;
}

int set_up(void **state)
{
    static struct fixture fixture;
    int descriptor;

    fixture = (struct fixture){.file = "/tmp/inventory.XXXXXX"};
    descriptor = mkstemp(fixture.file);
    if (descriptor < 0 || close(descriptor) != 0 || pthread_mutex_init(&fixture.seen.mutex, NULL) != 0 ||
        !cond_init(&fixture.seen.changed))
        return -1;
    fixture.sink = (struct loader_sink){
        .context = &fixture.seen,
        .inventory_loaded = inventory_loaded,
        .user_limits_loaded = user_limits_loaded,
        .accounts_loaded = accounts_loaded,
        .load_failed = load_failed,
        .status_changed = status_changed,
    };
    *state = &fixture;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->loader != NULL && !loader_stop(fixture->loader, clock_now() + PATIENCE))
        return -1;
    loader_free(fixture->loader);
    config_put(fixture->config);
    inventory_put(fixture->seen.inventory);
    user_limits_put(fixture->seen.limits);
    accounts_table_put(fixture->seen.accounts);
    pthread_cond_destroy(&fixture->seen.changed);
    pthread_mutex_destroy(&fixture->seen.mutex);
    unlink(fixture->file);
    private_mariadb_destroy(&fixture->server);
    return 0;
}

void start_loader(struct fixture *fixture, struct config *config)
{
    struct error error;

    fixture->config = config;
    fixture->loader = loader_new(config, &fixture->sink);
    assert_non_null(fixture->loader);
    fixture->seen.loader = fixture->loader;
    assert_true(loader_start(fixture->loader, &error));
}

struct loader_status await_status(struct fixture *fixture, uint64_t instances_failures,
                                  uint64_t users_failures)
{
    int64_t deadline = clock_now() + PATIENCE;
    struct loader_status status;

    do {
        loader_status(fixture->loader, &status);
    } while ((status.instances_failures < instances_failures || status.users_failures < users_failures) &&
             clock_now() < deadline);
    return status;
}

int initialise(void **state)
{
    struct error error;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    return source_global_init(&error) ? 0 : -1;
}

int release(void **state)
{
    (void)state;
    source_global_release();
    return 0;
}
