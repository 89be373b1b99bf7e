/*
 * A fleet of targets, the workers and the DAS server, played with a virtual clock and without
 * threads: the scheduler under test decides, the fleet takes jobs out of its queue as workers
 * would and returns them at the right virtual time with what the server would have said.
 *
 * The server counts the calls of each account when they arrive, after a random part of the round
 * trip, and fails the test when any window holds more than the configured number.
 */
#ifndef TEST_SCHEDULE_FAKE_FLEET_H
#define TEST_SCHEDULE_FAKE_FLEET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/heap.h"
#include "schedule/scheduler.h"
#include "schedule/scheduler_state.h"

#define FLEET_START  (1000 * NS_PER_SECOND)
#define FLEET_ALWAYS UINT_MAX

/* Calls that fail although they arrive. */
struct fleet_fault {
    enum error_class class; /* ERROR_NONE: no fault */
    unsigned times;         /* calls still to fail; FLEET_ALWAYS: all */
    bool only_polls;
    int64_t sent_before; /* only calls dispatched before that time; 0: any */
    int64_t retry_after_ms;
};

#define FLEET_FAULT(error, count) ((struct fleet_fault){.class = (error), .times = (count)})
#define FLEET_POLL_FAULT(error, count)                                                                       \
    ((struct fleet_fault){.class = (error), .times = (count), .only_polls = true})

struct fleet_target {
    /* the inventory: change, then fleet_apply_inventory() */
    bool present;
    bool polardb;
    bool reads; /* a read-only node */
    size_t account;
    char ins_name[24];

    /* what the server does with it */
    int64_t completion; /* median; 0: the submit is answered with the result */
    double spread;      /* sigma of the log-normal distribution; 0: always the median */
    bool never_finishes;
    bool hangs; /* calls time out */
    struct fleet_fault fault;
    unsigned unsent; /* calls that the worker cannot make */

    /* what was seen */
    unsigned submits;
    unsigned polls;
    unsigned results;
    int64_t submitted_at;
    int64_t computed_at;
    int64_t result_at;
    int64_t longest_gap; /* between two results */
    int64_t refreshing;  /* sum over the results: from the begin of a cycle to its result */
};

struct fleet_account {
    /* the configuration: change, then fleet_reload() */
    bool unconfigured;
    unsigned key; /* part of access_key_id */
    unsigned rate_limit;

    /* the keyring: fleet_give_keys() and so on */
    struct account_credentials keys;
    bool unknown_to_keyring;
    unsigned renewals; /* asked for */

    /* what the server does with it */
    bool refuses_keys; /* all but accepted_key */
    unsigned accepted_key;
    unsigned first_valid_key; /* tokens of those before have expired */
    bool hangs;
    bool cannot_sign; /* the worker cannot use its keys */
    struct fleet_fault fault;
    unsigned server_limit; /* calls per window beyond which it throttles; 0: none */
    int64_t round_trip_least;
    int64_t round_trip_most;

    /* what was seen */
    unsigned calls;
    int64_t *arrivals; /* a ring: the last window */
    size_t arrival_first;
    size_t arrival_count;
    unsigned quota; /* calls per window as configured */
    int64_t quota_set_at;
    unsigned quota_before; /* in force until quota_from: calls sent under it still arrive */
    int64_t quota_from;
};

struct fleet_settings {
    size_t accounts;      /* default 1 */
    size_t targets;       /* of each account; default 1 */
    size_t first_targets; /* of account 0, when it differs */
    unsigned workers;     /* defaults as in the reference configuration from here on */
    unsigned queue_size;
    unsigned rate_limit;
    unsigned total_rate_limit;
    const char *rate_window;
    const char *interval;
    const char *stale_after;
    const char *result_timeout;
    bool sessions_disabled;
    bool limits_disabled;
    const char *endpoint;
    const struct collector *collector; /* default: user_sessions_collector */
    int64_t start;                     /* default: FLEET_START */
};

struct fleet_call {
    struct heap_node node;
    struct call *call; /* NULL: gave up, but it may still arrive */
    struct fleet_target *target;
    struct fleet_account *account;
    bool arrived;
    int64_t dispatched_at;
    int64_t started_at;
    int64_t returns_at;
};

struct fleet {
    struct fleet_settings settings;
    struct fleet_target *targets; /* of account 0, then of account 1 … */
    size_t target_count;
    struct fleet_account *accounts;
    size_t account_count;
    struct fleet_account total; /* the calls of all of them, under total_rate_limit */

    struct config *config;
    struct registry *registry;
    struct call_queue *queue;
    struct mailbox *mailbox;
    struct refresh_table *refreshes;
    struct status_board *board;
    struct scheduler *scheduler;

    int64_t now;
    int64_t wake; /* what the last step asked for */
    uint64_t random;
    struct heap events;
    size_t running; /* calls with workers */
    uint64_t steps;

    /* a test's own eyes: when a worker starts a call */
    void (*on_call)(struct fleet *fleet, const struct fleet_call *call);
    void *context;
};

/* A fleet with its inventory applied at FLEET_START. Ends the test on any trouble. */
struct fleet *fleet_new(const struct fleet_settings *settings);

/* The same without the inventory. */
struct fleet *fleet_new_empty(const struct fleet_settings *settings);
void fleet_free(struct fleet *fleet);

/* Brings inventory and configuration in line with targets, accounts and settings. */
void fleet_apply_inventory(struct fleet *fleet);
void fleet_reload(struct fleet *fleet);

/* Runs to a time or for a while; the invariants are checked at the end. */
void fleet_run_until(struct fleet *fleet, int64_t time);
void fleet_run(struct fleet *fleet, int64_t duration);

/* The scheduler does not run for a while; calls that are out go on. */
void fleet_stall(struct fleet *fleet, int64_t duration);

/* One decision round now, and the workers' part. */
void fleet_step(struct fleet *fleet);

/* A number in [0, limit). */
int64_t fleet_random(struct fleet *fleet, int64_t limit);

/* fake_fleet_view.c */

/* The users table was loaded, or could not be: NULL. */
void fleet_load_limits(struct fleet *fleet, struct batch *batch);

/* Runs until every present target has at least so many results. Fails after `limit`. */
void fleet_run_until_results(struct fleet *fleet, unsigned results, int64_t limit);

/* The job of a target; NULL when it has none. */
struct job *fleet_job(const struct fleet *fleet, size_t target);
struct lane *fleet_lane(const struct fleet *fleet, size_t account);

/* Sums over all targets. */
unsigned fleet_submits(const struct fleet *fleet);
unsigned fleet_polls(const struct fleet *fleet);
unsigned fleet_results(const struct fleet *fleet);

/* Starts a manual refresh; ins_id and aliyun_uid may be NULL. */
enum refresh_answer fleet_refresh(struct fleet *fleet, const char *ins_id, const char *aliyun_uid,
                                  struct refresh_progress *progress);

/* The progress of a refresh that is known. */
struct refresh_progress fleet_progress(struct fleet *fleet, const struct refresh_progress *refresh);

/* fake_fleet_keys.c: the keyring; each tells the scheduler */

/* The account gets the credentials of `key`, which expire in an hour. */
void fleet_give_keys(struct fleet *fleet, size_t account, unsigned key);

/* They are on their way, for the first time. */
void fleet_await_keys(struct fleet *fleet, size_t account);

/* A fetch failed; `keep`: those in force are still valid. */
void fleet_fail_keys(struct fleet *fleet, size_t account, bool keep);

/* What the configuration says: keys, or none. */
void fleet_configure_keys(struct fleet *fleet);
void fleet_forget_keys(struct fleet *fleet);

/* The scheduler's side of it, with the fleet as context. */
void fleet_lookup_credentials(void *context, const char *aliyun_uid, struct account_credentials *known);
bool fleet_credentials_refused(void *context, const char *aliyun_uid, const struct credentials *refused);

/* fake_fleet_check.c */

/* Every job is in one container, and every count is what counting gives. */
void fleet_check(const struct fleet *fleet);

/* fake_fleet_page.c */

/* The page as a scrape gets it now; the caller frees it. */
char *fleet_page(struct fleet *fleet);

/* The value of the sample line that starts with `series` and a blank; false when there is none. */
bool fleet_sample(struct fleet *fleet, const char *series, double *value);

/* The number of sample lines of a family. */
size_t fleet_series(struct fleet *fleet, const char *family);

/* The same for session_exporter_target_up of a target: 0, 1, or -1 when it is not there. */
int fleet_target_up(struct fleet *fleet, size_t target);

/* fake_fleet_config.c */

/* Ids as in the inventory; `text` holds at least 32 bytes. Return text. */
const char *fleet_uid(size_t account, char *text);
const char *fleet_ins_id(const struct fleet *fleet, size_t target, char *text);

/* Writes the settings to a temporary file and loads it. */
struct config *fleet_load_config(const struct fleet *fleet);

/* The inventory of the targets that are present. One reference for the caller. */
struct inventory *fleet_build_inventory(const struct fleet *fleet);

#endif
