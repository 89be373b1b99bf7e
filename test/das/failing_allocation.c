#include "test/das/failing_allocation.h"

#include <stdatomic.h>
#include <stddef.h>

#define NEVER (-1)

/* The linker's names for the functions and their stand-ins. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

/* Allocations until one fails; libcurl's helper threads allocate, too. */
static atomic_int countdown = NEVER;

void fail_allocation(int after)
{
    atomic_store(&countdown, after);
}

bool all_allocations_done(void)
{
    return atomic_exchange(&countdown, NEVER) >= 0;
}

static bool fails_now(void)
{
    return atomic_load(&countdown) >= 0 && atomic_fetch_sub(&countdown, 1) == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}
