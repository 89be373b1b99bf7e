#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/form.h"

static struct page_request form_request(void)
{
    return (struct page_request){.method = "POST",
                                 .path = "/refresh",
                                 .content_type = "application/x-www-form-urlencoded",
                                 .content_length = "42"};
}

static void test_form_is_read_whole(void **state)
{
    struct page_request request = form_request();

    (void)state;
    assert_int_equal(form_length(&request), 42);
    request.content_length = "4096";
    assert_int_equal(form_length(&request), 4096);
    request.content_type = "Application/X-WWW-Form-urlencoded; charset=UTF-8";
    assert_int_equal(form_length(&request), 4096);
}

static void test_other_lengths_are_not_read(void **state)
{
    static const char *const lengths[] = {NULL, "",   "0", "-1", "4097", "99999999999999999999",
                                          "4x", " 4", "+4"};
    struct page_request request = form_request();

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        request.content_length = lengths[i];
        assert_int_equal(form_length(&request), 0);
    }
}

static void test_other_types_are_not_read(void **state)
{
    static const char *const types[] = {NULL, "", "text/plain", "multipart/form-data",
                                        "application/x-www-form-urlencodedx"};
    struct page_request request = form_request();

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        request.content_type = types[i];
        assert_int_equal(form_length(&request), 0);
    }
}

static void test_other_requests_have_no_form(void **state)
{
    struct page_request request = form_request();

    (void)state;
    request.path = "/-/reload";
    assert_int_equal(form_length(&request), 0);
    request = form_request();
    request.method = "GET";
    assert_int_equal(form_length(&request), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_is_read_whole),
        cmocka_unit_test(test_other_lengths_are_not_read),
        cmocka_unit_test(test_other_types_are_not_read),
        cmocka_unit_test(test_other_requests_have_no_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
