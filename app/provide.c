/*
 * What goes out: the metrics about the program itself, what the pages show and trigger, what the watchdog and
 * readiness are told.
 */
#include "app/runtime_state.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/thread.h"

/* A scheduler that did not step for so long is stuck: it steps every 5 s when idle. */
#define PULSE_LIMIT (20 * NS_PER_SECOND)

struct gathering {
    struct runtime *runtime;
    struct self_metrics *self;
    bool done;
};

static void gather_from_scheduler(void *argument, int64_t now)
{
    struct gathering *gathering = argument;
    struct runtime *runtime = gathering->runtime;

    if (scheduler_first_cycle_done(runtime->scheduler) &&
        atomic_load(&runtime->first_cycle_publish) == UINT64_MAX)
        atomic_store(&runtime->first_cycle_publish, registry_published(runtime->registry) + 1);
    scheduler_rejections(runtime->scheduler, runtime->rejected);
    gathering->done = scheduler_metrics(runtime->scheduler, now, &runtime->gathered, gathering->self);
}

static unsigned enabled_metrics(const struct optional_metrics_config *config)
{
    unsigned enabled = 0;

    for (unsigned id = 0; id < OPTIONAL_METRIC_COUNT; id++)
        enabled |= config->enabled[id] ? 1u << id : 0;
    return enabled;
}

bool runtime_gather(void *context, struct self_metrics *self)
{
    struct runtime *runtime = context;
    struct gathering gathering = {.runtime = runtime, .self = self};
    struct loader_status loads;
    struct config *config;

    arena_release(&runtime->gathered);
    *self = (struct self_metrics){.version = VERSION, .revision = REVISION};
    if (!scheduler_call(runtime->scheduler, gather_from_scheduler, &gathering) || !gathering.done)
        return false;
    loader_status(runtime->loader, &loads);
    for (int i = 0; i < REJECTION_COUNT; i++)
        runtime->rejected[i] += loads.accounts_rejected[i];
    self->inventory_success_unix_ms = loads.instances_success_unix_ms;
    self->rejected = runtime->rejected;
    self->rejected_names = runtime->rejected_names;
    self->rejected_count = REJECTION_COUNT;
    self->undated_rows = loads.undated_rows;
    self->held_loads = loads.held_loads;
    server_auth_failures(runtime->server, self->auth_failures);
    config = config_in_force_get(runtime->in_force);
    self->optional_metrics = enabled_metrics(&config->optional_metrics);
    config_put(config);
    mutex_lock(&runtime->reload_mutex);
    self->config_reload_successful = runtime->reload_successful;
    self->config_reload_success_unix_ms = runtime->reload_success_unix_ms;
    mutex_unlock(&runtime->reload_mutex);
    return true;
}

static struct snapshot *provide_snapshot(void *context)
{
    struct runtime *runtime = context;

    return registry_snapshot(runtime->registry);
}

static void fill_inventory_status(struct runtime *runtime, struct inventory_status *inventory)
{
    struct loader_status loads;

    loader_status(runtime->loader, &loads);
    *inventory = (struct inventory_status){
        .instances_success_unix_ms = loads.instances_success_unix_ms,
        .users_success_unix_ms = loads.users_success_unix_ms,
        .instances_failures = loads.instances_failures,
        .users_failures = loads.users_failures,
        .is_held = loads.is_held,
        .held_found = loads.held_found,
        .held_in_force = loads.held_in_force,
        .error = loads.last_error,
    };
}

static void fill_reload_status(struct runtime *runtime, struct reload_status *reload)
{
    mutex_lock(&runtime->reload_mutex);
    reload->success_unix_ms = runtime->reload_success_unix_ms;
    if (!runtime->reload_successful)
        reload->error = runtime->reload_error;
    mutex_unlock(&runtime->reload_mutex);
}

static bool provide_status(void *context, struct status *status)
{
    struct runtime *runtime = context;

    if (!status_board_read(runtime->board, status))
        return false;
    fill_inventory_status(runtime, &status->inventory);
    fill_reload_status(runtime, &status->reload);
    return true;
}

/* When a call that is still out is no longer under way but lost. */
static int64_t call_limit_of(struct runtime *runtime)
{
    struct config *config = config_in_force_get(runtime->in_force);
    int64_t limit = config->das.timeout + PULSE_LIMIT;

    config_put(config);
    return limit;
}

bool runtime_healthy(struct runtime *runtime, char *why, size_t size)
{
    int64_t now = clock_now();
    int64_t silent = now - scheduler_last_step(runtime->scheduler);
    int64_t call_limit = call_limit_of(runtime);

    if (silent > PULSE_LIMIT) {
        snprintf(why, size, "the scheduler has not run for %lld s", (long long)(silent / NS_PER_SECOND));
        return false;
    }
    if (now - scheduler_late_since(runtime->scheduler) > PULSE_LIMIT) {
        snprintf(why, size, "the scheduler is late with its work; the machine may be overloaded");
        return false;
    }
    if (call_limit < now - scheduler_busy_since(runtime->scheduler)) {
        snprintf(why, size, "calls are out but none has come back for too long");
        return false;
    }
    if (!workers_alive(runtime->workers, now, call_limit)) {
        snprintf(why, size, "calls are queued but no worker takes them");
        return false;
    }
    return true;
}

static bool provide_healthy(void *context, char *why, size_t size)
{
    return runtime_healthy(context, why, size);
}

static bool provide_ready(void *context, char *why, size_t size)
{
    struct runtime *runtime = context;
    int64_t deadline = atomic_load(&runtime->ready_deadline);
    struct loader_status loads;

    if (deadline == CLOCK_NEVER) {
        loader_status(runtime->loader, &loads);
        snprintf(why, size, "no inventory yet%s%s", loads.last_error.class != ERROR_NONE ? ": " : "",
                 loads.last_error.message);
        return false;
    }
    if (registry_published(runtime->registry) < atomic_load(&runtime->first_cycle_publish) &&
        clock_now() < deadline) {
        snprintf(why, size, "the first cycle is under way");
        return false;
    }
    return true;
}

struct refresh_request {
    struct runtime *runtime;
    const struct refresh_filter *filter;
    struct refresh_progress *progress;
    enum refresh_answer answer;
};

static void start_refresh(void *argument, int64_t now)
{
    struct refresh_request *request = argument;

    request->answer = scheduler_refresh(request->runtime->scheduler, request->filter, now, request->progress);
}

static enum refresh_answer provide_refresh(void *context, const struct refresh_filter *filter,
                                           int64_t wait_ns, struct refresh_progress *progress)
{
    struct refresh_request request = {.runtime = context, .filter = filter, .progress = progress};
    struct runtime *runtime = context;

    if (!scheduler_call(runtime->scheduler, start_refresh, &request))
        return REFRESH_BUSY;
    if (request.answer != REFRESH_ACCEPTED)
        return request.answer;
    if (filter->metric != METRIC_USER_SESSION_COUNT)
        loader_request(runtime->loader, LOAD_USERS);
    if (wait_ns > 0) {
        bool joined = progress->joined;

        refresh_table_wait(runtime->refreshes, progress->id, clock_add(clock_now(), wait_ns), progress);
        progress->joined = joined;
    }
    status_board_expire(runtime->board); /* who asked sees what came of it */
    return REFRESH_ACCEPTED;
}

static bool provide_refresh_progress(void *context, const char *id, struct refresh_progress *progress)
{
    struct runtime *runtime = context;

    return refresh_table_progress(runtime->refreshes, id, clock_now(), progress);
}

static bool provide_reload(void *context, struct error *error)
{
    struct runtime *runtime = context;
    bool reloaded = runtime_request_reload(runtime, error);

    status_board_expire(runtime->board);
    return reloaded;
}

struct providers runtime_providers(struct runtime *runtime)
{
    return (struct providers){
        .context = runtime,
        .version = VERSION,
        .revision = REVISION,
        .start_unix_ms = clock_unix_ms(),
        .snapshot = provide_snapshot,
        .status = provide_status,
        .healthy = provide_healthy,
        .ready = provide_ready,
        .refresh = provide_refresh,
        .refresh_progress = provide_refresh_progress,
        .reload = provide_reload,
    };
}
