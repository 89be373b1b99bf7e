/*
 * Memory functions for libraries that let theirs be replaced: what they free is overwritten first,
 * since libcurl and Jansson keep copies of keys and tokens. Memory of malloc(), calloc() and strdup() is
 * freed by these and theirs by free(). Any thread.
 */
#ifndef DAS_ZEROED_MEMORY_H
#define DAS_ZEROED_MEMORY_H

#include <stddef.h>

void zeroed_free(void *memory); /* NULL is allowed */

/* As realloc(), for a size above 0, but nothing is left at the old place. */
void *zeroed_realloc(void *memory, size_t size);

#endif
