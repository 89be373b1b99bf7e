#include "schedule/call_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/thread.h"

struct call_queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    /* under mutex */
    struct list calls;
    size_t length;
    bool closed;
    /* constant */
    size_t capacity;
};

struct call_queue *call_queue_new(size_t capacity)
{
    struct call_queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        return NULL;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    list_init(&queue->calls);
    queue->capacity = capacity;
    return queue;
}

void call_queue_free(struct call_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->not_empty);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool call_queue_push(struct call_queue *queue, struct call *call)
{
    bool accepted;

    mutex_lock(&queue->mutex);
    accepted = !queue->closed && queue->length < queue->capacity;
    if (accepted) {
        list_push_back(&queue->calls, &call->link);
        queue->length++;
    }
    mutex_unlock(&queue->mutex);
    if (accepted)
        pthread_cond_signal(&queue->not_empty);
    return accepted;
}

static struct call *take_first(struct call_queue *queue)
{
    struct list_node *node = list_pop_front(&queue->calls);

    if (node == NULL)
        return NULL;
    queue->length--;
    return CONTAINER_OF(node, struct call, link);
}

struct call *call_queue_pop(struct call_queue *queue)
{
    struct call *call;

    mutex_lock(&queue->mutex);
    while (!queue->closed && queue->length == 0)
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    call = queue->closed ? NULL : take_first(queue);
    mutex_unlock(&queue->mutex);
    return call;
}

struct call *call_queue_try_pop(struct call_queue *queue)
{
    struct call *call;

    mutex_lock(&queue->mutex);
    call = take_first(queue);
    mutex_unlock(&queue->mutex);
    return call;
}

void call_queue_close(struct call_queue *queue)
{
    mutex_lock(&queue->mutex);
    queue->closed = true;
    mutex_unlock(&queue->mutex);
    pthread_cond_broadcast(&queue->not_empty);
}

size_t call_queue_length(struct call_queue *queue)
{
    size_t length;

    mutex_lock(&queue->mutex);
    length = queue->length;
    mutex_unlock(&queue->mutex);
    return length;
}

int64_t call_queue_oldest(struct call_queue *queue)
{
    int64_t oldest = CLOCK_NEVER;

    mutex_lock(&queue->mutex);
    if (!list_empty(&queue->calls))
        oldest = CONTAINER_OF(queue->calls.head.next, struct call, link)->dispatched_at;
    mutex_unlock(&queue->mutex);
    return oldest;
}
