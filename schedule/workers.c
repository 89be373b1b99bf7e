#include "schedule/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"

struct worker {
    struct workers *workers;
    pthread_t thread;
    bool started;
    /* under the mutex of all, for abort */
    void *client; /* the collector's; NULL: none */
    /* the worker's own */
    uint64_t config_number; /* of the one the client was made from */
};

struct workers {
    const struct collector *collector;
    struct call_queue *queue;
    struct mailbox *mailbox;
    struct worker *each;
    size_t count;
    _Atomic int64_t last_taken; /* when one of them last took a call */

    pthread_mutex_t mutex;
    /* under mutex */
    struct config *config;
    uint64_t config_number; /* grows with each */
    bool stopping;
};

struct workers *workers_new(struct config *config, const struct collector *collector,
                            struct call_queue *queue, struct mailbox *mailbox)
{
    struct workers *workers = calloc(1, sizeof(*workers));

    if (workers == NULL)
        return NULL;
    workers->count = (size_t)config->exporter.workers;
    workers->each = calloc(workers->count, sizeof(*workers->each));
    if (workers->each == NULL) {
        free(workers);
        return NULL;
    }
    pthread_mutex_init(&workers->mutex, NULL);
    workers->collector = collector;
    workers->queue = queue;
    workers->mailbox = mailbox;
    workers->config = config_get(config);
    atomic_init(&workers->last_taken, clock_now());
    return workers;
}

/* Lets the client be aborted; NULL: no more. False: the program ends. */
static bool publish_client(struct worker *worker, void *client)
{
    bool stopping;

    mutex_lock(&worker->workers->mutex);
    worker->client = client;
    stopping = worker->workers->stopping;
    mutex_unlock(&worker->workers->mutex);
    return !stopping;
}

/* For one call only: an idle worker would keep the secrets of an old configuration in memory. */
static struct config *current_config(struct workers *workers, uint64_t *number)
{
    struct config *config;

    mutex_lock(&workers->mutex);
    config = config_get(workers->config);
    *number = workers->config_number;
    mutex_unlock(&workers->mutex);
    return config;
}

static void close_client(struct worker *worker)
{
    void *client = worker->client;

    publish_client(worker, NULL);
    if (client != NULL)
        worker->workers->collector->close(client);
}

static bool open_client(struct worker *worker, const struct config *config, uint64_t number,
                        struct error *error)
{
    void *client = worker->workers->collector->open(config, error);

    if (client == NULL)
        return false;
    worker->config_number = number;
    if (publish_client(worker, client))
        return true;
    error_set(error, ERROR_TRANSIENT, "the exporter is stopping");
    close_client(worker);
    return false;
}

/* The worker has a client, made anew after a change of the configuration. False with *error. */
static bool ready_client(struct worker *worker, struct error *error)
{
    uint64_t number;
    struct config *config = current_config(worker->workers, &number);
    bool ready = worker->client != NULL && worker->config_number == number;

    if (!ready) {
        close_client(worker);
        ready = open_client(worker, config, number, error);
    }
    config_put(config);
    return ready;
}

static void make_call(struct worker *worker, struct call *call)
{
    const struct step step = {
        .credentials = call->credentials,
        .target = call->target,
        .continuation = call->continuation,
    };

    call->result.outcome = STEP_FAILED;
    call->result.sent = false;
    if (ready_client(worker, &call->result.error))
        worker->workers->collector->step(worker->client, &step, &call->result);
    call->ended_at = clock_now();
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct workers *workers = worker->workers;
    struct call *call;

    while ((call = call_queue_pop(workers->queue)) != NULL) {
        atomic_store(&workers->last_taken, clock_now());
        make_call(worker, call);
        mailbox_return_call(workers->mailbox, call);
    }
    close_client(worker);
    return NULL;
}

bool workers_start(struct workers *workers, struct error *error)
{
    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->each[i];

        worker->workers = workers;
        worker->started = thread_start(&worker->thread, "worker", run_worker, worker, error);
        if (!worker->started)
            return false;
    }
    return true;
}

void workers_configure(struct workers *workers, struct config *config)
{
    struct config *before;

    mutex_lock(&workers->mutex);
    before = workers->config;
    workers->config = config_get(config);
    workers->config_number++;
    mutex_unlock(&workers->mutex);
    config_put(before);
}

bool workers_alive(struct workers *workers, int64_t now, int64_t limit)
{
    int64_t oldest = call_queue_oldest(workers->queue);

    /* After an idle time the last call taken is old, though nothing had to wait. */
    return oldest == CLOCK_NEVER || now - oldest <= limit || now - atomic_load(&workers->last_taken) <= limit;
}

void workers_stop(struct workers *workers)
{
    call_queue_close(workers->queue);
    mutex_lock(&workers->mutex);
    workers->stopping = true;
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->each[i].client != NULL)
            workers->collector->abort(workers->each[i].client);
    }
    mutex_unlock(&workers->mutex);
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->each[i].started)
            pthread_join(workers->each[i].thread, NULL);
        workers->each[i].started = false;
    }
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    config_put(workers->config);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->each);
    free(workers);
}
