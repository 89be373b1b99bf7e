/*
 * The full cycle: every target was asked once. Its length is a metric, the first one a condition
 * of readiness. Counting costs the same whatever the size of the fleet.
 */
#include "schedule/scheduler_state.h"

#include <assert.h>

#include "core/log.h"

static void finish_full_cycle(struct scheduler *s, int64_t now)
{
    if (s->cycle_pending > 0)
        return;
    if (s->job_count > s->resting)
        s->refresh_duration[s->parts.collector->metric] = now - s->cycle_started;
    s->cycle++;
    s->cycle_started = now;
    s->cycle_pending = s->job_count - s->resting;
}

void full_cycle_count(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->resting || job->cycle == s->cycle)
        return;
    job->cycle = s->cycle;
    assert(s->cycle_pending > 0);
    s->cycle_pending--;
    finish_full_cycle(s, now);
}

void full_cycle_note_first(struct scheduler *s)
{
    if (s->inventory == NULL || s->untried > 0 || atomic_exchange(&s->first_cycle_done, true))
        return;
    log_info("first cycle done", log_int("targets", (int64_t)s->job_count));
    scheduler_changed(s); /* readiness is told with the next publish, which may be the last for long */
}

void full_cycle_tried(struct scheduler *s, struct job *job)
{
    if (job->tried)
        return;
    job->tried = true;
    s->untried--;
}

void full_cycle_job_added(struct scheduler *s, struct job *job, int64_t now)
{
    if (s->job_count == 0)
        s->cycle_started = now;
    s->job_count++;
    s->untried++;
    s->cycle_pending++;
    job->cycle = s->cycle - 1;
}

void full_cycle_job_rests(struct scheduler *s, struct job *job, int64_t now)
{
    if (job->resting)
        return;
    s->resting++;
    full_cycle_count(s, job, now);
    job->resting = true;
}

void full_cycle_job_resumes(struct scheduler *s, struct job *job, int64_t now)
{
    if (!job->resting)
        return;
    if (s->cycle_pending == 0)
        s->cycle_started = now;
    job->resting = false;
    s->resting--;
    s->cycle_pending++;
    job->cycle = s->cycle - 1;
}

void full_cycle_job_removed(struct scheduler *s, struct job *job, int64_t now)
{
    s->job_count--;
    full_cycle_tried(s, job);
    if (job->resting)
        s->resting--;
    else if (job->cycle != s->cycle)
        s->cycle_pending--;
    finish_full_cycle(s, now);
}
