#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/accept_encoding.h"

static void test_absent_header_means_identity(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip(NULL));
    assert_false(accept_encoding_gzip(""));
}

static void test_gzip_is_used_when_listed(void **state)
{
    (void)state;
    assert_true(accept_encoding_gzip("gzip"));
    assert_true(accept_encoding_gzip("deflate, GZIP , br"));
    assert_true(accept_encoding_gzip("x-gzip"));
    assert_true(accept_encoding_gzip("gzip;q=0.001"));
    assert_true(accept_encoding_gzip("gzip ; q=1.000"));
    assert_true(accept_encoding_gzip("gzip;Q=0.5 , br"));
}

static void test_gzip_with_weight_zero_is_refused(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q=0"));
    assert_false(accept_encoding_gzip("gzip; q=0.000"));
    assert_false(accept_encoding_gzip("*, gzip;q=0"));
}

static void test_star_covers_gzip(void **state)
{
    (void)state;
    assert_true(accept_encoding_gzip("*"));
    assert_true(accept_encoding_gzip("br, *;q=0.1"));
    assert_false(accept_encoding_gzip("*;q=0"));
}

static void test_other_codings_do_not_mean_gzip(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("deflate, br"));
    assert_false(accept_encoding_gzip("notgzip"));
    assert_false(accept_encoding_gzip("gzipped"));
}

static void test_preferred_identity_wins(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q=0.5, identity"));
    assert_true(accept_encoding_gzip("gzip;q=0.5, identity;q=0.5"));
    assert_true(accept_encoding_gzip("gzip, identity;q=0"));
}

static void test_malformed_weight_is_not_used(void **state)
{
    (void)state;
    assert_false(accept_encoding_gzip("gzip;q="));
    assert_false(accept_encoding_gzip("gzip;q=2"));
    assert_false(accept_encoding_gzip("gzip;q=1.001"));
    assert_false(accept_encoding_gzip("gzip;q=0.1234"));
    assert_false(accept_encoding_gzip("gzip;q=-1"));
    assert_false(accept_encoding_gzip(",;,;;q=1,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_header_means_identity),
        cmocka_unit_test(test_gzip_is_used_when_listed),
        cmocka_unit_test(test_gzip_with_weight_zero_is_refused),
        cmocka_unit_test(test_star_covers_gzip),
        cmocka_unit_test(test_other_codings_do_not_mean_gzip),
        cmocka_unit_test(test_preferred_identity_wins),
        cmocka_unit_test(test_malformed_weight_is_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
