/*
 * Manual refreshes (POST /refresh): who waits for which targets, and how far they are.
 *
 * The table has its own mutex, a leaf. HTTP threads read progress and wait; the scheduler thread
 * reports it. Each running refresh owns one bit, which every target it waits for carries, so
 * that progress costs no memory and no search. A finished refresh is remembered until its bit is
 * needed again.
 */
#ifndef SCHEDULE_REFRESH_H
#define SCHEDULE_REFRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define REFRESH_ID_SIZE    33 /* hex digits and a NUL */
#define REFRESH_ACTIVE_MAX 64 /* bits of a target's set */

/* What a refresh covers. Empty texts and METRIC_ID_COUNT mean "all". */
struct refresh_filter {
    enum metric_id metric;
    char ins_id[256];
    char aliyun_uid[256];
};

enum refresh_state { REFRESH_RUNNING, REFRESH_FINISHED };

struct refresh_progress {
    char id[REFRESH_ID_SIZE];
    enum refresh_state state;
    uint64_t targets;  /* what it waits for in all; targets that vanish are subtracted */
    uint64_t done;     /* finished, well or not */
    uint64_t failed;   /* of those, not well */
    bool joined;       /* it was already under way when asked for */
    int64_t estimated; /* ns from acceptance to the end, as estimated then */
    int64_t elapsed;   /* ns; of a finished one, its length */
};

enum refresh_answer {
    REFRESH_ACCEPTED,
    REFRESH_NO_MATCH, /* no target or account has that name */
    REFRESH_DISABLED, /* the metric is not enabled */
    REFRESH_BUSY,     /* REFRESH_ACTIVE_MAX are running, or the scheduler did not answer in time */
};

struct refresh_table;

/* `seed` makes the ids of this process differ from those of others. NULL when memory runs out. */
struct refresh_table *refresh_table_new(uint64_t seed);
void refresh_table_free(struct refresh_table *table); /* NULL is allowed */

/*
 * Scheduler thread. A running refresh with the same filter, if there is one: its progress, with
 * joined set. False when there is none.
 */
bool refresh_table_join(struct refresh_table *table, const struct refresh_filter *filter, int64_t now,
                        struct refresh_progress *progress);

/*
 * Scheduler thread. Opens a refresh for `targets` targets; *bit is its number, to be set in each
 * target's set. With no targets it is finished at once. False when REFRESH_ACTIVE_MAX are running.
 */
bool refresh_table_open(struct refresh_table *table, const struct refresh_filter *filter, uint64_t targets,
                        int64_t estimated, int64_t now, unsigned *bit, struct refresh_progress *progress);

/* What became of a target that refreshes wait for. */
enum refresh_result { REFRESH_TARGET_SUCCEEDED, REFRESH_TARGET_FAILED, REFRESH_TARGET_VANISHED };

/* Scheduler thread. `waiting` is the target's set. */
void refresh_table_report(struct refresh_table *table, uint64_t waiting, enum refresh_result result,
                          int64_t now);

/* Any thread. False when the id is unknown (or its bit was needed again). */
bool refresh_table_progress(struct refresh_table *table, const char *id, int64_t now,
                            struct refresh_progress *progress);

/*
 * Waits until the refresh is finished, the deadline has passed or the table is closed; then as
 * refresh_table_progress. Any thread but the scheduler's.
 */
bool refresh_table_wait(struct refresh_table *table, const char *id, int64_t deadline,
                        struct refresh_progress *progress);

/* Ends every wait from now on. Any thread. */
void refresh_table_close(struct refresh_table *table);

#endif
