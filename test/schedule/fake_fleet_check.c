/* The scheduler's invariants, reckoned anew from its jobs. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lane_count {
    size_t jobs;
    size_t up;
    size_t outstanding;
    size_t ready;
    size_t waiting;
    size_t calling;
    size_t probes;
};

static void count_job(const struct job *job, struct lane_count *count)
{
    count->jobs++;
    count->up += job->up;
    count->outstanding += job_is_outstanding(job);
    count->ready += job->state == TARGET_READY;
    count->waiting += job_has_timer(job);
    count->probes += job->lane->probe == job;
}

/* A job that no worker has. */
static void check_job(const struct scheduler *s, const struct job *job)
{
    bool is_probe = job->lane->probe == job;

    assert_int_equal(heap_queued(&job->node), job->state != TARGET_NO_CREDENTIALS);
    assert_null(job->call.result.batch);
    if (job_has_timer(job))
        assert_true(job->node.key > s->last_step);
    if (job->state == TARGET_NO_CREDENTIALS) {
        assert_null(job->lane->credentials);
        assert_false(job->up);
    }
    if (!job_in_cycle(job)) {
        assert_false(is_probe);
        assert_true(job->refreshes == 0);
        assert_null(job->call.continuation);
    }
}

static void check_lane(struct scheduler *s, struct lane *lane, size_t *calling, size_t *waiting)
{
    struct lane_count count = {0};
    size_t in_classes = 0;

    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        const struct job *job = CONTAINER_OF(node, struct job, member);

        assert_ptr_equal(job->lane, lane);
        count.calling += job->state == TARGET_CALLING || job->state == TARGET_LEAVING;
        if (job->state != TARGET_LEAVING)
            count_job(job, &count);
        if (job->state != TARGET_LEAVING && job->state != TARGET_CALLING)
            check_job(s, job);
    }
    for (int i = 0; i < READY_CLASS_COUNT; i++)
        in_classes += lane->ready[i].count;
    assert_int_equal(lane->job_count, count.jobs);
    assert_int_equal(lane->engine_jobs[ENGINE_RDS] + lane->engine_jobs[ENGINE_POLARDB], count.jobs);
    assert_int_equal(lane->up_count, count.up);
    assert_int_equal(lane->outstanding, count.outstanding);
    assert_int_equal(lane->ready_count, count.ready);
    assert_int_equal(lane->ready_count, in_classes);
    assert_int_equal(lane->inflight, count.calling);
    assert_int_equal(limiter_inflight(lane->limiter), count.calling);
    assert_int_equal(lane->probe != NULL, count.probes);
    assert_true(lane->probe == NULL || lane->down);
    *calling += count.calling;
    *waiting += count.waiting;
}

static void check_full_cycle(const struct scheduler *s)
{
    size_t pending = 0, resting = 0, untried = 0;

    for (size_t i = 0; i < s->job_count; i++) {
        const struct job *job = s->jobs[i];

        assert_true(job->resting || job->state != TARGET_NO_CREDENTIALS);
        resting += job->resting;
        pending += !job->resting && job->cycle != s->cycle;
        untried += !job->tried;
    }
    assert_int_equal(s->resting, resting);
    assert_int_equal(s->cycle_pending, pending);
    assert_int_equal(s->untried, untried);
    if (s->job_count > resting)
        assert_true(pending > 0);
}

void fleet_check(const struct fleet *fleet)
{
    struct scheduler *s = fleet->scheduler;
    size_t calling = 0, waiting = 0, active = 0;

    for (size_t i = 0; i < s->lane_count; i++) {
        check_lane(s, s->lanes[i], &calling, &waiting);
        active += s->lanes[i]->inflight > 0;
    }
    assert_int_equal(s->calling, calling);
    assert_int_equal(s->active_lanes, active);
    assert_int_equal(s->timers.count, waiting);
    assert_int_equal(s->calling, fleet->running + call_queue_length(fleet->queue));
    assert_true(s->calling <= (size_t)s->config->exporter.queue_size);
    check_full_cycle(s);
}
