/*
 * The inventory thread: loads instances, user limits and accounts, each on its own interval, keeps trying
 * with back-off when the source is lost, and hands good loads on. A failed load changes nothing, nor
 * does one that is not believed yet: whoever received the last good one keeps it.
 */
#ifndef DB_LOADER_H
#define DB_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "db/accounts.h"
#include "db/inventory.h"
#include "db/source.h"

struct loader;

/* Called on the inventory thread, no lock held. Arguments are borrowed for the call. */
struct loader_sink {
    void *context;
    /*
     * False with *error when the load could not be put in force: it counts as a failed one, and
     * load_failed is called for it, too. load_duration in ns: how long reading and building took.
     */
    bool (*inventory_loaded)(void *context, struct inventory *inventory, struct error *error);
    bool (*user_limits_loaded)(void *context, struct user_limits *limits, int64_t load_duration,
                               struct error *error);
    bool (*accounts_loaded)(void *context, struct accounts_table *accounts, struct error *error);
    /* A load of `scope` failed; it is retried by itself. */
    void (*load_failed)(void *context, unsigned scope, const struct error *error);
    /* After each load and what the others above were told of it: loader_status() knows it now. */
    void (*status_changed)(void *context);
};

/* A copy of the thread's state, for metrics, readiness and pages. */
struct loader_status {
    int64_t instances_success_unix_ms; /* 0: never */
    int64_t users_success_unix_ms;     /* 0: never */
    int64_t accounts_success_unix_ms;  /* 0: never */
    uint64_t instances_failures;       /* in a row, 0 after a success */
    uint64_t users_failures;
    uint64_t accounts_failures;
    uint64_t accounts_rejected[REJECTION_COUNT]; /* rows of the last good load; 0 when it is not wanted */
    uint64_t undated_rows; /* good rows of the last good loads whose updatetime was not understood */
    uint64_t held_loads;   /* so far; see db/load_hold.h */
    bool is_held;          /* now: a load that found held_found entries where held_in_force are in force */
    size_t held_found, held_in_force;
    struct error last_error; /* of the newest failure still standing; ERROR_NONE when none is */
};

/* Takes its own reference to config. NULL when memory runs out. Main thread. */
struct loader *loader_new(struct config *config, const struct loader_sink *sink);

/* Starts the thread; the first load begins at once. False with *error. */
bool loader_start(struct loader *loader, struct error *error);

/* Uses a new configuration from now on, and loads and believes at once. Any thread, does not block. */
void loader_configure(struct loader *loader, struct config *config);

/*
 * Asks for a load of `scope` as soon as possible. Requests that come while one is running are
 * joined into one more load after it. Any thread, does not block.
 */
void loader_request(struct loader *loader, unsigned scope);

/* Copies the state. Any thread; takes the loader's lock for a moment. */
void loader_status(struct loader *loader, struct loader_status *status);

/*
 * No load begins any more, and what comes of the one under way is not said: those it is for may be gone by then.
 * Any thread, does not block.
 */
void loader_stop_soon(struct loader *loader);

/*
 * Asks the thread to end and waits until the deadline, which may have passed. False when it is still inside a blocking
 * call then: the caller must leave the process without freeing. Main thread.
 */
bool loader_stop(struct loader *loader, int64_t deadline);

/* After a loader_stop that answered true, or without a start. NULL is allowed. */
void loader_free(struct loader *loader);

#endif
