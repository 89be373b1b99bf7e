#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/mount.h"

static void assert_mount(const char *external_url, const char *route_prefix, const char *external,
                         const char *route)
{
    struct error error = {0};
    struct mount mount;

    assert_true(mount_init(&mount, external_url, route_prefix, &error));
    assert_string_equal(mount.external_path, external);
    assert_string_equal(mount.route_prefix, route);
}

static void assert_refused(const char *external_url, const char *route_prefix, const char *key)
{
    struct error error = {0};
    struct mount mount;

    if (mount_init(&mount, external_url, route_prefix, &error))
        fail_msg("'%s' and '%s' are taken", external_url, route_prefix);
    assert_int_equal(error.class, ERROR_CONFIG);
    assert_non_null(strstr(error.message, key));
}

static void test_without_both_there_is_no_prefix(void **state)
{
    (void)state;
    assert_mount("", "", "", "");
    assert_mount("https://proxy.example", "", "", "");
    assert_mount("http://proxy.example:8080/", "/", "", "");
}

static void test_the_route_prefix_follows_the_path_of_the_url(void **state)
{
    (void)state;
    assert_mount("https://proxy.example/db/sessions/", "", "/db/sessions", "/db/sessions");
    assert_mount("HTTPS://[2001:db8::1]:8443/db", "", "/db", "/db");
    assert_mount("/db/", "", "/db", "/db");
}

static void test_a_proxy_may_take_the_prefix_off_or_change_it(void **state)
{
    (void)state;
    assert_mount("https://proxy.example/db", "/", "/db", "");
    assert_mount("https://proxy.example/db", "/exporter/", "/db", "/exporter");
    assert_mount("", "/exporter", "/exporter", "/exporter");
}

static void test_what_is_no_url_is_refused(void **state)
{
    static const char *const urls[] = {
        "db",           "ftp://x/db",     "https://",          "https:///db",
        "http://x/a b", "http://x/a?b",   "http://x/a#b",      "http://x/a%20b",
        "http://x//a",  "http://x/a/../", "http://x/a/..",     "http://x/\"",
        "http://u:p@x", "http://x\r\n/a", "http://x/\xc3\xa9", "http://x/./a"};
    char long_url[300] = "/";

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_refused(urls[i], "", "external_url");
    memset(long_url + 1, 'a', sizeof(long_url) - 2);
    assert_refused(long_url, "", "external_url");
}

static void test_what_is_no_prefix_is_refused(void **state)
{
    static const char *const prefixes[] = {"db", "/a b", "/a//b", "/..", "https://x/db"};

    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        assert_refused("", prefixes[i], "route_prefix");
}

static void test_paths_are_looked_for_below_the_prefix(void **state)
{
    struct error error = {0};
    struct mount mount;

    (void)state;
    assert_true(mount_init(&mount, "/db", "", &error));
    assert_string_equal(mount_below(&mount, "/db/metrics"), "/metrics");
    assert_string_equal(mount_below(&mount, "/db/"), "/");
    assert_string_equal(mount_below(&mount, "/db"), MOUNT_ENTRANCE);
    assert_string_equal(mount_below(&mount, "/"), MOUNT_ENTRANCE);
    assert_string_equal(mount_below(&mount, "*"), "*");
    assert_string_equal(mount_below(&mount, "/metrics"), MOUNT_OUTSIDE);
    assert_string_equal(mount_below(&mount, "/dbx/metrics"), MOUNT_OUTSIDE);
    assert_string_equal(mount_below(&mount, "/d"), MOUNT_OUTSIDE);
}

static void test_the_entrance_leads_below_the_prefix(void **state)
{
    struct error error = {0};
    struct mount mount;

    (void)state;
    assert_true(mount_init(&mount, "/proxy", "/db", &error));
    assert_string_equal(mount_entrance(&mount, "/"), "/db");
    assert_string_equal(mount_entrance(&mount, "/db"), "/proxy");
    assert_true(mount_init(&mount, "https://proxy.example/", "/db", &error));
    assert_string_equal(mount_entrance(&mount, "/"), "/db");
    assert_string_equal(mount_entrance(&mount, "/db"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_both_there_is_no_prefix),
        cmocka_unit_test(test_the_route_prefix_follows_the_path_of_the_url),
        cmocka_unit_test(test_a_proxy_may_take_the_prefix_off_or_change_it),
        cmocka_unit_test(test_what_is_no_url_is_refused),
        cmocka_unit_test(test_what_is_no_prefix_is_refused),
        cmocka_unit_test(test_paths_are_looked_for_below_the_prefix),
        cmocka_unit_test(test_the_entrance_leads_below_the_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
