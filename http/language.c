#include "http/language.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#include "http/weighted_list.h"

static const struct {
    const char *tag;
    const char *range; /* what a client calls it, with any subtags after it */
} languages[LANGUAGE_COUNT] = {
    [LANGUAGE_EN] = {"en", "en"},
    [LANGUAGE_ZH] = {"zh-CN", "zh"},
};

const char *language_tag(enum language language)
{
    return languages[language].tag;
}

/* True for "zh" and "zh-Hant-TW", not for "zha". */
static bool is_of(const struct weighted_element *element, enum language language)
{
    const char *range = languages[language].range;

    return element->length >= 2 && strncasecmp(element->name, range, 2) == 0 &&
           (element->length == 2 || element->name[2] == '-');
}

enum language language_negotiate(const char *header)
{
    struct weighted_element element;
    enum language best = LANGUAGE_EN;
    int weight = 0;

    while (header != NULL && weighted_list_next(&header, &element)) {
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            if (element.weight > weight && is_of(&element, (enum language)language)) {
                best = (enum language)language;
                weight = element.weight;
            }
        }
    }
    return best;
}
