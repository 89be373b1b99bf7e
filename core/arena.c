#include "core/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST_BLOCK   ((size_t)1024)
#define ARENA_LARGEST_BLOCK ((size_t)256 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t capacity;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->blocks = NULL;
}

void arena_release(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
}

/* Blocks double, so that many small arenas stay small and few large ones need few blocks. */
static size_t next_capacity(const struct arena *arena, size_t size)
{
    size_t capacity = arena->blocks == NULL ? ARENA_FIRST_BLOCK : arena->blocks->capacity * 2;

    if (capacity > ARENA_LARGEST_BLOCK)
        capacity = ARENA_LARGEST_BLOCK;
    return size > capacity ? size : capacity;
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t capacity = next_capacity(arena, size);
    struct arena_block *block;

    if (capacity > SIZE_MAX - sizeof(*block))
        return NULL;
    block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->capacity = capacity;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
    struct arena_block *block = arena->blocks;
    size_t start = 0;

    if (block != NULL)
        start = (block->used + alignment - 1) & ~(alignment - 1);
    if (block == NULL || start > block->capacity || size > block->capacity - start) {
        block = add_block(arena, size);
        start = 0;
    }
    if (block == NULL)
        return NULL;
    block->used = start + size;
    return block->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *bytes = take(arena, size, alignof(max_align_t));

    if (bytes != NULL)
        memset(bytes, 0, size);
    return bytes;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t element_size)
{
    size_t size;

    if (__builtin_mul_overflow(count, element_size, &size))
        return NULL;
    return arena_alloc(arena, size);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : take(arena, length + 1, 1);

    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text));
}
