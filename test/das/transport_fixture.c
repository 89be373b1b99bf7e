#include "test/das/transport_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

struct transport_settings transport_fixture_settings(const struct transport_fixture *fixture)
{
    return (struct transport_settings){
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = (int64_t)16 << 20,
        .ca_file = server_process_ca_file(fixture->server),
    };
}

int transport_fixture_setup(void **state)
{
    struct transport_fixture *fixture = *state;
    const struct transport_settings settings = transport_fixture_settings(fixture);

    transport_response_init(&fixture->response);
    error_clear(&fixture->error);
    fixture->transport = transport_new(&settings, &fixture->error);
    return fixture->transport != NULL ? 0 : -1;
}

int transport_fixture_teardown(void **state)
{
    struct transport_fixture *fixture = *state;

    transport_free(fixture->transport);
    transport_response_release(&fixture->response);
    return 0;
}

bool transport_fixture_start(struct transport_fixture *fixture)
{
    signal(SIGPIPE, SIG_IGN);
    fixture->server = server_process_start();
    return fixture->server != NULL;
}

int transport_fixture_stop(void **state)
{
    struct transport_fixture *fixture = *state;

    server_process_stop(fixture->server);
    transport_global_release();
    return 0;
}

const char *transport_fixture_url(const struct transport_fixture *fixture, const char *scheme,
                                  const char *host, const char *listener, const char *scenario)
{
    static _Thread_local char url[256];

    snprintf(url, sizeof(url), "%s://%s:%d/?InstanceId=%s", scheme, host,
             server_process_port(fixture->server, listener), scenario);
    return url;
}

bool transport_fixture_post(struct transport_fixture *fixture, const char *scenario)
{
    return transport_post(fixture->transport,
                          transport_fixture_url(fixture, "https", "localhost", "good", scenario), "",
                          &fixture->response, &fixture->error);
}

json_int_t transport_fixture_count(const struct transport_fixture *fixture, const char *name)
{
    const struct transport_settings settings = transport_fixture_settings(fixture);
    struct transport *other = transport_new(&settings, NULL);
    struct transport_response answer;
    json_t *seen;
    json_int_t count;

    transport_response_init(&answer);
    assert_non_null(other);
    assert_true(transport_post(other, transport_fixture_url(fixture, "http", "127.0.0.1", "http", "seen"), "",
                               &answer, NULL));
    seen = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    count = json_integer_value(json_object_get(seen, name));
    json_decref(seen);
    transport_response_release(&answer);
    transport_free(other);
    return count;
}

void transport_fixture_assert_error(const struct transport_fixture *fixture, enum error_class class,
                                    const char *part)
{
    assert_string_equal(error_class_name(fixture->error.class), error_class_name(class));
    if (strstr(fixture->error.message, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, fixture->error.message);
}
