/* The seam holds: what asks something else is one file and one row, and the engine is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/thread.h"
#include "schedule/workers.h"
#include "test/schedule/fake_fleet.h"
#include "test/schedule/invented_collector.h"
#include "test/schedule/listener.h"

#define TARGETS  20
#define PATIENCE (60 * NS_PER_SECOND)

/* The invented API: seven sessions wherever it is asked. */
struct api {
    struct listener listener;
    pthread_t thread;
    unsigned requests; /* read when the thread has ended */
};

static void *serve(void *argument)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nsessions=7";
    struct api *api = argument;
    int connection;

    while ((connection = accept4(api->listener.descriptor, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        char request[4096] = "";
        size_t length = 0;
        ssize_t got = 1;

        while (strstr(request, "\r\n\r\n") == NULL && got > 0) {
            got = recv(connection, request + length, sizeof(request) - 1 - length, 0);
            length += got > 0 ? (size_t)got : 0;
        }
        api->requests += strncmp(request, "GET /sessions/rm-test", 21) == 0;
        send(connection, answer, strlen(answer), MSG_NOSIGNAL);
        close(connection);
    }
    return NULL;
}

static bool all_up(struct fleet *fleet)
{
    struct status status;
    size_t up = 0;

    status_init(&status);
    status_board_expire(fleet->board);
    if (status_board_read(fleet->board, &status)) {
        for (size_t i = 0; i < status.target_count; i++)
            up += status.targets[i].up;
    }
    status_release(&status);
    return up == TARGETS;
}

/* The real threads over real sockets, until every target was asked once. */
static void collect_once(struct fleet *fleet, struct api *api)
{
    struct workers *workers = workers_new(fleet->config, &invented_collector, fleet->queue, fleet->mailbox);
    struct inventory *inventory = fleet_build_inventory(fleet);
    int64_t deadline = clock_now() + PATIENCE;
    struct error error;

    assert_true(scheduler_apply_inventory(fleet->scheduler, inventory, clock_now()));
    inventory_put(inventory);
    assert_true(thread_start(&api->thread, "api", serve, api, &error));
    assert_true(scheduler_start(fleet->scheduler, &error) && workers_start(workers, &error));
    while (!all_up(fleet))
        assert_true(clock_now() < deadline);
    workers_stop(workers);
    scheduler_stop(fleet->scheduler);
    workers_free(workers);
    shutdown(api->listener.descriptor, SHUT_RDWR);
    pthread_join(api->thread, NULL);
}

static void test_a_collector_that_is_answered_at_once_fills_the_page_with_one_call_a_target(void **state)
{
    struct api api = {.requests = 0};
    struct fleet *fleet;
    char endpoint[64];
    double value;

    (void)state;
    listener_open(&api.listener);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", api.listener.port);
    fleet = fleet_new_empty(&(struct fleet_settings){.targets = TARGETS,
                                                     .workers = 4,
                                                     .endpoint = endpoint,
                                                     .collector = &invented_collector,
                                                     .start = clock_now()});
    collect_once(fleet, &api);
    assert_int_equal(api.requests, TARGETS);
    fleet->now = clock_now();
    assert_int_equal(fleet_series(fleet, "db_user_session_count"), TARGETS);
    assert_true(fleet_sample(
        fleet,
        "db_user_session_count{ins_id=\"rm-test00000\",ins_name=\"orders\",ins_type=\"rds\","
        "aliyun_uid=\"1000000000000001\",db_user=\"everybody\",node_id=\"\",node_type=\"write\"} ",
        &value));
    assert_true(value == 7);
    listener_close(&api.listener);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_collector_that_is_answered_at_once_fills_the_page_with_one_call_a_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
