/*
 * Memory that is freed all at once: the strings of an inventory or of a configuration.
 * Not shared between threads while it grows.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
};

void arena_init(struct arena *arena);

/* Frees everything ever given out by this arena. */
void arena_release(struct arena *arena);

/* Zeroed memory, aligned for any type. NULL when memory runs out; size 0 is allowed. */
void *arena_alloc(struct arena *arena, size_t size);

/* An array of zeroed elements. NULL on overflow or when memory runs out. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t element_size);

/* A copy of length bytes plus a NUL; bytes may be NULL when length is 0. NULL when memory runs out. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* A copy of a string. NULL when memory runs out. */
char *arena_strdup(struct arena *arena, const char *text);

#endif
