#include "core/heap.h"

#include <assert.h>

void heap_init(struct heap *heap)
{
    *heap = (struct heap){.root = NULL};
}

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->sequence < b->sequence);
}

/* Makes the later of two roots the leftmost child of the earlier one. Either may be NULL. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (before(b, a)) {
        struct heap_node *swap = a;

        a = b;
        b = swap;
    }
    b->previous = a;
    b->sibling = a->child;
    if (a->child != NULL)
        a->child->previous = b;
    a->child = b;
    return a;
}

static struct heap_node *detach_sibling(struct heap_node *node)
{
    struct heap_node *sibling = node->sibling;

    node->sibling = NULL;
    node->previous = NULL;
    return sibling;
}

/* The two passes of the pairing heap: meld pairs from the left, then all from the right. */
static struct heap_node *meld_siblings(struct heap_node *first)
{
    struct heap_node *pairs = NULL;
    struct heap_node *root = NULL;

    while (first != NULL) {
        struct heap_node *a = first;
        struct heap_node *b = detach_sibling(a);

        first = b != NULL ? detach_sibling(b) : NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct heap_node *next = detach_sibling(pairs);

        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void heap_insert(struct heap *heap, struct heap_node *node, int64_t key)
{
    assert(!node->queued);
    *node = (struct heap_node){.key = key, .sequence = heap->next_sequence++, .queued = true};
    heap->root = meld(heap->root, node);
    heap->count++;
}

struct heap_node *heap_peek(const struct heap *heap)
{
    return heap->root;
}

struct heap_node *heap_pop(struct heap *heap)
{
    struct heap_node *node = heap->root;

    if (node != NULL)
        heap_remove(heap, node);
    return node;
}

/* Cuts a node that is not the root, with everything below it, out of its parent's children. */
static void cut(struct heap_node *node)
{
    if (node->previous->child == node)
        node->previous->child = node->sibling;
    else
        node->previous->sibling = node->sibling;
    if (node->sibling != NULL)
        node->sibling->previous = node->previous;
    detach_sibling(node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *children;

    assert(node->queued);
    if (node != heap->root)
        cut(node);
    children = meld_siblings(node->child);
    heap->root = node == heap->root ? children : meld(heap->root, children);
    *node = (struct heap_node){.key = node->key};
    heap->count--;
}
