#include "db/row_array.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

void *row_array_reserve(void *array, size_t count, size_t *capacity, size_t element_size)
{
    size_t larger = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *grown;

    if (count < *capacity)
        return array;
    grown = reallocarray(array, larger, element_size);
    if (grown != NULL)
        *capacity = larger;
    return grown;
}

void row_array_sort(void *array, size_t count, size_t element_size,
                    int (*compare)(const void *, const void *))
{
    if (array != NULL)
        qsort(array, count, element_size, compare);
}

int row_larger_first(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

int row_newer_first(struct row_value updated_a, struct row_value id_a, struct row_value updated_b,
                    struct row_value id_b)
{
    int order = row_larger_first(updated_a.value, updated_b.value);

    if (order == 0)
        order = row_larger_first(id_a.value, id_b.value);
    return order != 0 ? order
                      : strcmp(id_b.text != NULL ? id_b.text : "", id_a.text != NULL ? id_a.text : "");
}
