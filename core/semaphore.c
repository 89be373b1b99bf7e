#include "core/semaphore.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/thread.h"

struct semaphore {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under mutex */
    int places;
    int waiters;
    bool closed;
    /* constant */
    int waiters_max;
};

struct semaphore *semaphore_new(int count, int waiters_max)
{
    struct semaphore *semaphore = calloc(1, sizeof(*semaphore));

    if (semaphore == NULL)
        return NULL;
    if (!cond_init(&semaphore->changed)) {
        free(semaphore);
        return NULL;
    }
    pthread_mutex_init(&semaphore->mutex, NULL);
    semaphore->places = count;
    semaphore->waiters_max = waiters_max;
    return semaphore;
}

void semaphore_free(struct semaphore *semaphore)
{
    if (semaphore == NULL)
        return;
    pthread_cond_destroy(&semaphore->changed);
    pthread_mutex_destroy(&semaphore->mutex);
    free(semaphore);
}

/* Under the mutex. */
static void await_place(struct semaphore *semaphore, int64_t deadline)
{
    if (semaphore->waiters >= semaphore->waiters_max)
        return;
    semaphore->waiters++;
    while (semaphore->places == 0 && !semaphore->closed &&
           cond_wait_until(&semaphore->changed, &semaphore->mutex, deadline))
        continue;
    semaphore->waiters--;
}

bool semaphore_acquire(struct semaphore *semaphore, int64_t deadline)
{
    bool acquired;

    mutex_lock(&semaphore->mutex);
    await_place(semaphore, deadline);
    acquired = semaphore->places > 0 && !semaphore->closed;
    semaphore->places -= acquired;
    mutex_unlock(&semaphore->mutex);
    return acquired;
}

void semaphore_release(struct semaphore *semaphore)
{
    mutex_lock(&semaphore->mutex);
    semaphore->places++;
    mutex_unlock(&semaphore->mutex);
    pthread_cond_signal(&semaphore->changed);
}

void semaphore_close(struct semaphore *semaphore)
{
    mutex_lock(&semaphore->mutex);
    semaphore->closed = true;
    mutex_unlock(&semaphore->mutex);
    pthread_cond_broadcast(&semaphore->changed);
}
