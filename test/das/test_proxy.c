#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "das/proxy.h"
#include "das/transport.h"

static void assert_name(const char *text, const char *expected, bool may_be_repeated)
{
    const struct proxy proxy = {text, "https_proxy"};
    char name[PROXY_NAME_SIZE];

    assert_string_equal(proxy_name(&proxy, name), expected);
    assert_int_equal(proxy_may_be_repeated(&proxy), may_be_repeated);
}

static void test_host_and_port_are_the_name(void **state)
{
    (void)state;
    assert_name("http://proxy.example.test:3128", "proxy.example.test:3128", true);
    assert_name("proxy:3128/", "proxy:3128", true);
    assert_name("[2001:db8::1]:3128", "[2001:db8::1]:3128", true);
    assert_name("http://u:p@proxy:3128", "proxy:3128", false);
    assert_name("u:p@x@proxy:3128", "proxy:3128", false);
    assert_name("http://u%3Ap%40proxy:3128", "proxy:3128", false);
}

static void test_what_is_no_address_is_not_shown(void **state)
{
    (void)state;
    assert_name("http://user:password", "(not readable)", false);
    assert_name("http://u:p@", "(not readable)", false);
    assert_name("http://u:p@ host", "(not readable)", false);
}

static void assert_checked(const char *text, bool good)
{
    struct error error = {.class = ERROR_NONE};

    assert_int_equal(transport_check_proxy(text, &error), good);
    assert_null(strstr(error.message, "Canary"));
    if (!good)
        assert_int_equal(error.class, ERROR_CONFIG);
}

static void test_good_settings_are_taken(void **state)
{
    static const char *const good[] = {"",
                                       "environment",
                                       "http://proxy:3128",
                                       "http://u:p%40@proxy:3128/",
                                       "https://[::1]:1",
                                       "socks5h://127.0.0.1:1080"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_checked(good[i], true);
}

static void test_others_are_refused_without_being_shown(void **state)
{
    static const char *const bad[] = {"proxy:3128",
                                      "Canary@proxy:1",
                                      "ftp://u:Canary@proxy:1",
                                      "http://u:Canary@proxy",
                                      "http://[::1]",
                                      "http://u:Canary@x@proxy:1",
                                      "http://u:Canary/x@proxy:1",
                                      "http://proxy:1/Canary"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_checked(bad[i], false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_and_port_are_the_name),
        cmocka_unit_test(test_what_is_no_address_is_not_shown),
        cmocka_unit_test(test_good_settings_are_taken),
        cmocka_unit_test(test_others_are_refused_without_being_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
