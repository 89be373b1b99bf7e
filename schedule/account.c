/*
 * What befalls an account as a whole: it is refused, its keys are renewed or replaced, it works again.
 */
#include "schedule/scheduler_state.h"

#include "core/clock.h"
#include "core/log.h"

/* Everything the account has ready would only fail the same way. */
static void fail_ready_jobs(struct scheduler *s, struct lane *lane, int64_t now)
{
    for (int class = 0; class < READY_CLASS_COUNT; class ++) {
        struct heap_node *node;

        while ((node = heap_peek(&lane->ready[class])) != NULL)
            cycle_fail(s, CONTAINER_OF(node, struct job, node), &lane->error, now);
    }
    scheduler_place_lane(s, lane, now);
}

static void say_down(struct lane *lane, const struct error *error, int64_t now)
{
    uint64_t repeats;

    if (complaint_raise(&lane->down_complaint, (int)error->class, now, &repeats))
        log_failure(LOG_LEVEL_ERROR, "account down", error, log_text("aliyun_uid", lane->aliyun_uid),
                    log_int("next_probe_seconds", (lane->probe_at - now) / NS_PER_SECOND),
                    log_int("repeats", (int64_t)repeats));
}

void account_down(struct scheduler *s, struct job *job, const struct error *error, bool probe, int64_t now)
{
    struct lane *lane = job->lane;

    if (job->call.credentials != lane->credentials) {
        /* The keys were replaced meanwhile: this says nothing about the new ones. */
        cycle_due(s, job, now);
        return;
    }
    /* Calls that were under way when it went down say nothing new; only probes do. */
    if (!lane->down || probe) {
        lane_set_down(lane, error, now);
        lane->prober = job;
    }
    say_down(lane, &lane->error, now);
    cycle_fail(s, job, error, now);
    cycle_wait_for_probe(s, job, now);
    fail_ready_jobs(s, lane, now);
}

/* False when the keyring will not answer, for it does not know the account. */
static bool ask_for_newer(const struct scheduler *s, const struct lane *lane)
{
    const struct credentials_source *source = &s->parts.credentials;

    return source->refused(source->context, lane->aliyun_uid, lane->credentials);
}

/* The job is held in its lane until the keyring has answered. */
void account_renew_keys(struct scheduler *s, struct job *job, const struct error *error, bool probe,
                        int64_t now)
{
    struct lane *lane = job->lane;
    bool hopeless = lane->down || (job->spent >> REMEDY_RENEW_KEYS & 1) != 0;

    if (lane->credentials == NULL || job->call.credentials != lane->credentials) {
        cycle_due(s, job, now);
        return;
    }
    if ((probe || (!hopeless && !lane->renewing)) && !ask_for_newer(s, lane))
        hopeless = true;
    if (hopeless) {
        account_down(s, job, error, probe, now);
        return;
    }
    job_spend(job, REMEDY_RENEW_KEYS);
    lane->renewing = true;
    cycle_make_ready(s, job, now);
}

/* The keys of a lane that is renewing are refused, and no newer ones can be had. */
static void account_renewal_failed(struct scheduler *s, struct lane *lane, int64_t now)
{
    struct job *prober = NULL;

    lane->renewing = false;
    for (int class = 0; class < READY_CLASS_COUNT && prober == NULL; class ++) {
        struct heap_node *node = heap_peek(&lane->ready[class]);

        prober = node != NULL ? CONTAINER_OF(node, struct job, node) : NULL;
    }
    lane_set_down(lane, &lane->credentials_error, now);
    say_down(lane, &lane->error, now);
    fail_ready_jobs(s, lane, now);
    lane->prober = prober;
    if (prober != NULL)
        cycle_wait_for_probe(s, prober, now);
}

/* The account works again: what failed meanwhile is tried now. */
void account_recovered(struct scheduler *s, struct lane *lane, int64_t now)
{
    uint64_t repeats;

    lane_set_up(lane);
    if (complaint_settle(&lane->down_complaint, &repeats))
        log_info("account works again", log_text("aliyun_uid", lane->aliyun_uid));
    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        struct job *job = CONTAINER_OF(node, struct job, member);

        if (job->state == TARGET_WAITING && !job->up)
            cycle_due(s, job, now);
    }
}

bool account_accepts(const struct lane *lane, const struct call *call)
{
    if (call->credentials != lane->credentials || call->dispatched_at < lane->down_since)
        return false;
    return call->result.outcome != STEP_FAILED ||
           (call->result.answered &&
            (call->result.error.class == ERROR_REFUSED || call->result.error.class == ERROR_REMOTE ||
             call->result.error.class == ERROR_RESULT_LOST));
}

/* It failed for its account's sake, and the account has got other keys since. */
static bool was_waiting_for_keys(const struct job *job)
{
    return job->state == TARGET_WAITING && !job->up && job->error != NULL &&
           error_class_is_of_account(job->error->class);
}

static void go_on_with(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_NO_CREDENTIALS || was_waiting_for_keys(job))
        cycle_due(s, job, now);
}

/* Those in a worker's hands follow when they come back, those that wait when they are due. */
static void stop_job(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->state == TARGET_READY)
        cycle_due(s, job, now);
    else if (job->state == TARGET_NO_CREDENTIALS && job->lane->credentials_error.class != ERROR_NONE)
        full_cycle_tried(s, job); /* their first ones cannot be had */
}

void scheduler_credentials_changed(struct scheduler *s, const char *aliyun_uid, int64_t now)
{
    struct lane *lane = roster_find_lane(s, aliyun_uid);
    bool replaced;

    if (lane == NULL)
        return;
    replaced = scheduler_look_up_credentials(s, lane);
    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        struct job *job = CONTAINER_OF(node, struct job, member);

        if (lane->credentials == NULL)
            stop_job(s, job, now);
        else if (replaced)
            go_on_with(s, job, now);
    }
    if (!replaced && lane->renewing && lane->credentials_error.class != ERROR_NONE)
        account_renewal_failed(s, lane, now);
    scheduler_place_lane(s, lane, now);
    scheduler_changed(s);
}
