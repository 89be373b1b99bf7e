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

#define LOADER_STOP_TIMEOUT (1200 * NS_PER_MS) /* from the beginning of the stop */

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

static bool build_reloads(struct runtime *runtime, struct config *config)
{
    pthread_mutex_init(&runtime->reload_mutex, NULL);
    runtime->reload_successful = true;
    runtime->reload_success_unix_ms = clock_unix_ms();
    runtime->in_force = config_in_force_new(config);
    return cond_init(&runtime->reload_done) && runtime->in_force != NULL;
}

static void free_reloads(struct runtime *runtime)
{
    config_in_force_free(runtime->in_force);
    pthread_cond_destroy(&runtime->reload_done);
    pthread_mutex_destroy(&runtime->reload_mutex);
}

static bool start_server(struct runtime *runtime, struct error *error)
{
    struct config *config = config_in_force_get(runtime->in_force);

    runtime->providers = runtime_providers(runtime);
    runtime->server = server_start(&config->web, &runtime->providers, error);
    config_put(config);
    return runtime->server != NULL;
}

static bool build_scheduler(struct runtime *runtime, struct config *config)
{
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

    runtime->scheduler = scheduler_new(config, &parts, clock_now());
    return runtime->scheduler != NULL;
}

static bool build_keyring(struct runtime *runtime, struct config *config)
{
    const struct keyring_sink sink = runtime_keyring_sink(runtime);

    runtime->keyring = keyring_new(config, &sink, random_seed());
    return runtime->keyring != NULL;
}

static bool build_loader(struct runtime *runtime, struct config *config)
{
    const struct loader_sink sink = runtime_loader_sink(runtime);

    runtime->loader = loader_new(config, &sink);
    return runtime->loader != NULL;
}

/* Functions of a part that are one expression. */
#define BUILD(name, member, expression)                                                                      \
    static bool name(struct runtime *runtime, struct config *config)                                         \
    {                                                                                                        \
        (void)config;                                                                                        \
        runtime->member = (expression);                                                                      \
        return runtime->member != NULL;                                                                      \
    }
#define START(name, expression)                                                                              \
    static bool name(struct runtime *runtime, struct error *error)                                           \
    {                                                                                                        \
        return expression;                                                                                   \
    }
#define END(name, expression)                                                                                \
    static void name(struct runtime *runtime)                                                                \
    {                                                                                                        \
        expression;                                                                                          \
    }

/* clang-format off */
BUILD(build_registry, registry, registry_new())
BUILD(build_queue, queue, call_queue_new((size_t)config->exporter.queue_size))
BUILD(build_mailbox, mailbox, mailbox_new())
BUILD(build_board, board, status_board_new(runtime->mailbox))
BUILD(build_refreshes, refreshes, refresh_table_new((uint64_t)clock_unix_ms()))
BUILD(build_publisher, publisher, publisher_new(runtime->registry, runtime_gather, runtime))
BUILD(build_workers, workers, workers_new(config, &user_sessions_collector, runtime->queue, runtime->mailbox))

START(start_scheduler, scheduler_start(runtime->scheduler, error))
START(start_keyring, keyring_start(runtime->keyring, error))
START(start_publisher, publisher_start(runtime->publisher, error))
START(start_workers, workers_start(runtime->workers, error))
START(start_loader, loader_start(runtime->loader, error))

END(dismiss_loader, loader_stop_soon(runtime->loader))
END(dismiss_refreshes, refresh_table_close(runtime->refreshes))
END(dismiss_board, status_board_close(runtime->board))
END(dismiss_server, server_stop_soon(runtime->server))

END(stop_workers, workers_stop(runtime->workers))
END(stop_publisher, publisher_stop(runtime->publisher))
END(stop_keyring, keyring_stop(runtime->keyring))
END(stop_scheduler, scheduler_stop(runtime->scheduler))
END(stop_server, server_stop(runtime->server))

END(free_loader, loader_free(runtime->loader))
END(free_workers, workers_free(runtime->workers))
END(free_publisher, publisher_free(runtime->publisher))
END(free_keyring, keyring_free(runtime->keyring))
END(free_scheduler, scheduler_free(runtime->scheduler))
END(free_refreshes, refresh_table_free(runtime->refreshes))
END(free_board, status_board_free(runtime->board))
END(free_mailbox, mailbox_free(runtime->mailbox))
END(free_queue, call_queue_free(runtime->queue))
END(free_registry, registry_free(runtime->registry))

/*
 * The parts, in the order in which they are built and started; they end in the opposite one: nobody is left waiting
 * for somebody who is gone. `dismiss` comes before any stop: who waits is sent away and nothing is begun any more; it
 * does not block. A new part is its row, its file, and its member in struct runtime.
 */
static const struct part {
    const char *name;
    bool (*build)(struct runtime *runtime, struct config *config); /* false: memory ran out */
    bool (*start)(struct runtime *runtime, struct error *error);
    void (*dismiss)(struct runtime *runtime);
    void (*stop)(struct runtime *runtime);
    void (*free)(struct runtime *runtime);
} parts[] = {
    {"registry", build_registry, NULL, NULL, NULL, free_registry},
    {"queue", build_queue, NULL, NULL, NULL, free_queue},
    {"mailbox", build_mailbox, NULL, NULL, NULL, free_mailbox},
    {"status board", build_board, NULL, dismiss_board, NULL, free_board},
    {"refreshes", build_refreshes, NULL, dismiss_refreshes, NULL, free_refreshes},
    /* The first to start: an address that is taken must not cost a call to DAS. */
    {"server", NULL, start_server, dismiss_server, stop_server, NULL},
    {"scheduler", build_scheduler, start_scheduler, NULL, stop_scheduler, free_scheduler},
    {"keyring", build_keyring, start_keyring, NULL, stop_keyring, free_keyring},
    {"publisher", build_publisher, start_publisher, NULL, stop_publisher, free_publisher},
    {"workers", build_workers, start_workers, NULL, stop_workers, free_workers},
    /* It may be inside a call to MySQL, so that runtime_stop() waits for it after all others. */
    {"inventory", build_loader, start_loader, dismiss_loader, NULL, free_loader},
};
/* clang-format on */

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static void runtime_free(struct runtime *runtime, size_t built)
{
    while (built > 0) {
        if (parts[--built].free != NULL)
            parts[built].free(runtime);
    }
    free_reloads(runtime);
    inventory_put(runtime->inventory);
    arena_release(&runtime->gathered);
    free(runtime);
}

static struct runtime *runtime_new(const struct options *options, struct config *config)
{
    struct runtime *runtime = calloc(1, sizeof(*runtime));

    if (runtime == NULL)
        return NULL;
    arena_init(&runtime->gathered);
    runtime->options = *options;
    atomic_init(&runtime->ready_deadline, CLOCK_NEVER);
    atomic_init(&runtime->first_cycle_publish, UINT64_MAX);
    for (int i = 0; i < REJECTION_COUNT; i++)
        runtime->rejected_names[i] = rejection_name((enum rejection)i);
    if (!build_reloads(runtime, config)) {
        runtime_free(runtime, 0);
        return NULL;
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (parts[i].build != NULL && !parts[i].build(runtime, config)) {
            runtime_free(runtime, i);
            return NULL;
        }
    }
    return runtime;
}

struct runtime *runtime_start(const struct options *options, struct config *config, struct error *error)
{
    struct runtime *runtime;

    runtime_configure_log(config);
    runtime = runtime_new(options, config);
    if (runtime == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while setting up the parts of the program");
        return NULL;
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (parts[i].start != NULL && !parts[i].start(runtime, error)) {
            runtime_stop(runtime);
            return NULL;
        }
    }
    log_info("listening", log_text("address", config->web.listen),
             log_int("port", server_port(runtime->server)), log_text("version", VERSION));
    return runtime;
}

bool runtime_stop(struct runtime *runtime)
{
    int64_t loader_deadline = clock_add(clock_now(), LOADER_STOP_TIMEOUT);

    runtime_refuse_reloads(runtime);
    for (size_t i = PART_COUNT; i > 0; i--) {
        if (parts[i - 1].dismiss != NULL)
            parts[i - 1].dismiss(runtime);
    }
    for (size_t i = PART_COUNT; i > 0; i--) {
        if (parts[i - 1].stop != NULL)
            parts[i - 1].stop(runtime);
    }
    if (!loader_stop(runtime->loader, loader_deadline)) {
        log_warn("stopping without waiting for the inventory database");
        return false;
    }
    runtime_free(runtime, PART_COUNT);
    return true;
}
