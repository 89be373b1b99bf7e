#include "field.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static void add_owned(struct field_list *list, char *name, char *value)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->at = xrealloc(list->at, list->capacity, sizeof(*list->at));
    }
    list->at[list->count++] = (struct field){name, value};
}

void field_list_add(struct field_list *list, const char *name, const char *value)
{
    add_owned(list, xstrdup(name), xstrdup(value));
}

/* The escapes are checked here because libevent lets a broken one through as it is. */
static bool escapes_are_whole(const char *text)
{
    for (const char *at = text; (at = strchr(at, '%')) != NULL; at++) {
        if (strspn(at + 1, "0123456789abcdefABCDEF") < 2)
            return false;
    }
    return true;
}

/* Returns malloc'd text, or NULL when the encoding is broken. */
static char *decode(const char *begin, size_t size)
{
    char *encoded = strndup(begin, size);
    char *text = NULL;
    size_t decoded_size = 0;

    if (encoded != NULL && strlen(encoded) == size && escapes_are_whole(encoded))
        text = evhttp_uridecode(encoded, 1, &decoded_size);
    if (text != NULL && strlen(text) != decoded_size) {
        free(text);
        text = NULL;
    }
    free(encoded);
    return text;
}

static bool add_pair(struct field_list *list, const char *pair, size_t size)
{
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - pair);
    char *name = decode(pair, name_size);
    char *value = equals == NULL ? xstrdup("") : decode(equals + 1, size - name_size - 1);

    if (name == NULL || value == NULL) {
        free(name);
        free(value);
        return false;
    }
    add_owned(list, name, value);
    return true;
}

bool field_list_add_encoded(struct field_list *list, const char *text, size_t size)
{
    while (size > 0) {
        const char *end = memchr(text, '&', size);
        size_t pair_size = end == NULL ? size : (size_t)(end - text);

        if (pair_size > 0 && !add_pair(list, text, pair_size))
            return false;
        if (end == NULL)
            break;
        text = end + 1;
        size -= pair_size + 1;
    }
    return true;
}

const char *field_list_get(const struct field_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i].name, name) == 0)
            return list->at[i].value;
    }
    return NULL;
}

size_t field_list_count(const struct field_list *list, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += strcmp(list->at[i].name, name) == 0;
    return count;
}

static int compare(const void *left, const void *right)
{
    const struct field *a = left;
    const struct field *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : strcmp(a->value, b->value);
}

void field_list_sort(struct field_list *list)
{
    if (list->count > 1)
        qsort(list->at, list->count, sizeof(*list->at), compare);
}

void field_list_release(struct field_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->at[i].name);
        free(list->at[i].value);
    }
    free(list->at);
    *list = (struct field_list){0};
}
