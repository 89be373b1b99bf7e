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
static json_t *ask_json(const char *query)
{
    struct page_response response;
    json_t *json;

    ask("/api/v1/targets", query, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "application/json");
    json = json_loadb(response.parts[0].bytes, response.length, 0, NULL);
    assert_non_null(json);
    page_response_release(&response);
    return json;
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
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
    assert_true(json_is_true(json_object_get(target, "up")));
    assert_string_equal(text_of(target, "last_success"), "2026-01-02T03:03:23Z");
    assert_string_equal(text_of(target, "next_run"), "2026-01-02T03:04:23Z");
    assert_int_equal(json_integer_value(json_object_get(target, "failures")), 0);
    assert_true(json_is_null(json_object_get(target, "error")));
    assert_int_equal(json_object_size(target), 12);
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

static void test_bad_filters_are_400(void **state)
{
    struct page_response response;

    (void)state;
    ask("/api/v1/targets", "status=up", &response);
    assert_int_equal(response.status, 400);
    page_response_release(&response);
    ask("/targets", "state=%3Cb%3E", &response);
    assert_int_equal(response.status, 400);
    assert_string_equal(response.content_type, "text/plain; charset=utf-8");
    page_response_release(&response);
}

static void test_html_escapes_every_name(void **state)
{
    struct page_response response;

    (void)state;
    ask("/targets", NULL, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    assert_null(strstr(strbuf_text(&response.body), "<img"));
    assert_non_null(strstr(strbuf_text(&response.body), "&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(strstr(strbuf_text(&response.body),
                           "said &quot;slow&quot; &amp; &lt;down&gt;<br>RequestId <code>REQUEST-1</code>"));
    assert_non_null(strstr(strbuf_text(&response.body), "bad \xEF\xBF\xBD bytes"));
    page_response_release(&response);
}

static void assert_html_has(const char *query, const char *language, const char *text)
{
    struct page_request request = {
        .method = "GET", .path = "/targets", .query = query, .accept_language = language};
    struct page_response response;

    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.vary, "Accept-Language");
    if (strstr(strbuf_text(&response.body), text) == NULL)
        fail_msg("no \"%s\" in %s", text, strbuf_text(&response.body));
    page_response_release(&response);
}

static void test_html_shows_ages(void **state)
{
    (void)state;
    assert_html_has("q=ledger", NULL, "title=\"2026-01-02T03:03:23Z\">42 s ago</time>");
    assert_html_has("q=ledger", NULL, "title=\"2026-01-02T03:04:23Z\">in 18 s</time>");
    assert_html_has("q=ledger", NULL, "1 of 3 targets:");
}

static void test_html_speaks_chinese_when_asked(void **state)
{
    (void)state;
    assert_html_has("q=ledger", "zh-TW,zh;q=0.9,en;q=0.8", "<html lang=\"zh-CN\">");
    assert_html_has("q=ledger", "zh", ">42 秒前</time>");
    assert_html_has("q=ledger", "zh", "符合条件 1 个，共 3 个采集目标");
    assert_html_has(NULL, "zh", "<span class=\"error\" lang=\"en\"><b>throttled</b>");
}

static void test_html_without_targets_says_so(void **state)
{
    (void)state;
    assert_html_has("q=nothing", NULL, "No target matches this filter.");
    fake.target_count = 0;
    assert_html_has(NULL, NULL, "There are no targets");
}

static void test_html_refresh_button_covers_the_account_or_the_instance(void **state)
{
    struct page_request request = {.method = "GET",
                                   .path = "/targets",
                                   .host = "localhost:10104",
                                   .sec_fetch_site = "cross-site",
                                   .from_loopback = true};
    static const char *const expected[][2] = {
        {NULL, "<button>Refresh all targets now</button>"},
        {"aliyun_uid=1", "<input type=\"hidden\" name=\"aliyun_uid\" value=\"1\">"
                         "<button>Refresh account 1 now</button>"},
        {"ins_id=%3Cb%3E&q=x", "<input type=\"hidden\" name=\"ins_id\" value=\"&lt;b&gt;\">"
                               "<button>Refresh instance &lt;b&gt; now</button>"},
    };
    struct page_response response;

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        request.query = expected[i][0];
        pages_answer(&request, &fake.providers, &response);
        assert_non_null(strstr(strbuf_text(&response.body), "method=\"post\" action=\"/refresh\">"));
        assert_non_null(strstr(strbuf_text(&response.body), expected[i][1]));
        page_response_release(&response);
    }
}

static void test_html_has_no_button_where_it_would_be_refused(void **state)
{
    (void)state;
    assert_html_has(NULL, NULL, "Refreshing from here needs an admin token");
}

static void test_html_sort_links_turn_the_order(void **state)
{
    (void)state;
    assert_html_has(NULL, NULL, "aria-sort=\"ascending\"><a href=\"/targets?sort=-ins_id\">");
    assert_html_has("state=up&sort=-age", NULL,
                    "aria-sort=\"descending\"><a href=\"/targets?state=up&amp;sort=age\">");
    assert_html_has("state=up&sort=-age", NULL, "<input type=\"hidden\" name=\"sort\" value=\"-age\">");
}

static void test_html_pages_long_lists(void **state)
{
    static struct target_status many[1001];

    (void)state;
    for (size_t i = 0; i < 1001; i++)
        many[i] = fake_target("rm-test1", "many");
    fake.targets = many;
    fake.target_count = 1001;
    assert_html_has("q=many&page=6", NULL, "Rows 501 to 600 of 1001");
    assert_html_has("q=many&page=6", NULL, "<a href=\"/targets?q=many&amp;sort=ins_id\">1</a>");
    assert_html_has("q=many&page=6", NULL, "sort=ins_id&amp;page=6\" aria-current=\"page\">6</a>");
    assert_html_has("q=many&page=6", NULL, "sort=ins_id&amp;page=11\">11</a>");
    assert_html_has("page=99", NULL, "Rows 1001 to 1001 of 1001");
}

static void test_html_form_keeps_the_filter_escaped(void **state)
{
    struct page_response response;

    (void)state;
    ask("/targets", "q=%22%3E%3Cscript%3E", &response);
    assert_int_equal(response.status, 200);
    assert_null(strstr(strbuf_text(&response.body), "<script>"));
    assert_non_null(strstr(strbuf_text(&response.body), "value=\"&quot;&gt;&lt;script&gt;\""));
    page_response_release(&response);
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

static double number_of(json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
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

static void test_html_says_which_accounts_need_more_than_their_quota(void **state)
{
    struct account_status accounts[] = {overcommitted(), {.aliyun_uid = "1000000000000003"}};

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 2;
    assert_html_has(NULL, NULL,
                    "Account 1000000000000002 needs 70.5 calls a second and may make 50.0: its cycle "
                    "is stretched evenly, to 1 min 24 s.");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_has_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_error_is_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_unknown_times_are_null_and_bytes_repaired, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_without_targets_is_an_empty_array, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters_narrow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_filters_of_the_form_filter_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_filters_are_400, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_escapes_every_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_shows_ages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_speaks_chinese_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_without_targets_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_refresh_button_covers_the_account_or_the_instance, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_html_has_no_button_where_it_would_be_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_sort_links_turn_the_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_pages_long_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_inventory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_credentials_without_a_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_has_the_accounts_with_their_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_says_which_accounts_need_more_than_their_quota, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_html_form_keeps_the_filter_escaped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
