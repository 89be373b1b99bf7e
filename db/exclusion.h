/* The instances that [inventory] exclude leaves out: ids and shell patterns, comma-separated. Pure. */
#ifndef DB_EXCLUSION_H
#define DB_EXCLUSION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/strbuf.h"
#include "db/rows.h"

struct exclusion {
    struct arena arena;
    char **patterns;
    size_t count;
};

/* False when memory runs out; released all the same. */
bool exclusion_init(struct exclusion *exclusion, const char *exclude);
void exclusion_release(struct exclusion *exclusion);

bool exclusion_matches(const struct exclusion *exclusion, const char *ins_id);

/*
 * Appends the patterns of `exclude` that name no instance of the rows, comma-separated: probably
 * misspelt. To be asked before inventory_build(), which consumes the rows. False when memory runs out.
 */
bool exclusion_unmatched(const char *exclude, const struct rows *rows, struct strbuf *out);

#endif
