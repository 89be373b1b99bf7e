/* Prints the example page, text or openmetrics: makes the golden pages, see golden/README.md. */
#include <stdio.h>
#include <string.h>

#include "test/metrics/example_page.h"
#include "test/metrics/page_check.h"

int main(int argc, char **argv)
{
    bool openmetrics = argc == 2 && strcmp(argv[1], "openmetrics") == 0;
    struct registry *registry;
    struct snapshot *snapshot;
    struct strbuf page;

    if (argc != 2 || (!openmetrics && strcmp(argv[1], "text") != 0)) {
        fputs("usage: print_page text|openmetrics\n", stderr);
        return 2;
    }
    registry = example_registry();
    if (registry == NULL)
        return 1;
    snapshot = registry_snapshot(registry);
    strbuf_init(&page, 0);
    page_of_snapshot(snapshot, openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT, &page);
    fputs(strbuf_text(&page), stdout);
    strbuf_release(&page);
    snapshot_put(snapshot);
    registry_free(registry);
    return 0;
}
