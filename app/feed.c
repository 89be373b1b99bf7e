/* From the inventory thread to the scheduler. */
#include "app/runtime_state.h"

#include "collectors/user_limits.h"
#include "core/clock.h"
#include "core/log.h"

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

static void inventory_loaded(void *context, struct inventory *inventory)
{
    struct inventory_arrival arrival = {.runtime = context, .inventory = inventory};
    struct runtime *runtime = context;

    if (!scheduler_call(runtime->scheduler, apply_inventory, &arrival))
        return; /* the program ends */
    if (!arrival.applied) {
        log_error("out of memory: the old inventory stays in force");
        return;
    }
    if (atomic_load(&runtime->ready_deadline) == CLOCK_NEVER)
        atomic_store(&runtime->ready_deadline, clock_now() + 2 * atomic_load(&runtime->session_interval));
}

struct limits_arrival {
    struct runtime *runtime;
    struct user_limits *limits; /* NULL: the load failed */
    struct batch *batch;
    int64_t load_duration;
};

static void apply_limits(void *argument, int64_t now)
{
    struct limits_arrival *arrival = argument;

    scheduler_apply_user_limits(arrival->runtime->scheduler, arrival->batch, arrival->limits,
                                arrival->load_duration, now);
    arrival->batch = NULL; /* taken over */
}

static void user_limits_loaded(void *context, struct user_limits *limits, int64_t load_duration)
{
    struct limits_arrival arrival = {.runtime = context, .limits = limits, .load_duration = load_duration};
    struct runtime *runtime = context;

    arrival.batch = user_limits_render(limits);
    if (arrival.batch == NULL)
        log_error("out of memory: the old user limits stay on the page");
    scheduler_call(runtime->scheduler, apply_limits, &arrival);
    batch_put(arrival.batch);
}

static void load_failed(void *context, unsigned scope, const struct error *error)
{
    struct limits_arrival arrival = {.runtime = context};
    struct runtime *runtime = context;

    (void)error;
    if ((scope & LOAD_USERS) != 0)
        scheduler_call(runtime->scheduler, apply_limits, &arrival);
}

struct loader_sink runtime_loader_sink(struct runtime *runtime)
{
    return (struct loader_sink){
        .context = runtime,
        .inventory_loaded = inventory_loaded,
        .user_limits_loaded = user_limits_loaded,
        .load_failed = load_failed,
    };
}
