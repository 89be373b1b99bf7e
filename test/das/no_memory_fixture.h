/*
 * For sweeps over the allocations of whole calls: libcurl and Jansson allocate as the code under test does,
 * so that theirs fail, too; and the server of https_server.py.
 */
#ifndef TEST_DAS_NO_MEMORY_FIXTURE_H
#define TEST_DAS_NO_MEMORY_FIXTURE_H

#include "core/error.h"
#include "test/das/failing_allocation.h"
#include "test/das/server_process.h"

/* The setup and the teardown of a group; its state is the server. */
int no_memory_start(void **state);
int no_memory_stop(void **state);

/* The address of one of the server's listeners; valid until the next call. */
const char *no_memory_endpoint(struct server_process *server, const char *scheme, const char *listener);

/* Each allocation of check(text) fails once: it says that memory ran out, and blames the text for nothing. */
void no_memory_blames_nothing(bool (*check)(const char *text, struct error *error), const char *text);

#endif
