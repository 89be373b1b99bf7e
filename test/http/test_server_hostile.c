#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What slow, silent and greedy clients, and a bad setting, can and cannot do. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "test/http/http_client.h"
#include "test/http/server_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#ifdef SERVER_IS_OURS
#define SLOW      200 /* clients; fewer than one address may have */
#define TLS_LACKS "tls_cert_file"
#else
#define SLOW      20
#define TLS_LACKS "CivetWeb"
#endif
#define BIG_PAGE ((size_t)20 * 1024 * 1024)

static struct server_fixture fixture;

static int setup(void **state)
{
    (void)state;
    return server_fixture_start(&fixture, 1000);
}

static int setup_big(void **state)
{
    (void)state;
    return server_fixture_start(&fixture, BIG_PAGE);
}

static int teardown(void **state)
{
    (void)state;
    return server_fixture_stop(&fixture);
}

/* The time one request takes. */
static int64_t time_of(const char *target)
{
    int64_t start = clock_now();
    struct http_answer answer;

    fetch(fixture.port, "GET", target, "", &answer);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    return clock_now() - start;
}

/*
 * Clients that held every thread would delay it for the seconds that they may. A machine with too much to
 * do is another matter, so one slow answer is looked at again.
 */
static bool is_quick(const char *target)
{
    int64_t limit = (SANITIZED ? 5 : 1) * NS_PER_SECOND;

    return time_of(target) < limit || time_of(target) < limit;
}

static void assert_quick(const char *target)
{
    assert_true(is_quick(target));
}

/* The peer closes before the whole page is through, however long we wait to read it. */
static void assert_cut_off(struct http_client *client)
{
    struct http_answer answer;

    assert_false(client_receive(client, true, &answer));
    assert_true(client->received.length < BIG_PAGE);
    answer_release(&answer);
}

static void test_whole_big_page_reaches_a_normal_reader(void **state)
{
    struct http_answer answer;

    (void)state;
    fetch(fixture.port, "GET", "/metrics", "", &answer);
    assert_true(answer.body.length >= BIG_PAGE);
    answer_release(&answer);
}

static void test_stalled_reader_is_dropped_and_others_are_served(void **state)
{
    enum { READERS = 20 };
    struct http_client readers[READERS];

    (void)state;
    for (size_t i = 0; i < READERS; i++) {
        client_open(&readers[i], fixture.port, 4096);
        client_send(&readers[i], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_true(time_of("/-/healthy") < NS_PER_SECOND);
    usleep(4500 * 1000); /* not reading is what is tested */
    for (size_t i = 0; i < READERS; i++) {
        assert_cut_off(&readers[i]);
        client_close(&readers[i]);
    }
}

struct drippers {
    struct http_client clients[SLOW];
    atomic_bool stop;
};

/* Reads 1 KiB from each client about every 20 ms: 400 s for the whole page. */
static void *drip(void *argument)
{
    struct drippers *drippers = argument;
    char bytes[1024];

    while (!atomic_load(&drippers->stop)) {
        for (size_t i = 0; i < SLOW; i++)
            (void)recv(drippers->clients[i].fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        usleep(20 * 1000);
    }
    return NULL;
}

static void test_dripping_readers_delay_nobody(void **state)
{
    struct drippers drippers;
    bool quick = true;
    pthread_t thread;

    (void)state;
    atomic_init(&drippers.stop, false);
    for (size_t i = 0; i < SLOW; i++) {
        client_open(&drippers.clients[i], fixture.port, 4096);
        client_send(&drippers.clients[i], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_int_equal(pthread_create(&thread, NULL, drip, &drippers), 0);
    for (int i = 0; i < 5; i++) {
        quick = quick && is_quick("/-/healthy");
        usleep(200 * 1000); /* the readers fill their threads meanwhile */
    }
    atomic_store(&drippers.stop, true);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < SLOW; i++)
        client_close(&drippers.clients[i]);
    assert_true(quick);
}

static void test_idle_connections_delay_nobody(void **state)
{
    struct http_client clients[SLOW];

    (void)state;
    for (size_t i = 0; i < SLOW; i++)
        client_open(&clients[i], fixture.port, 0);
    assert_quick("/metrics");
    for (size_t i = 0; i < SLOW; i++)
        client_close(&clients[i]);
}

static void test_dripping_senders_delay_nobody(void **state)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Drip: ";
    struct http_client clients[SLOW];

    (void)state;
    for (size_t i = 0; i < SLOW; i++)
        client_open(&clients[i], fixture.port, 0);
    for (size_t byte = 0; byte < 15; byte++) { /* for less time than such a request may take */
        for (size_t i = 0; i < SLOW; i++)
            (void)send(clients[i].fd, request + byte, 1, MSG_NOSIGNAL);
        assert_quick("/metrics");
        usleep(100 * 1000);
    }
    for (size_t i = 0; i < SLOW; i++)
        client_close(&clients[i]);
}

#ifdef SERVER_IS_OURS
/* The rest of the threads is for others: here for the machine's other loopback address. */
static void test_one_client_cannot_take_every_thread(void **state)
{
    enum { GREEDY = 400 };
    struct http_client clients[GREEDY];

    (void)state;
    for (size_t i = 0; i < GREEDY; i++)
        client_open_from(&clients[i], "127.0.0.2", fixture.port, 0);
    assert_quick("/metrics");
    for (size_t i = 0; i < GREEDY; i++)
        client_close(&clients[i]);
}

static void test_eight_clients_with_600_slow_heads_delay_nobody(void **state)
{
    enum { SLOW_HEADS = 600, ADDRESSES = 8 };
    struct http_client clients[SLOW_HEADS];
    char address[INET_ADDRSTRLEN];

    (void)state;
    for (size_t i = 0; i < SLOW_HEADS; i++) {
        snprintf(address, sizeof(address), "127.0.0.%zu", 2 + i % ADDRESSES);
        client_open_from(&clients[i], address, fixture.port, 0);
        (void)send(clients[i].fd, "GET /metrics HTTP/1.1\r\n", 23, MSG_NOSIGNAL);
    }
    for (int i = 0; i < 10; i++) {
        assert_true(time_of("/-/healthy") < (SANITIZED ? 5 * NS_PER_SECOND : NS_PER_SECOND / 2));
        assert_true(time_of("/metrics") < (SANITIZED ? 5 * NS_PER_SECOND : NS_PER_SECOND / 2));
    }
    for (size_t i = 0; i < SLOW_HEADS; i++)
        client_close(&clients[i]);
}

/* Of all threads. */
static int64_t processor_time(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static void test_without_file_descriptors_it_waits_and_goes_on(void **state)
{
    enum { FILES = 64, WAIT_MS = 500 };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fixture.port)};
    int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rlimit before;
    struct rlimit few;
    int taken[FILES];
    int count = 0;
    int64_t used;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = FILES;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < FILES && (taken[count] = dup(waiting)) >= 0)
        count++;
    assert_int_equal(connect(waiting, (const struct sockaddr *)&address, sizeof(address)), 0);
    used = processor_time();
    usleep(WAIT_MS * 1000);
    used = processor_time() - used;
    while (count > 0)
        close(taken[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(waiting);
    assert_true(used < WAIT_MS * NS_PER_MS / 4);
    assert_quick("/metrics");
}
#endif

static void test_half_a_request_is_given_up(void **state)
{
    struct http_client client;
    struct http_answer answer;
    int64_t start = clock_now();

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "GET /metrics HTTP/1.1\r\nHost:");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 400);
    assert_true(client_at_end(&client));
    assert_true(clock_now() - start < 5 * NS_PER_SECOND);
    client_close(&client);
    answer_release(&answer);
}

static void test_client_that_vanishes_harms_nobody(void **state)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct http_client client;

    (void)state;
    for (int i = 0; i < 20; i++) {
        client_open(&client, fixture.port, 4096);
        client_send(&client, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        client_close(&client);
    }
    assert_true(time_of("/-/healthy") < 5 * NS_PER_SECOND);
}

static void test_stop_is_quick_with_an_idle_client(void **state)
{
    struct http_client client;
    struct http_answer answer;
    int64_t start;

    (void)state;
    client_open(&client, fixture.port, 0);
    client_send(&client, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_receive(&client, true, &answer));
    answer_release(&answer);
    start = clock_now();
    server_fixture_stop_server(&fixture);
    assert_true(clock_now() - start < 2500 * NS_PER_MS);
    assert_true(client_at_end(&client));
    client_close(&client);
}

static void test_stop_is_quick_with_a_stalled_reader(void **state)
{
    struct http_client client;
    int64_t start;

    (void)state;
    client_open(&client, fixture.port, 4096);
    client_send(&client, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    usleep(300 * 1000);
    start = clock_now();
    server_fixture_stop_server(&fixture);
    assert_true(clock_now() - start < 2500 * NS_PER_MS);
    client_close(&client);
}

static void test_server_threads_take_no_signals(void **state)
{
    sigset_t pending;
    sigset_t usr1;

    (void)state;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    kill(getpid(), SIGUSR1); /* its default is death, in any thread that does not block it */
    assert_true(time_of("/-/healthy") < 5 * NS_PER_SECOND);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGUSR1));
    sigwaitinfo(&usr1, NULL);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
}

static void assert_start_fails(const char *listen, const char *address, const char *reason)
{
    struct error error = {0};

    assert_null(start_server(listen, &fixture.fake.providers, &error));
    assert_non_null(strstr(error.message, address));
    assert_non_null(strstr(error.message, reason));
}

static void test_address_in_use_is_named(void **state)
{
    char listen[32];

    (void)state;
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", fixture.port);
    assert_start_fails(listen, listen, "Address already in use");
    assert_true(time_of("/-/healthy") < 5 * NS_PER_SECOND);
}

static void test_second_address_that_fails_fails_the_start(void **state)
{
    char taken[32];
    char listen[64];

    (void)state;
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", fixture.port);
    snprintf(listen, sizeof(listen), "127.0.0.1:0,%s", taken);
    assert_start_fails(listen, taken, "Address already in use");
}

static void test_address_of_another_machine_is_named(void **state)
{
    (void)state;
    assert_start_fails("192.0.2.1:10104", "192.0.2.1:10104", "Cannot assign requested address");
}

static void test_malformed_address_is_named(void **state)
{
    (void)state;
    assert_start_fails("localhost:80", "localhost:80", "expected :PORT");
    assert_start_fails("127.0.0.1:0s", "suffix s", TLS_LACKS);
}

static void test_two_addresses_are_both_served(void **state)
{
    struct server *other = start_server("127.0.0.1:0, 127.0.0.2:0", &fixture.fake.providers, NULL);
    int before = fixture.port;

    (void)state;
    assert_non_null(other);
    fixture.port = server_port(other);
    assert_true(time_of("/-/healthy") < 5 * NS_PER_SECOND);
    fixture.port = before;
    server_stop(other);
}

#ifdef SERVER_IS_OURS
/* False where the kernel has no IPv6. */
static bool loopback_has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0)
        close(fd);
    return bound;
}

static void test_ipv6_loopback_may_change(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct http_client client = {0};
    struct http_answer answer;
    struct server *other;

    (void)state;
    if (!loopback_has_ipv6())
        skip();
    other = start_server("[::1]:0", &fixture.fake.providers, NULL);
    assert_non_null(other);
    address.sin6_port = htons((uint16_t)server_port(other));
    client.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    client_send(&client, "POST /refresh HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    assert_true(client_receive(&client, true, &answer));
    assert_int_equal(answer.status, 202);
    answer_release(&answer);
    client_close(&client);
    server_stop(other);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_big_page_reaches_a_normal_reader, setup_big, teardown),
        cmocka_unit_test_setup_teardown(test_stalled_reader_is_dropped_and_others_are_served, setup_big,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_dripping_readers_delay_nobody, setup_big, teardown),
        cmocka_unit_test_setup_teardown(test_idle_connections_delay_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dripping_senders_delay_nobody, setup, teardown),
#ifdef SERVER_IS_OURS
        cmocka_unit_test_setup_teardown(test_one_client_cannot_take_every_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_eight_clients_with_600_slow_heads_delay_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_file_descriptors_it_waits_and_goes_on, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(test_half_a_request_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_that_vanishes_harms_nobody, setup_big, teardown),
        cmocka_unit_test_setup_teardown(test_stop_is_quick_with_an_idle_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_is_quick_with_a_stalled_reader, setup_big, teardown),
        cmocka_unit_test_setup_teardown(test_server_threads_take_no_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_in_use_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_address_that_fails_fails_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_of_another_machine_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed_address_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_addresses_are_both_served, setup, teardown),
#ifdef SERVER_IS_OURS
        cmocka_unit_test_setup_teardown(test_ipv6_loopback_may_change, setup, teardown),
#endif
    };
    int failed;

    if (!server_global_init(NULL))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_global_release();
    return failed;
}
