/* Growing arrays of rows. Private to the rows. */
#ifndef DB_ROW_ARRAY_H
#define DB_ROW_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "db/row_value.h"

/* Room for one more element: the array, perhaps moved, or NULL when memory runs out. */
void *row_array_reserve(void *array, size_t count, size_t *capacity, size_t element_size);

/* qsort, but NULL (no rows at all) is allowed. */
void row_array_sort(void *array, size_t count, size_t element_size,
                    int (*compare)(const void *, const void *));

/* Negative, zero or positive, as a comparison that puts the larger one first. */
int row_larger_first(int64_t a, int64_t b);

/*
 * The same for two rows of one thing: the later first, then the one with the larger id; ids that are no numbers
 * are larger than none and are compared as texts.
 */
int row_newer_first(struct row_value updated_a, struct row_value id_a, struct row_value updated_b,
                    struct row_value id_b);

#endif
