/* TLS verification cannot be lost: what must be refused, and that nothing was sent to it. */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "das/transport.h"
#include "test/das/server_process.h"

#define MIB ((int64_t)1 << 20)

static struct server_process *server;
static struct transport *transport;
static struct transport_response response;
static struct error error;

static struct transport_settings default_settings(void)
{
    return (struct transport_settings){
        .connect_timeout = 20 * NS_PER_SECOND,
        .timeout = 20 * NS_PER_SECOND,
        .max_response_size = 16 * MIB,
        .ca_file = server_process_ca_file(server),
    };
}

static int setup(void **state)
{
    const struct transport_settings settings = default_settings();

    (void)state;
    transport_response_init(&response);
    error_clear(&error);
    transport = transport_new(&settings, &error);
    return transport != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    transport_free(transport);
    transport_response_release(&response);
    return 0;
}

static const char *url_of(const char *scheme, const char *host, const char *listener, const char *scenario)
{
    static _Thread_local char url[256];

    snprintf(url, sizeof(url), "%s://%s:%d/?InstanceId=%s", scheme, host,
             server_process_port(server, listener), scenario);
    return url;
}

/* A request to the listener whose certificate is good. */
static bool post(const char *scenario)
{
    return transport_post(transport, url_of("https", "localhost", "good", scenario), "", &response, &error);
}

static void configure(const struct transport_settings *settings)
{
    assert_true(transport_configure(transport, settings));
}

static void assert_error(enum error_class class, const char *part)
{
    assert_string_equal(error_class_name(error.class), error_class_name(class));
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, error.message);
}

/* A counter of the server's, read over a connection of its own. The reading is counted, too. */
static json_int_t server_count(const char *name)
{
    const struct transport_settings settings = default_settings();
    struct transport *other = transport_new(&settings, NULL);
    struct transport_response answer;
    json_t *seen;
    json_int_t count;

    transport_response_init(&answer);
    assert_non_null(other);
    assert_true(transport_post(other, url_of("http", "127.0.0.1", "http", "seen"), "", &answer, NULL));
    seen = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    count = json_integer_value(json_object_get(seen, name));
    json_decref(seen);
    transport_response_release(&answer);
    transport_free(other);
    return count;
}

static void assert_tls_refused(const char *host, const char *listener, const char *part)
{
    json_int_t before = server_count("requests");

    assert_false(transport_post(transport, url_of("https", host, listener, "rm-test1"), "canary: 1",
                                &response, &error));
    assert_error(ERROR_TRANSIENT, part);
    assert_true(response.answered);
    assert_int_equal(response.http_status, 0);
    assert_int_equal(server_count("requests") - before, 1);
}

static void test_certificate_of_another_host_is_refused(void **state)
{
    (void)state;
    assert_tls_refused("localhost", "wrongname", "not trusted");
    assert_tls_refused("127.0.0.1", "wrongname", "not trusted");
}

static void test_expired_certificate_is_refused(void **state)
{
    (void)state;
    assert_tls_refused("localhost", "expired", "expired");
}

static void test_self_signed_certificate_is_refused(void **state)
{
    (void)state;
    assert_tls_refused("localhost", "selfsigned", "ca_file");
}

static void test_private_authority_is_refused_without_ca_file(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.ca_file = "";
    configure(&settings);
    assert_tls_refused("localhost", "good", "ca_file");
}

/* A kept connection is no way around the settings either. */
static void test_ca_file_can_be_taken_away(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    assert_true(post("rm-test1"));
    settings.ca_file = "";
    configure(&settings);
    assert_false(post("rm-test1"));
    settings.ca_file = server_process_ca_file(server);
    configure(&settings);
    assert_true(post("rm-test1"));
}

static void test_missing_ca_file_is_a_config_error(void **state)
{
    struct transport_settings settings = default_settings();

    (void)state;
    settings.ca_file = "/nonexistent/ca.pem";
    configure(&settings);
    assert_false(post("rm-test1"));
    assert_error(ERROR_CONFIG, "ca_file");
}

/* main() lets OpenSSL itself speak TLS 1.1, so that it is this client that does not. */
static void test_tls_1_1_is_refused(void **state)
{
    (void)state;
    assert_tls_refused("localhost", "tls11", "TLS 1.2");
}

static void test_plain_http_elsewhere_is_refused_unsent(void **state)
{
    static const char *const urls[] = {"http://192.0.2.1/",
                                       "http://das.example.test/",
                                       "http://localhost.test/",
                                       "http://127.0.0.1.test/",
                                       "http://[2001:db8::1]/",
                                       "http://128.0.0.1/",
                                       "http://user@192.0.2.1/?@127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_false(transport_post(transport, urls[i], "", &response, &error));
        assert_error(ERROR_CONFIG, "not https");
        assert_int_equal(response.duration, 0);
        assert_true(response.answered);
    }
}

static void test_other_protocols_are_refused(void **state)
{
    (void)state;
    assert_false(transport_post(transport, "file:///etc/passwd", "", &response, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_false(transport_post(transport, "ftp://127.0.0.1/", "", &response, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
}

/* OpenSSL reads this file at its start, which is in transport_global_init(). */
static bool allow_old_tls(char *path)
{
    static const char text[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                               "MinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n";
    int file = mkstemp(path);
    bool ok = file >= 0 && write(file, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1;

    if (file >= 0)
        close(file);
    return ok && setenv("OPENSSL_CONF", path, 1) == 0;
}

static int start_server(void **state)
{
    static char path[] = "/tmp/test_das_openssl_XXXXXX";
    bool ok;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server = server_process_start();
    ok = server != NULL && allow_old_tls(path) && transport_global_init(&error);
    unlink(path);
    return ok ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    server_process_stop(server);
    transport_global_release();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_certificate_of_another_host_is_refused),
        TEST(test_expired_certificate_is_refused),
        TEST(test_self_signed_certificate_is_refused),
        TEST(test_private_authority_is_refused_without_ca_file),
        TEST(test_ca_file_can_be_taken_away),
        TEST(test_missing_ca_file_is_a_config_error),
        TEST(test_tls_1_1_is_refused),
        TEST(test_plain_http_elsewhere_is_refused_unsent),
        TEST(test_other_protocols_are_refused),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
