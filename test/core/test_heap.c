#include "core/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES      2000
#define OPERATIONS 100000

/* What the heap must do, in the plainest way: an array sorted by key, ties in order of insertion. */
struct model {
    struct heap_node *nodes[NODES];
    size_t count;
};

static void model_insert(struct model *model, struct heap_node *node, int64_t key)
{
    size_t at = model->count;

    while (at > 0 && model->nodes[at - 1]->key > key)
        at--;
    memmove(&model->nodes[at + 1], &model->nodes[at], (model->count - at) * sizeof(model->nodes[0]));
    model->nodes[at] = node;
    model->count++;
}

static struct heap_node *model_take(struct model *model, size_t at)
{
    struct heap_node *node = model->nodes[at];

    model->count--;
    memmove(&model->nodes[at], &model->nodes[at + 1], (model->count - at) * sizeof(model->nodes[0]));
    return node;
}

/* xorshift64: the same numbers on every machine. */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void assert_same_state(const struct heap *heap, const struct model *model)
{
    assert_int_equal(heap->count, model->count);
    assert_ptr_equal(heap_peek(heap), model->count > 0 ? model->nodes[0] : NULL);
}

static void insert_some_node(struct heap *heap, struct model *model, struct heap_node *nodes,
                             uint64_t *random, uint64_t keys)
{
    struct heap_node *node = &nodes[next_number(random) % NODES];
    int64_t key = (int64_t)(next_number(random) % keys) - (int64_t)(keys / 2);

    if (heap_queued(node))
        return;
    heap_insert(heap, node, key);
    model_insert(model, node, key);
}

static void pop_first(struct heap *heap, struct model *model)
{
    struct heap_node *expected = model->count > 0 ? model_take(model, 0) : NULL;

    assert_ptr_equal(heap_pop(heap), expected);
    if (expected != NULL)
        assert_false(heap_queued(expected));
}

static void remove_some_node(struct heap *heap, struct model *model, uint64_t *random)
{
    struct heap_node *node;

    if (model->count == 0)
        return;
    node = model_take(model, next_number(random) % model->count);
    heap_remove(heap, node);
    assert_false(heap_queued(node));
}

/* insert_weight of 8 operations insert; the others pop or remove. */
static void run_operations(uint64_t seed, uint64_t keys, unsigned insert_weight)
{
    struct heap_node *nodes = calloc(NODES, sizeof(*nodes));
    struct model *model = calloc(1, sizeof(*model));
    struct heap heap;
    uint64_t random = seed;

    assert_non_null(nodes);
    assert_non_null(model);
    heap_init(&heap);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        if (next_number(&random) % 8 < insert_weight)
            insert_some_node(&heap, model, nodes, &random, keys);
        else if (next_number(&random) % 2 == 0)
            pop_first(&heap, model);
        else
            remove_some_node(&heap, model, &random);
        assert_same_state(&heap, model);
    }
    while (model->count > 0)
        pop_first(&heap, model);
    assert_same_state(&heap, model);
    free(model);
    free(nodes);
}

static void test_random_operations_agree_with_a_sorted_array(void **state)
{
    (void)state;
    run_operations(0x9e3779b97f4a7c15u, UINT64_C(1) << 40, 5);
}

static void test_random_operations_with_many_ties_agree_with_a_sorted_array(void **state)
{
    (void)state;
    run_operations(0xd1b54a32d192ed03u, 5, 5);
}

static void test_random_operations_near_empty_agree_with_a_sorted_array(void **state)
{
    (void)state;
    run_operations(0x2545f4914f6cdd1du, 50, 4);
}

static void test_empty_heap_gives_null(void **state)
{
    struct heap heap;

    (void)state;
    heap_init(&heap);
    assert_null(heap_peek(&heap));
    assert_null(heap_pop(&heap));
    assert_int_equal(heap.count, 0);
}

static void test_peek_leaves_the_node_in(void **state)
{
    struct heap_node node = {0};
    struct heap heap;

    (void)state;
    heap_init(&heap);
    heap_insert(&heap, &node, 1);
    assert_ptr_equal(heap_peek(&heap), &node);
    assert_true(heap_queued(&node));
    assert_int_equal(heap.count, 1);
}

static void test_equal_keys_leave_in_order_of_insertion(void **state)
{
    struct heap_node nodes[100] = {{0}};
    struct heap heap;

    (void)state;
    heap_init(&heap);
    for (size_t i = 0; i < 100; i++)
        heap_insert(&heap, &nodes[i], 7);
    for (size_t i = 0; i < 100; i++)
        assert_ptr_equal(heap_pop(&heap), &nodes[i]);
}

static void test_extreme_keys_are_ordered(void **state)
{
    struct heap_node never = {0}, zero = {0}, lowest = {0};
    struct heap heap;

    (void)state;
    heap_init(&heap);
    heap_insert(&heap, &never, INT64_MAX);
    heap_insert(&heap, &zero, 0);
    heap_insert(&heap, &lowest, INT64_MIN);
    assert_ptr_equal(heap_pop(&heap), &lowest);
    assert_ptr_equal(heap_pop(&heap), &zero);
    assert_ptr_equal(heap_pop(&heap), &never);
}

static void test_popped_node_keeps_its_key_and_can_be_inserted_again(void **state)
{
    struct heap_node node = {0};
    struct heap heap;

    (void)state;
    heap_init(&heap);
    heap_insert(&heap, &node, 41);
    assert_int_equal(heap_pop(&heap)->key, 41);
    heap_insert(&heap, &node, 42);
    assert_int_equal(heap_pop(&heap)->key, 42);
}

static void test_many_nodes_in_any_order_need_no_deep_stack(void **state)
{
    const size_t count = 300000;
    struct heap_node *nodes = calloc(count, sizeof(*nodes));
    struct heap heap;

    (void)state;
    assert_non_null(nodes);
    heap_init(&heap);
    for (size_t i = 0; i < count; i++)
        heap_insert(&heap, &nodes[i], (int64_t)(count - i));
    for (size_t i = count; i > 0; i--)
        assert_ptr_equal(heap_pop(&heap), &nodes[i - 1]);
    for (size_t i = 0; i < count; i++)
        heap_insert(&heap, &nodes[i], (int64_t)i);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(heap_pop(&heap), &nodes[i]);
    free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations_agree_with_a_sorted_array),
        cmocka_unit_test(test_random_operations_with_many_ties_agree_with_a_sorted_array),
        cmocka_unit_test(test_random_operations_near_empty_agree_with_a_sorted_array),
        cmocka_unit_test(test_empty_heap_gives_null),
        cmocka_unit_test(test_peek_leaves_the_node_in),
        cmocka_unit_test(test_equal_keys_leave_in_order_of_insertion),
        cmocka_unit_test(test_extreme_keys_are_ordered),
        cmocka_unit_test(test_popped_node_keeps_its_key_and_can_be_inserted_again),
        cmocka_unit_test(test_many_nodes_in_any_order_need_no_deep_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
