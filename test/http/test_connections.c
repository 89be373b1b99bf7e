#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/connections.h"

static struct connections *connections;

static int setup(void **state)
{
    (void)state;
    connections = connections_new(5, 3);
    return connections == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    connections_free(connections);
    return 0;
}

static void test_a_client_has_its_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(connections_add(connections, 7));
    assert_false(connections_add(connections, 7));
    assert_true(connections_add(connections, 8));
}

static void test_all_together_have_a_limit(void **state)
{
    (void)state;
    for (uint64_t client = 1; client <= 5; client++)
        assert_true(connections_add(connections, client));
    assert_false(connections_add(connections, 6));
}

static void test_what_a_client_may_have_shrinks_as_the_places_fill(void **state)
{
    struct connections *many = connections_new(90, 45);
    int held[8] = {0};

    (void)state;
    for (int round = 0; round < 75; round++) {
        for (uint64_t client = 0; client < 8; client++)
            held[client] += connections_add(many, client + 1);
    }
    for (int i = 0; i < 8; i++)
        assert_in_range(held[i], 9, 11);
    assert_true(connections_add(many, 9));
    assert_true(connections_add(many, 9));
    connections_free(many);
}

static void test_places_are_kept_for_clients_without_one(void **state)
{
    struct connections *many = connections_new(32, 16);

    (void)state;
    for (uint64_t client = 1; client <= 30; client++)
        assert_true(connections_add(many, client));
    assert_false(connections_add(many, 1));
    assert_true(connections_add(many, 31));
    assert_false(connections_add(many, 32));
    connections_free(many);
}

static void test_places_are_kept_for_loopback_alone(void **state)
{
    struct connections *many = connections_new(64, 32);
    uint64_t local = client_of_text("127.0.0.1");

    (void)state;
    for (uint64_t client = 1; client <= 62; client++)
        assert_true(connections_add(many, client));
    assert_false(connections_add(many, 63));
    assert_true(connections_add(many, local));
    assert_false(connections_add(many, 63));
    assert_true(connections_add(many, client_of_text("::1"))); /* beside one that it has */
    assert_false(connections_add(many, local));
    connections_remove(many, local);
    assert_false(connections_add(many, 63));
    assert_true(connections_add(many, client_of_text("127.255.0.1")));
    connections_free(many);
}

static void test_a_place_that_loopback_has_is_kept_no_more(void **state)
{
    struct connections *many = connections_new(64, 32);

    (void)state;
    assert_true(connections_add(many, client_of_text("127.0.0.1")));
    assert_true(connections_add(many, client_of_text("127.0.0.1")));
    for (uint64_t client = 1; client <= 62; client++)
        assert_true(connections_add(many, client));
    assert_false(connections_add(many, 63));
    connections_free(many);
}

static void test_an_ended_connection_makes_room(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(connections_add(connections, 7));
    connections_remove(connections, 7);
    assert_true(connections_add(connections, 7));
    assert_false(connections_add(connections, 7));
}

static void test_clients_are_forgotten_with_their_last_connection(void **state)
{
    (void)state;
    for (uint64_t client = 1; client <= 100; client++) {
        assert_true(connections_add(connections, client));
        connections_remove(connections, client);
    }
    for (int i = 0; i < 3; i++)
        assert_true(connections_add(connections, 7));
}

static void test_ending_what_was_never_counted_changes_nothing(void **state)
{
    (void)state;
    connections_remove(connections, 9);
    for (uint64_t client = 1; client <= 5; client++)
        assert_true(connections_add(connections, client));
    assert_false(connections_add(connections, 6));
}

static void test_an_ipv4_address_is_a_client(void **state)
{
    (void)state;
    assert_true(client_of_text("192.0.2.1") != client_of_text("192.0.2.2"));
    assert_true(client_of_text("192.0.2.1") == client_of_text("::ffff:192.0.2.1"));
}

static void test_an_ipv6_network_is_a_client(void **state)
{
    (void)state;
    assert_true(client_of_text("2001:db8::1") == client_of_text("2001:db8::ffff:2"));
    assert_true(client_of_text("2001:db8::1") != client_of_text("2001:db8:0:1::1"));
    assert_true(client_of_text("fe80::1%eth0") == client_of_text("fe80::1"));
    assert_true(client_of_text("::1") == client_of_text("127.0.0.1"));
}

static void test_address_and_text_agree(void **state)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};

    (void)state;
    inet_pton(AF_INET, "192.0.2.7", &ipv4.sin_addr);
    inet_pton(AF_INET6, "2001:db8:1:2::3", &ipv6.sin6_addr);
    assert_true(client_of_address((struct sockaddr *)&ipv4) == client_of_text("192.0.2.7"));
    assert_true(client_of_address((struct sockaddr *)&ipv6) == client_of_text("2001:db8:1:2::3"));
}

static void test_a_client_is_shown_as_its_address(void **state)
{
    char text[CLIENT_TEXT_SIZE];

    (void)state;
    client_format(client_of_text("192.0.2.1"), text);
    assert_string_equal(text, "192.0.2.1");
    client_format(client_of_text("2001:db8:1:2::3"), text);
    assert_string_equal(text, "2001:db8:1:2::/64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_client_has_its_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_together_have_a_limit, setup, teardown),
        cmocka_unit_test(test_what_a_client_may_have_shrinks_as_the_places_fill),
        cmocka_unit_test(test_places_are_kept_for_clients_without_one),
        cmocka_unit_test(test_places_are_kept_for_loopback_alone),
        cmocka_unit_test(test_a_place_that_loopback_has_is_kept_no_more),
        cmocka_unit_test_setup_teardown(test_an_ended_connection_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_are_forgotten_with_their_last_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_ending_what_was_never_counted_changes_nothing, setup, teardown),
        cmocka_unit_test(test_an_ipv4_address_is_a_client),
        cmocka_unit_test(test_an_ipv6_network_is_a_client),
        cmocka_unit_test(test_address_and_text_agree),
        cmocka_unit_test(test_a_client_is_shown_as_its_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
