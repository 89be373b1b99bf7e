#include "test/config/config_fixture.h"

#include "config/in_force.h"

static void test_the_first_configuration_is_in_force(void **state)
{
    struct config *config = load(MINIMAL);
    struct config_in_force *in_force = config_in_force_new(config);
    struct config *found;

    (void)state;
    assert_non_null(in_force);
    found = config_in_force_get(in_force);
    assert_ptr_equal(found, config);
    config_put(found);
    config_put(config);
    config_in_force_free(in_force);
}

static void test_a_later_one_takes_its_place(void **state)
{
    struct config *first = load(MINIMAL), *second = load(MINIMAL);
    struct config_in_force *in_force = config_in_force_new(first);
    struct config *found;

    (void)state;
    config_in_force_set(in_force, second);
    found = config_in_force_get(in_force);
    assert_ptr_equal(found, second);
    config_put(found);
    config_put(first);
    config_put(second);
    config_in_force_free(in_force);
}

static void test_a_reference_outlives_its_place(void **state)
{
    struct config *first = load(MINIMAL ACCOUNT), *second = load(MINIMAL);
    struct config_in_force *in_force = config_in_force_new(first);
    struct config *held = config_in_force_get(in_force);

    (void)state;
    config_put(first);
    config_in_force_set(in_force, second);
    assert_string_equal(held->accounts[0].access_key_secret, "canary-secret");
    config_put(held);
    config_put(second);
    config_in_force_free(in_force);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_configuration_is_in_force),
        cmocka_unit_test(test_a_later_one_takes_its_place),
        cmocka_unit_test(test_a_reference_outlives_its_place),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
