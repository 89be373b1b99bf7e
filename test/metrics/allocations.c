#include "test/metrics/allocations.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* The linker's names for the functions and their stand-ins. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
void __wrap_free(void *block);

static atomic_long left = -1;
static atomic_long live;

void allocations_fail_after(long after)
{
    atomic_store(&left, after);
}

long allocations_live(void)
{
    return atomic_load(&live);
}

static bool allowed(void)
{
    long before = atomic_load(&left);

    if (before < 0)
        return true;
    if (before == 0)
        return false;
    atomic_store(&left, before - 1);
    return true;
}

static void *count(void *block, bool is_new)
{
    if (block != NULL && is_new)
        atomic_fetch_add(&live, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return allowed() ? count(__real_malloc(size), true) : NULL;
}

void *__wrap_calloc(size_t elements, size_t size)
{
    return allowed() ? count(__real_calloc(elements, size), true) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    const bool first = block == NULL;

    return allowed() ? count(__real_realloc(block, size), first) : NULL;
}

void *__wrap_reallocarray(void *block, size_t elements, size_t size)
{
    const bool first = block == NULL;

    return allowed() ? count(__real_reallocarray(block, elements, size), first) : NULL;
}

void __wrap_free(void *block)
{
    if (block != NULL)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}
