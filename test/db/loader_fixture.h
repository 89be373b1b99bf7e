/* A loader whose sink remembers what it was told. */
#ifndef TEST_DB_LOADER_FIXTURE_H
#define TEST_DB_LOADER_FIXTURE_H

#include <pthread.h>

#include "core/clock.h"
#include "core/thread.h"
#include "db/loader.h"
#include "test/db/private_mariadb.h"

#define PATIENCE (60 * NS_PER_SECOND)
#define HOURLY   (3600 * NS_PER_SECOND)

/* What the sink has seen. */
struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct loader *loader;
    struct inventory *inventory; /* the newest */
    struct user_limits *limits;
    struct accounts_table *accounts;
    unsigned inventories, limit_loads, account_loads, failures, status_changes;
    int64_t limits_duration; /* ns, of the last load */
    unsigned failed_scope;
    struct error error;
    unsigned inventories_to_refuse, limits_to_refuse;
    unsigned requests_from_sink; /* to be made when the next inventory arrives */
};

struct fixture {
    struct seen seen;
    struct loader_sink sink;
    struct loader *loader;
    struct config *config;
    char file[64];
    struct private_mariadb server; /* of the tests that need one */
};

/* Waits until a counter of the sink reaches a number. */
void await(struct seen *seen, const unsigned *counter, unsigned number);

/* Read under the mutex. */
unsigned count_of(struct seen *seen, const unsigned *counter);
size_t targets_of(struct seen *seen);

/* A text that lives as long as the configuration. */
char *config_text(struct config *config, const char *text);

/* A configuration that reads an inventory file. */
struct config *file_config(const char *file);

/* Around each test: a fixture as its state; the loader is stopped, the server destroyed. */
int set_up(void **state);
int tear_down(void **state);

/* Makes and starts the loader; the fixture owns config. */
void start_loader(struct fixture *fixture, struct config *config);

/* Waits until the status shows so many failures in a row. */
struct loader_status await_status(struct fixture *fixture, uint64_t instances_failures,
                                  uint64_t users_failures);

/* Around the group. */
int initialise(void **state);
int release(void **state);

#endif
