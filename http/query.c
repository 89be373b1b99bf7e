#include "http/query.h"

#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that %XX stands for; -1 when it is malformed or NUL. `text` ends at `end`. */
static int percent_decode(const char *text, const char *end)
{
    int high = end - text >= 3 ? hex_digit(text[1]) : -1;
    int low = end - text >= 3 ? hex_digit(text[2]) : -1;

    if (high < 0 || low < 0 || (high == 0 && low == 0))
        return -1;
    return high * 16 + low;
}

/* False when the text is malformed or does not fit. */
static bool decode(const char *text, size_t length, char *out, size_t size)
{
    const char *end = text + length;
    size_t used = 0;
    int byte;

    while (text < end) {
        if (used + 1 >= size)
            return false;
        byte = *text == '+' ? ' ' : *text;
        if (*text == '%') {
            byte = percent_decode(text, end);
            if (byte < 0)
                return false;
            text += 2;
        }
        out[used++] = (char)byte;
        text++;
    }
    out[used] = '\0';
    return true;
}

static struct query_parameter *parameter_find(struct query_parameter *parameters, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(parameters[i].name, name) == 0)
            return &parameters[i];
    }
    return NULL;
}

static bool pair_read(const char *pair, size_t length, struct query_parameter *parameters, size_t count,
                      char *why, size_t size)
{
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - pair) : length;
    const char *value = equals != NULL ? equals + 1 : pair + length;
    struct query_parameter *parameter;
    char name[32];

    if (!decode(pair, name_length, name, sizeof(name))) {
        snprintf(why, size, "malformed or unknown query parameter");
        return false;
    }
    parameter = parameter_find(parameters, count, name);
    if (parameter == NULL) {
        snprintf(why, size, "unknown query parameter '%s'", name);
        return false;
    }
    if (parameter->present) {
        snprintf(why, size, "query parameter '%s' is given twice", name);
        return false;
    }
    parameter->present = true;
    if (!decode(value, (size_t)(pair + length - value), parameter->value, sizeof(parameter->value))) {
        snprintf(why, size, "the value of query parameter '%s' is too long or not well encoded", name);
        return false;
    }
    return true;
}

bool query_read(const char *query, struct query_parameter *parameters, size_t count, char *why, size_t size)
{
    size_t length;

    for (size_t i = 0; i < count; i++) {
        parameters[i].present = false;
        parameters[i].value[0] = '\0';
    }
    if (query == NULL)
        return true;
    while (*query != '\0') {
        length = strcspn(query, "&");
        if (length > 0 && !pair_read(query, length, parameters, count, why, size))
            return false;
        query += length;
        query += *query == '&';
    }
    return true;
}

bool query_find(const char *query, struct query_parameter *parameter)
{
    size_t name_length = strlen(parameter->name);

    parameter->present = false;
    parameter->value[0] = '\0';
    while (*query != '\0' && !parameter->present) {
        size_t length = strcspn(query, "&");

        if (length > name_length && strncmp(query, parameter->name, name_length) == 0 &&
            query[name_length] == '=')
            parameter->present = decode(query + name_length + 1, length - name_length - 1, parameter->value,
                                        sizeof(parameter->value));
        query += length;
        query += *query == '&';
    }
    return parameter->present;
}
