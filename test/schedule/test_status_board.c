/* The board with the scheduler's thread behind it: what readers get, and what they cost. */
#include "schedule/status_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"
#include "test/schedule/fake_fleet.h"

#define READERS 8
#define READS   2000

/* Of this program, since the wrapped functions have no place for them. */
static atomic_uint statuses;
static atomic_uint messages;
static atomic_bool no_memory;

bool __real_scheduler_status(const struct scheduler *scheduler, int64_t now, struct status *status);
bool __wrap_scheduler_status(const struct scheduler *scheduler, int64_t now, struct status *status);
bool __real_mailbox_call(struct mailbox *mailbox, struct message *message, int64_t timeout_ns);
bool __wrap_mailbox_call(struct mailbox *mailbox, struct message *message, int64_t timeout_ns);

bool __wrap_scheduler_status(const struct scheduler *scheduler, int64_t now, struct status *status)
{
    atomic_fetch_add(&statuses, 1);
    return __real_scheduler_status(scheduler, now, status) && !atomic_load(&no_memory);
}

bool __wrap_mailbox_call(struct mailbox *mailbox, struct message *message, int64_t timeout_ns)
{
    atomic_fetch_add(&messages, 1);
    return __real_mailbox_call(mailbox, message, timeout_ns);
}

static struct fleet *started_fleet(size_t targets)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = targets});
    struct error error;

    call_queue_close(fleet->queue); /* there are no workers: calls end unsent */
    atomic_store(&statuses, 0);
    atomic_store(&messages, 0);
    atomic_store(&no_memory, false);
    assert_true(scheduler_start(fleet->scheduler, &error));
    return fleet;
}

static void stop_fleet(struct fleet *fleet)
{
    status_board_close(fleet->board);
    scheduler_stop(fleet->scheduler);
    fleet_free(fleet);
}

static void read_board(struct fleet *fleet, struct status *status)
{
    status_init(status);
    assert_true(status_board_read(fleet->board, status));
}

static void *read_often(void *argument)
{
    struct fleet *fleet = argument;

    for (int i = 0; i < READS; i++) {
        struct status status;

        read_board(fleet, &status);
        assert_int_equal(status.target_count, 100);
        assert_string_equal(status.targets[99].ins_id, "rm-test00099");
        status_release(&status);
    }
    return NULL;
}

static void test_readers_run_nothing_on_the_schedulers_thread_but_one_status_a_second(void **state)
{
    struct fleet *fleet = started_fleet(100);
    int64_t began = clock_now();
    pthread_t readers[READERS];

    (void)state;
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_often, fleet), 0);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&messages), 0);
    assert_in_range(atomic_load(&statuses), 1, (clock_now() - began) / STATUS_AGE_MAX + 1);
    stop_fleet(fleet);
}

static void test_without_readers_no_status_is_made(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){.targets = 100});

    (void)state;
    atomic_store(&statuses, 0);
    fleet_run(fleet, 100 * NS_PER_SECOND);
    assert_int_equal(atomic_load(&statuses), 0);
    fleet_free(fleet);
}

static void test_a_reader_gets_a_status_that_is_not_old(void **state)
{
    struct fleet *fleet = started_fleet(1);
    struct status status;

    (void)state;
    for (int i = 0; i < 2; i++) {
        read_board(fleet, &status);
        assert_true(clock_unix_ms() - status.taken_unix_ms <= 2000);
        status_release(&status);
        fleet->now = clock_now() + STATUS_AGE_MAX + NS_PER_MS;
        while (clock_now() < fleet->now)
            sched_yield();
    }
    assert_true(atomic_load(&statuses) >= 2);
    stop_fleet(fleet);
}

static void test_after_it_expired_the_next_reader_gets_a_newer_one(void **state)
{
    struct fleet *fleet = started_fleet(1);
    struct status status;

    (void)state;
    read_board(fleet, &status);
    status_release(&status);
    status_board_expire(fleet->board);
    read_board(fleet, &status);
    status_release(&status);
    assert_int_equal(atomic_load(&statuses), 2);
    stop_fleet(fleet);
}

static void test_a_status_is_kept_when_there_is_no_memory_for_another(void **state)
{
    struct fleet *fleet = started_fleet(1);
    struct status first, second;

    (void)state;
    read_board(fleet, &first);
    atomic_store(&no_memory, true);
    status_board_expire(fleet->board);
    read_board(fleet, &second);
    assert_ptr_equal(first.memory, second.memory);
    status_release(&first);
    status_release(&second);
    stop_fleet(fleet);
}

static void test_a_scheduler_that_hangs_leaves_readers_the_last_status(void **state)
{
    struct fleet *fleet = started_fleet(1);
    struct status status;

    (void)state;
    read_board(fleet, &status);
    status_release(&status);
    scheduler_stop(fleet->scheduler);
    status_board_expire(fleet->board);
    read_board(fleet, &status);
    assert_int_equal(status.target_count, 1);
    status_release(&status);
    stop_fleet(fleet);
}

static void *read_once(void *argument)
{
    struct fleet *fleet = argument;
    struct status status;

    status_init(&status);
    return status_board_read(fleet->board, &status) ? fleet : NULL;
}

static void test_closing_ends_the_wait_for_a_first_status(void **state)
{
    struct fleet *fleet = fleet_new(&(struct fleet_settings){0});
    int64_t began = clock_now();
    pthread_t reader;
    void *result;

    (void)state;
    assert_int_equal(pthread_create(&reader, NULL, read_once, fleet), 0);
    while (!status_board_wanted(fleet->board))
        sched_yield();
    status_board_close(fleet->board);
    pthread_join(reader, &result);
    assert_null(result);
    assert_true(clock_now() - began < 2 * NS_PER_SECOND);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_run_nothing_on_the_schedulers_thread_but_one_status_a_second),
        cmocka_unit_test(test_without_readers_no_status_is_made),
        cmocka_unit_test(test_a_reader_gets_a_status_that_is_not_old),
        cmocka_unit_test(test_after_it_expired_the_next_reader_gets_a_newer_one),
        cmocka_unit_test(test_a_status_is_kept_when_there_is_no_memory_for_another),
        cmocka_unit_test(test_a_scheduler_that_hangs_leaves_readers_the_last_status),
        cmocka_unit_test(test_closing_ends_the_wait_for_a_first_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
