#include "das/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "das/transport.h"

static struct error error;

static void test_endpoints_that_are_fine(void **state)
{
    static const char *const endpoints[] = {"https://das.cn-shanghai.aliyuncs.com",
                                            "https://das.aliyuncs.com/",
                                            "https://192.0.2.1:8443",
                                            "http://127.0.0.1:1",
                                            "http://127.1.2.3",
                                            "http://localhost:80",
                                            "http://[::1]:8080",
                                            "https://[2001:db8::1]"};

    (void)state;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        assert_true(transport_check_endpoint(endpoints[i], &error));
}

static void test_endpoints_that_are_not(void **state)
{
    static const char *const endpoints[] = {"",
                                            "das.aliyuncs.com",
                                            "https://",
                                            "http://das.aliyuncs.com",
                                            "http://192.0.2.1",
                                            "http://[::2]",
                                            "http://localhost.test",
                                            "ftp://127.0.0.1",
                                            "https://u@h",
                                            "https://u:p@h",
                                            "https://h/path",
                                            "https://h/?a=b",
                                            "https://h/#f",
                                            "https://h:99999",
                                            "https://h h",
                                            "https://\xc3\xbc.test",
                                            "https://h\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        error_clear(&error);
        if (transport_check_endpoint(endpoints[i], &error))
            fail_msg("%s was accepted", endpoints[i]);
        assert_int_equal(error.class, ERROR_CONFIG);
        assert_non_null(strstr(error.message, "expected https://"));
    }
}

static void test_a_password_in_an_endpoint_is_not_told(void **state)
{
    (void)state;
    assert_false(transport_check_endpoint("https://user:canary@host", &error));
    assert_null(strstr(error.message, "canary"));
}

static void assert_split(const char *endpoint, const char *url, const char *host)
{
    struct transport_endpoint parts;

    transport_endpoint_init(&parts);
    assert_true(transport_split_endpoint(endpoint, &parts, &error));
    assert_string_equal(strbuf_text(&parts.url), url);
    assert_string_equal(strbuf_text(&parts.host), host);
    transport_endpoint_release(&parts);
}

static void test_host_has_a_port_when_it_is_not_the_default(void **state)
{
    (void)state;
    assert_split("https://das.aliyuncs.com", "https://das.aliyuncs.com/", "das.aliyuncs.com");
    assert_split("https://das.aliyuncs.com:443/", "https://das.aliyuncs.com/", "das.aliyuncs.com");
    assert_split("http://[::1]:8080", "http://[::1]:8080/", "[::1]:8080");
    assert_split("https://h:80", "https://h:80/", "h:80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_that_are_fine),
        cmocka_unit_test(test_endpoints_that_are_not),
        cmocka_unit_test(test_a_password_in_an_endpoint_is_not_told),
        cmocka_unit_test(test_host_has_a_port_when_it_is_not_the_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
