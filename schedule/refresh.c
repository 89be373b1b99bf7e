#include "schedule/refresh.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "core/thread.h"

struct refresh {
    bool used;
    struct refresh_filter filter;
    struct refresh_progress progress; /* without elapsed */
    int64_t opened_at;
    int64_t finished_at;
};

struct refresh_table {
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    /* under mutex */
    struct refresh refreshes[REFRESH_ACTIVE_MAX];
    uint64_t opened; /* ever */
    bool closed;
    /* constant */
    uint64_t seed;
};

struct refresh_table *refresh_table_new(uint64_t seed)
{
    struct refresh_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return NULL;
    if (!cond_init(&table->finished)) {
        free(table);
        return NULL;
    }
    pthread_mutex_init(&table->mutex, NULL);
    table->seed = seed;
    return table;
}

void refresh_table_free(struct refresh_table *table)
{
    if (table == NULL)
        return;
    pthread_cond_destroy(&table->finished);
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

static bool same_filter(const struct refresh_filter *a, const struct refresh_filter *b)
{
    return a->metric == b->metric && strcmp(a->ins_id, b->ins_id) == 0 &&
           strcmp(a->aliyun_uid, b->aliyun_uid) == 0;
}

static bool is_running(const struct refresh *refresh)
{
    return refresh->used && refresh->progress.state == REFRESH_RUNNING;
}

static void copy_progress(const struct refresh *refresh, int64_t now, struct refresh_progress *progress)
{
    *progress = refresh->progress;
    progress->elapsed = (is_running(refresh) ? now : refresh->finished_at) - refresh->opened_at;
}

static void finish_if_done(struct refresh_table *table, struct refresh *refresh, int64_t now)
{
    if (refresh->progress.done < refresh->progress.targets)
        return;
    refresh->progress.state = REFRESH_FINISHED;
    refresh->finished_at = now;
    pthread_cond_broadcast(&table->finished);
}

bool refresh_table_join(struct refresh_table *table, const struct refresh_filter *filter, int64_t now,
                        struct refresh_progress *progress)
{
    bool found = false;

    mutex_lock(&table->mutex);
    for (size_t i = 0; i < REFRESH_ACTIVE_MAX && !found; i++) {
        const struct refresh *refresh = &table->refreshes[i];

        if (is_running(refresh) && same_filter(&refresh->filter, filter)) {
            copy_progress(refresh, now, progress);
            progress->joined = true;
            found = true;
        }
    }
    mutex_unlock(&table->mutex);
    return found;
}

/* A place never used, else the one that finished longest ago. NULL when all are running. */
static struct refresh *free_place(struct refresh_table *table)
{
    struct refresh *oldest = NULL;

    for (size_t i = 0; i < REFRESH_ACTIVE_MAX; i++) {
        struct refresh *refresh = &table->refreshes[i];

        if (!refresh->used)
            return refresh;
        if (!is_running(refresh) && (oldest == NULL || refresh->finished_at < oldest->finished_at))
            oldest = refresh;
    }
    return oldest;
}

bool refresh_table_open(struct refresh_table *table, const struct refresh_filter *filter, uint64_t targets,
                        int64_t estimated, int64_t now, unsigned *bit, struct refresh_progress *progress)
{
    struct refresh *refresh;

    mutex_lock(&table->mutex);
    refresh = free_place(table);
    if (refresh != NULL) {
        uint64_t number = ++table->opened;

        *refresh = (struct refresh){.used = true, .filter = *filter, .opened_at = now};
        refresh->progress =
            (struct refresh_progress){.state = REFRESH_RUNNING, .targets = targets, .estimated = estimated};
        snprintf(refresh->progress.id, sizeof(refresh->progress.id), "%016llx",
                 (unsigned long long)text_hash(table->seed, &number, sizeof(number)));
        finish_if_done(table, refresh, now);
        copy_progress(refresh, now, progress);
        *bit = (unsigned)(refresh - table->refreshes);
    }
    mutex_unlock(&table->mutex);
    return refresh != NULL;
}

static void report_one(struct refresh_table *table, struct refresh *refresh, enum refresh_result result,
                       int64_t now)
{
    if (result == REFRESH_TARGET_VANISHED) {
        refresh->progress.targets--;
    } else {
        refresh->progress.done++;
        if (result == REFRESH_TARGET_FAILED)
            refresh->progress.failed++;
    }
    finish_if_done(table, refresh, now);
}

void refresh_table_report(struct refresh_table *table, uint64_t waiting, enum refresh_result result,
                          int64_t now)
{
    if (waiting == 0)
        return;
    mutex_lock(&table->mutex);
    for (size_t i = 0; i < REFRESH_ACTIVE_MAX; i++) {
        if ((waiting >> i & 1) != 0)
            report_one(table, &table->refreshes[i], result, now);
    }
    mutex_unlock(&table->mutex);
}

static struct refresh *find(struct refresh_table *table, const char *id)
{
    for (size_t i = 0; i < REFRESH_ACTIVE_MAX; i++) {
        if (table->refreshes[i].used && strcmp(table->refreshes[i].progress.id, id) == 0)
            return &table->refreshes[i];
    }
    return NULL;
}

bool refresh_table_progress(struct refresh_table *table, const char *id, int64_t now,
                            struct refresh_progress *progress)
{
    const struct refresh *refresh;

    mutex_lock(&table->mutex);
    refresh = find(table, id);
    if (refresh != NULL)
        copy_progress(refresh, now, progress);
    mutex_unlock(&table->mutex);
    return refresh != NULL;
}

bool refresh_table_wait(struct refresh_table *table, const char *id, int64_t deadline,
                        struct refresh_progress *progress)
{
    const struct refresh *refresh;

    mutex_lock(&table->mutex);
    refresh = find(table, id);
    while (refresh != NULL && is_running(refresh) && !table->closed && clock_now() < deadline) {
        cond_wait_until(&table->finished, &table->mutex, deadline);
        refresh = find(table, id);
    }
    if (refresh != NULL)
        copy_progress(refresh, clock_now(), progress);
    mutex_unlock(&table->mutex);
    return refresh != NULL;
}

void refresh_table_close(struct refresh_table *table)
{
    mutex_lock(&table->mutex);
    table->closed = true;
    mutex_unlock(&table->mutex);
    pthread_cond_broadcast(&table->finished);
}
