#include "target.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static int compare(const void *left, const void *right)
{
    const struct target *a = left;
    const struct target *b = right;

    return strcmp(a->name, b->name);
}

char *target_name(const char *instance_id, const char *node_id)
{
    if (strncmp(instance_id, "pc-", 3) != 0)
        return xprintf("%s/", instance_id);
    if (node_id == NULL || *node_id == '\0')
        return xprintf("%s/pi-%s", instance_id, instance_id + 3);
    return xprintf("%s/%s", instance_id, node_id);
}

struct target *target_table_get(struct target_table *table, const char *name)
{
    struct target *target = xcalloc(1, sizeof(*target));
    struct target *const *found;

    target->name = xstrdup(name);
    found = tsearch(target, &table->tree, compare);
    if (found == NULL)
        abort();
    if (*found != target) {
        free(target->name);
        free(target);
    }
    return *found;
}

static void report_one(const void *node, VISIT visit, void *report)
{
    const struct target *target = *(const struct target *const *)node;

    if (visit != postorder && visit != leaf)
        return;
    (void)json_object_set_new(report, target->name,
                              json_pack("{s:I,s:I,s:I,s:I}", "submits", (json_int_t)target->submits, "polls",
                                        (json_int_t)target->polls, "throttled", (json_int_t)target->throttled,
                                        "delivered", (json_int_t)target->delivered));
}

json_t *target_table_report(const struct target_table *table)
{
    json_t *report = json_object();

    twalk_r(table->tree, report_one, report);
    return report;
}

static void reset_one(const void *node, VISIT visit, void *unused)
{
    struct target *target = *(struct target *const *)node;

    (void)unused;
    if (visit != postorder && visit != leaf)
        return;
    target->submits = 0;
    target->polls = 0;
    target->throttled = 0;
    target->delivered = 0;
}

void target_table_reset(struct target_table *table)
{
    twalk_r(table->tree, reset_one, NULL);
}

static void target_free(void *memory)
{
    struct target *target = memory;

    free(target->name);
    free(target);
}

void target_table_release(struct target_table *table)
{
    tdestroy(table->tree, target_free);
    table->tree = NULL;
}
