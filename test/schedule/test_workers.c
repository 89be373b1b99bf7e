#include "schedule/workers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collectors/user_sessions.h"
#include "core/clock.h"
#include "core/log.h"
#include "das/client.h"
#include "test/schedule/listener.h"

#define CALLS      8
#define PATIENCE   (60 * NS_PER_SECOND)
#define STOP_LIMIT (500 * NS_PER_MS)

static const struct instance rds = {"rm-test1", "orders", "rds", "1000000000000001"};
static const struct target rds_target = {&rds, "", NODE_TYPE_WRITE};

/* Reads one request and answers it with a body. */
static void answer(int connection, const char *body)
{
    char request[8192], response[1024];
    size_t length = 0;
    int size;

    do {
        ssize_t got = recv(connection, request + length, sizeof(request) - 1 - length, 0);

        assert_true(got > 0);
        length += (size_t)got;
        request[length] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL);
    assert_non_null(strstr(request, "InstanceId=rm-test1"));
    size = snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                    strlen(body), body);
    assert_int_equal(send(connection, response, (size_t)size, MSG_NOSIGNAL), size);
}

static struct config *load_config(const struct listener *listener, unsigned workers)
{
    char path[] = "/tmp/test_workers_XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    struct config *config;
    struct error error;

    assert_non_null(file);
    fprintf(file,
            "[exporter]\nworkers = %u\n[inventory]\nsource = file\n[das]\nendpoint = http://127.0.0.1:%u\n",
            workers, listener->port);
    fclose(file);
    config = config_load(path, &error);
    unlink(path);
    if (config == NULL)
        fail_msg("%s", error.message);
    return config;
}

struct bench {
    struct listener listener;
    struct config *config;
    struct call_queue *queue;
    struct mailbox *mailbox;
    struct workers *pool;
    struct call *calls[CALLS];
};

static void bench_start(struct bench *bench, unsigned workers, bool refusing)
{
    struct error error;

    if (refusing)
        listener_open_refusing(&bench->listener);
    else
        listener_open(&bench->listener);
    bench->config = load_config(&bench->listener, workers);
    bench->queue = call_queue_new(CALLS);
    bench->mailbox = mailbox_new();
    bench->pool = workers_new(bench->config, &user_sessions_collector, bench->queue, bench->mailbox);
    assert_non_null(bench->pool);
    for (int i = 0; i < CALLS; i++) {
        bench->calls[i] = calloc(1, sizeof(struct call));
        assert_non_null(bench->calls[i]);
        bench->calls[i]->target = &rds_target;
        bench->calls[i]->credentials = credentials_new("key", "invented", "");
        bench->calls[i]->dispatched_at = clock_now();
    }
    assert_true(workers_start(bench->pool, &error));
}

static void bench_end(struct bench *bench)
{
    workers_stop(bench->pool);
    workers_free(bench->pool);
    mailbox_free(bench->mailbox);
    call_queue_free(bench->queue);
    for (int i = 0; i < CALLS; i++) {
        call_clear(bench->calls[i]);
        free(bench->calls[i]);
    }
    config_put(bench->config);
    listener_close(&bench->listener);
}

static void push(struct bench *bench, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(call_queue_push(bench->queue, bench->calls[i]));
}

static void await_returns(struct bench *bench, int count)
{
    int64_t deadline = clock_now() + PATIENCE;
    struct list returned;

    list_init(&returned);
    while (count > 0) {
        mailbox_wait(bench->mailbox, deadline);
        assert_true(clock_now() < deadline);
        mailbox_take_calls(bench->mailbox, &returned);
        while (list_pop_front(&returned) != NULL)
            count--;
    }
    assert_int_equal(count, 0);
}

static void test_a_refused_connection_is_a_transient_failure_that_cannot_be_counted(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, 2, true);
    push(&bench, CALLS);
    await_returns(&bench, CALLS);
    for (int i = 0; i < CALLS; i++) {
        const struct call *call = bench.calls[i];

        assert_true(call->result.sent);
        assert_true(call->result.answered);
        assert_int_equal(call->result.outcome, STEP_FAILED);
        assert_int_equal(call->result.error.class, ERROR_TRANSIENT);
        assert_null(call->result.batch);
    }
    bench_end(&bench);
}

static void test_keys_that_cannot_be_signed_with_are_no_call(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, 1, false);
    credentials_put(bench.calls[0]->credentials);
    bench.calls[0]->credentials = credentials_new("key\n", "invented", "");
    push(&bench, 1);
    await_returns(&bench, 1);
    assert_false(bench.calls[0]->result.sent);
    assert_int_equal(bench.calls[0]->result.error.class, ERROR_CREDENTIALS);
    bench_end(&bench);
}

static void test_an_accepted_submit_brings_its_result_id(void **state)
{
    struct bench bench;
    int connection;

    (void)state;
    bench_start(&bench, 1, false);
    push(&bench, 1);
    connection = listener_accept(&bench.listener);
    answer(connection,
           "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":\"async__1\",\"IsFinish\":false,"
           "\"State\":\"RUNNING\"}}");
    await_returns(&bench, 1);
    assert_int_equal(bench.calls[0]->result.outcome, STEP_RUNNING);
    assert_string_equal(bench.calls[0]->result.continuation, "async__1");
    assert_true(bench.calls[0]->result.sent && bench.calls[0]->result.answered);
    assert_true(bench.calls[0]->result.duration > 0);
    close(connection);
    bench_end(&bench);
}

static void test_a_finished_reply_brings_a_sealed_batch(void **state)
{
    struct bench bench;
    int connection;

    (void)state;
    bench_start(&bench, 1, false);
    push(&bench, 1);
    connection = listener_accept(&bench.listener);
    answer(
        connection,
        "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":\"r\",\"IsFinish\":true,\"State\":\"SUCCESS\","
        "\"SessionData\":{\"UserStats\":[{\"Key\":\"app\",\"TotalCount\":3,\"ActiveCount\":1}]}}}");
    await_returns(&bench, 1);
    assert_int_equal(bench.calls[0]->result.outcome, STEP_FINISHED);
    assert_int_equal(batch_sample_count(bench.calls[0]->result.batch, FAMILY_USER_SESSION_COUNT), 1);
    close(connection);
    bench_end(&bench);
}

static void test_stopping_does_not_wait_for_calls_in_flight(void **state)
{
    struct bench bench;
    int connections[4];
    int64_t start;

    (void)state;
    bench_start(&bench, 4, false);
    push(&bench, CALLS);
    for (int i = 0; i < 4; i++)
        connections[i] = listener_accept(&bench.listener);
    start = clock_now();
    workers_stop(bench.pool);
    assert_true(clock_now() - start < STOP_LIMIT);
    await_returns(&bench, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bench.calls[i]->result.outcome, STEP_FAILED);
        close(connections[i]);
    }
    /* What no worker had taken is still in the queue. */
    assert_int_equal(call_queue_length(bench.queue), CALLS - 4);
    while (call_queue_try_pop(bench.queue) != NULL)
        ;
    bench_end(&bench);
}

static void test_stopping_at_once_loses_no_call(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct bench bench;
        struct list returned;
        int seen = 0;

        bench_start(&bench, 4, round % 2 == 0);
        push(&bench, CALLS);
        workers_stop(bench.pool);
        while (call_queue_try_pop(bench.queue) != NULL)
            seen++;
        list_init(&returned);
        mailbox_take_calls(bench.mailbox, &returned);
        while (list_pop_front(&returned) != NULL)
            seen++;
        assert_int_equal(seen, CALLS);
        bench_end(&bench);
    }
}

static void test_a_new_configuration_is_used_from_the_next_call_on(void **state)
{
    struct bench bench;
    struct listener other;
    struct config *config;

    (void)state;
    bench_start(&bench, 1, true);
    push(&bench, 1);
    await_returns(&bench, 1);
    listener_open(&other);
    config = load_config(&other, 1);
    workers_configure(bench.pool, config);
    config_put(config);
    push(&bench, 1);
    close(listener_accept(&other));
    await_returns(&bench, 1);
    listener_close(&other);
    bench_end(&bench);
}

static void test_the_configuration_may_change_during_a_call(void **state)
{
    struct bench bench;
    struct config *config;
    int connection;

    (void)state;
    bench_start(&bench, 1, false);
    push(&bench, 1);
    connection = listener_accept(&bench.listener);
    config = load_config(&bench.listener, 1);
    workers_configure(bench.pool, config);
    config_put(config);
    answer(connection, "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":\"r\",\"IsFinish\":false}}");
    await_returns(&bench, 1);
    assert_int_equal(bench.calls[0]->result.outcome, STEP_RUNNING);
    close(connection);
    bench_end(&bench);
}

static void test_an_idle_pool_is_alive(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, 1, true);
    assert_true(workers_alive(bench.pool, clock_now() + PATIENCE, NS_PER_SECOND));
    bench_end(&bench);
}

static void test_a_pool_that_was_idle_for_long_is_alive_when_a_call_is_queued(void **state)
{
    struct bench bench;
    int connection;
    int64_t now;

    (void)state;
    bench_start(&bench, 1, false);
    push(&bench, 1);
    connection = listener_accept(&bench.listener);
    now = clock_now() + PATIENCE;
    bench.calls[1]->dispatched_at = now;
    assert_true(call_queue_push(bench.queue, bench.calls[1]));
    assert_true(workers_alive(bench.pool, now, NS_PER_SECOND));
    assert_false(workers_alive(bench.pool, now + 2 * NS_PER_SECOND, NS_PER_SECOND));
    workers_stop(bench.pool);
    while (call_queue_try_pop(bench.queue) != NULL)
        ;
    close(connection);
    bench_end(&bench);
}

static int start_client(void **state)
{
    struct error error;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    return das_global_init(&error) ? 0 : -1;
}

static int end_client(void **state)
{
    (void)state;
    das_global_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_connection_is_a_transient_failure_that_cannot_be_counted),
        cmocka_unit_test(test_keys_that_cannot_be_signed_with_are_no_call),
        cmocka_unit_test(test_an_accepted_submit_brings_its_result_id),
        cmocka_unit_test(test_a_finished_reply_brings_a_sealed_batch),
        cmocka_unit_test(test_stopping_does_not_wait_for_calls_in_flight),
        cmocka_unit_test(test_stopping_at_once_loses_no_call),
        cmocka_unit_test(test_a_new_configuration_is_used_from_the_next_call_on),
        cmocka_unit_test(test_the_configuration_may_change_during_a_call),
        cmocka_unit_test(test_an_idle_pool_is_alive),
        cmocka_unit_test(test_a_pool_that_was_idle_for_long_is_alive_when_a_call_is_queued),
    };

    return cmocka_run_group_tests(tests, start_client, end_client);
}
