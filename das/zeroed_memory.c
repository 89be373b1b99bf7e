#include "das/zeroed_memory.h"

#include <malloc.h>
#include <string.h>

/* As much as was given out, which is more than was asked for: who frees does not tell that size. */
void zeroed_free(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void *zeroed_realloc(void *memory, size_t size)
{
    size_t old_size = memory != NULL ? malloc_usable_size(memory) : 0;
    void *grown = malloc(size);

    if (grown == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(grown, memory, old_size < size ? old_size : size);
    zeroed_free(memory);
    return grown;
}
