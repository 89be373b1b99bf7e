#include "result.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char prefix[] = "async__";

static int compare(const void *left, const void *right)
{
    const struct result *a = left;
    const struct result *b = right;

    return (a->id > b->id) - (a->id < b->id);
}

void result_store_init(struct result_store *store)
{
    *store = (struct result_store){0};
    TAILQ_INIT(&store->queue);
}

struct result *result_store_create(struct result_store *store, uint64_t id, uint64_t now)
{
    struct result *result = xcalloc(1, sizeof(*result));
    struct result *const *found;

    result->id = id;
    result->created_us = now;
    found = tsearch(result, &store->tree, compare);
    if (found == NULL)
        abort();
    if (*found != result) {
        free(result);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&store->queue, result, next);
    store->count++;
    return result;
}

struct result *result_store_find(const struct result_store *store, uint64_t id)
{
    struct result wanted = {.id = id};
    struct result *const *found = tfind(&wanted, &store->tree, compare);

    return found == NULL ? NULL : *found;
}

void result_store_expire(struct result_store *store, uint64_t before)
{
    struct result *oldest;

    while ((oldest = TAILQ_FIRST(&store->queue)) != NULL && oldest->created_us < before) {
        TAILQ_REMOVE(&store->queue, oldest, next);
        (void)tdelete(oldest, &store->tree, compare);
        free(oldest);
        store->count--;
    }
}

void result_store_release(struct result_store *store)
{
    result_store_expire(store, UINT64_MAX);
}

char *result_id_format(uint64_t id)
{
    return xprintf("%s%016" PRIx64, prefix, id);
}

bool result_id_parse(const char *text, uint64_t *id)
{
    size_t skip = strlen(prefix);

    *id = 0;
    if (strncmp(text, prefix, skip) != 0 || strlen(text) != skip + 16)
        return false;
    if (strspn(text + skip, "0123456789abcdef") != 16)
        return false;
    *id = strtoull(text + skip, NULL, 16);
    return true;
}
