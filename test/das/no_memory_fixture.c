#include "test/das/no_memory_fixture.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
