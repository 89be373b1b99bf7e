#include "schedule/job_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/thread.h"

struct job_queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    /* under mutex */
    struct list jobs;
    size_t length;
    bool closed;
    /* constant */
    size_t capacity;
};

struct job_queue *job_queue_new(size_t capacity)
{
    struct job_queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        return NULL;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    list_init(&queue->jobs);
    queue->capacity = capacity;
    return queue;
}

void job_queue_free(struct job_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->not_empty);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool job_queue_push(struct job_queue *queue, struct job *job)
{
    bool accepted;

    mutex_lock(&queue->mutex);
    accepted = !queue->closed && queue->length < queue->capacity;
    if (accepted) {
        list_push_back(&queue->jobs, &job->link);
        queue->length++;
    }
    mutex_unlock(&queue->mutex);
    if (accepted)
        pthread_cond_signal(&queue->not_empty);
    return accepted;
}

static struct job *take_first(struct job_queue *queue)
{
    struct list_node *node = list_pop_front(&queue->jobs);

    if (node == NULL)
        return NULL;
    queue->length--;
    return CONTAINER_OF(node, struct job, link);
}

struct job *job_queue_pop(struct job_queue *queue)
{
    struct job *job;

    mutex_lock(&queue->mutex);
    while (!queue->closed && queue->length == 0)
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    job = queue->closed ? NULL : take_first(queue);
    mutex_unlock(&queue->mutex);
    return job;
}

struct job *job_queue_try_pop(struct job_queue *queue)
{
    struct job *job;

    mutex_lock(&queue->mutex);
    job = take_first(queue);
    mutex_unlock(&queue->mutex);
    return job;
}

void job_queue_close(struct job_queue *queue)
{
    mutex_lock(&queue->mutex);
    queue->closed = true;
    mutex_unlock(&queue->mutex);
    pthread_cond_broadcast(&queue->not_empty);
}

size_t job_queue_length(struct job_queue *queue)
{
    size_t length;

    mutex_lock(&queue->mutex);
    length = queue->length;
    mutex_unlock(&queue->mutex);
    return length;
}

int64_t job_queue_oldest(struct job_queue *queue)
{
    int64_t oldest = CLOCK_NEVER;

    mutex_lock(&queue->mutex);
    if (!list_empty(&queue->jobs))
        oldest = CONTAINER_OF(queue->jobs.head.next, struct job, link)->call.dispatched_at;
    mutex_unlock(&queue->mutex);
    return oldest;
}
