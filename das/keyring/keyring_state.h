/* The inside of the keyring, shared by its files. */
#ifndef DAS_KEYRING_KEYRING_STATE_H
#define DAS_KEYRING_KEYRING_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/heap.h"
#include "core/limiter.h"
#include "das/keyring/key_entry.h"
#include "das/keyring/key_set.h"
#include "das/keyring/keyring.h"
#include "das/transport.h"

#define KEYRING_THREADS 4

struct keyring_thread {
    struct keyring *keyring;
    struct transport *transport;
    pthread_t thread;
};

enum keyring_lane { KEYRING_LOCAL, KEYRING_REMOTE, KEYRING_RETRY, KEYRING_LANES };

struct keyring {
    struct keyring_sink sink;

    pthread_mutex_t mutex; /* a leaf; guards all below but the threads */
    pthread_cond_t wakeup;
    struct key_inputs inputs;
    struct keyring_change *change; /* prepared and not committed; NULL: none */
    uint64_t version;              /* of both: whoever builds aside sees that it is outdated */
    struct key_set *set;
    struct heap lanes[KEYRING_LANES];
    size_t retrying; /* threads that are */
    struct limiter *limiter;
    uint64_t random;
    bool stopping;

    struct keyring_thread threads[KEYRING_THREADS];
    size_t thread_count; /* that run */
};

/* What the clocks and the random numbers say now. The mutex is held, as for those below. */
struct key_moment keyring_moment(struct keyring *keyring);

/* Puts the entry into the heap where it belongs now, or into none. */
void keyring_reschedule(struct keyring *keyring, struct key_entry *entry);

/* The entry has news; `replaced` when it has other credentials. */
void keyring_wake_dependents(struct keyring *keyring, struct key_entry *caller, bool replaced, int64_t now);

#endif
