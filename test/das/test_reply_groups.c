/* What a finished reply says beside the users: clients, schemas and the node as a whole. */
#include "das/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/strbuf.h"
#include "test/das/reply_fixture.h"

#define MANY 20000

/* A finished reply with one user and these further members of SessionData. */
static void parse(const char *members)
{
    struct strbuf body;

    strbuf_init(&body, 0);
    strbuf_append_text(&body, "{\"Code\":200,\"Data\":{\"IsFinish\":true,\"SessionData\":{\"UserStats\":["
                              "{\"Key\":\"app\",\"TotalCount\":3,\"ActiveCount\":1}]");
    strbuf_append_text(&body, members);
    strbuf_append_text(&body, "}}}");
    reply_parse(200, strbuf_text(&body));
    strbuf_release(&body);
    assert_int_equal(reply.outcome, DAS_FINISHED);
    assert_int_equal(reply.users.count, 1);
}

static void assert_sessions(const struct das_sessions *sessions, const char *key, int64_t total,
                            int64_t active)
{
    assert_string_equal(sessions->key, key);
    assert_int_equal(sessions->total, total);
    assert_int_equal(sessions->active, active);
}

static void test_clients_come_without_their_ports(void **state)
{
    (void)state;
    parse(",\"ClientStats\":[{\"Key\":\"192.0.2.1:40000\",\"TotalCount\":2,\"ActiveCount\":1},"
          "{\"Key\":\"[2001:db8::1]:3306\",\"TotalCount\":1,\"ActiveCount\":0}]");
    assert_int_equal(reply.clients.count, 2);
    assert_sessions(&reply.clients.sessions[0], "192.0.2.1", 2, 1);
    assert_sessions(&reply.clients.sessions[1], "2001:db8::1", 1, 0);
}

static void test_schemas_keep_their_keys(void **state)
{
    (void)state;
    parse(",\"DbStats\":[{\"Key\":\"\",\"TotalCount\":2,\"ActiveCount\":1},"
          "{\"Key\":\"shop:3306\",\"TotalCount\":1,\"ActiveCount\":0}]");
    assert_int_equal(reply.schemas.count, 2);
    assert_sessions(&reply.schemas.sessions[0], "", 2, 1);
    assert_sessions(&reply.schemas.sessions[1], "shop:3306", 1, 0);
}

static void test_the_node_has_its_own_numbers(void **state)
{
    (void)state;
    parse(",\"TotalSessionCount\":12,\"ActiveSessionCount\":0,\"MaxActiveTime\":86400");
    assert_int_equal(reply.node.total, 12);
    assert_int_equal(reply.node.active, 0);
    assert_int_equal(reply.node.longest_active, 86400);
}

static void test_what_is_absent_costs_no_user(void **state)
{
    (void)state;
    parse("");
    assert_int_equal(reply.clients.count, 0);
    assert_int_equal(reply.schemas.count, 0);
    assert_int_equal(reply.node.total, -1);
    assert_int_equal(reply.node.active, -1);
    assert_int_equal(reply.node.longest_active, -1);
}

static void test_what_is_odd_costs_no_user(void **state)
{
    static const char *const odd[] = {"null",
                                      "{}",
                                      "\"[]\"",
                                      "7",
                                      "[7]",
                                      "[null]",
                                      "[{}]",
                                      "true",
                                      "-1",
                                      "1.5",
                                      "[{\"Key\":null,\"TotalCount\":1,\"ActiveCount\":1}]",
                                      "[{\"Key\":\"a\",\"TotalCount\":\"1\",\"ActiveCount\":1}]",
                                      "[{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":-1}]",
                                      "[{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":1},7]"};
    char members[512];

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        snprintf(members, sizeof(members), ",\"ClientStats\":%s,\"DbStats\":%s", odd[i], odd[i]);
        parse(members);
        assert_int_equal(reply.clients.count, 0);
        assert_int_equal(reply.schemas.count, 0);
    }
}

static void test_odd_numbers_of_the_node_are_unknown(void **state)
{
    static const char *const odd[] = {"null", "\"3\"", "-1", "1.5", "[3]", "true"};
    char members[256];

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        snprintf(members, sizeof(members),
                 ",\"TotalSessionCount\":%s,\"ActiveSessionCount\":%s,\"MaxActiveTime\":%s", odd[i], odd[i],
                 odd[i]);
        parse(members);
        assert_int_equal(reply.node.total, -1);
        assert_int_equal(reply.node.active, -1);
        assert_int_equal(reply.node.longest_active, -1);
    }
}

static void test_an_odd_group_leaves_the_others(void **state)
{
    (void)state;
    parse(",\"ClientStats\":7,\"DbStats\":[{\"Key\":\"shop\",\"TotalCount\":1,\"ActiveCount\":1}],"
          "\"TotalSessionCount\":1");
    assert_int_equal(reply.clients.count, 0);
    assert_int_equal(reply.schemas.count, 1);
    assert_int_equal(reply.node.total, 1);
}

static void test_the_largest_numbers_fit(void **state)
{
    (void)state;
    parse(",\"TotalSessionCount\":9223372036854775807,\"ClientStats\":["
          "{\"Key\":\"a\",\"TotalCount\":9223372036854775807,\"ActiveCount\":9223372036854775807}]");
    assert_true(reply.node.total == INT64_MAX);
    assert_true(reply.clients.sessions[0].total == INT64_MAX);
}

static void test_names_in_any_case(void **state)
{
    (void)state;
    parse(",\"clientStats\":[{\"key\":\"a\",\"totalCount\":1,\"activeCount\":1}],\"maxActiveTime\":4");
    assert_int_equal(reply.clients.count, 1);
    assert_int_equal(reply.node.longest_active, 4);
}

static void test_keys_are_repaired(void **state)
{
    (void)state;
    parse(",\"ClientStats\":[{\"Key\":\"\xff:40000\",\"TotalCount\":1,\"ActiveCount\":1}],"
          "\"DbStats\":[{\"Key\":\"a\\u0000b\",\"TotalCount\":1,\"ActiveCount\":1}]");
    assert_string_equal(reply.clients.sessions[0].key, "\xef\xbf\xbd");
    assert_string_equal(reply.schemas.sessions[0].key, "a\xef\xbf\xbd"
                                                       "b");
}

static void test_a_group_of_many_is_read_whole(void **state)
{
    struct strbuf members;

    (void)state;
    strbuf_init(&members, 0);
    strbuf_append_text(&members, ",\"ClientStats\":[");
    for (int i = 0; i < MANY; i++)
        strbuf_append_format(&members, "%s{\"Key\":\"10.0.%d.%d:%d\",\"TotalCount\":%d,\"ActiveCount\":0}",
                             i > 0 ? "," : "", i / 250, i % 250, 10000 + i, i);
    strbuf_append_text(&members, "]");
    parse(strbuf_text(&members));
    assert_int_equal(reply.clients.count, MANY);
    assert_string_equal(reply.clients.sessions[MANY - 1].key, "10.0.79.249");
    assert_int_equal(reply.clients.sessions[MANY - 1].total, MANY - 1);
    strbuf_release(&members);
}

static void test_a_group_that_nests_too_deeply_is_malformed(void **state)
{
    struct strbuf body;

    (void)state;
    strbuf_init(&body, 0);
    strbuf_append_text(&body, "{\"Data\":{\"IsFinish\":true,\"SessionData\":{\"UserStats\":[],\"DbStats\":");
    for (int i = 0; i < 200000; i++)
        strbuf_append_char(&body, '[');
    for (int i = 0; i < 200000; i++)
        strbuf_append_char(&body, ']');
    strbuf_append_text(&body, "}}}");
    reply_parse(200, strbuf_text(&body));
    assert_int_equal(reply.error.class, ERROR_MALFORMED);
    strbuf_release(&body);
}

static void test_a_later_failure_leaves_nothing_behind(void **state)
{
    (void)state;
    parse(",\"ClientStats\":[{\"Key\":\"a\",\"TotalCount\":1,\"ActiveCount\":1}],\"TotalSessionCount\":1");
    das_reply_parse(500, "", 0, -1, NULL, &reply);
    assert_int_equal(reply.users.count + reply.clients.count + reply.schemas.count, 0);
    assert_null(reply.clients.sessions);
    assert_int_equal(reply.node.total, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPLY_TEST(test_clients_come_without_their_ports),
        REPLY_TEST(test_schemas_keep_their_keys),
        REPLY_TEST(test_the_node_has_its_own_numbers),
        REPLY_TEST(test_what_is_absent_costs_no_user),
        REPLY_TEST(test_what_is_odd_costs_no_user),
        REPLY_TEST(test_odd_numbers_of_the_node_are_unknown),
        REPLY_TEST(test_an_odd_group_leaves_the_others),
        REPLY_TEST(test_the_largest_numbers_fit),
        REPLY_TEST(test_names_in_any_case),
        REPLY_TEST(test_keys_are_repaired),
        REPLY_TEST(test_a_group_of_many_is_read_whole),
        REPLY_TEST(test_a_group_that_nests_too_deeply_is_malformed),
        REPLY_TEST(test_a_later_failure_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
