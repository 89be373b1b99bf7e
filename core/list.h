/*
 * An intrusive doubly linked list: the node lives inside the element, so that no operation can
 * fail and an element knows whether it is in a list. Not synchronised.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next; /* NULL while in no list */
    struct list_node *previous;
};

struct list {
    struct list_node head; /* a ring: head.next is the first element, or the head itself */
};

/* The element that holds `node` as its member. */
#define CONTAINER_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->head.next = &list->head;
    list->head.previous = &list->head;
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_linked(const struct list_node *node)
{
    return node->next != NULL;
}

static inline void list_push_back(struct list *list, struct list_node *node)
{
    node->next = &list->head;
    node->previous = list->head.previous;
    list->head.previous->next = node;
    list->head.previous = node;
}

static inline void list_remove(struct list_node *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = NULL;
    node->previous = NULL;
}

/* The first element's node, taken out; NULL when the list is empty. */
static inline struct list_node *list_pop_front(struct list *list)
{
    struct list_node *node = list->head.next;

    if (node == &list->head)
        return NULL;
    list_remove(node);
    return node;
}

/* Moves every element of `from` to the end of `to`, in order. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->head.next->previous = to->head.previous;
    to->head.previous->next = from->head.next;
    from->head.previous->next = &to->head;
    to->head.previous = from->head.previous;
    list_init(from);
}

#endif
