#include "schedule/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

#define START   (100 * NS_PER_SECOND)
#define WORKERS 1000
#define MOST    400

static const struct instance rds = {"rm-test1", "orders", "rds", "1000000000000001"};
static const struct target rds_target = {&rds, "", NODE_TYPE_WRITE};
static const struct account_config account = {.aliyun_uid = "1000000000000001",
                                              .access_key_id = "key",
                                              .access_key_secret = "invented",
                                              .security_token = ""};

static struct job jobs[MOST];
static char continuation[] = "async__test";
static size_t job_count;
static int64_t now;

static struct lane *new_lane(int64_t rate_limit)
{
    const struct das_config das = {.rate_limit = rate_limit, .rate_window = NS_PER_SECOND};
    struct lane *lane = lane_new("1000000000000001", &das, &account, 2100, START - NS_PER_SECOND);

    assert_non_null(lane);
    job_count = 0;
    now = START;
    return lane;
}

/* A ready job; the older its data, the smaller success_at. */
static struct job *add(struct lane *lane, enum ready_class class, int64_t success_at)
{
    struct job *job = &jobs[job_count++];

    *job = (struct job){.lane = lane, .target = &rds_target, .success_at = success_at};
    job->call.continuation = class == READY_POLL ? continuation : NULL;
    lane_add_ready(lane, job, class);
    assert_int_equal(job->state, TARGET_READY);
    return job;
}

static void end_call(struct lane *lane, struct job *job, bool answered)
{
    job->call.result.sent = true;
    job->call.result.answered = answered;
    job->call.result.outcome = answered ? STEP_RUNNING : STEP_FAILED;
    job->call.result.error.class = answered ? ERROR_NONE : ERROR_TRANSIENT;
    job->call.result.duration = 50 * NS_PER_MS;
    lane_call_ended(lane, job, now);
}

/* Takes the next job as soon as the quota allows, and has it answered. */
static struct job *take(struct lane *lane)
{
    int64_t next = lane_next(lane, WORKERS, now);
    struct job *job;

    assert_true(next < CLOCK_NEVER);
    now = next;
    job = lane_take(lane, WORKERS, now);
    assert_non_null(job);
    end_call(lane, job, true);
    return job;
}

/* How many of the next `count` calls are of each class. */
static void take_many(struct lane *lane, unsigned count, unsigned taken[READY_CLASS_COUNT])
{
    for (int i = 0; i < READY_CLASS_COUNT; i++)
        taken[i] = 0;
    while (count-- > 0)
        taken[take(lane)->class]++;
}

static void test_an_empty_lane_gives_nothing(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    assert_true(lane_next(lane, WORKERS, now) == CLOCK_NEVER);
    assert_null(lane_take(lane, WORKERS, now));
    lane_free(lane);
}

static void test_the_oldest_data_goes_first_within_a_class(void **state)
{
    struct lane *lane = new_lane(50);
    struct job *young = add(lane, READY_SUBMIT, 300);
    struct job *never = add(lane, READY_SUBMIT, 0);
    struct job *old = add(lane, READY_SUBMIT, 200);

    (void)state;
    assert_ptr_equal(take(lane), never);
    assert_ptr_equal(take(lane), old);
    assert_ptr_equal(take(lane), young);
    lane_free(lane);
}

static void test_a_job_can_be_taken_out_of_its_class(void **state)
{
    (void)state;
    for (int class = 0; class < READY_CLASS_COUNT; class ++) {
        struct lane *lane = new_lane(50);
        struct job *job = add(lane, (enum ready_class) class, 0);

        lane_remove_ready(lane, job);
        assert_int_equal(lane->ready_count, 0);
        assert_true(lane_next(lane, WORKERS, now) == CLOCK_NEVER);
        lane_free(lane);
    }
}

static void test_polls_go_before_submits_and_submits_before_retries(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    add(lane, READY_RETRY, 0);
    add(lane, READY_SUBMIT, 0);
    add(lane, READY_POLL, 0);
    assert_int_equal(take(lane)->class, READY_POLL);
    assert_int_equal(take(lane)->class, READY_SUBMIT);
    assert_int_equal(take(lane)->class, READY_RETRY);
    lane_free(lane);
}

static struct lane *full_lane(void)
{
    struct lane *lane = new_lane(50);

    for (int i = 0; i < MOST / READY_CLASS_COUNT; i++) {
        for (int class = 0; class < READY_CLASS_COUNT; class ++)
            add(lane, (enum ready_class) class, i);
    }
    return lane;
}

static void test_manual_refreshes_get_at_most_half(void **state)
{
    struct lane *lane = full_lane();
    unsigned taken[READY_CLASS_COUNT];

    (void)state;
    take_many(lane, 100, taken);
    assert_in_range(taken[READY_MANUAL], 35, 50);
    lane_free(lane);
}

static void test_submits_get_at_least_a_fifth_and_retries_a_tenth(void **state)
{
    struct lane *lane = full_lane();
    unsigned taken[READY_CLASS_COUNT];

    (void)state;
    take_many(lane, 100, taken);
    assert_true(taken[READY_SUBMIT] >= 18);
    assert_true(taken[READY_RETRY] >= 9);
    assert_true(taken[READY_POLL] >= 15);
    lane_free(lane);
}

static void test_manual_refreshes_alone_get_everything(void **state)
{
    struct lane *lane = new_lane(50);
    unsigned taken[READY_CLASS_COUNT];

    (void)state;
    for (int i = 0; i < 30; i++)
        add(lane, READY_MANUAL, i);
    take_many(lane, 30, taken);
    assert_int_equal(taken[READY_MANUAL], 30);
    lane_free(lane);
}

static void test_submits_wait_while_too_many_results_are_outstanding(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    add(lane, READY_SUBMIT, 0);
    add(lane, READY_MANUAL, 0);
    lane->outstanding = 200; /* fifty a second for the four seconds assumed at first */
    assert_true(lane_next(lane, WORKERS, now) == CLOCK_NEVER);
    add(lane, READY_POLL, 0);
    assert_int_equal(take(lane)->class, READY_POLL);
    lane->outstanding--;
    assert_int_equal(take(lane)->class, READY_MANUAL);
    lane_free(lane);
}

static void test_calls_in_flight_are_capped_by_what_the_quota_can_use(void **state)
{
    struct lane *lane = new_lane(50);
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        add(lane, READY_SUBMIT, 0);
    while (lane_next(lane, WORKERS, now) < CLOCK_NEVER) {
        now = lane_next(lane, WORKERS, now);
        assert_non_null(lane_take(lane, WORKERS, now));
        taken++;
    }
    /* A quarter of a second is assumed at first. */
    assert_int_equal(taken, 13);
    assert_null(lane_take(lane, WORKERS, now));
    while (taken > 0)
        end_call(lane, &jobs[--taken], true);
    lane_free(lane);
}

static void test_a_lane_never_holds_more_than_the_workers(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    add(lane, READY_SUBMIT, 0);
    add(lane, READY_SUBMIT, 0);
    assert_non_null(lane_take(lane, 1, now));
    assert_true(lane_next(lane, 1, now) == CLOCK_NEVER);
    end_call(lane, &jobs[0], true);
    lane_free(lane);
}

static void test_unanswered_calls_shrink_what_may_be_in_flight(void **state)
{
    struct lane *lane = new_lane(50);
    struct job *taken[8];

    (void)state;
    for (int i = 0; i < 40; i++)
        add(lane, READY_SUBMIT, 0);
    for (int i = 0; i < 8; i++) {
        now = lane_next(lane, WORKERS, now);
        taken[i] = lane_take(lane, WORKERS, now);
    }
    for (int i = 0; i < 8; i++)
        end_call(lane, taken[i], false);
    assert_int_equal(lane->inflight_limit, 1);
    now = lane_next(lane, WORKERS, now);
    assert_non_null(taken[0] = lane_take(lane, WORKERS, now));
    assert_true(lane_next(lane, WORKERS, now) == CLOCK_NEVER);
    end_call(lane, taken[0], true);
    assert_int_equal(lane->inflight_limit, 2);
    lane_free(lane);
}

static void test_calls_and_failures_are_counted_by_phase_and_class(void **state)
{
    struct lane *lane = new_lane(50);
    struct job *job = add(lane, READY_POLL, 0);

    (void)state;
    assert_non_null(lane_take(lane, WORKERS, now));
    end_call(lane, job, false);
    assert_int_equal(lane->requests[API_PHASE_POLL], 1);
    assert_int_equal(lane->requests[API_PHASE_SUBMIT], 0);
    assert_int_equal(lane->failures[API_PHASE_POLL][ERROR_TRANSIENT], 1);
    lane_free(lane);
}

static void test_a_call_that_was_not_sent_costs_nothing(void **state)
{
    struct lane *lane = new_lane(1);
    struct job *job = add(lane, READY_SUBMIT, 0);

    (void)state;
    assert_non_null(lane_take(lane, WORKERS, now));
    job->call.result.sent = false;
    lane_call_ended(lane, job, now);
    assert_int_equal(lane->requests[API_PHASE_SUBMIT], 0);
    assert_int_equal(limiter_inflight(lane->limiter), 0);
    lane_free(lane);
}

static void test_only_one_probe_is_out_at_a_time(void **state)
{
    struct lane *lane = new_lane(50);
    struct job job = {.lane = lane};
    struct error error;

    (void)state;
    error_set(&error, ERROR_CREDENTIALS, "refused");
    lane_set_down(lane, &error, now);
    assert_false(lane_may_probe(lane, &job, now + 59 * NS_PER_SECOND));
    assert_true(lane_may_probe(lane, &job, now + 60 * NS_PER_SECOND));
    lane->probe = &job;
    assert_false(lane_may_probe(lane, &job, now + 60 * NS_PER_SECOND));
    lane_free(lane);
}

static void test_outstanding_results_do_not_hold_a_probe_back(void **state)
{
    struct lane *lane = new_lane(50);
    struct error error;

    (void)state;
    error_set(&error, ERROR_CREDENTIALS, "refused");
    lane_set_down(lane, &error, now);
    lane->outstanding = 1000000;
    lane->probe = add(lane, READY_MANUAL, 0);
    assert_ptr_equal(take(lane), lane->probe);
    lane_free(lane);
}

static struct account_credentials known_of(const char *key)
{
    return (struct account_credentials){.kind = CREDENTIAL_STATIC,
                                        .credentials = credentials_new(key, "invented", "")};
}

static void test_new_keys_bring_a_lane_up(void **state)
{
    struct account_credentials known = known_of("other");
    struct lane *lane = new_lane(50);
    struct error error;

    (void)state;
    error_set(&error, ERROR_CREDENTIALS, "refused");
    lane_set_down(lane, &error, now);
    assert_true(lane_set_credentials(lane, &known));
    assert_false(lane->down);
    assert_null(known.credentials);
    lane_free(lane);
}

static void test_the_same_keys_do_not_bring_a_lane_up(void **state)
{
    struct account_credentials known = known_of("key");
    struct lane *lane = new_lane(50);
    struct error error;

    (void)state;
    assert_true(lane_set_credentials(lane, &known));
    error_set(&error, ERROR_CREDENTIALS, "refused");
    lane_set_down(lane, &error, now);
    known = (struct account_credentials){.kind = CREDENTIAL_STATIC,
                                         .credentials = credentials_get(lane->credentials)};
    assert_false(lane_set_credentials(lane, &known));
    assert_true(lane->down);
    lane_free(lane);
}

static void test_a_lane_that_renews_its_keys_sends_nothing(void **state)
{
    struct account_credentials known = known_of("newer");
    struct lane *lane = new_lane(50);

    (void)state;
    add(lane, READY_SUBMIT, 0);
    lane->renewing = true;
    assert_true(lane_next(lane, WORKERS, now) == CLOCK_NEVER);
    assert_null(lane_take(lane, WORKERS, now));
    lane_set_credentials(lane, &known);
    assert_non_null(take(lane));
    lane_free(lane);
}

static void test_a_cycle_takes_the_time_that_the_quota_needs(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    lane->job_count = 100;
    assert_in_range(lane_demand(lane, 60 * NS_PER_SECOND).cycle, 4 * NS_PER_SECOND, 5 * NS_PER_SECOND);
    lane->job_count = 10000; /* 21 000 calls */
    assert_in_range(lane_demand(lane, 60 * NS_PER_SECOND).cycle, 420 * NS_PER_SECOND, 450 * NS_PER_SECOND);
    lane_free(lane);
}

static void test_demand_follows_what_results_cost(void **state)
{
    struct lane *lane = new_lane(50);

    (void)state;
    lane->job_count = 60;
    for (int i = 0; i < 1000; i++)
        lane_result_cost(lane, 4);
    assert_true(lane_demand(lane, 60 * NS_PER_SECOND).per_second > 3.8);
    assert_true(lane_demand(lane, 60 * NS_PER_SECOND).per_second < 4.1);
    lane_free(lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_lane_gives_nothing),
        cmocka_unit_test(test_the_oldest_data_goes_first_within_a_class),
        cmocka_unit_test(test_a_job_can_be_taken_out_of_its_class),
        cmocka_unit_test(test_polls_go_before_submits_and_submits_before_retries),
        cmocka_unit_test(test_manual_refreshes_get_at_most_half),
        cmocka_unit_test(test_submits_get_at_least_a_fifth_and_retries_a_tenth),
        cmocka_unit_test(test_manual_refreshes_alone_get_everything),
        cmocka_unit_test(test_submits_wait_while_too_many_results_are_outstanding),
        cmocka_unit_test(test_calls_in_flight_are_capped_by_what_the_quota_can_use),
        cmocka_unit_test(test_a_lane_never_holds_more_than_the_workers),
        cmocka_unit_test(test_unanswered_calls_shrink_what_may_be_in_flight),
        cmocka_unit_test(test_calls_and_failures_are_counted_by_phase_and_class),
        cmocka_unit_test(test_a_call_that_was_not_sent_costs_nothing),
        cmocka_unit_test(test_only_one_probe_is_out_at_a_time),
        cmocka_unit_test(test_outstanding_results_do_not_hold_a_probe_back),
        cmocka_unit_test(test_new_keys_bring_a_lane_up),
        cmocka_unit_test(test_the_same_keys_do_not_bring_a_lane_up),
        cmocka_unit_test(test_a_lane_that_renews_its_keys_sends_nothing),
        cmocka_unit_test(test_a_cycle_takes_the_time_that_the_quota_needs),
        cmocka_unit_test(test_demand_follows_what_results_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
