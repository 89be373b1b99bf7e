#include "metrics/publisher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/complaint.h"
#include "core/log.h"
#include "core/thread.h"

struct publisher {
    struct registry *registry;
    publisher_gather_fn *gather;
    void *context;
    pthread_t thread;
    bool started; /* the starting thread's */

    /*
     * True while a change would be news to the thread. The thread sets it before it looks at the
     * registry, a waker reads it after changing the registry: one of them sees the other.
     */
    atomic_bool listening;

    pthread_mutex_t mutex; /* guards the two below */
    pthread_cond_t cond;
    bool woken;
    bool stopping;

    /* the thread's */
    struct publish_pace pace;
    struct complaint complaint;
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void publish_pace_note(struct publish_pace *pace, int64_t started, int64_t ended, bool succeeded)
{
    int64_t duty_gap = PUBLISH_DUTY_SHARE * later(ended - started, 0);

    pace->published = pace->published || succeeded;
    pace->change_from = clock_add(started, later(duty_gap, PUBLISH_GAP));
    pace->idle_from = clock_add(started, later(duty_gap, PUBLISH_IDLE_GAP));
    /* After a failure what expired is still due: without the gap that would be a busy loop. */
    pace->expiry_from = succeeded ? clock_add(started, duty_gap) : pace->change_from;
}

int64_t publish_pace_next(const struct publish_pace *pace, const struct registry_pending *pending)
{
    int64_t next = pace->idle_from;

    if (pending->expires_at != CLOCK_NEVER)
        next = earlier(next, later(pending->expires_at, pace->expiry_from));
    if (pending->changed || !pace->published)
        next = earlier(next, pace->change_from);
    return next;
}

struct publisher *publisher_new(struct registry *registry, publisher_gather_fn *gather, void *context)
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));

    if (publisher == NULL)
        return NULL;
    if (!cond_init(&publisher->cond)) {
        free(publisher);
        return NULL;
    }
    pthread_mutex_init(&publisher->mutex, NULL);
    atomic_init(&publisher->listening, false);
    publisher->registry = registry;
    publisher->gather = gather;
    publisher->context = context;
    return publisher;
}

static void log_outcome(struct publisher *publisher, bool succeeded, int64_t now)
{
    uint64_t repeats = 0;

    if (!succeeded && complaint_raise(&publisher->complaint, ERROR_NO_MEMORY, now, &repeats))
        log_error("page not published, the last one stays",
                  log_text("reason", "the scheduler did not answer or memory ran out"),
                  log_int("repeats", (int64_t)repeats));
    if (succeeded && complaint_settle(&publisher->complaint, &repeats))
        log_info("page published again", log_int("repeats", (int64_t)repeats));
}

static void publish(struct publisher *publisher)
{
    int64_t started = clock_now();
    struct self_metrics self = {0};
    bool succeeded =
        publisher->gather(publisher->context, &self) && registry_publish(publisher->registry, started, &self);
    int64_t ended = clock_now();

    publish_pace_note(&publisher->pace, started, ended, succeeded);
    log_outcome(publisher, succeeded, ended);
}

/* The time of the next publish. From here on a change that is not in it yet wakes the thread. */
static int64_t plan(struct publisher *publisher)
{
    struct registry_pending pending;

    atomic_store(&publisher->listening, true);
    pending = registry_pending(publisher->registry);
    if (pending.changed)
        atomic_store(&publisher->listening, false);
    return publish_pace_next(&publisher->pace, &pending);
}

/* Waits for the deadline, a change or the end. True when it is time to publish. */
static bool wait_until(struct publisher *publisher, int64_t deadline, bool *stopping)
{
    bool due = false;

    mutex_lock(&publisher->mutex);
    while (!publisher->stopping && !publisher->woken && !due) {
        due = clock_now() >= deadline;
        if (!due)
            cond_wait_until(&publisher->cond, &publisher->mutex, deadline);
    }
    publisher->woken = false;
    *stopping = publisher->stopping;
    mutex_unlock(&publisher->mutex);
    return due;
}

static void *run(void *argument)
{
    struct publisher *publisher = argument;
    bool stopping = false;

    while (!stopping) {
        if (wait_until(publisher, plan(publisher), &stopping))
            publish(publisher);
    }
    return NULL;
}

bool publisher_start(struct publisher *publisher, struct error *error)
{
    publisher->started = thread_start(&publisher->thread, "publisher", run, publisher, error);
    return publisher->started;
}

void publisher_wake(struct publisher *publisher)
{
    if (!atomic_load(&publisher->listening) || !atomic_exchange(&publisher->listening, false))
        return;
    mutex_lock(&publisher->mutex);
    publisher->woken = true;
    mutex_unlock(&publisher->mutex);
    pthread_cond_signal(&publisher->cond);
}

void publisher_stop(struct publisher *publisher)
{
    if (!publisher->started)
        return;
    mutex_lock(&publisher->mutex);
    publisher->stopping = true;
    mutex_unlock(&publisher->mutex);
    pthread_cond_signal(&publisher->cond);
    pthread_join(publisher->thread, NULL);
    publisher->started = false;
}

void publisher_free(struct publisher *publisher)
{
    if (publisher == NULL)
        return;
    pthread_cond_destroy(&publisher->cond);
    pthread_mutex_destroy(&publisher->mutex);
    free(publisher);
}
