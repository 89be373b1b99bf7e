#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/weighted_list.h"

static void assert_weight(const char *list, int weight)
{
    struct weighted_element element;

    assert_true(weighted_list_next(&list, &element));
    assert_int_equal(element.weight, weight);
    assert_false(weighted_list_next(&list, &element));
}

static void test_elements_come_in_order(void **state)
{
    const char *list = " ,gzip;q=0.5 ,, Br\t;level=1; q=1.0, *;q=0";
    struct weighted_element element;

    (void)state;
    assert_true(weighted_list_next(&list, &element));
    assert_true(weighted_element_is(&element, "gzip") && element.weight == 500);
    assert_true(weighted_list_next(&list, &element));
    assert_true(weighted_element_is(&element, "br") && element.weight == 1000);
    assert_true(weighted_list_next(&list, &element));
    assert_true(weighted_element_is(&element, "*") && element.weight == 0);
    assert_false(weighted_list_next(&list, &element));
    assert_false(weighted_list_next(&list, &element));
}

static void test_empty_lists_have_no_elements(void **state)
{
    static const char *const lists[] = {"", " ", ",", " ,\t, "};
    struct weighted_element element;

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *list = lists[i];

        assert_false(weighted_list_next(&list, &element));
    }
}

static void test_weights_are_read_in_thousandths(void **state)
{
    (void)state;
    assert_weight("a", 1000);
    assert_weight("a;q=1", 1000);
    assert_weight("a;q=0.123", 123);
    assert_weight("a;Q=0.1", 100);
    assert_weight("a; q=0.05\t", 50);
    assert_weight("a;x=y", 1000);
}

static void test_what_is_no_weight_counts_as_zero(void **state)
{
    static const char *const lists[] = {"a;q=",       "a;q=2",  "a;q=1.001", "a;q=-1",
                                        "a;q=0.1234", "a;q=.5", "a;q=x",     "a;q=0,5"};
    struct weighted_element element;

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *list = lists[i];

        assert_true(weighted_list_next(&list, &element));
        assert_int_equal(element.weight, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_come_in_order),
        cmocka_unit_test(test_empty_lists_have_no_elements),
        cmocka_unit_test(test_weights_are_read_in_thousandths),
        cmocka_unit_test(test_what_is_no_weight_counts_as_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
