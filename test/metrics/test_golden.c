/* The example page against the golden pages, which golden/README.md tells how to renew. */
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/metrics/example_page.h"
#include "test/metrics/page_check.h"

static void read_golden(const char *name, struct strbuf *content)
{
    char path[4096];
    char chunk[4096];
    size_t length;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0)
        strbuf_append(content, chunk, length);
    fclose(file);
}

static void assert_golden(enum exposition_format format, const char *name)
{
    struct registry *registry = example_registry();
    struct snapshot *snapshot = registry_snapshot(registry);
    struct strbuf expected;
    struct strbuf page;

    strbuf_init(&expected, 0);
    strbuf_init(&page, 0);
    read_golden(name, &expected);
    page_of_snapshot(snapshot, format, &page);
    assert_string_equal(strbuf_text(&page), strbuf_text(&expected));
    strbuf_release(&expected);
    strbuf_release(&page);
    snapshot_put(snapshot);
    registry_free(registry);
}

static void test_text_page_is_the_golden_one(void **state)
{
    (void)state;
    assert_golden(EXPOSITION_TEXT, "page.txt");
}

static void test_openmetrics_page_is_the_golden_one(void **state)
{
    (void)state;
    assert_golden(EXPOSITION_OPENMETRICS, "page.openmetrics");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_page_is_the_golden_one),
        cmocka_unit_test(test_openmetrics_page_is_the_golden_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
