/* An exact sliding window: the times of the events of the last span. An event at t
 * is in the window at now while now - t < span, so N+1 events fit into no window
 * exactly when each is at least span after the N-th before it. */
#ifndef DAS_SIM_WINDOW_H
#define DAS_SIM_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct window {
    uint64_t *at; /* ring */
    size_t head;
    size_t count;
    size_t capacity;
};

/* Times must not decrease from call to call. Both forget what has left the window. */
size_t window_count(struct window *window, uint64_t now, uint64_t span);
/* Returns the count with the new event. */
size_t window_add(struct window *window, uint64_t now, uint64_t span);
void window_clear(struct window *window);
void window_release(struct window *window);

#endif
