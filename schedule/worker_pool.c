#include "schedule/worker_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/optional_metrics.h"
#include "collectors/user_sessions.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "das/client.h"

struct worker {
    struct worker_pool *pool;
    pthread_t thread;
    bool started;
    /* under the pool's mutex, for abort */
    struct das_client *client;
    /* the worker's own */
    uint64_t config_number; /* of the one the client was made from */
};

struct worker_pool {
    struct job_queue *queue;
    struct mailbox *mailbox;
    struct worker *workers;
    size_t count;
    _Atomic int64_t last_taken; /* when a worker last took a job */

    pthread_mutex_t mutex;
    /* under mutex */
    struct config *config;
    uint64_t config_number; /* grows with each */
    bool stopping;
};

struct worker_pool *worker_pool_new(struct config *config, struct job_queue *queue, struct mailbox *mailbox)
{
    struct worker_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->count = (size_t)config->exporter.workers;
    pool->workers = calloc(pool->count, sizeof(*pool->workers));
    if (pool->workers == NULL) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pool->queue = queue;
    pool->mailbox = mailbox;
    pool->config = config_get(config);
    atomic_init(&pool->last_taken, clock_now());
    return pool;
}

/* Hands the client to the pool, for abort; takes it back with NULL. False: the program ends. */
static bool publish_client(struct worker *worker, struct das_client *client)
{
    bool stopping;

    mutex_lock(&worker->pool->mutex);
    worker->client = client;
    stopping = worker->pool->stopping;
    mutex_unlock(&worker->pool->mutex);
    return !stopping;
}

/* For one call only: an idle worker would keep the secrets of an old configuration in memory. */
static struct config *current_config(struct worker_pool *pool, uint64_t *number)
{
    struct config *config;

    mutex_lock(&pool->mutex);
    config = config_get(pool->config);
    *number = pool->config_number;
    mutex_unlock(&pool->mutex);
    return config;
}

static void drop_client(struct worker *worker)
{
    struct das_client *client = worker->client;

    publish_client(worker, NULL);
    das_client_free(client);
}

/* The worker's client, made anew after a change of the configuration. NULL: call->error says why. */
static struct das_client *client_for(struct worker *worker, const struct config *config, uint64_t number,
                                     struct call *call)
{
    struct das_client *client;

    if (worker->config_number == number && worker->client != NULL)
        return worker->client;
    drop_client(worker);
    client = das_client_new(&config->das, optional_metrics_parts(&config->optional_metrics), &call->error);
    if (client == NULL)
        return NULL;
    worker->config_number = number;
    if (!publish_client(worker, client)) {
        error_set(&call->error, ERROR_TRANSIENT, "the exporter is stopping");
        drop_client(worker);
        return NULL;
    }
    return client;
}

/* What the reply says, in the words of struct call. */
static void take_verdict(struct call *call, const struct das_reply *reply, const struct config *config)
{
    call->outcome = reply->outcome;
    call->error = reply->error;
    call->retry_after_ms = reply->retry_after_ms;
    call->duration = reply->duration;
    call->answered = reply->answered;
    call->sent = reply->attempted;
    if (reply->outcome == DAS_RUNNING) {
        call->new_result_id = strdup(reply->result_id);
        if (call->new_result_id == NULL)
            call->outcome = DAS_FAILED;
    } else if (reply->outcome == DAS_FINISHED) {
        call->batch = user_sessions_render(call->target, reply, &config->optional_metrics);
        if (call->batch == NULL)
            call->outcome = DAS_FAILED;
    }
    if (call->outcome == DAS_FAILED && call->error.class == ERROR_NONE)
        error_set(&call->error, ERROR_NO_MEMORY, "out of memory while reading a reply");
}

static void make_call(struct das_client *client, const struct config *config, struct call *call)
{
    const struct das_call request = {
        .credentials = call->credentials,
        .instance_id = call->target->instance->ins_id,
        .node_id = call->target->node_id,
        .result_id = call->result_id != NULL ? call->result_id : "",
    };
    struct das_reply reply;

    das_reply_init(&reply);
    das_client_call(client, &request, &reply);
    take_verdict(call, &reply, config);
    das_reply_release(&reply);
}

static void run_job(struct worker *worker, struct job *job)
{
    uint64_t number;
    struct config *config = current_config(worker->pool, &number);
    struct das_client *client = client_for(worker, config, number, &job->call);

    if (client != NULL) {
        make_call(client, config, &job->call);
    } else {
        job->call.outcome = DAS_FAILED;
        job->call.sent = false;
    }
    config_put(config);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct worker_pool *pool = worker->pool;
    struct job *job;

    while ((job = job_queue_pop(pool->queue)) != NULL) {
        atomic_store(&pool->last_taken, clock_now());
        run_job(worker, job);
        job->call.ended_at = clock_now();
        mailbox_return_job(pool->mailbox, job);
    }
    drop_client(worker);
    return NULL;
}

bool worker_pool_start(struct worker_pool *pool, struct error *error)
{
    for (size_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];

        worker->pool = pool;
        worker->started = thread_start(&worker->thread, "worker", run_worker, worker, error);
        if (!worker->started)
            return false;
    }
    return true;
}

void worker_pool_configure(struct worker_pool *pool, struct config *config)
{
    struct config *before;

    mutex_lock(&pool->mutex);
    before = pool->config;
    pool->config = config_get(config);
    pool->config_number++;
    mutex_unlock(&pool->mutex);
    config_put(before);
}

bool worker_pool_alive(struct worker_pool *pool, int64_t now, int64_t limit)
{
    int64_t oldest = job_queue_oldest(pool->queue);

    /* After an idle time the last job taken is old, though nothing had to wait. */
    return oldest == CLOCK_NEVER || now - oldest <= limit || now - atomic_load(&pool->last_taken) <= limit;
}

void worker_pool_stop(struct worker_pool *pool)
{
    job_queue_close(pool->queue);
    mutex_lock(&pool->mutex);
    pool->stopping = true;
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->workers[i].client != NULL)
            das_client_abort(pool->workers[i].client);
    }
    mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->workers[i].started)
            pthread_join(pool->workers[i].thread, NULL);
        pool->workers[i].started = false;
    }
}

void worker_pool_free(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    config_put(pool->config);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}
