#include "collectors/user_sessions.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct instance instance = {"pc-test1", "ledger", "polardb", "1000000000000001"};
static const struct optional_metrics_config none = {.series_per_target = 100};
static const struct target target = {&instance, "pi-test1", NODE_TYPE_READ};

#define LINE(user, value)                                                                                    \
    "db_user_session_count{ins_id=\"pc-test1\",ins_name=\"ledger\",ins_type=\"polardb\","                    \
    "aliyun_uid=\"1000000000000001\",db_user=\"" user "\",node_id=\"pi-test1\",node_type=\"read\"} " value   \
    "\n"

static void assert_rendered(struct das_sessions *users, size_t count, const char *expected)
{
    const struct das_reply reply = {.outcome = DAS_FINISHED, .users = {users, count}};
    struct batch *batch = user_sessions_render(&target, &reply, &none);
    const char *lines;
    size_t length;

    assert_non_null(batch);
    lines = batch_lines(batch, FAMILY_USER_SESSION_COUNT, &length);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(lines, expected, length);
    batch_put(batch);
}

static void test_value_is_the_total_count(void **state)
{
    struct das_sessions users[] = {{"app", 42, 3}};

    (void)state;
    assert_rendered(users, 1, LINE("app", "42"));
}

static void test_users_are_sorted(void **state)
{
    struct das_sessions users[] = {{"report", 2, 0}, {"app", 1, 0}};

    (void)state;
    assert_rendered(users, 2, LINE("app", "1") LINE("report", "2"));
}

static void test_a_user_that_occurs_twice_is_added_up(void **state)
{
    struct das_sessions users[] = {{"app", 1, 0}, {"report", 5, 0}, {"app", 2, 0}, {"app", 4, 0}};

    (void)state;
    assert_rendered(users, 4, LINE("app", "7") LINE("report", "5"));
}

static void test_users_that_become_equal_by_repair_are_added_up(void **state)
{
    struct das_sessions users[] = {{"app\xFF", 1, 0}, {"app\xFE", 2, 0}};

    (void)state;
    assert_rendered(users, 2, LINE("app\xEF\xBF\xBD", "3"));
}

static void test_a_prefix_is_another_user(void **state)
{
    struct das_sessions users[] = {{"app1", 1, 0}, {"app", 2, 0}, {"", 3, 0}};

    (void)state;
    assert_rendered(users, 3, LINE("", "3") LINE("app", "2") LINE("app1", "1"));
}

static void test_sums_do_not_overflow(void **state)
{
    struct das_sessions users[] = {{"app", INT64_MAX, 0}, {"app", 1, 0}};

    (void)state;
    assert_rendered(users, 2, LINE("app", "9223372036854775807"));
}

static void test_a_reply_without_users_has_no_samples(void **state)
{
    (void)state;
    assert_rendered(NULL, 0, "");
}

static void test_node_id_of_rds_is_empty(void **state)
{
    const struct instance rds = {"rm-test1", "orders", "rds", "1000000000000001"};
    const struct target rds_target = {&rds, "", NODE_TYPE_WRITE};
    struct das_sessions users[] = {{"app", 1, 0}};
    const struct das_reply reply = {.outcome = DAS_FINISHED, .users = {users, 1}};
    struct batch *batch = user_sessions_render(&rds_target, &reply, &none);
    size_t length;
    const char *lines = batch_lines(batch, FAMILY_USER_SESSION_COUNT, &length);

    (void)state;
    assert_non_null(strstr(lines, "db_user=\"app\",node_id=\"\",node_type=\"write\"} 1\n"));
    batch_put(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_is_the_total_count),
        cmocka_unit_test(test_users_are_sorted),
        cmocka_unit_test(test_a_user_that_occurs_twice_is_added_up),
        cmocka_unit_test(test_users_that_become_equal_by_repair_are_added_up),
        cmocka_unit_test(test_a_prefix_is_another_user),
        cmocka_unit_test(test_sums_do_not_overflow),
        cmocka_unit_test(test_a_reply_without_users_has_no_samples),
        cmocka_unit_test(test_node_id_of_rds_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
