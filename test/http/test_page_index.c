#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "http/pages.h"
#include "test/http/fake_providers.h"

static struct fake fake;
static struct target_status targets[1];

static struct account_status account(void)
{
    return (struct account_status){.aliyun_uid = "1000000000000001",
                                   .up = true,
                                   .credential_kind = CREDENTIAL_STATIC,
                                   .instances = 2,
                                   .targets = 3,
                                   .targets_up = 2,
                                   .rate_limit = 50,
                                   .rate_effective = 50,
                                   .rate_demand = 12.5,
                                   .rate_used = 5,
                                   .cycle = 60 * NS_PER_SECOND};
}

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 0);
    targets[0] = fake_target("rm-test1", "orders");
    fake.targets = targets;
    fake.target_count = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static void assert_page(const char *language, bool has, const char *text)
{
    struct page_request request = {.method = "GET", .path = "/", .accept_language = language};
    struct page_response response;

    pages_answer(&request, &fake.providers, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    assert_string_equal(response.vary, "Accept-Language");
    if ((strstr(strbuf_text(&response.body), text) != NULL) != has)
        fail_msg("%s \"%s\" in %s", has ? "no" : "there is", text, strbuf_text(&response.body));
    page_response_release(&response);
}

static void assert_has(const char *text)
{
    assert_page(NULL, true, text);
}

static void test_version_uptime_and_links(void **state)
{
    static const char *const links[] = {"/metrics", "/targets", "/api/v1/targets", "/-/healthy", "/-/ready"};
    char link[64];

    (void)state;
    assert_has("<dd>1.2.3 <span class=\"soft small\">(0123456789ab)</span></dd>");
    assert_has("<dd>4 min 5 s</dd>");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        snprintf(link, sizeof(link), "<a href=\"%s\">", links[i]);
        assert_has(link);
    }
}

static void test_one_sentence_says_how_it_is(void **state)
{
    struct account_status accounts[] = {account()};

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_has("All is well: the data of every target is up to date (targets: 1, accounts: 1).");
    assert_page("zh-CN", true, "一切正常：所有采集目标的数据均为最新（采集目标：1，账号：1）。");
    fake.healthy = false;
    assert_has("The exporter makes no progress: the scheduler made no progress for 60 s.");
}

static void test_quota_is_a_bar_with_its_numbers(void **state)
{
    struct account_status accounts[] = {account()};

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_has("aria-label=\"12.5 calls per second needed, 5.0 used, 50.0 allowed now, limit 50.0\"");
    assert_has("<rect class=\"need\" width=\"25.0\"");
    assert_has("<rect class=\"used\" y=\"3\" width=\"10.0\"");
    assert_has("<rect class=\"allowed\" x=\"99.3\"");
    assert_has("<a href=\"/targets?aliyun_uid=1000000000000001\">2 of 3</a>");
}

static void test_more_than_the_quota_fills_the_bar(void **state)
{
    struct account_status accounts[] = {account()};

    (void)state;
    accounts[0].rate_demand = 70;
    accounts[0].rate_effective = 25;
    accounts[0].overcommitted = true;
    accounts[0].cycle = 84 * NS_PER_SECOND;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_has("<rect class=\"over\" width=\"100.0\"");
    assert_has("<rect class=\"allowed\" x=\"50.0\"");
    assert_has("<dd>1 min 24 s <span class=\"badge warning\">! stretched</span></dd>");
}

static void assert_once(const char *text)
{
    struct page_request request = {.method = "GET", .path = "/"};
    struct page_response response;
    const char *first;

    pages_answer(&request, &fake.providers, &response);
    first = strstr(strbuf_text(&response.body), text);
    assert_non_null(first);
    assert_null(strstr(first + 1, text));
    page_response_release(&response);
}

static void test_each_error_is_said_once(void **state)
{
    struct error error = {.class = ERROR_CREDENTIALS, .message = "key gone"};
    struct account_status accounts[] = {account()};

    (void)state;
    accounts[0].up = false;
    accounts[0].error = &error;
    fake.accounts = accounts;
    fake.account_count = 1;
    targets[0].up = false;
    targets[0].failures = 1;
    targets[0].error = &error;
    fake.inventory = (struct inventory_status){.instances_failures = 1,
                                               .error = {.class = ERROR_INVENTORY, .message = "no table"}};
    fake.reload = (struct reload_status){.error = {.class = ERROR_CONFIG, .message = "exporter.ini:3: bad"}};
    assert_once("key gone");
    assert_once("no table");
    assert_once("exporter.ini:3: bad");
}

static void test_account_errors_are_shown_escaped(void **state)
{
    struct error error = {
        .class = ERROR_CREDENTIALS, .code = "InvalidAccessKeyId.NotFound", .message = "<key> is gone"};
    struct account_status accounts[] = {account()};

    (void)state;
    accounts[0].aliyun_uid = "<script>";
    accounts[0].up = false;
    accounts[0].error = &error;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_page(NULL, false, "<script>");
    assert_page(NULL, false, "<key>");
    assert_has("Account &lt;script&gt; is down.");
    assert_has(
        "<h3>&lt;script&gt; <span class=\"badge bad\"><span aria-hidden=\"true\">✗</span> down</span>");
    assert_has("<b>credentials</b> InvalidAccessKeyId.NotFound · &lt;key&gt; is gone");
    assert_has("<a href=\"/targets?aliyun_uid=%3Cscript%3E\">");
}

static void test_accounts_without_credentials_have_no_quota(void **state)
{
    struct account_status accounts[] = {account()};

    (void)state;
    accounts[0].up = false;
    accounts[0].credential_kind = CREDENTIAL_NONE;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_has("Account 1000000000000001 has no credentials; its instances are not collected.");
    assert_page(NULL, false, "class=\"quota\"");
}

static void test_credentials_tell_their_kind_and_expiry(void **state)
{
    struct account_status accounts[] = {account()};

    (void)state;
    accounts[0].credential_kind = CREDENTIAL_ECS_ROLE;
    accounts[0].credentials_expiry_unix_ms = FAKE_NOW_UNIX_MS + 3600000;
    fake.accounts = accounts;
    fake.account_count = 1;
    assert_has("<dd>RAM role of the ECS instance<br><span class=\"soft small\">expire <time ");
    assert_has(">in 1 h</time>");
    accounts[0].credentials_expiry_unix_ms = FAKE_NOW_UNIX_MS - 1000;
    assert_has("<span class=\"soft small\">expired <time ");
    assert_page("zh", true, "已过期： <time ");
}

static void test_the_inventory_tells_its_age_and_trouble(void **state)
{
    (void)state;
    fake.inventory = (struct inventory_status){.instances_success_unix_ms = FAKE_NOW_UNIX_MS - 120000,
                                               .instances_failures = 2,
                                               .error = {.class = ERROR_INVENTORY, .message = "no <db>"}};
    fake.rejected[REJECTED_NO_NODES] = 5;
    assert_has(">2 min ago</time> <span class=\"badge bad\"><span aria-hidden=\"true\">✗</span> "
               "failures since: 2</span>");
    assert_has("The inventory cannot be loaded; the one of 2 min ago stays in use.");
    assert_has("no &lt;db&gt;");
    assert_has("cluster without nodes: 5");
}

static void test_a_failed_reload_is_shown(void **state)
{
    (void)state;
    fake.reload = (struct reload_status){.success_unix_ms = FAKE_START_UNIX_MS,
                                         .error = {.class = ERROR_CONFIG, .message = "exporter.ini:3: bad"}};
    assert_has("the last reload failed</span>");
    assert_has("exporter.ini:3: bad");
    assert_has(">4 min 5 s ago</time>");
}

static void test_nothing_configured_is_said(void **state)
{
    (void)state;
    fake.target_count = 0;
    assert_has("The inventory has no instance that can be collected.");
    assert_has("There are no accounts");
}

/* Neither scripts nor anything from elsewhere; no style attributes, which a stricter policy would refuse. */
static void test_the_page_is_self_contained(void **state)
{
    static const char *const foreign[] = {
        "<script", "http://", "https://", "src=", "@import", "url(", " style=", "<link"};
    struct account_status accounts[] = {account()};

    (void)state;
    fake.accounts = accounts;
    fake.account_count = 1;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_page(NULL, false, foreign[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_version_uptime_and_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_sentence_says_how_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quota_is_a_bar_with_its_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_than_the_quota_fills_the_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_error_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_errors_are_shown_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts_without_credentials_have_no_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credentials_tell_their_kind_and_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_inventory_tells_its_age_and_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_reload_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_configured_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_page_is_self_contained, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
