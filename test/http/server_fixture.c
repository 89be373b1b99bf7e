#include "test/http/server_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/http/http_client.h"

struct server *start_server(const char *listen, const struct providers *providers, struct error *error)
{
    struct web_config web = fake_web(listen);

    return server_start(&web, providers, error);
}

int server_fixture_start(struct server_fixture *fixture, size_t page_size)
{
    struct error error;

    fake_init(&fixture->fake, page_size);
    fixture->server = start_server("127.0.0.1:0", &fixture->fake.providers, &error);
    if (fixture->server == NULL) {
        print_error("%s\n", error.message);
        fake_release(&fixture->fake);
        return -1;
    }
    fixture->port = server_port(fixture->server);
    return 0;
}

void server_fixture_stop_server(struct server_fixture *fixture)
{
    server_stop(fixture->server);
    fixture->server = NULL;
}

int server_fixture_stop(struct server_fixture *fixture)
{
    server_fixture_stop_server(fixture);
    fake_release(&fixture->fake);
    return 0;
}

void assert_status(const struct server_fixture *fixture, const char *method, const char *target,
                   const char *fields, int status)
{
    struct http_answer answer;

    fetch(fixture->port, method, target, fields, &answer);
    assert_int_equal(answer.status, status);
    answer_release(&answer);
}
