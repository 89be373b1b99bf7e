/* What the fleet's page shows. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *fleet_page(struct fleet *fleet)
{
    struct self_metrics self = {.version = "test", .revision = "test"};
    const struct snapshot_part *parts;
    struct snapshot *snapshot;
    size_t count, length;
    struct arena arena;
    char *page, *end;

    arena_init(&arena);
    assert_true(scheduler_metrics(fleet->scheduler, fleet->now, &arena, &self));
    assert_true(registry_publish(fleet->registry, fleet->now, &self));
    snapshot = registry_snapshot(fleet->registry);
    parts = snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    page = malloc(length + 1);
    assert_non_null(page);
    end = page;
    for (size_t i = 0; i < count; i++) {
        memcpy(end, parts[i].bytes, parts[i].length);
        end += parts[i].length;
    }
    *end = '\0';
    snapshot_put(snapshot);
    arena_release(&arena);
    return page;
}

/* The next line that starts with `text`, at or after `line`. */
static const char *find_line(const char *line, const char *text)
{
    size_t length = strlen(text);

    while (line != NULL && strncmp(line, text, length) != 0) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return line;
}

bool fleet_sample(struct fleet *fleet, const char *series, double *value)
{
    char *page = fleet_page(fleet);
    const char *line = find_line(page, series);

    if (line != NULL)
        *value = strtod(line + strlen(series), NULL);
    free(page);
    return line != NULL;
}

size_t fleet_series(struct fleet *fleet, const char *family)
{
    char *page = fleet_page(fleet);
    size_t count = 0;
    char text[128];

    snprintf(text, sizeof(text), "%s{", family);
    for (const char *line = find_line(page, text); line != NULL; line = find_line(line + 1, text))
        count++;
    free(page);
    return count;
}

int fleet_target_up(struct fleet *fleet, size_t target)
{
    const struct fleet_target *about = &fleet->targets[target];
    char ins_id[32], uid[32], series[256];
    double value;

    snprintf(series, sizeof(series),
             "session_exporter_target_up{ins_id=\"%s\",node_id=\"%s\",aliyun_uid=\"%s\"} ",
             fleet_ins_id(fleet, target, ins_id), about->polardb ? "pi-test1" : "",
             fleet_uid(about->account, uid));
    return fleet_sample(fleet, series, &value) ? (int)value : -1;
}
