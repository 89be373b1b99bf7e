#include "schedule/scheduler_state.h"

#include "core/clock.h"

/* One in so many workers is left to lanes that have few calls out. */
#define RESERVED_WORKERS 4
/* So many calls a lane may always have out. */
#define WORKERS_LEAST 2

/*
 * Every call takes a slot of the limit over all accounts, so that switching it on forgets none;
 * while it is off, it is too wide to matter.
 */
static int64_t total_calls(const struct das_config *das)
{
    return das->total_rate_limit > 0 ? das->total_rate_limit : LIMITER_CALLS_MAX;
}

static int64_t total_window(const struct das_config *das)
{
    return das->total_rate_limit > 0 ? das->rate_window : NS_PER_SECOND;
}

struct limiter *scheduler_new_total(const struct das_config *das, int64_t now)
{
    return limiter_new(total_calls(das), total_window(das), now);
}

bool scheduler_prepare_total(struct scheduler *s, const struct das_config *das)
{
    return limiter_reserve(s->total, total_calls(das));
}

void scheduler_configure_total(struct scheduler *s, const struct das_config *das, int64_t now)
{
    if (total_calls(das) != limiter_calls(s->total) || total_window(das) != limiter_window(s->total))
        limiter_configure(s->total, total_calls(das), total_window(das), now);
}

bool scheduler_look_up_credentials(struct scheduler *s, struct lane *lane)
{
    const struct credentials_source *source = &s->parts.credentials;
    struct account_credentials known;

    source->lookup(source->context, lane->aliyun_uid, &known);
    return lane_set_credentials(lane, &known);
}

const struct metric_config *scheduler_metric(const struct scheduler *s)
{
    return &s->config->metrics[s->parts.collector->metric];
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
