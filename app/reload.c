/*
 * Reloading the configuration: always on the main thread, as for SIGHUP. A request by HTTP sends
 * that signal and waits for the verdict.
 */
#include "app/runtime_state.h"

#include <signal.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"

#define RELOAD_TIMEOUT (30 * NS_PER_SECOND)

bool runtime_request_reload(struct runtime *runtime, struct error *error)
{
    int64_t deadline = clock_now() + RELOAD_TIMEOUT;
    uint64_t awaited;
    bool done, stopping, successful;

    mutex_lock(&runtime->reload_mutex);
    /* One that is under way may have read the file before the caller wrote it. */
    awaited = runtime->reloads_begun + 1;
    if (!runtime->stopping)
        kill(getpid(), SIGHUP);
    while (runtime->reloads_finished < awaited && !runtime->stopping && clock_now() < deadline)
        cond_wait_until(&runtime->reload_done, &runtime->reload_mutex, deadline);
    done = runtime->reloads_finished >= awaited;
    stopping = runtime->stopping;
    successful = done && runtime->reload_successful;
    if (done)
        *error = runtime->reload_error;
    mutex_unlock(&runtime->reload_mutex);
    if (!done)
        error_set(error, ERROR_CONFIG, "%s",
                  stopping ? "the exporter is stopping" : "the reload did not finish in time");
    return successful;
}

void runtime_refuse_reloads(struct runtime *runtime)
{
    mutex_lock(&runtime->reload_mutex);
    runtime->stopping = true;
    mutex_unlock(&runtime->reload_mutex);
    pthread_cond_broadcast(&runtime->reload_done);
}

bool runtime_is_stopping(struct runtime *runtime)
{
    bool stopping;

    mutex_lock(&runtime->reload_mutex);
    stopping = runtime->stopping;
    mutex_unlock(&runtime->reload_mutex);
    return stopping;
}

struct config_arrival {
    struct runtime *runtime;
    struct config *config;
    bool applied;
};

static void apply_config(void *argument, int64_t now)
{
    struct config_arrival *arrival = argument;

    arrival->applied = scheduler_apply_config(arrival->runtime->scheduler, arrival->config, now);
}

static bool apply_to_scheduler(struct runtime *runtime, struct config *config, struct error *error)
{
    struct config_arrival arrival = {.runtime = runtime, .config = config};

    if (!scheduler_call(runtime->scheduler, apply_config, &arrival))
        error_set(error, ERROR_SYSTEM, "the scheduler was too busy to take the configuration; reload again");
    else if (!arrival.applied)
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    return arrival.applied;
}

static bool put_in_force(struct runtime *runtime, struct config *config, struct error *error)
{
    struct config *current = config_in_force_get(runtime->in_force);
    bool reloadable = config_reloadable(current, config, error);
    struct keyring_change *change;
    struct web_settings *web;

    config_put(current);
    if (!reloadable)
        return false;
    web = web_settings_load(&config->web, error);
    if (web == NULL)
        return false;
    change = keyring_prepare(runtime->keyring, config);
    if (change == NULL || !apply_to_scheduler(runtime, config, error)) {
        if (change == NULL)
            error_set(error, ERROR_NO_MEMORY, "out of memory");
        keyring_abandon(change);
        web_settings_free(web);
        return false;
    }
    keyring_commit(runtime->keyring, change);
    server_adopt(runtime->server, web);
    workers_configure(runtime->workers, config);
    loader_configure(runtime->loader, config);
    runtime_configure_log(config);
    config_in_force_set(runtime->in_force, config);
    return true;
}

void runtime_reload(struct runtime *runtime)
{
    struct error error = {.class = ERROR_NONE};
    struct config *config;
    bool successful;

    mutex_lock(&runtime->reload_mutex);
    runtime->reloads_begun++;
    mutex_unlock(&runtime->reload_mutex);
    config = runtime_load_config(&runtime->options, &error);
    successful = config != NULL && put_in_force(runtime, config, &error);
    config_put(config);
    if (successful)
        log_info("configuration reloaded", log_text("file", runtime->options.config_file));
    else
        log_failure(LOG_LEVEL_ERROR, "reload failed, the old configuration stays", &error);
    mutex_lock(&runtime->reload_mutex);
    runtime->reloads_finished++;
    runtime->reload_successful = successful;
    runtime->reload_error = error;
    if (successful)
        runtime->reload_success_unix_ms = clock_unix_ms();
    mutex_unlock(&runtime->reload_mutex);
    pthread_cond_broadcast(&runtime->reload_done);
    registry_touch(runtime->registry);
    publisher_wake(runtime->publisher);
}
