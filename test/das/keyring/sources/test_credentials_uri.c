/* Keys from a local credentials URI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/das/keyring/sources/issuer_fixture.h"

static bool fetch_uri(const char *scenario)
{
    char uri[160];

    snprintf(uri, sizeof(uri), "%s/?InstanceId=%s&CanaryParameter", issuer_endpoint("https", "good"),
             scenario);
    return credentials_fetch_uri(fixture.transport, uri, &fixture.issued, &fixture.error);
}

static void test_credentials_uri_is_read(void **state)
{
    (void)state;
    assert_issued(fetch_uri("credentials"));
    assert_last_seen(":method", "GET");
}

static void test_credentials_uri_must_answer_200(void **state)
{
    (void)state;
    assert_failed(fetch_uri("redirect"), ERROR_MALFORMED, "HTTP 302");
    assert_failed(fetch_uri("html"), ERROR_TRANSIENT, "HTTP 502");
    assert_failed(fetch_uri("unknown"), ERROR_CREDENTIALS, "check credentials_uri");
    assert_failed(fetch_uri("large"), ERROR_TOO_LARGE, "credentials URI at localhost");
}

static void test_credentials_uris_are_checked(void **state)
{
    static const char *const good[] = {"https://keys.example.test/a?b=c", "http://127.0.0.1:8080/keys",
                                       "http://[::1]/", "http://localhost/x"};
    static const char *const bad[] = {"http://192.0.2.1/CanaryPath", "https://u:CanaryToken@localhost/",
                                      "file:///etc/CanaryPath", "", "CanaryPath"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(credentials_check_uri(good[i], &fixture.error));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_failed(credentials_check_uri(bad[i], &fixture.error), ERROR_CONFIG, "credentials_uri");
        assert_failed(credentials_fetch_uri(fixture.transport, bad[i], &fixture.issued, &fixture.error),
                      ERROR_CONFIG, "credentials_uri");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ISSUER_TEST(test_credentials_uri_is_read),
        ISSUER_TEST(test_credentials_uri_must_answer_200),
        ISSUER_TEST(test_credentials_uris_are_checked),
    };

    return cmocka_run_group_tests(tests, issuer_start, issuer_stop);
}
