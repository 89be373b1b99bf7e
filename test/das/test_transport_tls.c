/* TLS verification cannot be lost: what must be refused, and that nothing was sent to it. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/das/transport_fixture.h"

static struct transport_fixture fixture;

static void configure(const struct transport_settings *settings)
{
    assert_true(transport_configure(fixture.transport, settings));
}

static void assert_tls_refused(const char *host, const char *listener, const char *part)
{
    json_int_t before = transport_fixture_count(&fixture, "requests");

    assert_false(transport_post(fixture.transport,
                                transport_fixture_url(&fixture, "https", host, listener, "rm-test1"),
                                "canary: 1", &fixture.response, &fixture.error));
    transport_fixture_assert_error(&fixture, ERROR_TRANSIENT, part);
    assert_true(fixture.response.answered);
    assert_int_equal(fixture.response.http_status, 0);
    assert_int_equal(transport_fixture_count(&fixture, "requests") - before, 1);
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
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.ca_file = "";
    configure(&settings);
    assert_tls_refused("localhost", "good", "ca_file");
}

/* A kept connection is no way around the settings either. */
static void test_ca_file_can_be_taken_away(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
    settings.ca_file = "";
    configure(&settings);
    assert_false(transport_fixture_post(&fixture, "rm-test1"));
    settings.ca_file = server_process_ca_file(fixture.server);
    configure(&settings);
    assert_true(transport_fixture_post(&fixture, "rm-test1"));
}

static void test_missing_ca_file_is_a_config_error(void **state)
{
    struct transport_settings settings = transport_fixture_settings(&fixture);

    (void)state;
    settings.ca_file = "/nonexistent/ca.pem";
    configure(&settings);
    assert_false(transport_fixture_post(&fixture, "rm-test1"));
    transport_fixture_assert_error(&fixture, ERROR_CONFIG, "ca_file");
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
        assert_false(transport_post(fixture.transport, urls[i], "", &fixture.response, &fixture.error));
        transport_fixture_assert_error(&fixture, ERROR_CONFIG, "not https");
        assert_int_equal(fixture.response.duration, 0);
        assert_true(fixture.response.answered);
    }
}

static void test_other_protocols_are_refused(void **state)
{
    (void)state;
    assert_false(
        transport_post(fixture.transport, "file:///etc/passwd", "", &fixture.response, &fixture.error));
    assert_int_equal(fixture.error.class, ERROR_CONFIG);
    assert_false(
        transport_post(fixture.transport, "ftp://127.0.0.1/", "", &fixture.response, &fixture.error));
    assert_int_equal(fixture.error.class, ERROR_CONFIG);
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

    *state = &fixture;
    ok = transport_fixture_start(&fixture) && allow_old_tls(path) && transport_global_init(&fixture.error);
    unlink(path);
    return ok ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_certificate_of_another_host_is_refused),
        TRANSPORT_TEST(test_expired_certificate_is_refused),
        TRANSPORT_TEST(test_self_signed_certificate_is_refused),
        TRANSPORT_TEST(test_private_authority_is_refused_without_ca_file),
        TRANSPORT_TEST(test_ca_file_can_be_taken_away),
        TRANSPORT_TEST(test_missing_ca_file_is_a_config_error),
        TRANSPORT_TEST(test_tls_1_1_is_refused),
        TRANSPORT_TEST(test_plain_http_elsewhere_is_refused_unsent),
        TRANSPORT_TEST(test_other_protocols_are_refused),
    };

    return cmocka_run_group_tests(tests, start_server, transport_fixture_stop);
}
