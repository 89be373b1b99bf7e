/* Prints every family as it is exported: its name in queries, its type and its labels. */
#include <stdio.h>

#include "metrics/family.h"

static const char *type_name(enum family_type type)
{
    switch (type) {
    case FAMILY_COUNTER:
        return "counter";
    case FAMILY_HISTOGRAM:
        return "histogram";
    case FAMILY_GAUGE:
        break;
    }
    return "gauge";
}

static void print_family(const struct family *family)
{
    printf("%s%s %s", family->name, family->type == FAMILY_COUNTER ? "_total" : "", type_name(family->type));
    for (int i = 0; i < FAMILY_LABELS_MAX && family->labels[i] != NULL; i++)
        printf(" %s", family->labels[i]);
    printf("\n");
}

int main(void)
{
    for (int id = 0; id < FAMILY_COUNT; id++)
        print_family(family_get((enum family_id)id));
    return 0;
}
