#include "collectors/scheduler_state.h"

/* One in so many workers is left to lanes that have few calls out. */
#define RESERVED_WORKERS 4
/* So many calls a lane may always have out. */
#define WORKERS_LEAST 2

bool scheduler_configure_total(struct scheduler *s, const struct das_config *das, int64_t now)
{
    int64_t calls = das->total_rate_limit;

    /* Once made it stays, since calls that hold a slot of it may be out. */
    if (calls > 0 && s->total == NULL)
        s->total = limiter_new(calls, das->rate_window, now);
    else if (calls > 0 && !limiter_configure(s->total, calls, das->rate_window, now))
        return false;
    s->total_limited = calls > 0;
    return !s->total_limited || s->total != NULL;
}

const struct metric_config *scheduler_metric(const struct scheduler *s)
{
    return &s->config->metrics[METRIC_USER_SESSION_COUNT];
}

void scheduler_changed(struct scheduler *s)
{
    registry_touch(s->parts.registry);
    if (s->parts.changed != NULL)
        s->parts.changed(s->parts.changed_context);
}

int64_t scheduler_jitter(struct scheduler *s, int64_t limit)
{
    /* xorshift64*, Vigna 2016: enough for spreading retries. */
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return limit <= 0 ? 0 : (int64_t)((s->random * UINT64_C(2685821657736338717) >> 1) % (uint64_t)limit);
}

void scheduler_wait(struct scheduler *s, struct job *job, int64_t due)
{
    job->place = JOB_WAITING;
    heap_insert(&s->timers, &job->node, due);
}

size_t scheduler_worker_share(const struct scheduler *s)
{
    size_t workers = (size_t)s->config->exporter.workers;
    size_t lanes = s->active_lanes + 1 < s->lane_count ? s->active_lanes + 1 : s->lane_count;
    size_t share = lanes > 1 ? workers / lanes : workers;

    if (s->calling < workers - workers / RESERVED_WORKERS)
        return workers;
    if (share < WORKERS_LEAST)
        share = WORKERS_LEAST;
    return share < workers ? share : workers;
}

void scheduler_place_lane(struct scheduler *s, struct lane *lane, int64_t now)
{
    int64_t next = lane_next(lane, scheduler_worker_share(s), now);

    if (heap_queued(&lane->node)) {
        /* One whose time has come keeps its place before those that became ready later. */
        if (lane->node.key == next || (lane->node.key <= now && next <= now))
            return;
        heap_remove(&s->ready_lanes, &lane->node);
    }
    if (next != CLOCK_NEVER)
        heap_insert(&s->ready_lanes, &lane->node, next);
}
