/*
 * Choosing the format from an Accept header (RFC 9110, 12.5.1). The most specific media range
 * that matches a format gives its weight; among equally specific ones the largest counts.
 * Members that cannot be read are passed over, so no header is an error.
 */
#include "metrics/exposition.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* How closely a media range names a format. */
enum specificity { MATCHES_NOTHING, MATCHES_ANY, MATCHES_TYPE, MATCHES_SUBTYPE, MATCHES_VERSION };

/* A piece of the header. */
struct span {
    const char *text;
    size_t length;
};

struct media_range {
    struct span name;    /* "text/plain", "text/" followed by "*", … */
    struct span version; /* text NULL: none asked for */
    int weight;          /* q in thousandths; -1: unreadable */
};

struct candidate {
    const char *type; /* "text" */
    const char *name; /* "text/plain" */
    const char *versions[2];
};

/* The weight a header gives to one format, so far. */
struct preference {
    enum specificity specificity;
    int weight;
};

static const struct candidate candidates[EXPOSITION_FORMAT_COUNT] = {
    [EXPOSITION_TEXT] = {"text", "text/plain", {"0.0.4", "0.0.4"}},
    [EXPOSITION_OPENMETRICS] = {"application", "application/openmetrics-text", {"1.0.0", "0.0.1"}},
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span span_trim(struct span span)
{
    while (span.length > 0 && is_blank(span.text[0])) {
        span.text++;
        span.length--;
    }
    while (span.length > 0 && is_blank(span.text[span.length - 1]))
        span.length--;
    return span;
}

static bool span_equals(struct span span, const char *text)
{
    return span.length == strlen(text) && strncasecmp(span.text, text, span.length) == 0;
}

/* Takes the part of *rest up to the separator, which counts outside quoted strings only. */
static struct span span_split(struct span *rest, char separator)
{
    struct span part = {rest->text, 0};
    bool quoted = false;
    size_t i;

    for (i = 0; i < rest->length && (quoted || rest->text[i] != separator); i++) {
        if (quoted && rest->text[i] == '\\' && i + 1 < rest->length)
            i++;
        else if (rest->text[i] == '"')
            quoted = !quoted;
    }
    part.length = i;
    if (i < rest->length)
        i++;
    rest->text += i;
    rest->length -= i;
    return span_trim(part);
}

static struct span span_unquote(struct span span)
{
    if (span.length >= 2 && span.text[0] == '"' && span.text[span.length - 1] == '"')
        return (struct span){span.text + 1, span.length - 2};
    return span;
}

/* A qvalue in thousandths, further digits cut; -1 when it is none. */
static int parse_weight(struct span text)
{
    int weight = 0;
    int unit = 100;
    size_t i;

    if (text.length == 0 || (text.text[0] != '0' && text.text[0] != '1'))
        return -1;
    if (text.length > 1 && text.text[1] != '.')
        return -1;
    weight = text.text[0] == '1' ? 1000 : 0;
    for (i = 2; i < text.length; i++) {
        if (text.text[i] < '0' || text.text[i] > '9')
            return -1;
        weight += (text.text[i] - '0') * unit;
        unit /= 10;
    }
    return weight <= 1000 ? weight : -1;
}

static struct media_range parse_range(struct span member)
{
    struct media_range range = {span_split(&member, ';'), {NULL, 0}, 1000};
    struct span value;
    struct span name;

    while (member.length > 0) {
        value = span_split(&member, ';');
        name = span_split(&value, '=');
        value = span_unquote(span_trim(value));
        if (span_equals(name, "q"))
            range.weight = parse_weight(value);
        else if (span_equals(name, "version"))
            range.version = value;
    }
    return range;
}

static enum specificity match(const struct media_range *range, const struct candidate *candidate)
{
    size_t type_length = strlen(candidate->type);

    if (span_equals(range->name, candidate->name)) {
        if (range->version.text == NULL)
            return MATCHES_SUBTYPE;
        return span_equals(range->version, candidate->versions[0]) ||
                       span_equals(range->version, candidate->versions[1])
                   ? MATCHES_VERSION
                   : MATCHES_NOTHING;
    }
    if (span_equals(range->name, "*/*"))
        return MATCHES_ANY;
    if (range->name.length == type_length + 2 && memcmp(range->name.text + type_length, "/*", 2) == 0 &&
        strncasecmp(range->name.text, candidate->type, type_length) == 0)
        return MATCHES_TYPE;
    return MATCHES_NOTHING;
}

static void preference_update(struct preference *preference, const struct media_range *range,
                              const struct candidate *candidate)
{
    enum specificity specificity = match(range, candidate);

    if (range->weight < 0 || specificity == MATCHES_NOTHING)
        return;
    if (specificity > preference->specificity)
        *preference = (struct preference){specificity, range->weight};
    else if (specificity == preference->specificity && range->weight > preference->weight)
        preference->weight = range->weight;
}

enum exposition_format exposition_negotiate(const char *accept)
{
    struct preference preferences[EXPOSITION_FORMAT_COUNT] = {{MATCHES_NOTHING, 0}, {MATCHES_NOTHING, 0}};
    const struct preference *text = &preferences[EXPOSITION_TEXT];
    const struct preference *openmetrics = &preferences[EXPOSITION_OPENMETRICS];
    struct span rest = {accept, accept != NULL ? strlen(accept) : 0};
    struct media_range range;
    int format;

    while (rest.length > 0) {
        range = parse_range(span_split(&rest, ','));
        for (format = 0; format < EXPOSITION_FORMAT_COUNT; format++)
            preference_update(&preferences[format], &range, &candidates[format]);
    }
    /* A wildcard does not ask for OpenMetrics: people with a browser or curl get the plain text. */
    if (openmetrics->specificity < MATCHES_SUBTYPE || openmetrics->weight == 0)
        return EXPOSITION_TEXT;
    return openmetrics->weight >= text->weight ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}
