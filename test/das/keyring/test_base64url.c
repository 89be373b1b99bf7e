#include "das/keyring/base64url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 4648, section 10, and the two characters in which the alphabet differs from the other one's. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "-_-_"},
};

static bool decodes(const char *text)
{
    struct strbuf out;
    bool ok;

    strbuf_init(&out, 0);
    ok = base64url_decode(text, strlen(text), &out);
    strbuf_release(&out);
    return ok;
}

static void assert_decodes_to(const char *text, size_t length, const char *bytes)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    assert_true(base64url_decode(text, length, &out));
    assert_int_equal(out.length, strlen(bytes));
    assert_string_equal(strbuf_text(&out), bytes);
    strbuf_release(&out);
}

static void test_published_vectors_are_encoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct strbuf out;

        strbuf_init(&out, 0);
        base64url_encode(vectors[i].bytes, strlen(vectors[i].bytes), &out);
        assert_string_equal(strbuf_text(&out), vectors[i].text);
        strbuf_release(&out);
    }
}

static void test_published_vectors_are_decoded_with_and_without_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_decodes_to(vectors[i].text, strlen(vectors[i].text), vectors[i].bytes);
        assert_decodes_to(vectors[i].text, strcspn(vectors[i].text, "="), vectors[i].bytes);
    }
}

static void test_every_byte_comes_back(void **state)
{
    unsigned char bytes[256];
    struct strbuf text, back;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    strbuf_init(&text, 0);
    strbuf_init(&back, 0);
    base64url_encode(bytes, sizeof(bytes), &text);
    assert_true(base64url_decode(strbuf_text(&text), text.length, &back));
    assert_int_equal(back.length, sizeof(bytes));
    assert_memory_equal(back.data, bytes, sizeof(bytes));
    strbuf_release(&text);
    strbuf_release(&back);
}

static void test_what_no_encoder_writes_is_refused(void **state)
{
    static const char *const texts[] = {
        "Zg=",    "Zg===", "Zm9v=", "Zm9v====", "=",     "==",   "====",    "Z",    "Zm9vY",    "Z=g=",
        "Zg==Zg", "Zm 9v", " Zm9v", "Zm9v\n",   "Zm9v ", "+/+/", "Zm9\x80", "Zm9*", "Zm8=Zm8=",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (decodes(texts[i]))
            fail_msg("'%s' was decoded", texts[i]);
    }
}

static void test_bits_behind_the_last_byte_are_refused(void **state)
{
    (void)state;
    assert_true(decodes("Zg"));
    assert_false(decodes("Zh"));
    assert_false(decodes("Zv=="));
    assert_true(decodes("Zm8"));
    assert_false(decodes("Zm9"));
}

static void test_a_full_buffer_is_a_failure(void **state)
{
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 2);
    assert_false(base64url_decode("Zm9v", 4, &out));
    assert_true(strbuf_failed(&out));
    strbuf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors_are_encoded),
        cmocka_unit_test(test_published_vectors_are_decoded_with_and_without_padding),
        cmocka_unit_test(test_every_byte_comes_back),
        cmocka_unit_test(test_what_no_encoder_writes_is_refused),
        cmocka_unit_test(test_bits_behind_the_last_byte_are_refused),
        cmocka_unit_test(test_a_full_buffer_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
