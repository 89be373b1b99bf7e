/* Roles assumed through a real proxy that wants a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/das/keyring/sources/issuer_fixture.h"
#include "test/das/keyring/sources/tinyproxy_process.h"

#define UNREACHABLE "192.0.2.1"

static struct tinyproxy_process *proxy;
static char endpoint[128];

/* The server under an address of this machine that the transport does not take for loopback. */
static const char *server_behind_proxy(void)
{
    const char *port = strrchr(issuer_endpoint("https", "good"), ':');

    snprintf(endpoint, sizeof(endpoint), "https://[::ffff:127.0.0.1]%s", port);
    return endpoint;
}

static bool assume_through(const char *proxy_text)
{
    const struct assume_role_request request = {
        .session = {.sts_endpoint = server_behind_proxy(),
                    .proxy = proxy_text,
                    .role_arn = "acs:ram::1000000000000001:role/exporter",
                    .role_session_name = "exporter",
                    .policy = ""},
        .external_id = "",
        .caller = fixture.caller,
        .unix_ms = 1735787045000,
        .nonce = "0123456789abcdef0123456789abcdef",
    };

    return credentials_fetch_assume_role(fixture.transport, &request, &fixture.issued, &fixture.error);
}

static const char *address_of(const char *scheme, const char *user)
{
    static char text[160];

    snprintf(text, sizeof(text), "%s%s127.0.0.1:%d", scheme, user, tinyproxy_process_port(proxy));
    return text;
}

static void assert_hint_without_password(const char *part)
{
    if (strstr(fixture.error.message, part) == NULL || strstr(fixture.error.message, "Canary") != NULL ||
        strstr(fixture.error.message, PROXY_USER) != NULL)
        fail_msg("'%s' is not in, or a secret is in '%s'", part, fixture.error.message);
}

static void test_a_role_is_assumed_through_the_proxy_of_the_setting(void **state)
{
    (void)state;
    assert_issued(assume_through(address_of("http://", PROXY_USER ":" PROXY_PASSWORD "@")));
}

static void test_no_proxy_of_the_environment_is_not_for_the_setting(void **state)
{
    (void)state;
    setenv("no_proxy", "*", 1);
    assert_failed(assume_through(address_of("http://", "")), ERROR_TRANSIENT, "(407)");
    unsetenv("no_proxy");
}

static void test_a_role_is_assumed_through_the_proxy_of_the_environment(void **state)
{
    (void)state;
    setenv("https_proxy", address_of("http://", PROXY_USER ":" PROXY_PASSWORD "@"), 1);
    assert_issued(assume_through("environment"));
    unsetenv("https_proxy");
}

static void test_without_a_setting_the_environment_is_not_asked(void **state)
{
    (void)state;
    setenv("https_proxy", "http://" UNREACHABLE ":1", 1);
    assert_issued(assume_through(""));
    unsetenv("https_proxy");
}

static void test_a_missing_password_is_said_with_what_to_do(void **state)
{
    char name[192];

    (void)state;
    assert_false(assume_through(address_of("http://", "")));
    snprintf(name, sizeof(name), "the proxy %s wants", address_of("", ""));
    assert_hint_without_password(name);
    assert_hint_without_password(
        "(407); write them into sts_proxy in [accounts] as http://USER:PASSWORD@HOST:PORT");
}

static void test_a_wrong_password_is_not_shown(void **state)
{
    (void)state;
    assert_false(assume_through(address_of("http://", PROXY_USER ":CanaryWrong@")));
    assert_hint_without_password("wants a user and a password that it knows");
}

static void test_the_variable_with_the_wrong_password_is_named(void **state)
{
    (void)state;
    setenv("HTTPS_PROXY", address_of("http://", PROXY_USER ":CanaryWrong@"), 1);
    assert_false(assume_through("environment"));
    assert_hint_without_password("write them into HTTPS_PROXY");
    unsetenv("HTTPS_PROXY");
}

/* However it is written: these reach no proxy, and libcurl repeats most of them in its messages. */
static void test_no_form_of_an_address_shows_its_password(void **state)
{
    static const char *const forms[] = {
        "http://" PROXY_USER ":CanaryA@127.0.0.1:1",
        PROXY_USER ":CanaryA@127.0.0.1:1",
        "ftp://" PROXY_USER ":CanaryA@127.0.0.1:1",
        "socks9://" PROXY_USER ":CanaryA@127.0.0.1:1",
        "://" PROXY_USER ":CanaryA@127.0.0.1:1",
        "http://" PROXY_USER ":Canary@A@127.0.0.1:1",
        "http://" PROXY_USER ":Canary/A@127.0.0.1:1",
        "http://" PROXY_USER ":Canary#A@127.0.0.1:1",
        "http://" PROXY_USER ":Canary A@127.0.0.1:1",
        "http://" PROXY_USER ":Canary%zz@127.0.0.1:1",
        "http://" PROXY_USER ":Canary%40A@127.0.0.1:1",
        "http://" PROXY_USER "%3ACanaryA%40127.0.0.1:1",
        "http://" PROXY_USER ":CanaryA@",
        "http://" PROXY_USER ":CanaryA",
        PROXY_USER ":CanaryA",
        "http:" PROXY_USER ":CanaryA@127.0.0.1:1",
        "http:// " PROXY_USER ":CanaryA@127.0.0.1:1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        assert_false(assume_through(forms[i]));
        assert_hint_without_password("sts_proxy in [accounts]");
        setenv("https_proxy", forms[i], 1);
        assert_false(assume_through("environment"));
        assert_hint_without_password("https_proxy");
        unsetenv("https_proxy");
    }
}

static void test_a_proxy_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_false(assume_through("http://" PROXY_USER ":CanaryA@127.0.0.1:1"));
    assert_hint_without_password("the proxy in sts_proxy in [accounts] is 127.0.0.1:1");
}

static int start(void **state)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                            "ALL_PROXY",   "no_proxy",    "NO_PROXY"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    proxy = tinyproxy_process_start();
    return proxy == NULL ? -1 : issuer_start(state);
}

static int stop(void **state)
{
    tinyproxy_process_stop(proxy);
    return issuer_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ISSUER_TEST(test_a_role_is_assumed_through_the_proxy_of_the_setting),
        ISSUER_TEST(test_no_proxy_of_the_environment_is_not_for_the_setting),
        ISSUER_TEST(test_a_role_is_assumed_through_the_proxy_of_the_environment),
        ISSUER_TEST(test_without_a_setting_the_environment_is_not_asked),
        ISSUER_TEST(test_a_missing_password_is_said_with_what_to_do),
        ISSUER_TEST(test_a_wrong_password_is_not_shown),
        ISSUER_TEST(test_the_variable_with_the_wrong_password_is_named),
        ISSUER_TEST(test_no_form_of_an_address_shows_its_password),
        ISSUER_TEST(test_a_proxy_that_is_not_there_is_named),
    };

    if (!tinyproxy_installed())
        return 77; /* skipped: tools/packages.sh test installs tinyproxy-bin */
    return cmocka_run_group_tests(tests, start, stop);
}
