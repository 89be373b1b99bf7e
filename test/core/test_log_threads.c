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

/* Whether the line is whole, in its turn, and its payload of its thread only. */
static bool is_whole_line(const char *text, int *last_of_thread)
{
    json_t *object = json_loads(text, 0, NULL);
    const char *payload = json_string_value(json_object_get(object, "r"));
    json_int_t thread = json_integer_value(json_object_get(object, "thread"));
    bool whole = payload != NULL && thread >= 0 && thread < THREADS && text[0] != '\0' &&
                 text[strlen(text) - 1] == '\n';

    for (const char *p = payload; whole && *p != '\0'; p++)
        whole = *p == 'a' + thread;
    if (whole) {
        int i = (int)json_integer_value(json_object_get(object, "i"));

        whole = i > last_of_thread[thread];
        last_of_thread[thread] = i;
    }
    json_decref(object);
    return whole;
}

struct writers {
    pthread_t threads[THREADS];
    int numbers[THREADS];
    int real_stderr;
    int socket;
};

/* Ends the stream of lines when all are written. */
static void *finish(void *argument)
{
    struct writers *writers = argument;

    for (int i = 0; i < THREADS; i++)
        pthread_join(writers->threads[i], NULL);
    dup2(writers->real_stderr, STDERR_FILENO);
    close(writers->socket);
    return NULL;
}

/*
 * Standard error is a socket that keeps records: what one write(2) wrote is what one recv(2) gives. Lines are
 * lost when the reader stalls, which this one may on a busy machine, but never cut or mixed.
 */
static void test_lines_of_eight_threads_are_one_write_each(void **state)
{
    struct writers writers = {.real_stderr = dup(STDERR_FILENO)};
    int last_of_thread[THREADS], whole = 0, lines = 0;
    char line[8192];
    pthread_t finisher;
    ssize_t length;
    int pair[2];

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    dup2(pair[1], STDERR_FILENO);
    writers.socket = pair[1];
    for (int i = 0; i < THREADS; i++) {
        last_of_thread[i] = -1;
        writers.numbers[i] = i;
        pthread_create(&writers.threads[i], NULL, write_lines, &writers.numbers[i]);
    }
    pthread_create(&finisher, NULL, finish, &writers);
    while ((length = recv(pair[0], line, sizeof(line) - 1, 0)) > 0) {
        line[length] = '\0';
        lines++;
        whole += is_whole_line(line, last_of_thread);
    }
    pthread_join(finisher, NULL);
    close(writers.real_stderr);
    close(pair[0]);
    assert_int_equal(whole, lines);
    assert_in_range(lines, THREADS, THREADS * LINES_PER_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_eight_threads_are_one_write_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
