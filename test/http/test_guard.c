#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/guard.h"

static struct page_request local_post(void)
{
    return (struct page_request){.method = "POST", .host = "127.0.0.1:10104", .from_loopback = true};
}

static void test_loopback_addresses_are_known(void **state)
{
    (void)state;
    assert_true(guard_is_loopback("127.0.0.1"));
    assert_true(guard_is_loopback("127.8.9.10"));
    assert_true(guard_is_loopback("::1"));
    assert_true(guard_is_loopback("::ffff:127.0.0.1"));
}

static void test_other_addresses_are_not_loopback(void **state)
{
    (void)state;
    assert_false(guard_is_loopback("192.0.2.1"));
    assert_false(guard_is_loopback("::ffff:192.0.2.1"));
    assert_false(guard_is_loopback("::"));
    assert_false(guard_is_loopback("2001:db8::1"));
    assert_false(guard_is_loopback(""));
    assert_false(guard_is_loopback("127.0.0.1.example"));
}

static void test_local_client_may_change(void **state)
{
    struct page_request request = local_post();

    (void)state;
    assert_null(guard_change_refused(&request));
}

static void test_remote_client_may_not_change(void **state)
{
    struct page_request request = local_post();

    (void)state;
    request.from_loopback = false;
    assert_non_null(strstr(guard_change_refused(&request), "only from loopback addresses"));
}

static void test_local_hosts_are_accepted(void **state)
{
    static const char *const hosts[] = {"localhost", "LocalHost:10104", "127.0.0.1",     "127.1.2.3:1",
                                        "[::1]",     "[::1]:10104",     "0.0.0.0:10104", "[::]:10104"};
    struct page_request request = local_post();

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        request.host = hosts[i];
        assert_null(guard_change_refused(&request));
    }
}

static void test_foreign_and_malformed_hosts_are_refused(void **state)
{
    static const char *const hosts[] = {NULL,
                                        "",
                                        ":10104",
                                        "rebound.example:10104",
                                        "192.0.2.1",
                                        "[::1",
                                        "[::1]x",
                                        "127.0.0.1:80x",
                                        "127.0.0.1.nip.example",
                                        "localhost.example",
                                        "[]",
                                        "127.0.0.1:80:90"};
    struct page_request request = local_post();

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        request.host = hosts[i];
        assert_non_null(guard_change_refused(&request));
    }
}

static void test_request_of_another_site_is_refused(void **state)
{
    struct page_request request = local_post();

    (void)state;
    request.sec_fetch_site = "cross-site";
    assert_non_null(strstr(guard_change_refused(&request), "Sec-Fetch-Site"));
    request.sec_fetch_site = "same-site"; /* another port of this machine */
    assert_non_null(guard_change_refused(&request));
    request.sec_fetch_site = "same-origin";
    assert_null(guard_change_refused(&request));
    request.sec_fetch_site = "none";
    assert_null(guard_change_refused(&request));
}

static void test_foreign_origin_is_refused(void **state)
{
    static const char *const origins[] = {"null",
                                          "http://evil.example",
                                          "http://127.0.0.1:3000",
                                          "",
                                          "http://127.0.0.1:10104.evil.example",
                                          "ftp://127.0.0.1:10104"};
    struct page_request request = local_post();

    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        request.origin = origins[i];
        assert_non_null(strstr(guard_change_refused(&request), "Origin"));
    }
}

static void test_own_origin_is_accepted(void **state)
{
    struct page_request request = local_post();

    (void)state;
    request.origin = "http://127.0.0.1:10104";
    assert_null(guard_change_refused(&request));
    request.origin = "https://127.0.0.1:10104";
    assert_null(guard_change_refused(&request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_addresses_are_known),
        cmocka_unit_test(test_other_addresses_are_not_loopback),
        cmocka_unit_test(test_local_client_may_change),
        cmocka_unit_test(test_remote_client_may_not_change),
        cmocka_unit_test(test_local_hosts_are_accepted),
        cmocka_unit_test(test_foreign_and_malformed_hosts_are_refused),
        cmocka_unit_test(test_request_of_another_site_is_refused),
        cmocka_unit_test(test_foreign_origin_is_refused),
        cmocka_unit_test(test_own_origin_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
