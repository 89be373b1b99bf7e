/* Threads and timed waits, thin over pthreads. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

/*
 * Starts a thread that takes no signals (they are the main thread's), named for debuggers
 * (the first 15 characters). False with *error.
 */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct error *error);

/* A condition variable that cond_wait_until understands. False when the system refuses. */
bool cond_init(pthread_cond_t *cond);

/*
 * Waits until signalled, or until clock_now() reaches deadline (CLOCK_NEVER: without limit). May
 * return early. False when the deadline has passed. The mutex is held before and after.
 */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline);

/* Lock and unlock; an error is a bug and aborts. */
void mutex_lock(pthread_mutex_t *mutex);
void mutex_unlock(pthread_mutex_t *mutex);

#endif
