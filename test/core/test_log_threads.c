#include "core/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define THREADS          8
#define LINES_PER_THREAD 200

static void *write_lines(void *argument)
{
    const int *thread = argument;
    char payload[1200];

    for (int i = 0; i < LINES_PER_THREAD; i++) {
        size_t length = (size_t)(i * 37 % 1000);

        memset(payload, 'a' + *thread, length);
        payload[length] = '\0';
        log_info("m", log_int("thread", *thread), log_int("i", i), log_text("p", payload),
                 log_text("q", payload), log_text("r", payload));
    }
    return NULL;
}

/* Whether the line is whole and its payload is of its thread only. */
static bool is_whole_line(const char *text, int *lines_of_thread)
{
    json_t *object = json_loads(text, 0, NULL);
    const char *payload = json_string_value(json_object_get(object, "r"));
    json_int_t thread = json_integer_value(json_object_get(object, "thread"));
    bool whole = payload != NULL && thread >= 0 && thread < THREADS && text[0] != '\0' &&
                 text[strlen(text) - 1] == '\n';

    for (const char *p = payload; whole && *p != '\0'; p++)
        whole = *p == 'a' + thread;
    if (whole)
        whole = json_integer_value(json_object_get(object, "i")) == lines_of_thread[thread]++;
    json_decref(object);
    return whole;
}

/* Standard error is a datagram socket: what one write(2) wrote is what one recv(2) gives. */
static void test_lines_of_eight_threads_are_one_write_each(void **state)
{
    int lines_of_thread[THREADS] = {0};
    int numbers[THREADS];
    pthread_t threads[THREADS];
    int real_stderr = dup(STDERR_FILENO);
    ssize_t left_over;
    int whole = 0;
    char line[8192];
    int pair[2];

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    dup2(pair[1], STDERR_FILENO);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
    }
    for (int i = 0; i < THREADS * LINES_PER_THREAD; i++) {
        ssize_t length = recv(pair[0], line, sizeof(line) - 1, 0);

        line[length > 0 ? length : 0] = '\0';
        whole += is_whole_line(line, lines_of_thread);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    left_over = recv(pair[0], line, sizeof(line), MSG_DONTWAIT);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(whole, THREADS * LINES_PER_THREAD);
    assert_true(left_over < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_eight_threads_are_one_write_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
