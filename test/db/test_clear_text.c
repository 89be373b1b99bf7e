#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/clear_text.h"

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_public((const void *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_public((const void *)&v6);
}

static void test_private_addresses_are_not_public(void **state)
{
    static const char *const addresses[] = {
        "127.0.0.1",       "127.255.255.255", "10.0.0.1",        "10.255.255.255",
        "172.16.0.1",      "172.31.255.255",  "192.168.0.1",     "192.168.255.255",
        "169.254.169.254", "100.64.0.1",      "100.127.255.255", "::1",
        "fe80::1",         "fc00::1",         "fdff::1",         "::ffff:10.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (is_public(addresses[i]))
            fail_msg("%s", addresses[i]);
    }
}

static void test_their_neighbours_are(void **state)
{
    static const char *const addresses[] = {
        "126.255.255.255", "128.0.0.0",   "9.255.255.255", "11.0.0.0",       "172.15.255.255",
        "172.32.0.0",      "192.167.0.1", "192.169.0.1",   "100.63.255.255", "100.128.0.0",
        "192.0.2.20",      "2001:db8::1", "fec0::1",       "fe00::1",        "::ffff:192.0.2.20"};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (!is_public(addresses[i]))
            fail_msg("%s", addresses[i]);
    }
}

static struct config with_host(const char *host)
{
    return (struct config){.inventory.source = INVENTORY_SOURCE_MYSQL,
                           .mysql = {.host = host, .socket = "", .tls = MYSQL_TLS_OFF}};
}

static void test_a_public_host_without_tls_is_named(void **state)
{
    struct config config = with_host("192.0.2.20");
    char address[INET6_ADDRSTRLEN];

    (void)state;
    assert_true(clear_text_to_public(&config, address));
    assert_string_equal(address, "192.0.2.20");
}

static void test_a_name_of_this_machine_is_not(void **state)
{
    struct config config = with_host("localhost");
    char address[INET6_ADDRSTRLEN];

    (void)state;
    assert_false(clear_text_to_public(&config, address));
}

static void test_neither_tls_nor_a_socket_nor_a_file_is_clear_text(void **state)
{
    struct config tls = with_host("192.0.2.20"), socket = tls, file = tls;
    char address[INET6_ADDRSTRLEN];

    (void)state;
    tls.mysql.tls = MYSQL_TLS_REQUIRED;
    socket.mysql.socket = "/s";
    file.inventory.source = INVENTORY_SOURCE_FILE;
    assert_false(clear_text_to_public(&tls, address));
    assert_false(clear_text_to_public(&socket, address));
    assert_false(clear_text_to_public(&file, address));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_addresses_are_not_public),
        cmocka_unit_test(test_their_neighbours_are),
        cmocka_unit_test(test_a_public_host_without_tls_is_named),
        cmocka_unit_test(test_a_name_of_this_machine_is_not),
        cmocka_unit_test(test_neither_tls_nor_a_socket_nor_a_file_is_clear_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
