#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/listen.h"

static void assert_canonical(const char *listen, bool ipv6, const char *expected)
{
    struct error error = {0};
    struct strbuf out;
    bool tls;

    strbuf_init(&out, 0);
    assert_true(listen_canonical(listen, ipv6, &out, &tls, &error));
    assert_int_equal(tls, strchr(expected, 's') != NULL);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void assert_accepted(const char *listen, const char *expected)
{
    assert_canonical(listen, true, expected);
}

static void assert_refused(const char *listen, const char *words)
{
    struct error error = {0};
    struct strbuf out;
    bool tls;

    strbuf_init(&out, 0);
    assert_false(listen_canonical(listen, true, &out, &tls, &error));
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_non_null(strstr(error.message, words));
    strbuf_release(&out);
}

static void test_ipv4_and_ipv6_are_accepted(void **state)
{
    (void)state;
    assert_accepted("0.0.0.0:10104", "0.0.0.0:10104");
    assert_accepted("[::1]:10104", "[::1]:10104");
    assert_accepted("127.0.0.1:0", "127.0.0.1:0");
    assert_accepted("127.0.0.1:65535", "127.0.0.1:65535");
}

/* CivetWeb's form of it: a plus before the port. */
static void test_no_address_is_every_one_of_both_families(void **state)
{
    (void)state;
    assert_accepted(":10104", "+10104");
    assert_accepted("[::]:10104s", "+10104s");
    assert_accepted(":0", "+0");
}

static void test_every_ipv6_address_leaves_the_ipv4_ones_to_whom_they_are_given(void **state)
{
    (void)state;
    assert_accepted("0.0.0.0:10104, [::]:10104", "0.0.0.0:10104,[::]:10104");
    assert_accepted("[::]:10104s, 127.0.0.1:10104", "[::]:10104s,127.0.0.1:10104");
    assert_accepted("127.0.0.1:10105, [::]:10104", "127.0.0.1:10105,+10104");
    assert_accepted("0.0.0.0:0, :0", "0.0.0.0:0,+0");
}

static void test_without_ipv6_every_address_is_every_ipv4_address(void **state)
{
    (void)state;
    assert_canonical(":10104", false, "0.0.0.0:10104");
    assert_canonical("[::]:10104s", false, "0.0.0.0:10104s");
}

static void test_blanks_between_addresses_are_dropped(void **state)
{
    (void)state;
    assert_accepted(" 127.0.0.1:10104 ,\t[::1]:10104 ", "127.0.0.1:10104,[::1]:10104");
}

static void test_malformed_addresses_are_named(void **state)
{
    static const char *const bad[] = {
        "0.0.0.0",      "10104",         ":",
        "127.0.0.1:",   "127.0.0.1:x",   "127.0.0.1:65536",
        "127.0.0.1:-1", "::1:10104",     "[::1]10104",
        "[::1:10104",   "[127.0.0.1]:1", "localhost:10104",
        "1.2.3:80",     "256.0.0.1:80",  "127.0.0.1:80r",
        "[]:80",        "[:80",          "127.0.0.1:s",
        "+8080",        "x/tmp/socket",  "127.0.0.1: 1010",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(bad[i], bad[i]);
    assert_refused("", "expected :PORT");
}

static void test_empty_entry_is_refused(void **state)
{
    (void)state;
    assert_refused("0.0.0.0:10104,", "expected :PORT");
    assert_refused(",0.0.0.0:10104", "expected :PORT");
}

static void test_tls_suffix_is_accepted_and_told(void **state)
{
    (void)state;
    assert_accepted("127.0.0.1:10104s", "127.0.0.1:10104s");
    assert_accepted("0.0.0.0:10104, [::1]:10105s", "0.0.0.0:10104,[::1]:10105s");
}

static void test_overlong_entry_is_refused(void **state)
{
    (void)state;
    assert_refused("[0000000000000000000000000000000000000000000000000000000000000000000000000::1]:1",
                   "is not an address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4_and_ipv6_are_accepted),
        cmocka_unit_test(test_no_address_is_every_one_of_both_families),
        cmocka_unit_test(test_every_ipv6_address_leaves_the_ipv4_ones_to_whom_they_are_given),
        cmocka_unit_test(test_without_ipv6_every_address_is_every_ipv4_address),
        cmocka_unit_test(test_blanks_between_addresses_are_dropped),
        cmocka_unit_test(test_malformed_addresses_are_named),
        cmocka_unit_test(test_empty_entry_is_refused),
        cmocka_unit_test(test_tls_suffix_is_accepted_and_told),
        cmocka_unit_test(test_overlong_entry_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
