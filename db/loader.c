#include "db/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/complaint.h"
#include "core/log.h"
#include "core/text.h"
#include "core/thread.h"
#include "db/clear_text.h"
#include "db/load.h"
#include "db/load_schedule.h"

#define THREAD_NAME "inventory"

/* One bit of enum load_scope. */
enum scope_index { SCOPE_INSTANCES, SCOPE_USERS, SCOPE_ACCOUNTS };

/* How the loads of one scope went. */
struct scope_state {
    int64_t success_unix_ms;
    uint64_t failures;
    struct error error; /* ERROR_NONE after a success */
    int64_t failed_at;
    struct load_hold hold; /* as the last load left it */
};

struct loader {
    struct loader_sink sink;
    pthread_mutex_t mutex;
    pthread_cond_t wake;  /* the schedule changed, or `stopping` did */
    pthread_cond_t ended; /* `finished` is true now */
    pthread_t thread;
    bool started; /* main thread only */
    bool joined;  /* main thread only */

    /* inventory thread only */
    struct complaint complaints[LOAD_SCOPE_COUNT];
    struct load_hold holds[LOAD_SCOPE_COUNT];
    uint64_t remarks_said[REMARK_TOPIC_COUNT];

    /* Under the mutex. */
    struct config *config;
    struct load_schedule schedule;
    struct scope_state scopes[LOAD_SCOPE_COUNT];
    uint64_t accounts_rejected[REJECTION_COUNT];
    bool is_new_config;                           /* no load began with it yet */
    uint64_t undated_instances, undated_accounts; /* rows of the last good loads */
    uint64_t held_loads;
    unsigned asked; /* scopes that a reload asked for, until they are loaded */
    bool stopping;
    bool finished;
};

static void schedule_intervals(const struct config *config, int64_t intervals[LOAD_SCOPE_COUNT])
{
    const struct metric_config *users = &config->metrics[METRIC_MAX_USER_CONNECTIONS];

    intervals[SCOPE_INSTANCES] = config->inventory.refresh_interval;
    intervals[SCOPE_USERS] = users->enabled ? users->interval : 0;
    intervals[SCOPE_ACCOUNTS] =
        config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE ? config->inventory.refresh_interval : 0;
}

/* Differs between exporters and between starts. */
static uint64_t jitter_seed(void)
{
    int64_t seed[] = {clock_now(), getpid()};

    return text_hash(TEXT_HASH_START, seed, sizeof(seed));
}

struct loader *loader_new(struct config *config, const struct loader_sink *sink)
{
    struct loader *loader = calloc(1, sizeof(*loader));
    int64_t intervals[LOAD_SCOPE_COUNT];

    if (loader == NULL)
        return NULL;
    if (pthread_mutex_init(&loader->mutex, NULL) != 0)
        goto free_loader;
    if (!cond_init(&loader->wake))
        goto destroy_mutex;
    if (!cond_init(&loader->ended))
        goto destroy_wake;
    loader->sink = *sink;
    loader->config = config_get(config);
    loader->is_new_config = true;
    load_schedule_init(&loader->schedule, jitter_seed());
    schedule_intervals(config, intervals);
    load_schedule_configure(&loader->schedule, intervals, clock_now());
    return loader;
destroy_wake:
    pthread_cond_destroy(&loader->wake);
destroy_mutex:
    pthread_mutex_destroy(&loader->mutex);
free_loader:
    free(loader);
    return NULL;
}

void loader_free(struct loader *loader)
{
    if (loader == NULL)
        return;
    config_put(loader->config);
    pthread_cond_destroy(&loader->ended);
    pthread_cond_destroy(&loader->wake);
    pthread_mutex_destroy(&loader->mutex);
    free(loader);
}

/* The same failure has the same kind, another one another; never 0. */
static int complaint_kind(const struct error *error)
{
    uint64_t hash = text_hash(TEXT_HASH_START, &error->class, sizeof(error->class));

    hash = text_hash(hash, error->code, strlen(error->code));
    return (int)(hash & 0x7fffffff) | 1;
}

/* Only this thread writes the successes, so that it needs no mutex to read them. */
static bool has_all(const struct loader *loader, unsigned scopes)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        if ((scopes & load_scope_at(i)) != 0 && loader->scopes[i].success_unix_ms == 0)
            return false;
    }
    return true;
}

/* What one scope met is no news when another meets it, too: a database that is lost is lost to all. */
static bool is_complained_of(const struct loader *loader, int kind)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        if (loader->complaints[i].kind == kind)
            return true;
    }
    return false;
}

/* Says failures that are new or went unsaid for long, and recoveries. */
static void log_changes(struct loader *loader, const struct load *load, int64_t now)
{
    unsigned failed = load_failed_scopes(load);
    bool say = false;
    uint64_t unsaid = 0;

    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        struct complaint *complaint = &loader->complaints[i];
        uint64_t repeats = 0;

        if ((failed & load_scope_at(i)) != 0) {
            int kind = complaint_kind(&load->error);
            bool is_echo = complaint->kind != kind && is_complained_of(loader, kind);

            say |= complaint_raise(complaint, kind, now, &repeats) && !is_echo;
            unsaid = repeats > unsaid ? repeats : unsaid;
        } else if (((load->loaded | load->held) & load_scope_at(i)) != 0 &&
                   complaint_settle(complaint, &repeats)) {
            log_info("inventory source recovered", log_text("scope", load_scope_name(load_scope_at(i))),
                     log_int("unsaid_failures", (int64_t)repeats));
        }
    }
    if (say)
        log_failure(LOG_LEVEL_WARN, "inventory load failed", &load->error,
                    log_text("scope", load_scope_name(failed)),
                    log_text("in_force", has_all(loader, failed) ? "the last good load" : "nothing yet"),
                    log_int("unsaid_failures", (int64_t)unsaid));
}

/* What cannot be put in force counts as not loaded. */
static void deliver(const struct loader_sink *sink, struct load *load, int64_t now)
{
    unsigned failed;

    /* First: instances whose accounts are not known yet would count as asked in vain. */
    if (load->accounts != NULL && !sink->accounts_loaded(sink->context, load->accounts, &load->error))
        load->loaded &= ~(unsigned)LOAD_ACCOUNTS;
    if (load->inventory != NULL && !sink->inventory_loaded(sink->context, load->inventory, &load->error))
        load->loaded &= ~(unsigned)LOAD_INSTANCES;
    if (load->limits != NULL &&
        !sink->user_limits_loaded(sink->context, load->limits, now - load->started, &load->error))
        load->loaded &= ~(unsigned)LOAD_USERS;
    failed = load_failed_scopes(load);
    if (failed != 0)
        sink->load_failed(sink->context, failed, &load->error);
}

/* Writes the outcome into the shared state. The mutex is held. */
static void record(struct loader *loader, const struct load *load, int64_t now)
{
    unsigned failed = load_failed_scopes(load);

    load_schedule_finish(&loader->schedule, load->scope, load->scope & ~failed, now);
    loader->asked |= load->asked & failed;
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        struct scope_state *state = &loader->scopes[i];

        if (load_schedule_wanted(&loader->schedule, load_scope_at(i)))
            state->hold = loader->holds[i];
        loader->held_loads += (load->held & load_scope_at(i)) != 0;
        if ((load->loaded & load_scope_at(i)) != 0) {
            state->success_unix_ms = clock_unix_ms();
            state->failures = 0;
            error_clear(&state->error);
        } else if ((load->held & load_scope_at(i)) != 0) {
            state->failures = 0;
            error_clear(&state->error);
        } else if ((failed & load_scope_at(i)) != 0 &&
                   load_schedule_wanted(&loader->schedule, load_scope_at(i))) {
            state->failures++;
            state->error = load->error;
            state->failed_at = now;
        }
    }
    if (load->inventory != NULL && (load->loaded & LOAD_INSTANCES) != 0)
        loader->undated_instances = load->inventory->undated_rows;
    if (load->accounts == NULL || (load->loaded & LOAD_ACCOUNTS) == 0)
        return;
    loader->undated_accounts = load->accounts->undated_rows;
    if (load_schedule_wanted(&loader->schedule, LOAD_ACCOUNTS))
        memcpy(loader->accounts_rejected, load->accounts->rejected, sizeof(loader->accounts_rejected));
}

static bool is_stopping(struct loader *loader)
{
    bool stopping;

    mutex_lock(&loader->mutex);
    stopping = loader->stopping;
    mutex_unlock(&loader->mutex);
    return stopping;
}

static void warn_of_clear_text(const struct config *config)
{
    char address[INET6_ADDRSTRLEN];

    if (clear_text_to_public(config, address))
        log_warn("the inventory database is asked without TLS over a public network; set tls in [mysql]",
                 log_text("host", config->mysql.host), log_text("address", address));
}

/* Loads `scope` once and hands the outcome on. The mutex is held before and after, not during. */
static void load_once(struct loader *loader, unsigned scope)
{
    struct config *config = config_get(loader->config);
    struct load load = {
        .config = config, .scope = scope, .asked = loader->asked & scope, .started = clock_now()};
    bool is_new_config = loader->is_new_config;
    int64_t now;

    loader->is_new_config = false;
    loader->asked &= ~scope;
    mutex_unlock(&loader->mutex);
    if (is_new_config)
        warn_of_clear_text(config);
    load_run(&load);
    now = clock_now();
    load_hold_back(&load, loader->holds, now);
    deliver(&loader->sink, &load, now);
    if (!is_stopping(loader)) {
        load_log(&load, now);
        load_log_remarks(&load, loader->remarks_said);
        log_changes(loader, &load, now);
    }
    mutex_lock(&loader->mutex);
    record(loader, &load, clock_now());
    mutex_unlock(&loader->mutex);
    load_release(&load);
    config_put(config);
    loader->sink.status_changed(loader->sink.context);
    mutex_lock(&loader->mutex);
}

static void *loader_run(void *argument)
{
    struct loader *loader = argument;
    struct error error;
    bool ready = source_thread_init(&error);

    if (!ready)
        log_failure(LOG_LEVEL_ERROR, "inventory thread ends", &error);
    mutex_lock(&loader->mutex);
    while (ready && !loader->stopping) {
        unsigned scope = load_schedule_take(&loader->schedule, clock_now());

        if (scope != 0)
            load_once(loader, scope);
        else
            cond_wait_until(&loader->wake, &loader->mutex, load_schedule_next(&loader->schedule));
    }
    mutex_unlock(&loader->mutex);
    if (ready)
        source_thread_release();
    mutex_lock(&loader->mutex);
    loader->finished = true;
    pthread_cond_signal(&loader->ended);
    mutex_unlock(&loader->mutex);
    return NULL;
}

bool loader_start(struct loader *loader, struct error *error)
{
    loader->started = thread_start(&loader->thread, THREAD_NAME, loader_run, loader, error);
    return loader->started;
}

/* What is no longer loaded is no longer broken. The mutex is held. */
static void forget_unwanted(struct loader *loader)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        if (load_schedule_wanted(&loader->schedule, load_scope_at(i)))
            continue;
        loader->scopes[i].failures = 0;
        loader->scopes[i].hold.holding = false;
        error_clear(&loader->scopes[i].error);
    }
    if (!load_schedule_wanted(&loader->schedule, LOAD_ACCOUNTS))
        memset(loader->accounts_rejected, 0, sizeof(loader->accounts_rejected));
}

void loader_configure(struct loader *loader, struct config *config)
{
    int64_t intervals[LOAD_SCOPE_COUNT];
    struct config *previous;

    schedule_intervals(config, intervals);
    mutex_lock(&loader->mutex);
    previous = loader->config;
    loader->config = config_get(config);
    loader->is_new_config = true;
    load_schedule_configure(&loader->schedule, intervals, clock_now());
    loader->asked = LOAD_ALL;
    forget_unwanted(loader);
    mutex_unlock(&loader->mutex);
    pthread_cond_signal(&loader->wake);
    config_put(previous);
}

void loader_request(struct loader *loader, unsigned scope)
{
    mutex_lock(&loader->mutex);
    load_schedule_request(&loader->schedule, scope, clock_now());
    mutex_unlock(&loader->mutex);
    pthread_cond_signal(&loader->wake);
}

/* Of the scope that failed last; NULL when none is failing. The mutex is held. */
static const struct error *newest_error(const struct loader *loader)
{
    const struct scope_state *newest = NULL;

    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        const struct scope_state *state = &loader->scopes[i];

        if (state->error.class != ERROR_NONE && (newest == NULL || state->failed_at > newest->failed_at))
            newest = state;
    }
    return newest != NULL ? &newest->error : NULL;
}

/* Of the first scope of which a load is held; NULL when none is. The mutex is held. */
static const struct load_hold *first_hold(const struct loader *loader)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        if (loader->scopes[i].hold.holding)
            return &loader->scopes[i].hold;
    }
    return NULL;
}

void loader_status(struct loader *loader, struct loader_status *status)
{
    const struct scope_state *scopes = loader->scopes;
    const struct load_hold *held;
    const struct error *error;

    mutex_lock(&loader->mutex);
    error = newest_error(loader);
    held = first_hold(loader);
    *status = (struct loader_status){
        .instances_success_unix_ms = scopes[SCOPE_INSTANCES].success_unix_ms,
        .users_success_unix_ms = scopes[SCOPE_USERS].success_unix_ms,
        .accounts_success_unix_ms = scopes[SCOPE_ACCOUNTS].success_unix_ms,
        .instances_failures = scopes[SCOPE_INSTANCES].failures,
        .users_failures = scopes[SCOPE_USERS].failures,
        .accounts_failures = scopes[SCOPE_ACCOUNTS].failures,
        .undated_rows = loader->undated_instances + loader->undated_accounts,
        .held_loads = loader->held_loads,
    };
    memcpy(status->accounts_rejected, loader->accounts_rejected, sizeof(status->accounts_rejected));
    if (error != NULL)
        status->last_error = *error;
    if (held != NULL) {
        status->is_held = true;
        status->held_found = held->found.entries;
        status->held_in_force = held->in_force.entries;
    }
    mutex_unlock(&loader->mutex);
}

void loader_stop_soon(struct loader *loader)
{
    mutex_lock(&loader->mutex);
    loader->stopping = true;
    mutex_unlock(&loader->mutex);
    pthread_cond_signal(&loader->wake);
}

bool loader_stop(struct loader *loader, int64_t deadline)
{
    bool finished;

    if (!loader->started || loader->joined)
        return true;
    loader_stop_soon(loader);
    mutex_lock(&loader->mutex);
    while (!loader->finished && clock_now() < deadline)
        cond_wait_until(&loader->ended, &loader->mutex, deadline);
    finished = loader->finished;
    mutex_unlock(&loader->mutex);
    if (!finished)
        return false;
    pthread_join(loader->thread, NULL);
    loader->joined = true;
    return true;
}
