/*
 * An intrusive priority queue (a pairing heap): smallest key first, ties in the order of
 * insertion. The node lives inside the element, so nothing is allocated and nothing can fail.
 * Insertion is O(1), taking the smallest or any other element O(log n) amortised.
 * Fredman, Sedgewick, Sleator, Tarjan: "The pairing heap", Algorithmica 1 (1986).
 * Not synchronised.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    uint64_t sequence;          /* set at insertion, breaks ties */
    struct heap_node *child;    /* the leftmost child */
    struct heap_node *sibling;  /* the next child of the same parent */
    struct heap_node *previous; /* the previous sibling, or the parent for a leftmost child */
    bool queued;
};

struct heap {
    struct heap_node *root;
    uint64_t next_sequence;
    size_t count;
};

void heap_init(struct heap *heap);

/* The node must be zeroed or popped before. */
void heap_insert(struct heap *heap, struct heap_node *node, int64_t key);

/* The node with the smallest key, which stays in; NULL when empty. */
struct heap_node *heap_peek(const struct heap *heap);

/* Takes the node with the smallest key out; NULL when empty. */
struct heap_node *heap_pop(struct heap *heap);

/* Takes any node out. The node must be in this heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

static inline bool heap_queued(const struct heap_node *node)
{
    return node->queued;
}

#endif
