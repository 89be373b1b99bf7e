#include "schedule/refresh.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"

static const struct refresh_filter everything = {.metric = METRIC_ID_COUNT};

static struct refresh_filter instance(const char *ins_id)
{
    struct refresh_filter filter = {.metric = METRIC_ID_COUNT};

    snprintf(filter.ins_id, sizeof(filter.ins_id), "%s", ins_id);
    return filter;
}

static unsigned open_refresh(struct refresh_table *table, const struct refresh_filter *filter,
                             uint64_t targets, int64_t now, struct refresh_progress *progress)
{
    unsigned bit;

    assert_true(refresh_table_open(table, filter, targets, NS_PER_SECOND, now, &bit, progress));
    return bit;
}

static void report(struct refresh_table *table, unsigned bit, enum refresh_result result, int64_t now)
{
    refresh_table_report(table, UINT64_C(1) << bit, result, now);
}

static struct refresh_progress progress_of(struct refresh_table *table,
                                           const struct refresh_progress *refresh, int64_t now)
{
    struct refresh_progress progress;

    assert_true(refresh_table_progress(table, refresh->id, now, &progress));
    return progress;
}

static void test_a_new_refresh_runs(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;

    (void)state;
    open_refresh(table, &everything, 3, 100, &progress);
    assert_int_equal(progress.state, REFRESH_RUNNING);
    assert_int_equal(progress.targets, 3);
    assert_int_equal(progress.estimated, NS_PER_SECOND);
    assert_false(progress.joined);
    assert_int_equal(progress_of(table, &progress, 150).elapsed, 50);
    refresh_table_free(table);
}

static void test_it_is_finished_when_all_targets_are_done(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;
    unsigned bit;

    (void)state;
    bit = open_refresh(table, &everything, 2, 100, &progress);
    report(table, bit, REFRESH_TARGET_SUCCEEDED, 110);
    assert_int_equal(progress_of(table, &progress, 110).state, REFRESH_RUNNING);
    report(table, bit, REFRESH_TARGET_FAILED, 130);
    progress = progress_of(table, &progress, 500);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.done, 2);
    assert_int_equal(progress.failed, 1);
    assert_int_equal(progress.elapsed, 30);
    refresh_table_free(table);
}

static void test_without_targets_it_is_finished_at_once(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;

    (void)state;
    open_refresh(table, &everything, 0, 100, &progress);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    refresh_table_free(table);
}

static void test_vanished_targets_are_subtracted(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;
    unsigned bit;

    (void)state;
    bit = open_refresh(table, &everything, 2, 100, &progress);
    report(table, bit, REFRESH_TARGET_SUCCEEDED, 110);
    report(table, bit, REFRESH_TARGET_VANISHED, 120);
    progress = progress_of(table, &progress, 500);
    assert_int_equal(progress.state, REFRESH_FINISHED);
    assert_int_equal(progress.targets, 1);
    refresh_table_free(table);
}

static void test_one_report_counts_for_every_refresh_that_waits(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_filter one = instance("rm-test1");
    struct refresh_progress first, second;
    uint64_t bits;

    (void)state;
    bits = UINT64_C(1) << open_refresh(table, &everything, 1, 100, &first);
    bits |= UINT64_C(1) << open_refresh(table, &one, 1, 100, &second);
    refresh_table_report(table, bits, REFRESH_TARGET_SUCCEEDED, 110);
    assert_int_equal(progress_of(table, &first, 120).state, REFRESH_FINISHED);
    assert_int_equal(progress_of(table, &second, 120).state, REFRESH_FINISHED);
    refresh_table_free(table);
}

static void test_only_a_running_refresh_with_the_same_filter_is_joined(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_filter one = instance("rm-test1"), other = instance("rm-test2");
    struct refresh_progress progress, joined;
    unsigned bit;

    (void)state;
    bit = open_refresh(table, &one, 1, 100, &progress);
    assert_false(refresh_table_join(table, &other, 110, &joined));
    assert_false(refresh_table_join(table, &everything, 110, &joined));
    assert_true(refresh_table_join(table, &one, 110, &joined));
    assert_true(joined.joined);
    assert_string_equal(joined.id, progress.id);
    report(table, bit, REFRESH_TARGET_SUCCEEDED, 120);
    assert_false(refresh_table_join(table, &one, 130, &joined));
    refresh_table_free(table);
}

static void test_64_may_run_and_the_longest_finished_makes_room(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress[REFRESH_ACTIVE_MAX + 1], unknown;
    unsigned bits[REFRESH_ACTIVE_MAX], bit;

    (void)state;
    for (int i = 0; i < REFRESH_ACTIVE_MAX; i++)
        bits[i] = open_refresh(table, &everything, 1, 100, &progress[i]);
    assert_false(refresh_table_open(table, &everything, 1, 0, 100, &bit, &unknown));
    report(table, bits[7], REFRESH_TARGET_SUCCEEDED, 200);
    report(table, bits[3], REFRESH_TARGET_SUCCEEDED, 300);
    bit = open_refresh(table, &everything, 1, 400, &progress[REFRESH_ACTIVE_MAX]);
    assert_int_equal(bit, bits[7]);
    assert_false(refresh_table_progress(table, progress[7].id, 400, &unknown));
    assert_int_equal(progress_of(table, &progress[3], 400).state, REFRESH_FINISHED);
    assert_int_equal(progress_of(table, &progress[REFRESH_ACTIVE_MAX], 400).done, 0);
    refresh_table_free(table);
}

static void test_ids_differ_within_and_between_processes(void **state)
{
    struct refresh_table *table = refresh_table_new(1), *other = refresh_table_new(2);
    struct refresh_progress first, second, elsewhere;

    (void)state;
    open_refresh(table, &everything, 1, 100, &first);
    open_refresh(table, &everything, 1, 100, &second);
    open_refresh(other, &everything, 1, 100, &elsewhere);
    assert_string_not_equal(first.id, second.id);
    assert_string_not_equal(first.id, elsewhere.id);
    assert_int_equal(strspn(first.id, "0123456789abcdef"), strlen(first.id));
    refresh_table_free(table);
    refresh_table_free(other);
}

static void test_unknown_ids_are_unknown(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;

    (void)state;
    assert_false(refresh_table_progress(table, "", 0, &progress));
    assert_false(refresh_table_progress(table, "0123456789abcdef", 0, &progress));
    assert_false(refresh_table_wait(table, "0123456789abcdef", CLOCK_NEVER, &progress));
    refresh_table_free(table);
}

static void test_waiting_ends_at_the_deadline(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;
    int64_t deadline;

    (void)state;
    open_refresh(table, &everything, 1, clock_now(), &progress);
    deadline = clock_now() + 20 * NS_PER_MS;
    assert_true(refresh_table_wait(table, progress.id, deadline, &progress));
    assert_true(clock_now() >= deadline);
    assert_int_equal(progress.state, REFRESH_RUNNING);
    refresh_table_free(table);
}

struct waiter {
    struct refresh_table *table;
    struct refresh_progress progress;
    pthread_t thread;
    bool known;
};

static void *run_waiter(void *argument)
{
    struct waiter *waiter = argument;

    waiter->known = refresh_table_wait(waiter->table, waiter->progress.id, CLOCK_NEVER, &waiter->progress);
    return NULL;
}

static void start_waiter(struct waiter *waiter, struct refresh_table *table,
                         const struct refresh_progress *progress)
{
    struct error error;

    *waiter = (struct waiter){.table = table, .progress = *progress};
    assert_true(thread_start(&waiter->thread, "waiter", run_waiter, waiter, &error));
}

static void test_waiting_ends_with_the_refresh(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;
    struct waiter waiters[3];
    unsigned bit;

    (void)state;
    bit = open_refresh(table, &everything, 1, clock_now(), &progress);
    for (int i = 0; i < 3; i++)
        start_waiter(&waiters[i], table, &progress);
    report(table, bit, REFRESH_TARGET_SUCCEEDED, clock_now());
    for (int i = 0; i < 3; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_true(waiters[i].known);
        assert_int_equal(waiters[i].progress.state, REFRESH_FINISHED);
    }
    refresh_table_free(table);
}

static void test_waiting_ends_with_the_table(void **state)
{
    struct refresh_table *table = refresh_table_new(1);
    struct refresh_progress progress;
    struct waiter waiter;

    (void)state;
    open_refresh(table, &everything, 1, clock_now(), &progress);
    start_waiter(&waiter, table, &progress);
    refresh_table_close(table);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.progress.state, REFRESH_RUNNING);
    refresh_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_refresh_runs),
        cmocka_unit_test(test_it_is_finished_when_all_targets_are_done),
        cmocka_unit_test(test_without_targets_it_is_finished_at_once),
        cmocka_unit_test(test_vanished_targets_are_subtracted),
        cmocka_unit_test(test_one_report_counts_for_every_refresh_that_waits),
        cmocka_unit_test(test_only_a_running_refresh_with_the_same_filter_is_joined),
        cmocka_unit_test(test_64_may_run_and_the_longest_finished_makes_room),
        cmocka_unit_test(test_ids_differ_within_and_between_processes),
        cmocka_unit_test(test_unknown_ids_are_unknown),
        cmocka_unit_test(test_waiting_ends_at_the_deadline),
        cmocka_unit_test(test_waiting_ends_with_the_refresh),
        cmocka_unit_test(test_waiting_ends_with_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
