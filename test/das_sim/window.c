#include "window.h"

#include <stdlib.h>

#include "util.h"

static void grow(struct window *window)
{
    size_t capacity = window->capacity == 0 ? 64 : window->capacity * 2;
    uint64_t *at = xcalloc(capacity, sizeof(*at));

    for (size_t i = 0; i < window->count; i++)
        at[i] = window->at[(window->head + i) % window->capacity];
    free(window->at);
    window->at = at;
    window->head = 0;
    window->capacity = capacity;
}

size_t window_count(struct window *window, uint64_t now, uint64_t span)
{
    while (window->count > 0 && now - window->at[window->head] >= span) {
        window->head = (window->head + 1) % window->capacity;
        window->count--;
    }
    return window->count;
}

size_t window_add(struct window *window, uint64_t now, uint64_t span)
{
    (void)window_count(window, now, span);
    if (window->count == window->capacity)
        grow(window);
    window->at[(window->head + window->count) % window->capacity] = now;
    return ++window->count;
}

void window_clear(struct window *window)
{
    window->head = 0;
    window->count = 0;
}

void window_release(struct window *window)
{
    free(window->at);
    *window = (struct window){0};
}
