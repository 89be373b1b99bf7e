#include "app/runtime.h"

#include <stdlib.h>
#include <sys/random.h>

#include "app/runtime_state.h"
#include "collectors/user_sessions.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "das/client.h"
#include "db/source.h"

#define LOADER_STOP_TIMEOUT (1200 * NS_PER_MS)

const char *runtime_version(void)
{
    return VERSION " (revision " REVISION ")";
}

bool runtime_global_init(struct error *error)
{
    if (!das_global_init(error))
        return false;
    if (!source_global_init(error))
        goto no_source;
    if (!server_global_init(error))
        goto no_server;
    return true;

no_server:
    source_global_release();
no_source:
    das_global_release();
    return false;
}

void runtime_global_release(void)
{
    server_global_release();
    source_global_release();
    das_global_release();
}

static void free_parts(struct runtime *runtime)
{
    loader_free(runtime->loader);
    workers_free(runtime->workers);
    scheduler_free(runtime->scheduler);
    keyring_free(runtime->keyring);
    publisher_free(runtime->publisher);
    status_board_free(runtime->board);
    refresh_table_free(runtime->refreshes);
    mailbox_free(runtime->mailbox);
    call_queue_free(runtime->queue);
    registry_free(runtime->registry);
    inventory_put(runtime->inventory);
    arena_release(&runtime->gathered);
    pthread_cond_destroy(&runtime->reload_done);
    pthread_mutex_destroy(&runtime->reload_mutex);
    config_in_force_free(runtime->in_force);
    free(runtime);
}

static void page_changed(void *context)
{
    struct runtime *runtime = context;

    publisher_wake(runtime->publisher);
}

static uint64_t random_seed(void)
{
    uint64_t seed;

    return getrandom(&seed, sizeof(seed), 0) == sizeof(seed) ? seed : (uint64_t)clock_unix_ms();
}

static bool build_scheduler(struct runtime *runtime, struct config *config)
{
    struct keyring_sink sink = runtime_keyring_sink(runtime);
    const struct scheduler_parts parts = {
        .collector = &user_sessions_collector,
        .credentials = runtime_credentials_source(runtime),
        .registry = runtime->registry,
        .queue = runtime->queue,
        .mailbox = runtime->mailbox,
        .refreshes = runtime->refreshes,
        .board = runtime->board,
        .changed = page_changed,
        .changed_context = runtime,
        .random_seed = random_seed(),
    };

    runtime->keyring = keyring_new(config, &sink, random_seed());
    if (runtime->keyring == NULL)
        return false;
    runtime->scheduler = scheduler_new(config, &parts, clock_now());
    return runtime->scheduler != NULL;
}

/* Every object of the program, in the order in which they use each other. */
static bool build_parts(struct runtime *runtime, struct config *config)
{
    struct loader_sink sink = runtime_loader_sink(runtime);

    runtime->in_force = config_in_force_new(config);
    runtime->registry = registry_new();
    runtime->queue = call_queue_new((size_t)config->exporter.queue_size);
    runtime->mailbox = mailbox_new();
    runtime->refreshes = refresh_table_new((uint64_t)clock_unix_ms());
    if (runtime->in_force == NULL || runtime->registry == NULL || runtime->queue == NULL ||
        runtime->mailbox == NULL || runtime->refreshes == NULL)
        return false;
    runtime->board = status_board_new(runtime->mailbox);
    if (runtime->board == NULL)
        return false;
    runtime->publisher = publisher_new(runtime->registry, runtime_gather, runtime);
    if (runtime->publisher == NULL || !build_scheduler(runtime, config))
        return false;
    runtime->workers = workers_new(config, &user_sessions_collector, runtime->queue, runtime->mailbox);
    runtime->loader = loader_new(config, &sink);
    return runtime->workers != NULL && runtime->loader != NULL;
}

static struct runtime *runtime_new(const struct options *options, struct config *config)
{
    struct runtime *runtime = calloc(1, sizeof(*runtime));

    if (runtime == NULL)
        return NULL;
    if (!cond_init(&runtime->reload_done)) {
        free(runtime);
        return NULL;
    }
    pthread_mutex_init(&runtime->reload_mutex, NULL);
    arena_init(&runtime->gathered);
    runtime->options = *options;
    runtime->reload_successful = true;
    runtime->reload_success_unix_ms = clock_unix_ms();
    atomic_init(&runtime->ready_deadline, CLOCK_NEVER);
    atomic_init(&runtime->first_cycle_publish, UINT64_MAX);
    runtime_configure_log(config);
    for (int i = 0; i < REJECTION_COUNT; i++)
        runtime->rejected_names[i] = rejection_name((enum rejection)i);
    if (!build_parts(runtime, config)) {
        free_parts(runtime);
        return NULL;
    }
    return runtime;
}

/* The server comes first: an address that is taken must not cost a call to DAS. */
static bool start_parts(struct runtime *runtime, const struct config *config, struct error *error)
{
    runtime->providers = runtime_providers(runtime);
    runtime->server = server_start(&config->web, &runtime->providers, error);
    return runtime->server != NULL && scheduler_start(runtime->scheduler, error) &&
           keyring_start(runtime->keyring, error) && publisher_start(runtime->publisher, error) &&
           workers_start(runtime->workers, error) && loader_start(runtime->loader, error);
}

struct runtime *runtime_start(const struct options *options, struct config *config, struct error *error)
{
    struct runtime *runtime = runtime_new(options, config);

    if (runtime == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (!start_parts(runtime, config, error)) {
        runtime_stop(runtime);
        return NULL;
    }
    log_info("listening", log_text("address", config->web.listen),
             log_int("port", server_port(runtime->server)), log_text("version", VERSION));
    return runtime;
}

/*
 * Nobody is left waiting for somebody who is gone: first those who wait for results, then those
 * who make them, last those who hold them.
 */
bool runtime_stop(struct runtime *runtime)
{
    bool loader_ended;

    runtime_refuse_reloads(runtime);
    loader_stop_soon(runtime->loader);
    refresh_table_close(runtime->refreshes);
    status_board_close(runtime->board);
    workers_stop(runtime->workers);
    publisher_stop(runtime->publisher);
    keyring_stop(runtime->keyring);
    scheduler_stop(runtime->scheduler);
    server_stop(runtime->server);
    loader_ended = loader_stop(runtime->loader, LOADER_STOP_TIMEOUT);
    if (!loader_ended) {
        log_warn("stopping without waiting for the inventory database");
        return false;
    }
    free_parts(runtime);
    return true;
}
