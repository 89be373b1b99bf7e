#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/web/target_view.h"
#include "test/http/fake_providers.h"

#define MANY 10000

static struct target_status targets[4];
static struct status status;
static struct target_view view;
static const struct error throttled = {.class = ERROR_THROTTLED, .code = "Throttling.User"};
static const struct error refused = {.class = ERROR_REFUSED, .code = "Forbidden"};

static int setup(void **state)
{
    (void)state;
    targets[0] = fake_target("a", "up and fresh");
    targets[1] = fake_target("b", "down");
    targets[1].up = false;
    targets[1].failures = 3;
    targets[1].error = &throttled;
    targets[1].state = TARGET_RETRYING;
    targets[1].aliyun_uid = "1000000000000003";
    targets[1].last_success_unix_ms = FAKE_NOW_UNIX_MS - 100000;
    targets[2] = fake_target("c", "never asked");
    targets[2].up = false;
    targets[2].last_success_unix_ms = 0;
    targets[2].next_run_unix_ms = FAKE_NOW_UNIX_MS + 1;
    targets[3] = fake_target("d", "without credentials");
    targets[3].up = false;
    targets[3].failures = 1;
    targets[3].state = TARGET_NO_CREDENTIALS;
    targets[3].aliyun_uid = "1000000000000002";
    targets[3].next_run_unix_ms = 0;
    targets[3].last_success_unix_ms = FAKE_NOW_UNIX_MS - 50000;
    targets[3].error = &refused;
    targets[3].node_id = "pi-test1";
    status_init(&status);
    status.targets = targets;
    status.target_count = 4;
    return 0;
}

static void read_view(const char *query)
{
    char why[384] = "";

    if (!target_view_read(&view, query, why, sizeof(why)))
        fail_msg("%s: %s", query, why);
}

/* The ids that a query selects, in order. */
static void assert_selects(const char *query, const char *expected)
{
    struct target_selection selection;
    char found[8] = "";

    read_view(query);
    assert_true(target_view_select(&view, &status, &selection));
    assert_true(selection.count < sizeof(found));
    for (size_t i = 0; i < selection.count; i++)
        found[i] = selection.targets[i]->ins_id[0];
    assert_string_equal(found, expected);
    target_selection_release(&selection);
}

static void test_filters_narrow_together(void **state)
{
    (void)state;
    assert_selects(NULL, "abcd");
    assert_selects("aliyun_uid=1000000000000001", "ac");
    assert_selects("ins_id=b", "b");
    assert_selects("ins_id=B", "");
    assert_selects("q=NEVER", "c");
    assert_selects("q=pi-", "d");
    assert_selects("aliyun_uid=1000000000000001&q=up", "a");
    assert_selects("aliyun_uid=&ins_id=&state=&q=&sort=&page=", "abcd");
}

static void test_states_and_health_are_filters(void **state)
{
    (void)state;
    assert_selects("state=up", "a");
    assert_selects("state=down", "bd");
    assert_selects("state=pending", "c");
    assert_selects("state=waiting", "ac");
    assert_selects("state=no_credentials", "d");
}

static void test_every_column_sorts_both_ways(void **state)
{
    (void)state;
    assert_selects("sort=ins_id", "abcd");
    assert_selects("sort=-ins_id", "dcba");
    assert_selects("sort=node_id", "abcd");
    assert_selects("sort=-node_id", "dcba");
    assert_selects("sort=aliyun_uid", "acdb");
    assert_selects("sort=-aliyun_uid", "bdca");
    assert_selects("sort=state", "bdca");
    assert_selects("sort=age", "adbc");
    assert_selects("sort=-age", "cbda");
    assert_selects("sort=next_run", "cabd");
    assert_selects("sort=failures", "acdb");
    assert_selects("sort=-failures", "bdca");
    assert_selects("sort=error", "dbac");
}

static void test_bad_queries_say_why(void **state)
{
    static const char *const queries[][2] = {
        {"colour=red",
         "unknown query parameter 'colour'; known are aliyun_uid, ins_id, state, q, sort and page"},
        {"state=broken", "there is no state 'broken'"},
        {"sort=colour", "cannot sort by 'colour'"},
        {"sort=--age", "cannot sort by '--age'"},
        {"page=0", "page is a number from 1 on"},
        {"page=x", "page is a number from 1 on"},
        {"page=99999999999999999999", "page is a number from 1 on"},
        {"q=%zz", "the value of query parameter 'q' is too long or not well encoded; known are aliyun_uid, "
                  "ins_id, state, q, sort and page"},
    };
    char why[384];

    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        assert_false(target_view_read(&view, queries[i][0], why, sizeof(why)));
        assert_string_equal(why, queries[i][1]);
    }
}

static void fill_many(void)
{
    static struct target_status many[MANY];
    static char ids[MANY][8];

    status.targets = many;
    status.target_count = MANY;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%05zu", i);
        many[i] = fake_target(ids[i], "many");
        many[i].last_success_unix_ms = FAKE_NOW_UNIX_MS - (int64_t)(i * 7919 % MANY) * 1000;
    }
}

static void test_ten_thousand_targets_come_in_pages(void **state)
{
    struct target_selection selection;

    (void)state;
    fill_many();
    read_view("page=3&sort=age");
    assert_true(target_view_select(&view, &status, &selection));
    assert_int_equal(selection.count, MANY);
    assert_int_equal(selection.page_count, MANY / TARGET_VIEW_ROWS);
    assert_int_equal(selection.first, 2 * TARGET_VIEW_ROWS);
    assert_int_equal(selection.end, 3 * TARGET_VIEW_ROWS);
    assert_true(selection.targets[selection.first]->last_success_unix_ms ==
                FAKE_NOW_UNIX_MS - (int64_t)selection.first * 1000);
    target_selection_release(&selection);
}

static void test_without_a_page_all_come_at_once(void **state)
{
    struct target_selection selection;

    (void)state;
    fill_many();
    read_view("sort=-ins_id");
    assert_true(target_view_select(&view, &status, &selection));
    assert_int_equal(selection.page, 1);
    assert_int_equal(selection.page_count, 1);
    assert_int_equal(selection.end - selection.first, MANY);
    target_selection_release(&selection);
}

static void test_a_page_beyond_the_end_is_the_last_one(void **state)
{
    struct target_selection selection;

    (void)state;
    read_view("page=1000000");
    assert_true(target_view_select(&view, &status, &selection));
    assert_int_equal(selection.page, 1);
    assert_int_equal(selection.end, 4);
    target_selection_release(&selection);
    status.target_count = 0;
    assert_true(target_view_select(&view, &status, &selection));
    assert_int_equal(selection.page_count, 1);
    assert_int_equal(selection.first + selection.end, 0);
    target_selection_release(&selection);
}

static void test_the_selected_are_counted_by_health(void **state)
{
    struct target_selection selection;

    (void)state;
    read_view(NULL);
    assert_true(target_view_select(&view, &status, &selection));
    assert_int_equal(selection.health[TARGET_UP], 1);
    assert_int_equal(selection.health[TARGET_DOWN], 2);
    assert_int_equal(selection.health[TARGET_PENDING], 1);
    target_selection_release(&selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_filters_narrow_together, setup),
        cmocka_unit_test_setup(test_states_and_health_are_filters, setup),
        cmocka_unit_test_setup(test_every_column_sorts_both_ways, setup),
        cmocka_unit_test_setup(test_bad_queries_say_why, setup),
        cmocka_unit_test_setup(test_ten_thousand_targets_come_in_pages, setup),
        cmocka_unit_test_setup(test_without_a_page_all_come_at_once, setup),
        cmocka_unit_test_setup(test_a_page_beyond_the_end_is_the_last_one, setup),
        cmocka_unit_test_setup(test_the_selected_are_counted_by_health, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
