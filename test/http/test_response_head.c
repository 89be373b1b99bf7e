#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/response_head.h"

#define UNIX_MS INT64_C(1767323045678)

static void assert_head(const struct page_response *response, bool keep_alive, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    response_head_append(&out, response, keep_alive, UNIX_MS);
    assert_string_equal(strbuf_text(&out), expected);
    strbuf_release(&out);
}

static void test_plain_answer(void **state)
{
    struct page_response response = {.status = 200, .content_type = "text/plain", .length = 5};

    (void)state;
    assert_head(&response, true,
                "HTTP/1.1 200 OK\r\n"
                "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
                "Content-Type: text/plain\r\n"
                "Content-Length: 5\r\n"
                "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
                "Cache-Control: no-store\r\n"
                "X-Content-Type-Options: nosniff\r\n"
                "X-Frame-Options: DENY\r\n"
                "Referrer-Policy: same-origin\r\n"
                "Cross-Origin-Resource-Policy: same-origin\r\n"
                "Connection: keep-alive\r\n\r\n");
}

static void test_every_optional_field(void **state)
{
    struct page_response response = {.status = 405,
                                     .content_type = "text/html; charset=utf-8",
                                     .allow = "GET, HEAD",
                                     .authenticate = "Basic realm=\"x\"",
                                     .retry_after = 5,
                                     .gzip = true,
                                     .vary = "Accept, Accept-Encoding",
                                     .location = "/refresh/1"};

    (void)state;
    assert_head(&response, false,
                "HTTP/1.1 405 Method Not Allowed\r\n"
                "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
                "Content-Type: text/html; charset=utf-8\r\n"
                "Content-Length: 0\r\n"
                "Content-Encoding: gzip\r\n"
                "Vary: Accept, Accept-Encoding\r\n"
                "Location: /refresh/1\r\n"
                "Allow: GET, HEAD\r\n"
                "WWW-Authenticate: Basic realm=\"x\"\r\n"
                "Retry-After: 5\r\n"
                "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                "connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
                "base-uri 'none'\r\n"
                "Cache-Control: no-store\r\n"
                "X-Content-Type-Options: nosniff\r\n"
                "X-Frame-Options: DENY\r\n"
                "Referrer-Policy: same-origin\r\n"
                "Cross-Origin-Resource-Policy: same-origin\r\n"
                "Connection: close\r\n\r\n");
}

/* A cache takes the policy of the answer over to what it has: it must be that of the page. */
static void test_what_is_not_modified_has_no_length_and_keeps_its_policy(void **state)
{
    struct page_response response = {.status = 304,
                                     .content_type = "text/html; charset=utf-8",
                                     .gzip = true,
                                     .vary = "Accept-Encoding",
                                     .etag = "\"tag-gzip\""};

    (void)state;
    assert_head(&response, true,
                "HTTP/1.1 304 Not Modified\r\n"
                "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
                "ETag: \"tag-gzip\"\r\n"
                "Vary: Accept-Encoding\r\n"
                "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                "connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
                "base-uri 'none'\r\n"
                "Cache-Control: no-cache\r\n"
                "X-Content-Type-Options: nosniff\r\n"
                "X-Frame-Options: DENY\r\n"
                "Referrer-Policy: same-origin\r\n"
                "Cross-Origin-Resource-Policy: same-origin\r\n"
                "Connection: keep-alive\r\n\r\n");
}

static void test_every_status_has_a_reason(void **state)
{
    static const int statuses[] = {200, 202, 303, 304, 400, 401, 403, 404, 405, 409, 411, 413, 429, 503, 505};
    struct page_response response = {.content_type = "text/plain"};
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        response.status = statuses[i];
        strbuf_reset(&out);
        response_head_append(&out, &response, true, UNIX_MS);
        assert_null(strstr(strbuf_text(&out), " Error\r\n"));
    }
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_answer),
        cmocka_unit_test(test_every_optional_field),
        cmocka_unit_test(test_what_is_not_modified_has_no_length_and_keeps_its_policy),
        cmocka_unit_test(test_every_status_has_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
