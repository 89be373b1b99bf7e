#include "db/exclusion.h"

#include <fnmatch.h>

#include "db/comma_list.h"

bool exclusion_init(struct exclusion *exclusion, const char *exclude)
{
    size_t items = 1;
    char *rest;
    char *item;

    for (const char *c = exclude; *c != '\0'; c++)
        items += *c == ',';
    *exclusion = (struct exclusion){0};
    arena_init(&exclusion->arena);
    rest = arena_strdup(&exclusion->arena, exclude);
    exclusion->patterns = arena_alloc_array(&exclusion->arena, items, sizeof(*exclusion->patterns));
    if (rest == NULL || exclusion->patterns == NULL)
        return false;
    while ((item = comma_list_next(&rest)) != NULL) {
        if (*item != '\0')
            exclusion->patterns[exclusion->count++] = item;
    }
    return true;
}

void exclusion_release(struct exclusion *exclusion)
{
    arena_release(&exclusion->arena);
}

bool exclusion_matches(const struct exclusion *exclusion, const char *ins_id)
{
    for (size_t i = 0; i < exclusion->count; i++) {
        if (fnmatch(exclusion->patterns[i], ins_id, 0) == 0)
            return true;
    }
    return false;
}

static bool names_an_instance(const char *pattern, const struct rows *rows)
{
    for (size_t i = 0; i < rows->instance_count; i++) {
        if (fnmatch(pattern, rows->instances[i].ins_id, 0) == 0)
            return true;
    }
    return false;
}

bool exclusion_unmatched(const char *exclude, const struct rows *rows, struct strbuf *out)
{
    struct exclusion exclusion;
    bool ok = exclusion_init(&exclusion, exclude);

    for (size_t i = 0; ok && i < exclusion.count; i++) {
        if (!names_an_instance(exclusion.patterns[i], rows))
            strbuf_append_format(out, "%s%s", out->length > 0 ? ", " : "", exclusion.patterns[i]);
    }
    exclusion_release(&exclusion);
    return ok && !strbuf_failed(out);
}
