#include "core/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct element {
    int value;
    struct list_node link;
};

static void push_values(struct list *list, struct element *elements, int count, int first)
{
    for (int i = 0; i < count; i++) {
        elements[i] = (struct element){.value = first + i};
        list_push_back(list, &elements[i].link);
    }
}

static int pop_value(struct list *list)
{
    struct list_node *node = list_pop_front(list);

    return node != NULL ? CONTAINER_OF(node, struct element, link)->value : -1;
}

static void test_new_list_is_empty(void **state)
{
    struct list list;

    (void)state;
    list_init(&list);
    assert_true(list_empty(&list));
    assert_null(list_pop_front(&list));
}

static void test_elements_leave_in_the_order_they_came(void **state)
{
    struct element elements[5];
    struct list list;

    (void)state;
    list_init(&list);
    push_values(&list, elements, 5, 1);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(pop_value(&list), i);
    assert_true(list_empty(&list));
}

static void test_element_knows_whether_it_is_in_a_list(void **state)
{
    struct element element = {0};
    struct list list;

    (void)state;
    list_init(&list);
    assert_false(list_linked(&element.link));
    list_push_back(&list, &element.link);
    assert_true(list_linked(&element.link));
    list_remove(&element.link);
    assert_false(list_linked(&element.link));
    assert_true(list_empty(&list));
}

static void test_popped_element_is_in_no_list(void **state)
{
    struct element element = {0};
    struct list list;

    (void)state;
    list_init(&list);
    list_push_back(&list, &element.link);
    assert_ptr_equal(list_pop_front(&list), &element.link);
    assert_false(list_linked(&element.link));
}

static void test_removal_keeps_the_order_of_the_others(void **state)
{
    struct element elements[5];
    struct list list;

    (void)state;
    list_init(&list);
    push_values(&list, elements, 5, 0);
    list_remove(&elements[2].link);
    list_remove(&elements[0].link);
    list_remove(&elements[4].link);
    assert_int_equal(pop_value(&list), 1);
    assert_int_equal(pop_value(&list), 3);
    assert_int_equal(pop_value(&list), -1);
}

static void test_removed_element_can_be_pushed_again(void **state)
{
    struct element elements[2];
    struct list list;

    (void)state;
    list_init(&list);
    push_values(&list, elements, 2, 0);
    list_remove(&elements[0].link);
    list_push_back(&list, &elements[0].link);
    assert_int_equal(pop_value(&list), 1);
    assert_int_equal(pop_value(&list), 0);
}

static void test_splice_appends_in_order_and_empties_the_source(void **state)
{
    struct element left[2], right[3];
    struct list to, from;

    (void)state;
    list_init(&to);
    list_init(&from);
    push_values(&to, left, 2, 0);
    push_values(&from, right, 3, 2);
    list_splice(&to, &from);
    assert_true(list_empty(&from));
    for (int i = 0; i < 5; i++)
        assert_int_equal(pop_value(&to), i);
    assert_true(list_empty(&to));
}

static void test_splice_into_an_empty_list(void **state)
{
    struct element elements[2];
    struct list to, from;

    (void)state;
    list_init(&to);
    list_init(&from);
    push_values(&from, elements, 2, 0);
    list_splice(&to, &from);
    assert_int_equal(pop_value(&to), 0);
    assert_int_equal(pop_value(&to), 1);
    assert_int_equal(pop_value(&to), -1);
}

static void test_splice_of_an_empty_list_changes_nothing(void **state)
{
    struct element element;
    struct list to, from;

    (void)state;
    list_init(&to);
    list_init(&from);
    push_values(&to, &element, 1, 9);
    list_splice(&to, &from);
    assert_int_equal(pop_value(&to), 9);
    assert_int_equal(pop_value(&to), -1);
}

static void test_element_of_a_spliced_list_can_be_removed(void **state)
{
    struct element left[1], right[2];
    struct list to, from;

    (void)state;
    list_init(&to);
    list_init(&from);
    push_values(&to, left, 1, 0);
    push_values(&from, right, 2, 1);
    list_splice(&to, &from);
    list_remove(&right[1].link);
    list_remove(&left[0].link);
    assert_int_equal(pop_value(&to), 1);
    assert_true(list_empty(&to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_list_is_empty),
        cmocka_unit_test(test_elements_leave_in_the_order_they_came),
        cmocka_unit_test(test_element_knows_whether_it_is_in_a_list),
        cmocka_unit_test(test_popped_element_is_in_no_list),
        cmocka_unit_test(test_removal_keeps_the_order_of_the_others),
        cmocka_unit_test(test_removed_element_can_be_pushed_again),
        cmocka_unit_test(test_splice_appends_in_order_and_empties_the_source),
        cmocka_unit_test(test_splice_into_an_empty_list),
        cmocka_unit_test(test_splice_of_an_empty_list_changes_nothing),
        cmocka_unit_test(test_element_of_a_spliced_list_can_be_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
