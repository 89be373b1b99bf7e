/* A transport and the server of https_server.py, for tests of das/transport.h. Failures end the test. */
#ifndef TEST_DAS_TRANSPORT_FIXTURE_H
#define TEST_DAS_TRANSPORT_FIXTURE_H

#include <jansson.h>

#include "das/transport.h"
#include "test/das/server_process.h"

struct transport_fixture {
    struct server_process *server; /* the group's */
    struct transport *transport;   /* this and the rest: the test's */
    struct transport_response response;
    struct error error;
};

/* Of a group whose state is the fixture, with its server running: what TRANSPORT_TEST does around a test. */
int transport_fixture_setup(void **state);
int transport_fixture_teardown(void **state);

#define TRANSPORT_TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, transport_fixture_setup, transport_fixture_teardown)

/* Starts the server; false when it cannot be. transport_global_init() is left to the test. */
bool transport_fixture_start(struct transport_fixture *fixture);
/* The teardown of the group: ends the server and libcurl. */
int transport_fixture_stop(void **state);

/* Generous times, and the authority of the server's certificates. */
struct transport_settings transport_fixture_settings(const struct transport_fixture *fixture);

/* Valid until the next one of the thread. */
const char *transport_fixture_url(const struct transport_fixture *fixture, const char *scheme,
                                  const char *host, const char *listener, const char *scenario);

/* A request to the listener whose certificate is good. */
bool transport_fixture_post(struct transport_fixture *fixture, const char *scenario);

/* A counter of the server's, read over a connection of its own. The reading is counted, too. */
json_int_t transport_fixture_count(const struct transport_fixture *fixture, const char *name);

void transport_fixture_assert_error(const struct transport_fixture *fixture, enum error_class class,
                                    const char *part);

#endif
