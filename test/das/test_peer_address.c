#include "das/peer_address.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_address(const char *peer, const char *expected)
{
    char text[128];

    snprintf(text, sizeof(text), "%s", peer);
    assert_string_equal(peer_address(text), expected);
}

static void test_the_port_of_an_ipv4_address_is_cut_off(void **state)
{
    (void)state;
    assert_address("192.0.2.1:3306", "192.0.2.1");
    assert_address("192.0.2.1:1", "192.0.2.1");
}

static void test_an_address_without_a_port_stays(void **state)
{
    static const char *const addresses[] = {
        "192.0.2.1",       "2001:db8::1",    "::1", "::", "localhost", "", "::ffff:192.0.2.1",
        "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8"};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_address(addresses[i], addresses[i]);
}

static void test_brackets_go_with_and_without_a_port(void **state)
{
    (void)state;
    assert_address("[2001:db8::1]:3306", "2001:db8::1");
    assert_address("[2001:db8::1]", "2001:db8::1");
    assert_address("[::ffff:192.0.2.1]:65535", "::ffff:192.0.2.1");
}

static void test_a_host_name_loses_its_port(void **state)
{
    (void)state;
    assert_address("db1.example:40000", "db1.example");
}

static void test_ipv6_without_brackets_loses_what_can_only_be_a_port(void **state)
{
    (void)state;
    assert_address("2001:db8::1:40000", "2001:db8::1");
    assert_address("1:2:3:4:5:6:7:8:3306", "1:2:3:4:5:6:7:8");
    assert_address("::ffff:192.0.2.1:3306", "::ffff:192.0.2.1");
}

static void test_ipv6_keeps_a_last_group_that_may_be_its_own(void **state)
{
    (void)state;
    assert_address("2001:db8::3306", "2001:db8::3306");
}

static void test_what_is_no_port_stays(void **state)
{
    static const char *const peers[] = {"192.0.2.1:",
                                        "192.0.2.1:mysql",
                                        "192.0.2.1:123456",
                                        "[2001:db8::1]:",
                                        "[2001:db8::1]x",
                                        "[2001:db8::1",
                                        "[",
                                        "]:1x",
                                        ":",
                                        "192.0.2.1:-1"};

    (void)state;
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        assert_address(peers[i], peers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_port_of_an_ipv4_address_is_cut_off),
        cmocka_unit_test(test_an_address_without_a_port_stays),
        cmocka_unit_test(test_brackets_go_with_and_without_a_port),
        cmocka_unit_test(test_a_host_name_loses_its_port),
        cmocka_unit_test(test_ipv6_without_brackets_loses_what_can_only_be_a_port),
        cmocka_unit_test(test_ipv6_keeps_a_last_group_that_may_be_its_own),
        cmocka_unit_test(test_what_is_no_port_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
