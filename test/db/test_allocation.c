/* Every allocation of a load fails once: nothing crashes, leaks (ASan) or is half done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "db/loader.h"
#include "db/source.h"

#define NEVER    SIZE_MAX
#define ATTEMPTS 10000 /* far more than a load allocates */

static size_t allocations_left = NEVER;

static bool allocation_fails(void)
{
    if (allocations_left == NEVER)
        return false;
    if (allocations_left == 0)
        return true;
    allocations_left--;
    return false;
}

/* The linker puts these in front of the C library's (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_reallocarray(memory, count, size);
}

/* A file with so many rows that every table grows. */
static int write_file(void **state)
{
    static char path[32];
    FILE *file;
    int descriptor;

    snprintf(path, sizeof(path), "/tmp/inventory.XXXXXX");
    descriptor = mkstemp(path);
    file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL)
        return -1;
    for (int i = 0; i < 150; i++)
        fprintf(file,
                "[instance pc-test%d]\nins_type=polardb\naliyun_uid=1000000000000001\n"
                "nodes=pi-test1:write,pi-test2:read\nusers=app:100,report:20\n",
                i);
    *state = path;
    return fclose(file);
}

static int remove_file(void **state)
{
    return unlink(*state);
}

/* Loads from the file; the first `allowed` allocations succeed. */
static bool load(const char *path, size_t allowed, struct error *error)
{
    struct inventory *inventory = NULL;
    struct user_limits *limits = NULL;
    struct rows rows;
    bool loaded;

    error_clear(error);
    rows_init(&rows);
    allocations_left = allowed;
    if (file_read_rows(path, (LOAD_INSTANCES | LOAD_USERS), &rows, error) == (LOAD_INSTANCES | LOAD_USERS)) {
        inventory = inventory_build(&rows, "rm-*,pc-x", 0, error);
        limits = user_limits_build(&rows, 0, error);
    }
    allocations_left = NEVER;
    loaded = inventory != NULL && limits != NULL;
    inventory_put(inventory);
    user_limits_put(limits);
    rows_release(&rows);
    return loaded;
}

static void test_load_survives_the_failure_of_any_allocation(void **state)
{
    struct error error;
    size_t allowed = 0;

    while (allowed < ATTEMPTS && !load(*state, allowed, &error)) {
        assert_int_equal(error.class, ERROR_NO_MEMORY);
        allowed++;
    }
    assert_in_range(allowed, 10, ATTEMPTS - 1);
}

static void test_loader_survives_the_failure_of_its_allocation(void **state)
{
    struct loader_sink sink = {0};

    (void)state;
    allocations_left = 0;
    assert_null(loader_new(NULL, &sink));
    allocations_left = NEVER;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_survives_the_failure_of_any_allocation),
        cmocka_unit_test(test_loader_survives_the_failure_of_its_allocation),
    };

    return cmocka_run_group_tests(tests, write_file, remove_file);
}
