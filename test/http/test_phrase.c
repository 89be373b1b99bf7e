#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"
#include "http/phrase.h"

/* The arguments that a text uses, as bits. */
static unsigned arguments_of(const char *text)
{
    unsigned arguments = 0;

    while ((text = strchr(text, '{')) != NULL) {
        assert_true(text[1] >= '0' && text[1] < '0' + PHRASE_ARGUMENTS_MAX && text[2] == '}');
        arguments |= 1u << (text[1] - '0');
        text += 3;
    }
    return arguments;
}

static void test_every_phrase_has_every_language(void **state)
{
    (void)state;
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
            const char *text = phrase_text((enum language)language, (enum phrase)phrase);

            if (text == NULL || text[0] == '\0')
                fail_msg("phrase %d lacks language %d", phrase, language);
        }
    }
}

static void test_translations_use_the_same_arguments(void **state)
{
    (void)state;
    for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
        const char *english = phrase_text(LANGUAGE_EN, (enum phrase)phrase);

        if (arguments_of(english) != arguments_of(phrase_text(LANGUAGE_ZH, (enum phrase)phrase)))
            fail_msg("%s", english);
    }
}

static void test_phrases_need_no_escapes(void **state)
{
    (void)state;
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
            const char *text = phrase_text((enum language)language, (enum phrase)phrase);

            if (strpbrk(text, "<>&\"'\n") != NULL)
                fail_msg("%s", text);
        }
    }
}

/* Names and abbreviations apart, a Chinese text has a Chinese character and an English one has none. */
static void test_no_phrase_is_left_untranslated(void **state)
{
    (void)state;
    for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
        const char *english = phrase_text(LANGUAGE_EN, (enum phrase)phrase);
        const char *chinese = phrase_text(LANGUAGE_ZH, (enum phrase)phrase);

        if (phrase != PHRASE_OF && phrase != PHRASE_CREDENTIALS_STATIC && strcmp(english, chinese) == 0)
            fail_msg("%s", english);
        for (const char *c = english; *c != '\0'; c++) {
            if (text_utf8_length(c, strlen(c)) == 3 && (unsigned char)*c >= 0xE3)
                fail_msg("%s", english);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_phrase_has_every_language),
        cmocka_unit_test(test_translations_use_the_same_arguments),
        cmocka_unit_test(test_phrases_need_no_escapes),
        cmocka_unit_test(test_no_phrase_is_left_untranslated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
