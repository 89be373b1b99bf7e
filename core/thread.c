#include "core/thread.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/clock.h"

#undef clock_gettime /* to translate boot time into the clock that condition variables know */

/* A wait is cut so that a suspend, which the condition's clock does not see, delays it little. */
#define LONGEST_WAIT (5 * NS_PER_SECOND)

#define THREAD_NAME_SIZE 16 /* of the kernel */

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct error *error)
{
    char short_name[THREAD_NAME_SIZE];
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        error_set_system(error, result, "cannot start thread %s", name);
        return false;
    }
    snprintf(short_name, sizeof(short_name), "%.*s", THREAD_NAME_SIZE - 1, name);
    pthread_setname_np(*thread, short_name);
    return true;
}

bool cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    bool ready;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    ready = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
            pthread_cond_init(cond, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ready;
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    int64_t now = clock_now();
    struct timespec until;
    int64_t wait;

    if (deadline <= now)
        return false;
    wait = deadline - now < LONGEST_WAIT ? deadline - now : LONGEST_WAIT;
    if (clock_gettime(CLOCK_MONOTONIC, &until) != 0)
        abort();
    wait += until.tv_nsec;
    until.tv_sec += (time_t)(wait / NS_PER_SECOND);
    until.tv_nsec = (long)(wait % NS_PER_SECOND);
    pthread_cond_timedwait(cond, mutex, &until);
    return clock_now() < deadline;
}

void mutex_lock(pthread_mutex_t *mutex)
{
    if (pthread_mutex_lock(mutex) != 0)
        abort();
}

void mutex_unlock(pthread_mutex_t *mutex)
{
    if (pthread_mutex_unlock(mutex) != 0)
        abort();
}
