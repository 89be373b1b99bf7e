/* A server on a port of the system's choice whose providers are fakes. */
#ifndef TEST_HTTP_SERVER_FIXTURE_H
#define TEST_HTTP_SERVER_FIXTURE_H

#include "http/server.h"
#include "test/http/fake_providers.h"

struct server_fixture {
    struct fake fake;
    struct server *server;
    int port;
};

/* For the setup and the teardown of a test: 0, or -1 when the server cannot be started. */
int server_fixture_start(struct server_fixture *fixture, size_t page_size);
int server_fixture_stop(struct server_fixture *fixture);

/* Ends the server alone. */
void server_fixture_stop_server(struct server_fixture *fixture);

/* A server with nothing configured but its addresses. */
struct server *start_server(const char *listen, const struct providers *providers, struct error *error);

/* One request on a connection of its own; `fields` are further header lines with CRLF. */
void assert_status(const struct server_fixture *fixture, const char *method, const char *target,
                   const char *fields, int status);

#endif
