#include "test/das/no_memory_fixture.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "das/client.h"

int no_memory_start(void **state)
{
    struct error error;

    signal(SIGPIPE, SIG_IGN);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc, strdup, calloc) != CURLE_OK ||
        !das_global_init(&error))
        return -1;
    *state = server_process_start();
    return *state != NULL ? 0 : -1;
}

int no_memory_stop(void **state)
{
    server_process_stop(*state);
    das_global_release();
    curl_global_cleanup();
    return 0;
}

const char *no_memory_endpoint(struct server_process *server, const char *scheme, const char *listener)
{
    static char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "%s://localhost:%d", scheme, server_process_port(server, listener));
    return endpoint;
}

void no_memory_blames_nothing(bool (*check)(const char *text, struct error *error), const char *text)
{
    int failed_at = 0;

    do {
        struct error error;

        fail_allocation(failed_at++);
        if (!check(text, &error)) {
            assert_int_equal(error.class, ERROR_NO_MEMORY);
            assert_non_null(strstr(error.message, "out of memory"));
            assert_null(strstr(error.message, "expected"));
        }
    } while (!all_allocations_done());
    assert_true(failed_at > 5);
}
