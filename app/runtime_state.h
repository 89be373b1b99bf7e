/* The running program's own state, shared by the files of app/ and by nobody else. */
#ifndef APP_RUNTIME_STATE_H
#define APP_RUNTIME_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/runtime.h"
#include "config/in_force.h"
#include "core/arena.h"
#include "das/keyring/keyring.h"
#include "db/loader.h"
#include "http/server.h"
#include "metrics/publisher.h"
#include "metrics/registry.h"
#include "schedule/call_queue.h"
#include "schedule/mailbox.h"
#include "schedule/refresh.h"
#include "schedule/scheduler.h"
#include "schedule/workers.h"

struct runtime {
    struct options options;
    struct config_in_force *in_force;
    struct registry *registry;
    struct publisher *publisher;
    struct call_queue *queue;
    struct mailbox *mailbox;
    struct refresh_table *refreshes;
    struct status_board *board;
    struct keyring *keyring;
    struct scheduler *scheduler;
    struct workers *workers;
    struct loader *loader;
    struct server *server;
    struct providers providers;

    struct inventory *inventory; /* the inventory thread's reference to the one in force; NULL: none yet */

    /* the publisher thread's */
    struct arena gathered;
    uint64_t rejected[REJECTION_COUNT];
    const char *rejected_names[REJECTION_COUNT];

    /* the publish that holds the whole first cycle; UINT64_MAX until it was gathered */
    _Atomic uint64_t first_cycle_publish;
    _Atomic int64_t ready_deadline; /* CLOCK_NEVER until there is an inventory */

    pthread_mutex_t reload_mutex;
    pthread_cond_t reload_done;
    /* under reload_mutex */
    bool stopping;
    uint64_t reloads_begun, reloads_finished;
    bool reload_successful;
    int64_t reload_success_unix_ms;
    struct error reload_error;
};

/* feed.c: what comes in, from the inventory thread and the keyring */
struct loader_sink runtime_loader_sink(struct runtime *runtime);
struct keyring_sink runtime_keyring_sink(struct runtime *runtime);
struct credentials_source runtime_credentials_source(struct runtime *runtime);

/* provide.c: what goes out, to the publisher and the pages */
bool runtime_gather(void *context, struct self_metrics *self);
struct providers runtime_providers(struct runtime *runtime);

/* configuration.c: waits for the verdict of a reload that begins after the call; any thread but the main one */
bool runtime_request_reload(struct runtime *runtime, struct error *error);

/* configuration.c: from now on requests fail at once, those that wait included; main thread */
void runtime_refuse_reloads(struct runtime *runtime);

/* configuration.c: true after runtime_refuse_reloads; any thread */
bool runtime_is_stopping(struct runtime *runtime);

/* configuration.c: the log obeys the configuration, and complains of it. */
void runtime_configure_log(const struct config *config);

#endif
