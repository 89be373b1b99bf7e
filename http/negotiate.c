#include "http/negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS      " \t"
#define WEIGHT_FULL 1000
#define WEIGHT_NONE (-1) /* not listed */

/* An element of a list with weights (RFC 9110, 12.4.2): "gzip;q=0.5, br". */
struct weighted_element {
    const char *name; /* inside the header */
    size_t length;
    int weight; /* thousandths, 0 … WEIGHT_FULL; what is not a weight counts as 0 */
};

/* "1", "0.5", "0.123" in thousandths. */
static int weight_parse(const char *text, size_t length)
{
    int weight;
    int unit = 100;

    if (length == 0 || length > 5 || (text[0] != '0' && text[0] != '1') || (length > 1 && text[1] != '.'))
        return 0;
    weight = text[0] == '1' ? WEIGHT_FULL : 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        weight += (text[i] - '0') * unit;
        unit /= 10;
    }
    return weight <= WEIGHT_FULL ? weight : 0;
}

static size_t trimmed_length(const char *text, size_t length)
{
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    return length;
}

/* The weight among the parameters ";level=1;q=0.5" of an element. */
static int parameters_weight(const char *text, const char *end)
{
    while (text < end) {
        text += 1 + strspn(text + 1, BLANKS); /* the ';' */
        if (end - text >= 2 && strncasecmp(text, "q=", 2) == 0)
            return weight_parse(text + 2, trimmed_length(text + 2, strcspn(text + 2, ";,")));
        text += strcspn(text, ";,");
    }
    return WEIGHT_FULL;
}

/* Takes the next element off *list, passing over parameters but q. False at the end. */
static bool weighted_list_next(const char **list, struct weighted_element *element)
{
    const char *start = *list + strspn(*list, BLANKS ",");
    const char *end = start + strcspn(start, ",");
    size_t length = strcspn(start, ";,");

    *list = end;
    if (*start == '\0')
        return false;
    *element = (struct weighted_element){.name = start, .length = trimmed_length(start, length)};
    element->weight = parameters_weight(start + length, end);
    return true;
}

/* Compares without regard to case. */
static bool weighted_element_is(const struct weighted_element *element, const char *name)
{
    return strlen(name) == element->length && strncasecmp(element->name, name, element->length) == 0;
}

bool accept_encoding_gzip(const char *header)
{
    struct weighted_element element;
    int gzip = WEIGHT_NONE;
    int identity = WEIGHT_NONE;
    int any = WEIGHT_NONE;

    if (header == NULL)
        return false;
    while (weighted_list_next(&header, &element)) {
        if (weighted_element_is(&element, "gzip") || weighted_element_is(&element, "x-gzip"))
            gzip = element.weight;
        else if (weighted_element_is(&element, "identity"))
            identity = element.weight;
        else if (weighted_element_is(&element, "*"))
            any = element.weight;
    }
    if (gzip == WEIGHT_NONE)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}

bool accept_html(const char *header)
{
    struct weighted_element element;
    int html = 0;
    int json = 0;

    if (header == NULL)
        return false;
    while (weighted_list_next(&header, &element)) {
        if (weighted_element_is(&element, "text/html"))
            html = element.weight;
        else if (weighted_element_is(&element, "application/json"))
            json = element.weight;
    }
    return html > 0 && html >= json;
}

/* What a client calls them, with any subtags after it. */
static const char *const language_ranges[LANGUAGE_COUNT] = {[LANGUAGE_EN] = "en", [LANGUAGE_ZH] = "zh"};

/* True for "zh" and "zh-Hant-TW", not for "zha". */
static bool element_is_of(const struct weighted_element *element, const char *range)
{
    return element->length >= 2 && strncasecmp(element->name, range, 2) == 0 &&
           (element->length == 2 || element->name[2] == '-');
}

enum language accept_language(const char *header)
{
    struct weighted_element element;
    enum language best = LANGUAGE_EN;
    int weight = 0;

    while (header != NULL && weighted_list_next(&header, &element)) {
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            if (element.weight > weight && element_is_of(&element, language_ranges[language])) {
                best = (enum language)language;
                weight = element.weight;
            }
        }
    }
    return best;
}
