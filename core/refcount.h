/*
 * A reference count for immutable shared objects. Thread-safe. Memory orders: taking a
 * reference needs none, since who takes one already holds one; the last release must see all
 * that other owners did before theirs.
 */
#ifndef CORE_REFCOUNT_H
#define CORE_REFCOUNT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

struct refcount {
    atomic_uint references;
};

static inline void refcount_init(struct refcount *count)
{
    atomic_init(&count->references, 1);
}

static inline void refcount_get(struct refcount *count)
{
    unsigned before = atomic_fetch_add_explicit(&count->references, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
}

/* True when that was the last reference: the caller frees the object. */
static inline bool refcount_put(struct refcount *count)
{
    unsigned before = atomic_fetch_sub_explicit(&count->references, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}

#endif
