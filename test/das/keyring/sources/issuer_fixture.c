#include "test/das/keyring/sources/issuer_fixture.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/client.h"
#include "test/das/server_process.h"

struct issuer_fixture fixture;
static struct server_process *server;

int issuer_start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server = server_process_start();
    return server != NULL && das_global_init(&fixture.error) ? 0 : -1;
}

int issuer_stop(void **state)
{
    (void)state;
    server_process_stop(server);
    das_global_release();
    return 0;
}

int issuer_setup(void **state)
{
    const struct transport_settings settings = {
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 16 << 20,
        .ca_file = server_process_ca_file(server),
    };

    (void)state;
    error_clear(&fixture.error);
    fixture.transport = transport_new(&settings, &fixture.error);
    fixture.caller = credentials_new("TestAk", "TestSecret", "CanaryToken");
    return fixture.transport != NULL && fixture.caller != NULL ? 0 : -1;
}

int issuer_teardown(void **state)
{
    (void)state;
    issued_credentials_release(&fixture.issued);
    credentials_put(fixture.caller);
    transport_free(fixture.transport);
    return 0;
}

const char *issuer_endpoint(const char *scheme, const char *listener)
{
    static char endpoint[128];

    snprintf(endpoint, sizeof(endpoint), "%s://localhost:%d", scheme, server_process_port(server, listener));
    return endpoint;
}

void assert_issued(bool ok)
{
    if (!ok)
        fail_msg("%s", fixture.error.message);
    assert_string_equal(fixture.issued.credentials->access_key_id, "STS.Issued");
    assert_string_equal(fixture.issued.credentials->access_key_secret, "IssuedSecret");
    assert_true(fixture.issued.expiry_unix_ms == 1893553445000);
}

void assert_failed(bool ok, enum error_class class, const char *part)
{
    assert_false(ok);
    assert_null(fixture.issued.credentials);
    if (fixture.error.class != class || strstr(fixture.error.message, part) == NULL)
        fail_msg("%s, with '%s' expected, but: %s, %s", error_class_name(class), part,
                 error_class_name(fixture.error.class), fixture.error.message);
    assert_null(strstr(fixture.error.message, "TestSecret"));
    assert_null(strstr(fixture.error.message, "Canary"));
}

char *issuer_last_seen(const char *name)
{
    struct transport_request request = {.method = TRANSPORT_GET, .header_lines = ""};
    struct transport_response response;
    char url[160];
    json_t *seen;
    const char *text;
    char *copy;

    snprintf(url, sizeof(url), "%s/?InstanceId=last", issuer_endpoint("https", "good"));
    request.url = url;
    transport_response_init(&response);
    assert_true(transport_send(fixture.transport, &request, &response, &fixture.error));
    seen = json_loadb(response.body.data, response.body.length, 0, NULL);
    text = json_string_value(json_object_get(json_object_get(seen, "request"), name));
    assert_non_null(text);
    copy = strdup(text);
    json_decref(seen);
    transport_response_release(&response);
    return copy;
}

void assert_last_seen(const char *name, const char *part)
{
    char *text = issuer_last_seen(name);

    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, text);
    free(text);
}
