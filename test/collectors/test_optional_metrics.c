#include "collectors/optional_metrics.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/user_sessions.h"
#include "core/strbuf.h"
#include "das/elide.h"
#include "test/metrics/allocations.h"

#define MANY 100000
#define INSTANCE                                                                                             \
    "{ins_id=\"pc-test1\",ins_name=\"ledger\",ins_type=\"polardb\",aliyun_uid=\"1000000000000001\""
#define NODE      ",node_id=\"pi-test1\",node_type=\"read\"} "
#define NODE_LINE INSTANCE NODE

#define KEYED_LINE(name, label, key, value) name INSTANCE "," label "=\"" key "\"" NODE value "\n"
#define CLIENT(key, value)                  KEYED_LINE("db_client_sessions", "client", key, value)

static const struct instance instance = {"pc-test1", "ledger", "polardb", "1000000000000001"};
static const struct target target = {&instance, "pi-test1", NODE_TYPE_READ};

static struct das_sessions users[] = {{"app", 40, 3}, {"report", 2, 0}};
static struct das_sessions clients[] = {{"192.0.2.1", 30, 2}, {"192.0.2.2", 12, 1}};
static struct das_sessions schemas[] = {{"shop", 41, 3}, {"", 1, 0}};
static const struct das_reply full = {
    .outcome = DAS_FINISHED,
    .users = {users, 2},
    .clients = {clients, 2},
    .schemas = {schemas, 2},
    .node = {42, 3, 600},
};

static struct optional_metrics_config only(enum optional_metric id, int64_t most)
{
    struct optional_metrics_config config = {.series_per_target = most};

    config.enabled[id] = true;
    return config;
}

static void assert_lines(const struct batch *batch, enum family_id family, const char *expected)
{
    size_t length;
    const char *lines = batch_lines(batch, family, &length);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(lines, expected, length);
}

/* A batch of the one metric, which the caller puts back. */
static struct batch *render(const struct das_reply *reply, enum optional_metric id, int64_t most)
{
    const struct optional_metrics_config config = only(id, most);
    struct batch *batch = user_sessions_render(&target, reply, &config);

    assert_non_null(batch);
    return batch;
}

static void assert_rendered(const struct das_reply *reply, enum optional_metric id, enum family_id family,
                            const char *expected)
{
    struct batch *batch = render(reply, id, 100);

    assert_lines(batch, family, expected);
    batch_put(batch);
}

static struct das_reply with_clients(struct das_sessions *sessions, size_t count)
{
    return (struct das_reply){.outcome = DAS_FINISHED, .clients = {sessions, count}};
}

static void test_active_sessions_of_users(void **state)
{
    (void)state;
    assert_rendered(&full, OPTIONAL_USER_ACTIVE_SESSIONS, FAMILY_USER_ACTIVE_SESSIONS,
                    KEYED_LINE("db_user_active_sessions", "db_user", "app", "3")
                        KEYED_LINE("db_user_active_sessions", "db_user", "report", "0"));
}

static void test_sessions_of_clients(void **state)
{
    (void)state;
    assert_rendered(&full, OPTIONAL_CLIENT_SESSIONS, FAMILY_CLIENT_SESSIONS,
                    CLIENT("192.0.2.1", "30") CLIENT("192.0.2.2", "12"));
}

static void test_sessions_of_schemas(void **state)
{
    (void)state;
    assert_rendered(&full, OPTIONAL_SCHEMA_SESSIONS, FAMILY_SCHEMA_SESSIONS,
                    KEYED_LINE("db_schema_sessions", "db_name", "", "1")
                        KEYED_LINE("db_schema_sessions", "db_name", "shop", "41"));
}

static void test_numbers_of_the_node(void **state)
{
    (void)state;
    assert_rendered(&full, OPTIONAL_NODE_SESSIONS, FAMILY_NODE_SESSIONS, "db_node_sessions" NODE_LINE "42\n");
    assert_rendered(&full, OPTIONAL_NODE_ACTIVE_SESSIONS, FAMILY_NODE_ACTIVE_SESSIONS,
                    "db_node_active_sessions" NODE_LINE "3\n");
    assert_rendered(&full, OPTIONAL_NODE_LONGEST_ACTIVE_SESSION, FAMILY_NODE_LONGEST_ACTIVE_SESSION,
                    "db_node_longest_active_session_seconds" NODE_LINE "600\n");
}

static void test_only_what_is_on_is_rendered(void **state)
{
    (void)state;
    for (int on = 0; on < OPTIONAL_METRIC_COUNT; on++) {
        struct batch *batch = render(&full, (enum optional_metric)on, 100);

        for (int id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
            const struct family *family = family_get((enum family_id)id);

            if (family->optional != 0 && family->optional != 1u << on)
                assert_int_equal(batch_sample_count(batch, (enum family_id)id), 0);
        }
        assert_int_equal(batch_sample_count(batch, FAMILY_USER_SESSION_COUNT), 2);
        batch_put(batch);
    }
}

static void test_what_the_reply_lacks_has_no_sample(void **state)
{
    const struct das_reply bare = {.outcome = DAS_FINISHED, .users = {users, 2}, .node = {-1, -1, -1}};

    (void)state;
    assert_rendered(&bare, OPTIONAL_NODE_SESSIONS, FAMILY_NODE_SESSIONS, "");
    assert_rendered(&bare, OPTIONAL_NODE_LONGEST_ACTIVE_SESSION, FAMILY_NODE_LONGEST_ACTIVE_SESSION, "");
    assert_rendered(&bare, OPTIONAL_CLIENT_SESSIONS, FAMILY_CLIENT_SESSIONS, "");
    assert_rendered(&bare, OPTIONAL_SCHEMA_SESSIONS, FAMILY_SCHEMA_SESSIONS, "");
}

static void test_a_node_without_sessions_has_zeros(void **state)
{
    const struct das_reply idle = {.outcome = DAS_FINISHED, .users = {NULL, 0}};

    (void)state;
    assert_rendered(&idle, OPTIONAL_NODE_SESSIONS, FAMILY_NODE_SESSIONS, "db_node_sessions" NODE_LINE "0\n");
    assert_rendered(&idle, OPTIONAL_NODE_LONGEST_ACTIVE_SESSION, FAMILY_NODE_LONGEST_ACTIVE_SESSION,
                    "db_node_longest_active_session_seconds" NODE_LINE "0\n");
}

static void test_equal_keys_are_added_up(void **state)
{
    struct das_sessions sessions[] = {
        {"a", 1, 0}, {"b", 5, 0}, {"a", 2, 0}, {"a\xFF", 3, 0}, {"a\xFE", 4, 0}};
    const struct das_reply reply = with_clients(sessions, 5);

    (void)state;
    assert_rendered(&reply, OPTIONAL_CLIENT_SESSIONS, FAMILY_CLIENT_SESSIONS,
                    CLIENT("a", "3") CLIENT("a\xEF\xBF\xBD", "7") CLIENT("b", "5"));
}

static void assert_limited(struct das_sessions *sessions, size_t count, int64_t most, const char *kept,
                           const char *overflow, size_t overflowed)
{
    const struct das_reply reply = with_clients(sessions, count);
    struct batch *batch = render(&reply, OPTIONAL_CLIENT_SESSIONS, most);

    assert_lines(batch, FAMILY_CLIENT_SESSIONS, kept);
    assert_lines(batch, FAMILY_CLIENT_SESSIONS_OVERFLOW, overflow);
    assert_int_equal(batch_overflowed(batch, FAMILY_CLIENT_SESSIONS), overflowed);
    batch_put(batch);
}

#define OVERFLOW(value) "db_client_sessions_overflow" NODE_LINE value "\n"

static void test_the_largest_are_kept_and_the_others_added_up(void **state)
{
    struct das_sessions sessions[] = {{"a", 3, 0}, {"b", 9, 0}, {"c", 5, 0}, {"d", 1, 0}};

    (void)state;
    assert_limited(sessions, 4, 2, CLIENT("b", "9") CLIENT("c", "5"), OVERFLOW("4"), 2);
}

static void test_as_many_as_allowed_leave_nothing_over(void **state)
{
    struct das_sessions sessions[] = {{"a", 3, 0}, {"b", 9, 0}};

    (void)state;
    assert_limited(sessions, 2, 2, CLIENT("a", "3") CLIENT("b", "9"), "", 0);
}

static void test_of_equal_values_the_first_by_name_stay(void **state)
{
    struct das_sessions sessions[] = {{"d", 1, 0}, {"b", 1, 0}, {"c", 1, 0}, {"a", 1, 0}};

    (void)state;
    assert_limited(sessions, 4, 3, CLIENT("a", "1") CLIENT("b", "1") CLIENT("c", "1"), OVERFLOW("1"), 1);
}

static void test_the_limit_counts_keys_after_they_were_added_up(void **state)
{
    struct das_sessions sessions[] = {{"a", 2, 0}, {"b", 3, 0}, {"a", 2, 0}, {"a", 2, 0}};

    (void)state;
    assert_limited(sessions, 4, 1, CLIENT("a", "6"), OVERFLOW("3"), 1);
}

static void test_zeros_that_do_not_fit_are_an_overflow_of_zero(void **state)
{
    struct das_sessions sessions[] = {{"a", 0, 0}, {"b", 0, 0}};

    (void)state;
    assert_limited(sessions, 2, 1, CLIENT("a", "0"), OVERFLOW("0"), 1);
}

static void test_sums_end_at_the_largest_number(void **state)
{
    struct das_sessions sessions[] = {{"a", INT64_MAX, 0}, {"b", INT64_MAX, 0}, {"c", 1, 0}};

    (void)state;
    assert_limited(sessions, 3, 1, CLIENT("a", "9223372036854775807"), OVERFLOW("9223372036854775807"), 2);
}

static void test_nothing_is_lost_among_many(void **state)
{
    static struct das_sessions sessions[MANY];
    static char keys[MANY][16];
    const struct das_reply reply = with_clients(sessions, MANY);
    struct batch *batch;
    char expected[512];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof(keys[i]), "c%05d", i);
        sessions[i] = (struct das_sessions){keys[i], (i * 7919) % MANY, 0}; /* each number once */
    }
    batch = render(&reply, OPTIONAL_CLIENT_SESSIONS, 100);
    assert_int_equal(batch_sample_count(batch, FAMILY_CLIENT_SESSIONS), 100);
    assert_int_equal(batch_overflowed(batch, FAMILY_CLIENT_SESSIONS), MANY - 100);
    snprintf(expected, sizeof(expected), OVERFLOW("%lld"), (long long)(MANY - 100) * (MANY - 101) / 2);
    assert_lines(batch, FAMILY_CLIENT_SESSIONS_OVERFLOW, expected);
    batch_put(batch);
}

static void test_users_themselves_are_never_limited(void **state)
{
    struct batch *batch = render(&full, OPTIONAL_USER_ACTIVE_SESSIONS, 1);

    (void)state;
    assert_int_equal(batch_sample_count(batch, FAMILY_USER_SESSION_COUNT), 2);
    assert_int_equal(batch_sample_count(batch, FAMILY_USER_ACTIVE_SESSIONS), 1);
    batch_put(batch);
}

static void assert_parts(enum optional_metric id, unsigned parts)
{
    const struct optional_metrics_config config = only(id, 100);

    assert_int_equal(optional_metrics_parts(&config), parts);
}

static void test_only_the_parts_of_metrics_that_are_on_are_asked(void **state)
{
    const struct optional_metrics_config none = {.series_per_target = 100};

    (void)state;
    assert_int_equal(optional_metrics_parts(&none), 0);
    assert_parts(OPTIONAL_USER_ACTIVE_SESSIONS, 0);
    assert_parts(OPTIONAL_NODE_SESSIONS, 0);
    assert_parts(OPTIONAL_CLIENT_SESSIONS, DAS_PART_CLIENTS);
    assert_parts(OPTIONAL_SCHEMA_SESSIONS, DAS_PART_SCHEMAS);
}

static void test_any_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    struct optional_metrics_config config = {.series_per_target = 1};
    long live = allocations_live();
    struct batch *batch = NULL;
    long after;

    (void)state;
    for (int id = 0; id < OPTIONAL_METRIC_COUNT; id++)
        config.enabled[id] = true;
    for (after = 0; batch == NULL; after++) {
        allocations_fail_after(after);
        batch = user_sessions_render(&target, &full, &config);
        allocations_fail_after(-1);
        if (batch == NULL)
            assert_int_equal(allocations_live(), live);
    }
    assert_true(after > 10);
    assert_int_equal(batch_overflowed(batch, FAMILY_SCHEMA_SESSIONS), 1);
    batch_put(batch);
    assert_int_equal(allocations_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_sessions_of_users),
        cmocka_unit_test(test_sessions_of_clients),
        cmocka_unit_test(test_sessions_of_schemas),
        cmocka_unit_test(test_numbers_of_the_node),
        cmocka_unit_test(test_only_what_is_on_is_rendered),
        cmocka_unit_test(test_what_the_reply_lacks_has_no_sample),
        cmocka_unit_test(test_a_node_without_sessions_has_zeros),
        cmocka_unit_test(test_equal_keys_are_added_up),
        cmocka_unit_test(test_the_largest_are_kept_and_the_others_added_up),
        cmocka_unit_test(test_as_many_as_allowed_leave_nothing_over),
        cmocka_unit_test(test_of_equal_values_the_first_by_name_stay),
        cmocka_unit_test(test_the_limit_counts_keys_after_they_were_added_up),
        cmocka_unit_test(test_zeros_that_do_not_fit_are_an_overflow_of_zero),
        cmocka_unit_test(test_sums_end_at_the_largest_number),
        cmocka_unit_test(test_nothing_is_lost_among_many),
        cmocka_unit_test(test_users_themselves_are_never_limited),
        cmocka_unit_test(test_only_the_parts_of_metrics_that_are_on_are_asked),
        cmocka_unit_test(test_any_failed_allocation_is_reported_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
