/* The scheduler's invariants, reckoned anew from its jobs. */
#include "test/collectors/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lane_count {
    size_t jobs;
    size_t up;
    size_t outstanding;
    size_t ready;
    size_t calling;
    size_t probes;
};

static void check_job(const struct scheduler *s, const struct job *job, struct lane_count *count)
{
    bool in_heap = job->place == JOB_WAITING || job->place == JOB_READY;

    assert_int_equal(heap_queued(&job->node), in_heap);
    if (job->place == JOB_WAITING)
        assert_true(job->node.key > s->last_step);
    if (job->place == JOB_ASLEEP) {
        assert_false(job->outstanding || job->in_cycle || job->probe);
        assert_null(job->lane->credentials);
        assert_true(job->refreshes == 0);
    }
    if (!job->in_cycle) {
        assert_false(job->outstanding || job->probe || job->manual);
        assert_true(job->refreshes == 0);
        assert_null(job->call.result_id);
    }
    assert_null(job->call.batch);
    count->up += job->up;
    count->outstanding += job->outstanding;
    count->ready += job->place == JOB_READY;
    count->probes += job->probe;
}

static void check_lane(struct scheduler *s, struct lane *lane, size_t *calling, size_t *waiting)
{
    struct lane_count count = {0};
    size_t in_classes = 0;

    for (struct list_node *node = lane->jobs.head.next; node != &lane->jobs.head; node = node->next) {
        const struct job *job = CONTAINER_OF(node, struct job, member);

        assert_ptr_equal(job->lane, lane);
        count.calling += job->place == JOB_CALLING;
        if (job->retired)
            continue;
        count.jobs++;
        *waiting += job->place == JOB_WAITING;
        if (job->place == JOB_CALLING)
            count.up += job->up, count.outstanding += job->outstanding, count.probes += job->probe;
        else
            check_job(s, job, &count);
    }
    for (int i = 0; i < READY_CLASS_COUNT; i++)
        in_classes += lane->ready[i].count;
    assert_int_equal(lane->job_count, count.jobs);
    assert_int_equal(lane->up_count, count.up);
    assert_int_equal(lane->outstanding, count.outstanding);
    assert_int_equal(lane->ready_count, count.ready);
    assert_int_equal(lane->ready_count, in_classes);
    assert_int_equal(lane->inflight, count.calling);
    assert_int_equal(limiter_inflight(lane->limiter), count.calling);
    assert_int_equal(lane->probing, lane->down && count.probes > 0);
    *calling += count.calling;
}

static void check_full_cycle(const struct scheduler *s)
{
    size_t pending = 0, asleep = 0, untried = 0;

    for (size_t i = 0; i < s->job_count; i++) {
        const struct job *job = s->jobs[i];

        asleep += job->place == JOB_ASLEEP;
        pending += job->place != JOB_ASLEEP && job->cycle != s->cycle;
        untried += !job->tried;
    }
    assert_int_equal(s->asleep, asleep);
    assert_int_equal(s->cycle_pending, pending);
    assert_int_equal(s->untried, untried);
    if (s->job_count > asleep)
        assert_true(pending > 0);
}

void fleet_check(const struct fleet *fleet)
{
    struct scheduler *s = fleet->scheduler;
    size_t calling = 0, waiting = 0;

    for (size_t i = 0; i < s->lane_count; i++)
        check_lane(s, s->lanes[i], &calling, &waiting);
    assert_int_equal(s->calling, calling);
    assert_int_equal(s->timers.count, waiting);
    assert_int_equal(s->calling, fleet->running + job_queue_length(fleet->queue));
    assert_true(s->calling <= (size_t)s->config->exporter.queue_size);
    check_full_cycle(s);
}
