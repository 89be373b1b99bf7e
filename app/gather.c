/* What the publisher puts on the page about the program itself. */
#include "app/runtime_state.h"

#include "core/thread.h"

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
