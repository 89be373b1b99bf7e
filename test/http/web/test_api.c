#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "core/clock.h"
#include "http/pages.h"
#include "test/http/fake_providers.h"

static struct fake fake;
static struct target_status targets[3];
static const struct error throttled = {.class = ERROR_THROTTLED,
                                       .code = "Throttling.User",
                                       .message = "said \"slow\" & <down>",
                                       .request_id = "REQUEST-1"};

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 0);
    targets[0] = fake_target("pc-test1", "Ledger");
    targets[0].ins_type = "polardb";
    targets[0].node_id = "pi-test1";
    targets[0].node_type = NODE_TYPE_READ;
    targets[0].aliyun_uid = "1000000000000002";
    targets[1] = fake_target("rm-test1", "<img src=x onerror=alert(1)>");
    targets[1].state = TARGET_RETRYING;
    targets[1].up = false;
    targets[1].failures = 3;
    targets[1].error = &throttled;
    targets[2] = fake_target("rm-test2", "bad \xFF bytes");
    targets[2].last_success_unix_ms = 0;
    targets[2].next_run_unix_ms = 0;
    fake.targets = targets;
    fake.target_count = 3;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static void ask(const char *path, const char *query, struct page_response *response)
{
    struct page_request request = {.method = "GET", .path = path, .query = query};

    pages_answer(&request, &fake.providers, response);
}

/* The JSON answer, read by a parser that is not ours. */
static json_t *ask_json_of(const char *path, const char *query)
{
    struct page_response response;
    json_t *json;

    ask(path, query, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "application/json");
    json = json_loadb(response.parts[0].bytes, response.length, 0, NULL);
    assert_non_null(json);
    page_response_release(&response);
    return json;
}

static json_t *ask_json(const char *query)
{
    return ask_json_of("/api/v1/targets", query);
}

static json_t *ask_overview(void)
{
    return ask_json_of("/api/v1/overview", NULL);
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static double number_of(json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static struct account_status overcommitted(void)
{
    return (struct account_status){.aliyun_uid = "1000000000000002",
                                   .up = true,
                                   .credential_kind = CREDENTIAL_STATIC,
                                   .targets = 2000,
                                   .targets_up = 1990,
                                   .rate_limit = 50,
                                   .rate_effective = 35,
                                   .rate_demand = 70.5,
                                   .cycle = 84500 * NS_PER_MS,
                                   .overcommitted = true,
                                   .throttled = 7};
}

static size_t count_of(const char *query)
{
    json_t *json = ask_json(query);
    size_t count = json_array_size(json_object_get(json, "targets"));

    json_decref(json);
    return count;
}

static void test_json_has_every_field(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 0);

    (void)state;
    assert_string_equal(text_of(json, "time"), "2026-01-02T03:04:05Z");
    assert_string_equal(text_of(target, "ins_id"), "pc-test1");
    assert_string_equal(text_of(target, "ins_name"), "Ledger");
    assert_string_equal(text_of(target, "ins_type"), "polardb");
    assert_string_equal(text_of(target, "node_id"), "pi-test1");
    assert_string_equal(text_of(target, "node_type"), "read");
    assert_string_equal(text_of(target, "aliyun_uid"), "1000000000000002");
    assert_string_equal(text_of(target, "state"), target_state_name(TARGET_WAITING));
    assert_string_equal(text_of(target, "health"), "up");
    assert_true(json_is_true(json_object_get(target, "up")));
    assert_string_equal(text_of(target, "last_success"), "2026-01-02T03:03:23Z");
    assert_string_equal(text_of(target, "next_run"), "2026-01-02T03:04:23Z");
    assert_int_equal(json_integer_value(json_object_get(target, "failures")), 0);
    assert_true(json_is_null(json_object_get(target, "error")));
    assert_int_equal(json_object_size(target), 13);
    json_decref(json);
}

static void test_json_error_is_an_object(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 1);
    json_t *error = json_object_get(target, "error");

    (void)state;
    assert_true(json_is_false(json_object_get(target, "up")));
    assert_int_equal(json_integer_value(json_object_get(target, "failures")), 3);
    assert_string_equal(text_of(error, "class"), "throttled");
    assert_string_equal(text_of(error, "code"), "Throttling.User");
    assert_string_equal(text_of(error, "message"), "said \"slow\" & <down>");
    assert_string_equal(text_of(error, "request_id"), "REQUEST-1");
    json_decref(json);
}

static void test_json_unknown_times_are_null_and_bytes_repaired(void **state)
{
    json_t *json = ask_json(NULL);
    json_t *target = json_array_get(json_object_get(json, "targets"), 2);

    (void)state;
    assert_true(json_is_null(json_object_get(target, "last_success")));
    assert_true(json_is_null(json_object_get(target, "next_run")));
    assert_string_equal(text_of(target, "ins_name"), "bad \xEF\xBF\xBD bytes");
    json_decref(json);
}

static void test_json_without_targets_is_an_empty_array(void **state)
{
    json_t *json;

    (void)state;
    fake.target_count = 0;
    json = ask_json(NULL);
    assert_true(json_is_array(json_object_get(json, "targets")));
    assert_int_equal(json_array_size(json_object_get(json, "targets")), 0);
    json_decref(json);
}

static void test_filters_narrow(void **state)
{
    char query[64];

    (void)state;
    assert_int_equal(count_of(NULL), 3);
    assert_int_equal(count_of("aliyun_uid=1000000000000001"), 2);
    assert_int_equal(count_of("aliyun_uid=1"), 0);
    assert_int_equal(count_of("q=ledger"), 1);
    assert_int_equal(count_of("q=RM-TEST"), 2);
    assert_int_equal(count_of("q=pi-test"), 1);
    snprintf(query, sizeof(query), "state=%s&q=test", target_state_name(TARGET_RETRYING));
    assert_int_equal(count_of(query), 1);
}

static void test_empty_filters_of_the_form_filter_nothing(void **state)
{
    (void)state;
    assert_int_equal(count_of("aliyun_uid=&state=&q="), 3);
}

static void test_json_has_the_accounts_with_their_quota(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003"}};
    json_t *json, *account;

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 2;
    json = ask_json("aliyun_uid=1000000000000002");
    assert_int_equal(json_array_size(json_object_get(json, "accounts")), 1);
    account = json_array_get(json_object_get(json, "accounts"), 0);
    assert_string_equal(text_of(account, "aliyun_uid"), "1000000000000002");
    assert_true(json_is_true(json_object_get(account, "up")));
    assert_true(json_is_true(json_object_get(account, "overcommitted")));
    assert_true(number_of(account, "targets") == 2000);
    assert_true(number_of(account, "targets_up") == 1990);
    assert_true(number_of(account, "rate_limit") == 50);
    assert_true(number_of(account, "rate_effective") == 35);
    assert_true(number_of(account, "rate_demand") == 70.5);
    assert_true(number_of(account, "cycle_seconds") == 84.5);
    assert_true(number_of(account, "throttled") == 7);
    assert_true(json_is_null(json_object_get(account, "error")));
    json_decref(json);
}

static void test_json_has_the_inventory(void **state)
{
    json_t *json, *inventory;

    (void)state;
    fake.inventory = (struct inventory_status){.instances_success_unix_ms = FAKE_START_UNIX_MS,
                                               .instances_failures = 2,
                                               .error = {.class = ERROR_INVENTORY, .message = "gone"}};
    fake.rejected[REJECTED_NO_NODES] = 5;
    json = ask_json(NULL);
    inventory = json_object_get(json, "inventory");
    assert_string_equal(text_of(inventory, "last_success"), "2026-01-02T03:00:00Z");
    assert_true(json_is_null(json_object_get(inventory, "users_last_success")));
    assert_true(number_of(inventory, "failures") == 2);
    assert_true(number_of(json_object_get(inventory, "rejected"), "no_nodes") == 5);
    assert_string_equal(text_of(json_object_get(inventory, "error"), "message"), "gone");
    json_decref(json);
}

static void test_json_has_the_credentials_without_a_secret(void **state)
{
    struct account_status accounts[] = {overcommitted()};
    json_t *json, *account;

    (void)state;
    accounts[0].credentials_expiry_unix_ms = FAKE_NOW_UNIX_MS + 60000;
    accounts[0].rate_used = 12.5;
    fake.accounts = accounts;
    fake.account_count = 1;
    json = ask_json(NULL);
    account = json_array_get(json_object_get(json, "accounts"), 0);
    assert_string_equal(text_of(account, "credentials"), "static");
    assert_string_equal(text_of(account, "credentials_expiry"), "2026-01-02T03:05:05Z");
    assert_true(number_of(account, "rate_used") == 12.5);
    json_decref(json);
}

static void test_bad_queries_are_400(void **state)
{
    struct page_response response;

    (void)state;
    ask("/api/v1/targets", "status=up", &response);
    assert_int_equal(response.status, 400);
    assert_string_equal(response.content_type, "text/plain; charset=utf-8");
    page_response_release(&response);
}

static void test_long_lists_are_paged_and_counted(void **state)
{
    static struct target_status many[1001];
    json_t *json, *selection;

    (void)state;
    for (size_t i = 0; i < 1001; i++)
        many[i] = fake_target("rm-test1", "many");
    many[7].up = false;
    fake.targets = many;
    fake.target_count = 1001;
    json = ask_json("q=many&page=6");
    selection = json_object_get(json, "selection");
    assert_int_equal(json_array_size(json_object_get(json, "targets")), 100);
    assert_true(number_of(selection, "targets") == 1001 && number_of(selection, "of") == 1001);
    assert_true(number_of(selection, "up") == 1000 && number_of(selection, "pending") == 1);
    assert_true(number_of(selection, "page") == 6 && number_of(selection, "pages") == 11);
    assert_true(number_of(selection, "first") == 501);
    json_decref(json);
    assert_int_equal(count_of("page=99"), 1);
    assert_int_equal(count_of(NULL), 1001);
}

static void test_every_account_can_be_chosen_whatever_the_filter(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003"}};
    json_t *json;

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 2;
    json = ask_json("aliyun_uid=1000000000000002");
    assert_int_equal(json_array_size(json_object_get(json, "aliyun_uids")), 2);
    json_decref(json);
}

static void test_the_overview_tells_the_program(void **state)
{
    json_t *json;

    (void)state;
    fake.reload = (struct reload_status){.success_unix_ms = FAKE_START_UNIX_MS,
                                         .error = {.class = ERROR_CONFIG, .message = "exporter.ini:3: bad"}};
    json = ask_overview();
    assert_string_equal(text_of(json, "time"), "2026-01-02T03:04:05Z");
    assert_string_equal(text_of(json, "version"), "1.2.3");
    assert_string_equal(text_of(json, "revision"), "0123456789ab");
    assert_string_equal(text_of(json, "started"), "2026-01-02T03:00:00Z");
    assert_string_equal(text_of(json_object_get(json, "configuration"), "loaded"), "2026-01-02T03:00:00Z");
    assert_string_equal(text_of(json_object_get(json_object_get(json, "configuration"), "error"), "message"),
                        "exporter.ini:3: bad");
    assert_true(json_is_object(json_object_get(json, "inventory")));
    json_decref(json);
}

static void test_the_overview_says_first_what_matters_most(void **state)
{
    json_t *json, *findings;

    (void)state;
    fake.healthy = false;
    json = ask_overview();
    findings = json_object_get(json, "findings");
    assert_string_equal(text_of(json_array_get(findings, 0), "level"), "bad");
    assert_string_equal(text_of(json_array_get(findings, 0), "code"), "stuck");
    assert_string_equal(text_of(json_array_get(findings, 0), "name"),
                        "the scheduler made no progress for 60 s");
    assert_string_equal(text_of(json_array_get(findings, 1), "code"), "targets_down");
    assert_true(number_of(json_array_get(findings, 1), "count") == 1);
    assert_true(number_of(json_array_get(findings, 1), "total") == 3);
    assert_string_equal(text_of(json_object_get(json_array_get(findings, 1), "error"), "request_id"),
                        "REQUEST-1");
    json_decref(json);
}

static void test_the_overview_adds_the_accounts_up(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003", .targets = 1}};
    json_t *json, *totals, *account;

    (void)state;
    accounts[0].instances = 1000;
    fake.accounts = accounts;
    fake.account_count = 2;
    json = ask_overview();
    totals = json_object_get(json, "totals");
    assert_true(number_of(totals, "instances") == 1000);
    assert_true(number_of(totals, "targets") == 2001 && number_of(totals, "targets_up") == 1990);
    assert_true(number_of(totals, "accounts") == 2 && number_of(totals, "accounts_up") == 1);
    account = json_array_get(json_object_get(json, "accounts"), 0);
    assert_string_equal(text_of(account, "state"), "up");
    assert_string_equal(text_of(account, "level"), "warning");
    account = json_array_get(json_object_get(json, "accounts"), 1);
    assert_string_equal(text_of(account, "state"), "no_credentials");
    assert_string_equal(text_of(account, "level"), "bad");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_has_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_error_is_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_unknown_times_are_null_and_bytes_repaired, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_without_targets_is_an_empty_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters_narrow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_filters_of_the_form_filter_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_inventory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_credentials_without_a_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_accounts_with_their_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_queries_are_400, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lists_are_paged_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_account_can_be_chosen_whatever_the_filter, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_overview_tells_the_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_overview_says_first_what_matters_most, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_overview_adds_the_accounts_up, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
