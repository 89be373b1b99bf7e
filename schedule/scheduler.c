#include "schedule/scheduler.h"

#include <assert.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "schedule/scheduler_state.h"

#define CALL_TIMEOUT (5 * NS_PER_SECOND)
/* So that scheduler_last_step shows that the thread lives even when there is nothing to do. */
#define LONGEST_SLEEP (5 * NS_PER_SECOND)
/* Those left wait for the next step: commands may not keep the calls from going out. */
#define MESSAGES_PER_STEP 4

struct scheduler *scheduler_new(struct config *config, const struct scheduler_parts *parts, int64_t now)
{
    struct scheduler *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->total = scheduler_new_total(&config->das, now);
    if (s->total == NULL) {
        free(s);
        return NULL;
    }
    s->parts = *parts;
    s->config = config_get(config);
    heap_init(&s->timers);
    heap_init(&s->ready_lanes);
    s->random = parts->random_seed | 1;
    s->cycle = 1;
    for (int i = 0; i < METRIC_ID_COUNT; i++)
        s->refresh_duration[i] = -1;
    atomic_init(&s->last_step, now);
    atomic_init(&s->busy_since, CLOCK_NEVER);
    atomic_init(&s->late_since, CLOCK_NEVER);
    s->next_step = CLOCK_NEVER;
    return s;
}

/* Jobs come back through the mailbox even after the last step. */
static void take_returned(struct scheduler *s, int64_t now)
{
    struct list returned;
    struct list_node *node;

    list_init(&returned);
    mailbox_take_calls(s->parts.mailbox, &returned);
    while ((node = list_pop_front(&returned)) != NULL) {
        struct job *job = CONTAINER_OF(node, struct job, call.link);

        assert(s->calling > 0);
        s->calling--;
        atomic_store(&s->busy_since, s->calling > 0 ? now : CLOCK_NEVER);
        limiter_release(s->total, call_quota_outcome(&job->call), call_ended_at(&job->call, now));
        verdict_of_call(s, job, now);
    }
}

/* What no worker took, and what they returned since the last step. */
static void take_back(struct scheduler *s)
{
    struct call *call;

    while ((call = call_queue_try_pop(s->parts.queue)) != NULL)
        mailbox_return_call(s->parts.mailbox, call);
    take_returned(s, atomic_load(&s->last_step));
}

void scheduler_free(struct scheduler *s)
{
    if (s == NULL)
        return;
    take_back(s);
    assert(s->calling == 0);
    while (s->job_count > 0)
        roster_free_job(s, s->jobs[s->job_count - 1]);
    for (size_t i = 0; i < s->lane_count; i++)
        lane_free(s->lanes[i]);
    for (int metric = 0; metric < METRIC_ID_COUNT; metric++)
        registry_remove(s->parts.registry, s->loaded[metric].slot);
    free(s->jobs);
    free(s->lanes);
    limiter_free(s->total);
    inventory_put(s->inventory);
    config_put(s->config);
    free(s);
}

static void run_timers(struct scheduler *s, int64_t now)
{
    struct heap_node *node = heap_peek(&s->timers);

    while (node != NULL && node->key <= now) {
        cycle_due(s, CONTAINER_OF(node, struct job, node), now);
        node = heap_peek(&s->timers);
    }
}

static void dispatch(struct scheduler *s, struct job *job, int64_t now)
{
    struct call *call = &job->call;
    bool accepted;

    call->credentials = credentials_get(job->lane->credentials);
    call->target = job->target;
    call->dispatched_at = now;
    call->ended_at = now;
    call->result.sent = false;
    limiter_acquire(s->total, now);
    if (s->calling++ == 0)
        atomic_store(&s->busy_since, now);
    accepted = call_queue_push(s->parts.queue, call);
    if (!accepted) {
        /* Closed: the job goes the way of all others, unsent. */
        error_set(&call->result.error, ERROR_TRANSIENT, "the exporter is stopping");
        mailbox_return_call(s->parts.mailbox, call);
    }
}

/* The next lane whose time has come; NULL when none may send now. */
static struct lane *due_lane(struct scheduler *s, int64_t now)
{
    struct heap_node *node = heap_peek(&s->ready_lanes);

    if (node == NULL || node->key > now || s->calling >= (size_t)s->config->exporter.queue_size)
        return NULL;
    if (limiter_next(s->total, now) > now)
        return NULL;
    return CONTAINER_OF(node, struct lane, node);
}

static void send_ready(struct scheduler *s, int64_t now)
{
    struct lane *lane;

    while ((lane = due_lane(s, now)) != NULL) {
        struct job *job;

        heap_remove(&s->ready_lanes, &lane->node);
        job = lane_take(lane, scheduler_worker_share(s), now);
        if (job != NULL) {
            s->active_lanes += lane->inflight == 1;
            dispatch(s, job, now);
        }
        scheduler_place_lane(s, lane, now);
    }
}

static int64_t next_wake(struct scheduler *s, int64_t now)
{
    struct heap_node *timer = heap_peek(&s->timers);
    struct heap_node *lane = heap_peek(&s->ready_lanes);
    int64_t next = timer != NULL ? timer->key : CLOCK_NEVER;
    int64_t send, total;

    if (lane == NULL || s->calling >= (size_t)s->config->exporter.queue_size)
        return next; /* a returned job wakes us */
    send = lane->key;
    total = limiter_next(s->total, now);
    send = total > send ? total : send;
    return send < next ? send : next;
}

static void answer_messages(struct scheduler *s, int64_t now)
{
    for (int i = 0; i < MESSAGES_PER_STEP; i++) {
        struct message *message = mailbox_take_message(s->parts.mailbox);

        if (message == NULL)
            return;
        message->run(message->argument, now);
        mailbox_answer(s->parts.mailbox, message);
    }
}

/* After the calls: they do not wait for those who look. */
static void publish_status(struct scheduler *s, int64_t now)
{
    struct status status;
    bool complete;

    if (!status_board_wanted(s->parts.board))
        return;
    status_init(&status);
    complete = scheduler_status(s, now, &status);
    status_board_publish(s->parts.board, complete ? &status : NULL, now);
    if (!complete)
        status_release(&status);
}

static void note_lateness(struct scheduler *s, int64_t now)
{
    if (s->next_step == CLOCK_NEVER || now - s->next_step <= SCHEDULER_LATE)
        atomic_store(&s->late_since, CLOCK_NEVER);
    else if (atomic_load(&s->late_since) == CLOCK_NEVER)
        atomic_store(&s->late_since, now);
}

int64_t scheduler_step(struct scheduler *s, int64_t now)
{
    atomic_store(&s->last_step, now);
    note_lateness(s, now);
    take_returned(s, now);
    answer_messages(s, now);
    run_timers(s, now);
    full_cycle_note_first(s);
    send_ready(s, now);
    publish_status(s, now);
    s->next_step = next_wake(s, now);
    return s->next_step;
}

static void *run_thread(void *argument)
{
    struct scheduler *s = argument;
    int64_t next;

    do {
        int64_t now = clock_now();
        int64_t pulse = now + LONGEST_SLEEP;

        next = scheduler_step(s, now);
        next = next < pulse ? next : pulse;
    } while (mailbox_wait(s->parts.mailbox, next));
    return NULL;
}

bool scheduler_start(struct scheduler *s, struct error *error)
{
    s->started = thread_start(&s->thread, "scheduler", run_thread, s, error);
    return s->started;
}

void scheduler_stop(struct scheduler *s)
{
    mailbox_close(s->parts.mailbox);
    if (!s->started)
        return;
    pthread_join(s->thread, NULL);
    s->started = false;
    take_back(s);
}

int64_t scheduler_last_step(const struct scheduler *s)
{
    return atomic_load(&s->last_step);
}

int64_t scheduler_busy_since(const struct scheduler *s)
{
    return atomic_load(&s->busy_since);
}

int64_t scheduler_late_since(const struct scheduler *s)
{
    return atomic_load(&s->late_since);
}

bool scheduler_first_cycle_done(const struct scheduler *s)
{
    return atomic_load(&s->first_cycle_done);
}

bool scheduler_call(struct scheduler *s, void (*run)(void *argument, int64_t now), void *argument)
{
    struct message message = {.run = run, .argument = argument};

    return mailbox_call(s->parts.mailbox, &message, CALL_TIMEOUT);
}
