#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/commands/health.h"

static void assert_url(const char *listen, const char *expected)
{
    struct error error = {0};
    struct strbuf url;

    strbuf_init(&url, 0);
    assert_true(health_url(listen, "", &url, &error));
    assert_string_equal(strbuf_text(&url), expected);
    strbuf_release(&url);
}

static void assert_no_url(const char *listen)
{
    struct error error = {0};
    struct strbuf url;

    strbuf_init(&url, 0);
    assert_false(health_url(listen, "", &url, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "--web.listen-address"));
    strbuf_release(&url);
}

static void test_an_address_is_asked_as_it_is(void **state)
{
    (void)state;
    assert_url("192.0.2.1:10104", "http://192.0.2.1:10104/-/healthy");
    assert_url("[2001:db8::1]:80", "http://[2001:db8::1]:80/-/healthy");
}

static void test_every_address_is_asked_on_loopback(void **state)
{
    (void)state;
    assert_url(":10104", "http://127.0.0.1:10104/-/healthy");
    assert_url("0.0.0.0:10104", "http://127.0.0.1:10104/-/healthy");
    assert_url("[::]:10104", "http://[::1]:10104/-/healthy");
}

static void test_the_suffix_s_is_https(void **state)
{
    (void)state;
    assert_url("0.0.0.0:10443s", "https://127.0.0.1:10443/-/healthy");
}

static void test_the_first_of_several_is_asked(void **state)
{
    (void)state;
    assert_url(" 127.0.0.1:1 , [::1]:2s", "http://127.0.0.1:1/-/healthy");
}

static void test_the_route_prefix_is_asked_below(void **state)
{
    struct error error = {0};
    struct strbuf url;

    (void)state;
    strbuf_init(&url, 0);
    assert_true(health_url(":10104", "/sessions", &url, &error));
    assert_string_equal(strbuf_text(&url), "http://127.0.0.1:10104/sessions/-/healthy");
    strbuf_release(&url);
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      ",",
                                      "10104",
                                      ":",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:s",
                                      "127.0.0.1:0",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:1ss",
                                      "a b:1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_no_url(bad[i]);
}

static void test_an_address_that_is_too_long_is_refused(void **state)
{
    char listen[200];

    (void)state;
    memset(listen, '1', sizeof(listen));
    memcpy(listen + sizeof(listen) - 4, ":80", 4);
    assert_no_url(listen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_asked_as_it_is),
        cmocka_unit_test(test_every_address_is_asked_on_loopback),
        cmocka_unit_test(test_the_suffix_s_is_https),
        cmocka_unit_test(test_the_first_of_several_is_asked),
        cmocka_unit_test(test_the_route_prefix_is_asked_below),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_an_address_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
