#include "metrics/family.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_family_has_a_name_and_help(void **state)
{
    int id;

    (void)state;
    for (id = 0; id < FAMILY_COUNT; id++) {
        assert_non_null(family_get((enum family_id)id)->name);
        assert_non_null(family_get((enum family_id)id)->help);
    }
}

static void test_names_are_unique(void **state)
{
    int a;
    int b;

    (void)state;
    for (a = 0; a < FAMILY_COUNT; a++) {
        for (b = a + 1; b < FAMILY_COUNT; b++)
            assert_string_not_equal(family_get((enum family_id)a)->name, family_get((enum family_id)b)->name);
    }
}

static void test_names_do_not_carry_the_counter_suffix(void **state)
{
    const char *name;
    int id;

    (void)state;
    for (id = 0; id < FAMILY_COUNT; id++) {
        name = family_get((enum family_id)id)->name;
        assert_null(strstr(name, "_total"));
    }
}

static void test_names_of_optional_metrics_do_not_end_in_count(void **state)
{
    int id;

    (void)state;
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        const struct family *family = family_get((enum family_id)id);
        const char *end = strrchr(family->name, '_');

        assert_true(family->optional == 0 || strcmp(end, "_count") != 0);
    }
}

static void test_a_limited_family_is_followed_by_its_overflow(void **state)
{
    int id;

    (void)state;
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        const struct family *family = family_get((enum family_id)id);
        const struct family *next = family_get((enum family_id)(id + 1));

        if (!family->limited)
            continue;
        assert_int_equal(next->optional, family->optional);
        assert_memory_equal(next->name, family->name, strlen(family->name));
        assert_string_equal(next->name + strlen(family->name), "_overflow");
    }
}

static void test_label_lists_end(void **state)
{
    int id;

    (void)state;
    for (id = 0; id < FAMILY_COUNT; id++)
        assert_null(family_get((enum family_id)id)->labels[FAMILY_LABELS_MAX - 1]);
}

static void assert_labels(enum family_id id, const char *const *labels, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        assert_string_equal(family_get(id)->labels[i], labels[i]);
    assert_null(family_get(id)->labels[count]);
}

static void test_session_count_has_the_promised_labels(void **state)
{
    const char *const labels[] = {"ins_id",  "ins_name", "ins_type", "aliyun_uid",
                                  "db_user", "node_id",  "node_type"};

    (void)state;
    assert_string_equal(family_get(FAMILY_USER_SESSION_COUNT)->name, "db_user_session_count");
    assert_labels(FAMILY_USER_SESSION_COUNT, labels, 7);
}

static void test_max_user_connections_has_the_promised_labels(void **state)
{
    (void)state;
    assert_string_equal(family_get(FAMILY_MAX_USER_CONNECTIONS)->name, "db_max_user_connections");
    assert_labels(FAMILY_MAX_USER_CONNECTIONS, (const char *const[]){"ins_id", "username"}, 2);
}

static void test_help_of_collected_families_says_cached_and_how_often(void **state)
{
    (void)state;
    assert_non_null(strstr(family_get(FAMILY_USER_SESSION_COUNT)->help, "Cached: refreshed"));
    assert_non_null(strstr(family_get(FAMILY_USER_SESSION_COUNT)->help, "60s"));
    assert_non_null(strstr(family_get(FAMILY_MAX_USER_CONNECTIONS)->help, "Cached: refreshed"));
    assert_non_null(strstr(family_get(FAMILY_MAX_USER_CONNECTIONS)->help, "300s"));
    for (int id = FAMILY_MAX_USER_CONNECTIONS + 1; id < FAMILY_COLLECTED_COUNT; id++)
        assert_non_null(
            strstr(family_get((enum family_id)id)->help, "Cached: refreshed by the exporter every 60s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_family_has_a_name_and_help),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_names_do_not_carry_the_counter_suffix),
        cmocka_unit_test(test_names_of_optional_metrics_do_not_end_in_count),
        cmocka_unit_test(test_a_limited_family_is_followed_by_its_overflow),
        cmocka_unit_test(test_label_lists_end),
        cmocka_unit_test(test_session_count_has_the_promised_labels),
        cmocka_unit_test(test_max_user_connections_has_the_promised_labels),
        cmocka_unit_test(test_help_of_collected_families_says_cached_and_how_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
