/*
 * A consistent picture of the scheduler's state for people and programs: /targets, /, the API.
 */
#ifndef SCHEDULE_STATUS_H
#define SCHEDULE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/refcount.h"
#include "db/inventory.h"

enum target_state {
    TARGET_WAITING,        /* until its next cycle */
    TARGET_READY,          /* in its account's lane, until the quota lets it go */
    TARGET_CALLING,        /* in the job queue or with a worker */
    TARGET_COMPUTING,      /* DAS computes; the next poll has a time */
    TARGET_RETRYING,       /* failed in this cycle; the retry has a time */
    TARGET_NO_CREDENTIALS, /* its account has none that are valid: not asked */
    TARGET_STATE_COUNT,
    /* of no target in a status */
    TARGET_JOINING = TARGET_STATE_COUNT, /* prepared, not on the roster yet */
    TARGET_LEAVING,                      /* left the inventory while its call is out; freed when that ends */
    TARGET_STATE_ALL
};

const char *target_state_name(enum target_state state);

struct target_status {
    const char *ins_id;
    const char *ins_name;
    const char *ins_type;
    const char *node_id;
    enum node_type node_type;
    const char *aliyun_uid;
    enum target_state state;
    bool up;                      /* the last cycle succeeded */
    int64_t last_success_unix_ms; /* 0: never */
    int64_t next_run_unix_ms;     /* next thing that will happen to it; 0: unknown */
    uint64_t failures;            /* cycles in a row */
    const struct error *error;    /* of the last failure since the last success; NULL: none */
};

struct account_status {
    const char *aliyun_uid;
    bool up;
    enum credential_kind credential_kind; /* CREDENTIAL_NONE: the account is not configured */
    int64_t credentials_expiry_unix_ms;   /* 0: never */
    uint64_t instances;
    uint64_t targets;
    uint64_t targets_up;
    uint64_t inflight;
    double rate_limit; /* calls per second */
    double rate_effective;
    double rate_demand;
    double rate_used;   /* of the last window, as the limiter counts it: calls still out included */
    int64_t cycle;      /* ns a full cycle takes at least: max(interval, demand / limit) */
    bool overcommitted; /* that is longer than the interval */
    uint64_t throttled;
    const struct error
        *error; /* why it is down, or why its credentials could not be renewed; NULL: all is well */
};

/* How the inventory thread fares. */
struct inventory_status {
    int64_t instances_success_unix_ms; /* 0: never */
    int64_t users_success_unix_ms;     /* 0: never */
    uint64_t instances_failures;       /* in a row */
    uint64_t users_failures;
    bool is_held; /* a load that found held_found entries where held_in_force are in force */
    uint64_t held_found, held_in_force;
    struct error error; /* of the newest failure still standing; ERROR_NONE: none is */
};

/* How reloads of the configuration fare. */
struct reload_status {
    int64_t success_unix_ms; /* of the configuration in force */
    struct error error;      /* of a failed one since; ERROR_NONE: none failed */
};

/* What a status points to: immutable, shared by its copies. */
struct status_memory {
    struct refcount references;
    struct arena arena;
    struct inventory *inventory; /* a reference, for the texts of the targets; NULL: there is none */
};

/* A value; copied with status_copy(). */
struct status {
    struct status_memory *memory;        /* a reference; NULL: what it points to is somebody else's */
    const struct target_status *targets; /* ordered by ins_id, node_id */
    size_t target_count;
    const struct account_status *accounts; /* ordered by aliyun_uid */
    size_t account_count;
    int64_t taken_unix_ms;
    bool inventory_loaded;
    bool first_cycle_done; /* every target was tried once since the start */
    uint64_t queue_length;
    uint64_t rejected[REJECTION_COUNT]; /* rows of the inventory */
    struct inventory_status inventory;
    struct reload_status reload;
};

void status_init(struct status *status);
void status_release(struct status *status);

/* Another one of the same content; *status is initialised. Any thread. */
void status_copy(struct status *status, const struct status *from);

/* The targets of one instance: *first and how many, 0 when there is none. */
size_t status_find_instance(const struct status *status, const char *ins_id, size_t *first);

#endif
