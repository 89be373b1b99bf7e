#include "db/row_array.h"

#include <stdlib.h>

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
