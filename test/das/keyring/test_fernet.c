#include "das/keyring/fernet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

/*
 * The vectors of the Fernet specification (github.com/fernet/spec: generate.json, verify.json and
 * invalid.json; all have the same key). The age of a token is no matter here, so that two of those
 * that are invalid there for their time are fine.
 */
#define SPEC_KEY "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
#define SPEC_TOKEN                                                                                           \
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
#define SPEC_TIME 499162800 /* 1985-10-26T01:20:00-07:00 */

static const unsigned char spec_iv[FERNET_IV_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static const struct {
    const char *description;
    const char *token;
    enum fernet_status status;
} spec_vectors[] = {
    {"verify", SPEC_TOKEN, FERNET_OK},
    {"incorrect mac",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
     FERNET_WRONG_MAC},
    {"too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", FERNET_TRUNCATED},
    {"invalid base64",
     "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
     FERNET_NOT_BASE64},
    {"payload size not multiple of block size",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm",
     FERNET_TRUNCATED},
    {"payload padding error",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
     FERNET_WRONG_PADDING},
    {"far-future TS",
     "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==",
     FERNET_OK},
    {"expired TTL",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
     FERNET_OK},
    {"incorrect IV",
     "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
     FERNET_WRONG_PADDING},
};

static struct fernet_key spec_key;
static struct fernet_key table_key; /* of the password "password" */

static enum fernet_status decrypt(const char *token)
{
    struct strbuf message;
    enum fernet_status status;

    strbuf_init(&message, 0);
    status = fernet_decrypt(&spec_key, token, strlen(token), &message);
    if (status != FERNET_OK)
        assert_int_equal(message.length, 0);
    strbuf_release_secret(&message);
    return status;
}

static enum fernet_status decrypt_column(const struct fernet_key *key, const char *column,
                                         const char *expected)
{
    struct strbuf message;
    enum fernet_status status;

    strbuf_init(&message, 0);
    status = fernet_decrypt_column(key, column, strlen(column), &message);
    assert_string_equal(strbuf_text(&message), expected);
    strbuf_release_secret(&message);
    return status;
}

static void test_specification_vectors_are_accepted_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(spec_vectors) / sizeof(spec_vectors[0]); i++) {
        enum fernet_status status = decrypt(spec_vectors[i].token);

        if (status != spec_vectors[i].status)
            fail_msg("%s: %s", spec_vectors[i].description, fernet_status_text(status));
    }
}

static void test_specification_vector_is_generated(void **state)
{
    struct strbuf token;

    (void)state;
    strbuf_init(&token, 0);
    assert_int_equal(fernet_encrypt(&spec_key, "hello", 5, SPEC_TIME, spec_iv, &token), FERNET_OK);
    assert_string_equal(strbuf_text(&token), SPEC_TOKEN);
    strbuf_release(&token);
}

static void test_specification_vector_is_decrypted(void **state)
{
    struct strbuf message;

    (void)state;
    strbuf_init(&message, 0);
    assert_int_equal(fernet_decrypt(&spec_key, SPEC_TOKEN, strlen(SPEC_TOKEN), &message), FERNET_OK);
    assert_string_equal(strbuf_text(&message), "hello");
    strbuf_release_secret(&message);
}

static void test_padding_of_the_base64_may_be_absent(void **state)
{
    char token[] = SPEC_TOKEN;

    (void)state;
    token[strcspn(token, "=")] = '\0';
    assert_int_equal(decrypt(token), FERNET_OK);
}

static void test_blanks_around_a_token_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decrypt(SPEC_TOKEN "\n"), FERNET_NOT_BASE64);
    assert_int_equal(decrypt(" " SPEC_TOKEN), FERNET_NOT_BASE64);
}

/* The version is byte 0, all of it in the first two characters. */
static void test_wrong_version_is_told(void **state)
{
    char token[] = SPEC_TOKEN;

    (void)state;
    token[1] = 'Q'; /* 0x81 */
    assert_int_equal(decrypt(token), FERNET_WRONG_VERSION);
}

/* Every cut is seen, whatever remains of the token. */
static void test_no_part_of_a_token_is_taken_for_one(void **state)
{
    char token[] = SPEC_TOKEN;

    (void)state;
    for (size_t length = strcspn(token, "="); length-- > 0;) {
        enum fernet_status status;

        token[length] = '\0';
        status = decrypt(token);
        assert_true(status == FERNET_TRUNCATED || status == FERNET_NOT_BASE64 || status == FERNET_WRONG_MAC);
    }
}

static void test_every_changed_character_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < strcspn(SPEC_TOKEN, "="); i++) {
        char token[] = SPEC_TOKEN;

        token[i] = token[i] == 'A' ? 'E' : 'A';
        assert_int_not_equal(decrypt(token), FERNET_OK);
    }
}

static void test_wrong_password_is_told(void **state)
{
    struct fernet_key other;
    struct strbuf column;

    (void)state;
    assert_true(fernet_key_derive(&other, "Password"));
    strbuf_init(&column, 0);
    assert_int_equal(fernet_encrypt_column(&other, "secret", 6, SPEC_TIME, spec_iv, &column), FERNET_OK);
    assert_int_equal(decrypt_column(&table_key, strbuf_text(&column), ""), FERNET_WRONG_MAC);
    assert_non_null(strstr(fernet_status_text(FERNET_WRONG_MAC), "password"));
    strbuf_release(&column);
    fernet_key_release(&other);
}

/* Of messages of every length around the block size. */
static void test_what_was_encrypted_comes_back(void **state)
{
    static const char text[] = "0123456789abcdef0123456789abcdef0123";

    (void)state;
    for (size_t length = 0; length < sizeof(text); length++) {
        struct strbuf token, message;

        strbuf_init(&token, 0);
        strbuf_init(&message, 0);
        assert_int_equal(fernet_encrypt(&table_key, text, length, 1735787045, spec_iv, &token), FERNET_OK);
        assert_int_equal(fernet_decrypt(&table_key, strbuf_text(&token), token.length, &message), FERNET_OK);
        assert_int_equal(message.length, length);
        assert_memory_equal(strbuf_text(&message), text, length);
        strbuf_release(&token);
        strbuf_release_secret(&message);
    }
}

static void test_too_long_a_message_is_refused(void **state)
{
    char *message = calloc(FERNET_MESSAGE_MAX + 1, 1);
    struct strbuf token, back;

    (void)state;
    assert_non_null(message);
    strbuf_init(&token, 0);
    strbuf_init(&back, 0);
    assert_int_equal(fernet_encrypt(&spec_key, message, FERNET_MESSAGE_MAX + 1, 0, spec_iv, &token),
                     FERNET_TOO_LONG);
    assert_int_equal(fernet_encrypt(&spec_key, message, FERNET_MESSAGE_MAX, 0, spec_iv, &token), FERNET_OK);
    assert_int_equal(fernet_decrypt(&spec_key, strbuf_text(&token), token.length, &back), FERNET_OK);
    assert_int_equal(back.length, FERNET_MESSAGE_MAX);
    strbuf_release(&token);
    strbuf_release(&back);
    free(message);
}

static void test_column_is_encoded_twice(void **state)
{
    struct strbuf column;

    (void)state;
    strbuf_init(&column, 0);
    assert_int_equal(fernet_encrypt_column(&spec_key, "hello", 5, SPEC_TIME, spec_iv, &column), FERNET_OK);
    assert_memory_equal(strbuf_text(&column), "Z0FBQUFB", 8); /* "gAAAAA" */
    assert_int_equal(decrypt_column(&spec_key, strbuf_text(&column), "hello"), FERNET_OK);
    strbuf_release(&column);
}

static void test_column_may_hold_a_plain_token(void **state)
{
    (void)state;
    assert_int_equal(decrypt_column(&spec_key, SPEC_TOKEN, "hello"), FERNET_OK);
}

static void test_column_that_is_no_token_is_told(void **state)
{
    (void)state;
    assert_int_equal(decrypt_column(&spec_key, "", ""), FERNET_TRUNCATED);
    assert_int_equal(decrypt_column(&spec_key, "a plain secret", ""), FERNET_NOT_BASE64);
    assert_int_equal(decrypt_column(&spec_key, "Wm05dlltRnk=", ""), FERNET_WRONG_VERSION); /* "foobar" */
    assert_int_equal(decrypt_column(&spec_key, "Z0FBQUFB", ""), FERNET_TRUNCATED);
}

static void test_earlier_content_is_dropped(void **state)
{
    struct strbuf message;

    (void)state;
    strbuf_init(&message, 0);
    strbuf_append_text(&message, "before");
    assert_int_equal(fernet_decrypt_column(&spec_key, "x", 1, &message), FERNET_NOT_BASE64);
    assert_int_equal(message.length, 0);
    strbuf_release(&message);
}

static void test_key_in_text_form_must_be_whole(void **state)
{
    struct fernet_key key;

    (void)state;
    assert_false(fernet_key_parse(&key, "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4Q=="));
    assert_false(fernet_key_parse(&key, "not base64"));
    assert_true(fernet_key_parse(&key, SPEC_KEY));
    fernet_key_release(&key);
}

static void test_released_key_is_zeroed(void **state)
{
    static const struct fernet_key zero;
    struct fernet_key key = spec_key;

    (void)state;
    fernet_key_release(&key);
    assert_memory_equal(&key, &zero, sizeof(key));
    key = spec_key;
    assert_false(fernet_key_parse(&key, ""));
    assert_memory_equal(&key, &zero, sizeof(key));
}

static void test_every_status_has_its_own_text(void **state)
{
    (void)state;
    for (int i = FERNET_OK; i <= FERNET_FAILED; i++) {
        for (int k = FERNET_OK; k < i; k++)
            assert_string_not_equal(fernet_status_text((enum fernet_status)i),
                                    fernet_status_text((enum fernet_status)k));
    }
}

static void append_hex(const char *text, struct strbuf *out)
{
    for (; *text != '\0'; text++)
        strbuf_append_format(out, "%02x", (unsigned)(unsigned char)*text);
}

/* The peer's answer in `answer`; false when no Python here has the package. */
static bool ask_peer(const char *command, const char *password, const char *text, char *answer, int size)
{
    static const char *const pythons[] = {"/usr/bin/python3", PYTHON3};
    bool ok = false;

    for (size_t i = 0; i < sizeof(pythons) / sizeof(pythons[0]) && !ok; i++) {
        struct strbuf line;
        FILE *peer;
        int status;

        strbuf_init(&line, 0);
        strbuf_append_format(&line, "%s '%s' %s ", pythons[i], FERNET_PEER, command);
        append_hex(password, &line);
        strbuf_append_char(&line, ' ');
        append_hex(text, &line);
        peer = popen(strbuf_text(&line), "r");
        strbuf_release(&line);
        assert_non_null(peer);
        ok = fgets(answer, size, peer) != NULL;
        answer[ok ? strcspn(answer, "\n") : 0] = '\0';
        status = pclose(peer);
        if (!ok && (!WIFEXITED(status) || (WEXITSTATUS(status) != 77 && WEXITSTATUS(status) != 127)))
            fail_msg("the peer failed with status %d", status);
    }
    return ok;
}

static void skip_without_peer(void)
{
    print_message("skipped: python3-cryptography is not installed\n");
    skip();
}

static void test_tokens_of_another_implementation_are_decrypted(void **state)
{
    static const char *const secrets[] = {"TestSecret", "0123456789abcdef0123456789abcd",
                                          "\xe4\xb8\xad ' \\"};

    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        struct fernet_key key;
        char column[512];

        if (!ask_peer("encrypt", "p\xc3\xa4ss word", secrets[i], column, (int)sizeof(column)))
            skip_without_peer();
        assert_true(fernet_key_derive(&key, "p\xc3\xa4ss word"));
        assert_int_equal(decrypt_column(&key, column, secrets[i]), FERNET_OK);
        fernet_key_release(&key);
    }
}

static void test_another_implementation_decrypts_our_tokens(void **state)
{
    char answer[512];
    struct strbuf column;

    (void)state;
    strbuf_init(&column, 0);
    assert_int_equal(fernet_encrypt_column(&table_key, "TestSecret", 10, 1735787045, spec_iv, &column),
                     FERNET_OK);
    if (!ask_peer("decrypt", "password", strbuf_text(&column), answer, (int)sizeof(answer))) {
        strbuf_release(&column);
        skip_without_peer();
    }
    assert_string_equal(answer, "54657374536563726574");
    strbuf_release(&column);
}

static int derive_keys(void **state)
{
    (void)state;
    return fernet_key_parse(&spec_key, SPEC_KEY) && fernet_key_derive(&table_key, "password") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specification_vectors_are_accepted_or_refused),
        cmocka_unit_test(test_specification_vector_is_decrypted),
        cmocka_unit_test(test_specification_vector_is_generated),
        cmocka_unit_test(test_padding_of_the_base64_may_be_absent),
        cmocka_unit_test(test_blanks_around_a_token_are_refused),
        cmocka_unit_test(test_wrong_version_is_told),
        cmocka_unit_test(test_no_part_of_a_token_is_taken_for_one),
        cmocka_unit_test(test_every_changed_character_is_seen),
        cmocka_unit_test(test_wrong_password_is_told),
        cmocka_unit_test(test_what_was_encrypted_comes_back),
        cmocka_unit_test(test_too_long_a_message_is_refused),
        cmocka_unit_test(test_column_is_encoded_twice),
        cmocka_unit_test(test_column_may_hold_a_plain_token),
        cmocka_unit_test(test_column_that_is_no_token_is_told),
        cmocka_unit_test(test_earlier_content_is_dropped),
        cmocka_unit_test(test_key_in_text_form_must_be_whole),
        cmocka_unit_test(test_released_key_is_zeroed),
        cmocka_unit_test(test_every_status_has_its_own_text),
        cmocka_unit_test(test_tokens_of_another_implementation_are_decrypted),
        cmocka_unit_test(test_another_implementation_decrypts_our_tokens),
    };

    return cmocka_run_group_tests(tests, derive_keys, NULL);
}
