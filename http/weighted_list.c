#include "http/weighted_list.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"

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

static size_t trimmed(const char *text, size_t length)
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
            return weight_parse(text + 2, trimmed(text + 2, strcspn(text + 2, ";,")));
        text += strcspn(text, ";,");
    }
    return WEIGHT_FULL;
}

bool weighted_list_next(const char **list, struct weighted_element *element)
{
    const char *start = *list + strspn(*list, BLANKS ",");
    const char *end = start + strcspn(start, ",");
    size_t length = strcspn(start, ";,");

    *list = end;
    if (*start == '\0')
        return false;
    *element = (struct weighted_element){.name = start, .length = trimmed(start, length)};
    element->weight = parameters_weight(start + length, end);
    return true;
}

bool weighted_element_is(const struct weighted_element *element, const char *name)
{
    return strlen(name) == element->length && strncasecmp(element->name, name, element->length) == 0;
}
