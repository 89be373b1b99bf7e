/* A counting semaphore that can be closed, with waits on the monotonic clock. One mutex, a leaf. */
#ifndef CORE_SEMAPHORE_H
#define CORE_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

struct semaphore;

/* Lets `count` in at once, and lets `waiters_max` wait. NULL when memory runs out. */
struct semaphore *semaphore_new(int count, int waiters_max);
void semaphore_free(struct semaphore *semaphore); /* NULL is allowed; nobody waits or is in */

/*
 * Waits for a place until clock_now() reaches deadline. False: none came, too many wait already, or it is
 * closed. Any thread.
 */
bool semaphore_acquire(struct semaphore *semaphore, int64_t deadline);

/* Gives the place back. Any thread. */
void semaphore_release(struct semaphore *semaphore);

/* Nobody is let in from now on, and who waits is refused at once. Any thread. */
void semaphore_close(struct semaphore *semaphore);

#endif
