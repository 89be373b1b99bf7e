/* Providers with answers made up by the test, and a record of what was asked. */
#ifndef TEST_HTTP_FAKE_PROVIDERS_H
#define TEST_HTTP_FAKE_PROVIDERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "http/providers.h"
#include "http/server.h"

#define FAKE_START_UNIX_MS INT64_C(1767322800000) /* 2026-01-02T03:00:00Z */
#define FAKE_NOW_UNIX_MS   INT64_C(1767323045000) /* 2026-01-02T03:04:05Z */

struct fake {
    struct providers providers; /* its context is the fake */
    struct snapshot *front;
    bool out_of_memory;
    bool no_status;
    bool healthy;
    bool ready;
    const char *reload_error; /* NULL: the reload works */
    enum refresh_answer refresh_answer;
    struct refresh_progress progress; /* of every refresh */
    bool refresh_blocks;              /* refresh waits for wait_ns, or until it is released */
    atomic_bool released;
    struct target_status *targets;
    size_t target_count;
    struct account_status *accounts;
    size_t account_count;
    uint64_t rejected[REJECTION_COUNT];
    struct inventory_status inventory;
    struct reload_status reload;
    /* asked for */
    atomic_int refreshes;
    atomic_int reloads;
    struct refresh_filter filter; /* of the last refresh, as wait_ns */
    int64_t wait_ns;
    pthread_mutex_t mutex; /* guards those two */
};

/* Healthy, ready, no targets, a page of about page_size bytes of sample lines. */
void fake_init(struct fake *fake, size_t page_size);
void fake_release(struct fake *fake);

/* Settings of [web] with nothing but an address. */
struct web_config fake_web(const char *listen);

/* A target that is up; the caller changes what matters. */
struct target_status fake_target(const char *ins_id, const char *ins_name);

#endif
