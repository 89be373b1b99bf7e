#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/service_notify.h"
#include "core/clock.h"

struct manager {
    int fd;
    char name[64];
    struct service_notify notify;
};

/* In the abstract namespace, so that nothing is left behind. */
static int manager_setup(void **state)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size;

    assert_non_null(manager);
    snprintf(manager->name, sizeof(manager->name), "@service_notify_test_%d", (int)getpid());
    memcpy(address.sun_path + 1, manager->name + 1, strlen(manager->name + 1));
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(manager->name));
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address, size), 0);
    manager->notify.fd = -1;
    *state = manager;
    return 0;
}

static int manager_teardown(void **state)
{
    struct manager *manager = *state;

    service_notify_release(&manager->notify);
    close(manager->fd);
    free(manager);
    return 0;
}

static void start(struct manager *manager, const char *watchdog_usec, const char *watchdog_pid)
{
    struct service_environment environment = {manager->name, watchdog_usec, watchdog_pid};
    struct error error = {0};

    assert_true(service_notify_init(&manager->notify, &environment, &error));
}

static void assert_told(struct manager *manager, const char *expected)
{
    char state[128];
    ssize_t length = recv(manager->fd, state, sizeof(state) - 1, 0);

    assert_true(length > 0);
    state[length] = '\0';
    assert_string_equal(state, expected);
}

static void assert_told_nothing(struct manager *manager)
{
    char state[128];

    assert_int_equal(recv(manager->fd, state, sizeof(state), 0), -1);
}

static void test_each_state_is_one_datagram(void **state)
{
    struct manager *manager = *state;

    start(manager, NULL, NULL);
    service_notify_ready(&manager->notify);
    service_notify_reloading(&manager->notify, 1234567);
    service_notify_stopping(&manager->notify);
    assert_told(manager, "READY=1");
    assert_told(manager, "RELOADING=1\nMONOTONIC_USEC=1234567");
    assert_told(manager, "STOPPING=1");
}

static void test_a_healthy_process_pings_twice_per_watchdog_time(void **state)
{
    struct manager *manager = *state;

    start(manager, "30000000", NULL);
    assert_true(service_notify_ping_due(&manager->notify, 7));
    service_notify_ping(&manager->notify, 7, true);
    assert_told(manager, "WATCHDOG=1");
    assert_false(service_notify_ping_due(&manager->notify, 15 * NS_PER_SECOND));
    assert_int_equal(service_notify_wait(&manager->notify, 7), 15 * NS_PER_SECOND);
    assert_true(service_notify_ping_due(&manager->notify, 15 * NS_PER_SECOND + 7));
    assert_int_equal(service_notify_wait(&manager->notify, 20 * NS_PER_SECOND), 0);
}

static void test_an_unhealthy_process_keeps_silent_and_asks_again_later(void **state)
{
    struct manager *manager = *state;

    start(manager, "30000000", NULL);
    service_notify_ping(&manager->notify, 0, false);
    assert_told_nothing(manager);
    assert_int_equal(service_notify_wait(&manager->notify, 0), 15 * NS_PER_SECOND);
}

static void assert_no_watchdog(struct manager *manager)
{
    assert_false(service_notify_ping_due(&manager->notify, 0));
    service_notify_ping(&manager->notify, 0, true);
    assert_told_nothing(manager);
    assert_true(service_notify_wait(&manager->notify, 0) == CLOCK_NEVER);
}

static void test_without_a_watchdog_nothing_is_pinged(void **state)
{
    struct manager *manager = *state;

    start(manager, NULL, NULL);
    assert_no_watchdog(manager);
}

static void test_a_watchdog_time_that_is_no_number_is_none(void **state)
{
    struct manager *manager = *state;

    start(manager, "soon", NULL);
    assert_no_watchdog(manager);
}

static void test_the_watchdog_of_another_process_is_not_ours(void **state)
{
    struct manager *manager = *state;

    start(manager, "30000000", "1");
    assert_no_watchdog(manager);
}

static void test_the_watchdog_of_this_process_is_ours(void **state)
{
    struct manager *manager = *state;
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    start(manager, "30000000", pid);
    assert_true(service_notify_ping_due(&manager->notify, 0));
}

static void test_without_a_manager_nothing_happens(void **state)
{
    struct service_environment environment = {NULL, "30000000", NULL};
    struct service_notify notify;
    struct error error = {0};

    (void)state;
    assert_true(service_notify_init(&notify, &environment, &error));
    service_notify_ready(&notify);
    assert_false(service_notify_ping_due(&notify, CLOCK_NEVER));
    service_notify_release(&notify);
}

static void test_an_address_that_cannot_be_reached_is_named(void **state)
{
    static const char *const names[] = {"relative", "@", "/nonexistent/socket"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct service_environment environment = {names[i], NULL, NULL};
        struct service_notify notify;
        struct error error = {0};

        assert_false(service_notify_init(&notify, &environment, &error));
        assert_non_null(strstr(error.message, names[i]));
        service_notify_ready(&notify);
        service_notify_release(&notify);
    }
}

static void test_a_manager_that_went_away_is_no_harm(void **state)
{
    struct manager *manager = *state;

    start(manager, NULL, NULL);
    close(manager->fd);
    manager->fd = -1;
    service_notify_stopping(&manager->notify);
}

#define MANAGED(name) cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MANAGED(test_each_state_is_one_datagram),
        MANAGED(test_a_healthy_process_pings_twice_per_watchdog_time),
        MANAGED(test_an_unhealthy_process_keeps_silent_and_asks_again_later),
        MANAGED(test_without_a_watchdog_nothing_is_pinged),
        MANAGED(test_a_watchdog_time_that_is_no_number_is_none),
        MANAGED(test_the_watchdog_of_another_process_is_not_ours),
        MANAGED(test_the_watchdog_of_this_process_is_ours),
        MANAGED(test_a_manager_that_went_away_is_no_harm),
        cmocka_unit_test(test_without_a_manager_nothing_happens),
        cmocka_unit_test(test_an_address_that_cannot_be_reached_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
