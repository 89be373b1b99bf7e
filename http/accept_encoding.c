#include "http/accept_encoding.h"

#include <string.h>
#include <strings.h>

#define BLANKS      " \t"
#define WEIGHT_NONE (-1) /* the coding is not listed */
#define WEIGHT_FULL 1000

struct weights {
    int gzip; /* thousandths, or WEIGHT_NONE */
    int identity;
    int any;
};

static bool name_is(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

/* "1", "0.5", "0.123": thousandths; what is not a weight counts as 0, so that it is not used. */
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

/* The weight in the parameters ";q=0.5" of an element. */
static int element_weight(const char *text, size_t length)
{
    size_t skipped;

    if (length == 0)
        return WEIGHT_FULL;
    skipped = 1 + strspn(text + 1, BLANKS); /* the ';' */
    if (length < skipped + 2 || strncasecmp(text + skipped, "q=", 2) != 0)
        return 0;
    text += skipped + 2;
    length -= skipped + 2;
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    return weight_parse(text, length);
}

static void element_read(const char *text, size_t length, struct weights *weights)
{
    size_t name = 0;
    size_t end;
    int weight;

    while (name < length && strchr(BLANKS ";", text[name]) == NULL)
        name++;
    end = name;
    while (end < length && text[end] != ';')
        end++;
    weight = element_weight(text + end, length - end);
    if (name_is(text, name, "gzip") || name_is(text, name, "x-gzip"))
        weights->gzip = weight;
    else if (name_is(text, name, "identity"))
        weights->identity = weight;
    else if (name_is(text, name, "*"))
        weights->any = weight;
}

bool accept_encoding_gzip(const char *header)
{
    struct weights weights = {WEIGHT_NONE, WEIGHT_NONE, WEIGHT_NONE};
    size_t length;
    int gzip;

    if (header == NULL)
        return false;
    while (*header != '\0') {
        header += strspn(header, BLANKS ",");
        length = strcspn(header, ",");
        element_read(header, length, &weights);
        header += length;
    }
    gzip = weights.gzip != WEIGHT_NONE ? weights.gzip : weights.any;
    return gzip > 0 && gzip >= weights.identity;
}
