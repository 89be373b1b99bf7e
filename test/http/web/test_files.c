#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#define ZLIB_CONST
#include <zlib.h>

#include "config/config.h"
#include "http/pages.h"
#include "http/web/target_view.h"
#include "test/http/fake_providers.h"

#define ALL_FILES_MAX (60 * 1024)
#define FILE_MAX      (64 * 1024)

static struct fake fake;

static const struct {
    const char *path;
    const char *content_type;
} files[] = {
    {"/", "text/html; charset=utf-8"},
    {"/targets", "text/html; charset=utf-8"},
    {"/web/style.css", "text/css; charset=utf-8"},
    {"/web/app.js", "text/javascript; charset=utf-8"},
    {"/web/phrases.en.json", "application/json"},
    {"/web/phrases.zh.json", "application/json"},
};

#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

static int setup(void **state)
{
    (void)state;
    fake_init(&fake, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&fake);
    return 0;
}

static struct page_request request_for(const char *path)
{
    return (struct page_request){.method = "GET", .path = path};
}

static void answer(const struct page_request *request, int status, struct page_response *response)
{
    pages_answer(request, &fake.providers, response);
    assert_int_equal(response->status, status);
}

static void test_each_file_has_its_type_and_a_tag(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct page_request request = request_for(files[i].path);
        struct page_response response;

        answer(&request, 200, &response);
        assert_string_equal(response.content_type, files[i].content_type);
        assert_string_equal(response.vary, "Accept-Encoding");
        assert_true(response.length > 0);
        assert_int_equal(response.etag[0], '"');
        page_response_release(&response);
    }
}

static void test_all_files_together_stay_small(void **state)
{
    size_t sum = 0;

    (void)state;
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct page_request request = request_for(files[i].path);
        struct page_response response;

        answer(&request, 200, &response);
        sum += response.length;
        page_response_release(&response);
    }
    assert_in_range(sum, 1, ALL_FILES_MAX);
}

static void test_the_compressed_form_is_the_same_file(void **state)
{
    static unsigned char inflated[FILE_MAX];

    (void)state;
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct page_request request = request_for(files[i].path);
        struct page_response plain, packed;
        z_stream stream = {.next_out = inflated, .avail_out = sizeof(inflated)};

        answer(&request, 200, &plain);
        request.accept_encoding = "gzip, deflate";
        answer(&request, 200, &packed);
        assert_true(packed.gzip && !plain.gzip);
        assert_true(packed.length < plain.length);
        assert_string_not_equal(packed.etag, plain.etag);
        stream.next_in = (z_const Bytef *)packed.parts[0].bytes;
        stream.avail_in = (unsigned)packed.length;
        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        inflateEnd(&stream);
        assert_int_equal(stream.total_out, plain.length);
        assert_memory_equal(inflated, plain.parts[0].bytes, plain.length);
        page_response_release(&plain);
        page_response_release(&packed);
    }
}

/* A request that says it has `before`, the file's own tag if `own`, or else nothing but that. */
static void assert_conditional(const char *before, bool own, int status)
{
    struct page_request request = request_for("/web/app.js");
    struct page_response response;
    char header[256];

    answer(&request, 200, &response);
    snprintf(header, sizeof(header), "%s%s", before, own ? response.etag : "");
    page_response_release(&response);
    request.if_none_match = header;
    answer(&request, status, &response);
    assert_true((response.length == 0) == (status == 304));
    assert_string_equal(response.content_type, "text/javascript; charset=utf-8");
    page_response_release(&response);
}

static void test_what_the_client_has_is_not_sent_again(void **state)
{
    (void)state;
    assert_conditional("", true, 304);
    assert_conditional("W/", true, 304);
    assert_conditional("\"other\", ", true, 304);
    assert_conditional("*", false, 304);
    assert_conditional("\"other\"", false, 200);
    assert_conditional("", false, 200);
}

static void test_the_tag_of_the_other_form_does_not_count(void **state)
{
    struct page_request request = request_for("/web/app.js");
    struct page_response response;

    (void)state;
    answer(&request, 200, &response);
    request.if_none_match = response.etag;
    page_response_release(&response);
    request.accept_encoding = "gzip";
    answer(&request, 200, &response);
    page_response_release(&response);
}

static void assert_language(const char *header, const char *tag)
{
    struct page_request request = request_for("/web/phrases.json");
    struct page_response response;
    json_t *phrases;

    request.accept_language = header;
    answer(&request, 200, &response);
    assert_string_equal(response.vary, "Accept-Encoding, Accept-Language");
    phrases = json_loadb(response.parts[0].bytes, response.length, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(phrases, "language")), tag);
    json_decref(phrases);
    page_response_release(&response);
}

static void test_phrases_are_in_the_language_that_is_asked_for(void **state)
{
    (void)state;
    assert_language(NULL, "en");
    assert_language("en-US,en;q=0.9,zh;q=0.5", "en");
    assert_language("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN");
}

static void test_other_files_are_not_there(void **state)
{
    static const char *const paths[] = {"/web/", "/web/index.html", "/web/app.js/", "/web/../app.js",
                                        "/app.js"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct page_request request = request_for(paths[i]);
        struct page_response response;

        answer(&request, 404, &response);
        page_response_release(&response);
    }
}

static json_t *phrases_of(const char *path)
{
    struct page_request request = request_for(path);
    struct page_response response;
    json_t *phrases;

    answer(&request, 200, &response);
    phrases = json_loadb(response.parts[0].bytes, response.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(phrases);
    page_response_release(&response);
    return phrases;
}

/* The names in braces of `text` are all in `other`. */
static void assert_has_places_of(const char *text, const char *other)
{
    const char *brace = text;

    while ((brace = strchr(brace, '{')) != NULL) {
        const char *end = strchr(brace, '}');
        char place[32];

        assert_non_null(end);
        snprintf(place, sizeof(place), "%.*s", (int)(end - brace + 1), brace);
        if (strstr(other, place) == NULL)
            fail_msg("\"%s\" lacks %s", other, place);
        brace = end;
    }
}

static void test_every_phrase_is_in_both_languages_with_the_same_places(void **state)
{
    json_t *english = phrases_of("/web/phrases.en.json");
    json_t *chinese = phrases_of("/web/phrases.zh.json");
    const char *key;
    json_t *text;

    (void)state;
    assert_int_equal(json_object_size(english), json_object_size(chinese));
    json_object_foreach(english, key, text)
    {
        const char *translated = json_string_value(json_object_get(chinese, key));

        if (translated == NULL || translated[0] == '\0')
            fail_msg("no Chinese for %s", key);
        assert_has_places_of(json_string_value(text), translated);
        assert_has_places_of(translated, json_string_value(text));
    }
    json_decref(english);
    json_decref(chinese);
}

static void assert_phrase(json_t *phrases, const char *group, const char *name)
{
    char key[64];

    snprintf(key, sizeof(key), "%s.%s", group, name);
    if (json_object_get(phrases, key) == NULL)
        fail_msg("no phrase for %s", key);
}

static void test_everything_that_has_a_name_has_a_phrase(void **state)
{
    json_t *phrases = phrases_of("/web/phrases.en.json");

    (void)state;
    for (int i = 0; i < REJECTION_COUNT; i++)
        assert_phrase(phrases, "rejected", rejection_name((enum rejection)i));
    for (int i = 0; i < CREDENTIAL_KIND_COUNT; i++)
        assert_phrase(phrases, "credentials", credential_kind_name((enum credential_kind)i));
    for (int i = 0; i < TARGET_STATE_COUNT; i++)
        assert_phrase(phrases, "state", target_state_name((enum target_state)i));
    for (int i = 0; i < TARGET_HEALTH_COUNT; i++)
        assert_phrase(phrases, "state", target_health_name((enum target_health)i));
    json_decref(phrases);
}

static void assert_lacks(const char *path, const char *const *words, size_t count)
{
    struct page_request request = request_for(path);
    struct page_response response;

    answer(&request, 200, &response);
    for (size_t i = 0; i < count; i++) {
        if (memmem(response.parts[0].bytes, response.length, words[i], strlen(words[i])) != NULL)
            fail_msg("%s has %s", path, words[i]);
    }
    page_response_release(&response);
}

/* What the content security policy would stop, what would load from elsewhere, or break behind a proxy's path. */
static void test_pages_have_nothing_inline_foreign_or_absolute(void **state)
{
    static const char *const words[] = {
        "<style", "<script>", " style=", " onclick=",  "src=\"/",    "href=\"/",
        "//cdn",  "@import",  "https:",  "action=\"/", "src=\"http", "href=\"http"};

    (void)state;
    assert_lacks("/", words, sizeof(words) / sizeof(words[0]));
    assert_lacks("/targets", words, sizeof(words) / sizeof(words[0]));
}

static void test_the_script_makes_no_markup_of_texts(void **state)
{
    static const char *const words[] = {
        "innerHTML", "outerHTML", "insertAdjacentHTML",       "document.write", "eval(",
        "Function(", "DOMParser", "createContextualFragment", "fetch(\"/",      "ask(\"/",
        "https:"};

    (void)state;
    assert_lacks("/web/app.js", words, sizeof(words) / sizeof(words[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_file_has_its_type_and_a_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_files_together_stay_small, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_compressed_form_is_the_same_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_client_has_is_not_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_tag_of_the_other_form_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_phrases_are_in_the_language_that_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_files_are_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_phrase_is_in_both_languages_with_the_same_places, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_everything_that_has_a_name_has_a_phrase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages_have_nothing_inline_foreign_or_absolute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_script_makes_no_markup_of_texts, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
