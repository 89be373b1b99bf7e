#include "metrics/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define REPLACEMENT_CHARACTER "\xEF\xBF\xBD" /* U+FFFD */

const char *exposition_content_type(enum exposition_format format)
{
    return format == EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                            : "text/plain; version=0.0.4; charset=utf-8";
}

static void append_sample_name(struct strbuf *out, const struct family *family)
{
    strbuf_append_text(out, family->name);
    if (family->type == FAMILY_COUNTER)
        strbuf_append_text(out, "_total");
}

static void append_header_name(struct strbuf *out, const struct family *family, enum exposition_format format)
{
    if (format == EXPOSITION_OPENMETRICS)
        strbuf_append_text(out, family->name);
    else
        append_sample_name(out, family);
}

static void append_help_text(struct strbuf *out, const char *help, enum exposition_format format)
{
    for (; *help != '\0'; help++) {
        if (*help == '\\')
            strbuf_append_text(out, "\\\\");
        else if (*help == '\n')
            strbuf_append_text(out, "\\n");
        else if (*help == '"' && format == EXPOSITION_OPENMETRICS)
            strbuf_append_text(out, "\\\"");
        else
            strbuf_append_char(out, *help);
    }
}

static const char *type_name(enum family_type type)
{
    static const char *const names[] = {
        [FAMILY_GAUGE] = "gauge",
        [FAMILY_COUNTER] = "counter",
        [FAMILY_HISTOGRAM] = "histogram",
    };

    return names[type];
}

void exposition_family_header(struct strbuf *out, const struct family *family, enum exposition_format format)
{
    strbuf_append_text(out, "# HELP ");
    append_header_name(out, family, format);
    strbuf_append_char(out, ' ');
    append_help_text(out, family->help, format);
    strbuf_append_text(out, "\n# TYPE ");
    append_header_name(out, family, format);
    strbuf_append_char(out, ' ');
    strbuf_append_text(out, type_name(family->type));
    strbuf_append_char(out, '\n');
}

void exposition_header(struct strbuf *out, enum family_id family, enum exposition_format format)
{
    exposition_family_header(out, family_get(family), format);
}

void exposition_end(struct strbuf *out, enum exposition_format format)
{
    if (format == EXPOSITION_OPENMETRICS)
        strbuf_append_text(out, "# EOF\n");
}

static bool is_between(unsigned char byte, unsigned char first, unsigned char last)
{
    return first <= byte && byte <= last;
}

/* Whether a second byte can follow this lead byte in well-formed UTF-8 (Unicode table 3-7). */
static bool can_follow_lead(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xE0:
        return is_between(second, 0xA0, 0xBF);
    case 0xED:
        return is_between(second, 0x80, 0x9F);
    case 0xF0:
        return is_between(second, 0x90, 0xBF);
    case 0xF4:
        return is_between(second, 0x80, 0x8F);
    default:
        return is_between(lead, 0xC2, 0xF4) && is_between(second, 0x80, 0xBF);
    }
}

/*
 * The length of the maximal subpart of an ill-formed sequence (Unicode 15, section 3.9): the
 * longest start of some well-formed sequence, or one byte. Text is NUL-terminated, so looking at
 * the next byte is always allowed.
 */
static size_t maximal_subpart_length(const unsigned char *bytes)
{
    size_t wanted = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    size_t length = 2;

    if (!can_follow_lead(bytes[0], bytes[1]))
        return 1;
    while (length < wanted && is_between(bytes[length], 0x80, 0xBF))
        length++;
    return length;
}

/* The length of the start of a label value that is written as it is. */
static size_t plain_length(const char *value)
{
    size_t length = 0;
    unsigned char byte = (unsigned char)value[0];

    while (byte != '\0' && byte < 0x80 && byte != '\\' && byte != '"' && byte != '\n')
        byte = (unsigned char)value[++length];
    return length;
}

/* Writes one character that is not plain; returns how many bytes of the value it was. */
static size_t append_special(struct strbuf *out, const char *value)
{
    size_t length;

    switch (*value) {
    case '\\':
        strbuf_append_text(out, "\\\\");
        return 1;
    case '"':
        strbuf_append_text(out, "\\\"");
        return 1;
    case '\n':
        strbuf_append_text(out, "\\n");
        return 1;
    default:
        length = text_utf8_length(value, strnlen(value, 4));
        if (length > 0) {
            strbuf_append(out, value, length);
            return length;
        }
        strbuf_append_text(out, REPLACEMENT_CHARACTER);
        return maximal_subpart_length((const unsigned char *)value);
    }
}

void exposition_label_value(struct strbuf *out, const char *value)
{
    size_t plain;

    for (;;) {
        plain = plain_length(value);
        strbuf_append(out, value, plain);
        value += plain;
        if (*value == '\0')
            return;
        value += append_special(out, value);
    }
}

/* The label block without its closing brace; true when there was at least one label. */
static bool append_open_labels(struct strbuf *out, const struct family *family, const char *const *values)
{
    size_t i;

    for (i = 0; i < FAMILY_LABELS_MAX && family->labels[i] != NULL; i++) {
        strbuf_append_char(out, i == 0 ? '{' : ',');
        strbuf_append_text(out, family->labels[i]);
        strbuf_append_text(out, "=\"");
        exposition_label_value(out, values[i]);
        strbuf_append_char(out, '"');
    }
    return i > 0;
}

void exposition_labels(struct strbuf *out, enum family_id family, const char *const *values)
{
    if (append_open_labels(out, family_get(family), values))
        strbuf_append_char(out, '}');
}

static void append_sample_start(struct strbuf *out, enum family_id family, const char *const *values)
{
    append_sample_name(out, family_get(family));
    exposition_labels(out, family, values);
    strbuf_append_char(out, ' ');
}

void exposition_sample_int(struct strbuf *out, enum family_id family, const char *const *values,
                           int64_t value)
{
    append_sample_start(out, family, values);
    strbuf_append_int(out, value);
    strbuf_append_char(out, '\n');
}

void exposition_sample_uint(struct strbuf *out, enum family_id family, const char *const *values,
                            uint64_t value)
{
    append_sample_start(out, family, values);
    strbuf_append_uint(out, value);
    strbuf_append_char(out, '\n');
}

void exposition_sample_double(struct strbuf *out, enum family_id family, const char *const *values,
                              double value)
{
    append_sample_start(out, family, values);
    exposition_number(out, value);
    strbuf_append_char(out, '\n');
}

/* Whole bounds are written "1.0": the canonical form of OpenMetrics, and of Prometheus 3 for all. */
static void append_bucket(struct strbuf *out, const struct family *family, const char *const *values,
                          double bound, uint64_t count)
{
    strbuf_append_text(out, family->name);
    strbuf_append_text(out, "_bucket");
    strbuf_append_text(out, append_open_labels(out, family, values) ? ",le=\"" : "{le=\"");
    exposition_number(out, bound);
    if (bound == floor(bound) && fabs(bound) < 1e15)
        strbuf_append_text(out, ".0");
    strbuf_append_text(out, "\"} ");
    strbuf_append_uint(out, count);
    strbuf_append_char(out, '\n');
}

static void append_suffixed_start(struct strbuf *out, enum family_id family, const char *suffix,
                                  const char *const *values)
{
    strbuf_append_text(out, family_get(family)->name);
    strbuf_append_text(out, suffix);
    exposition_labels(out, family, values);
    strbuf_append_char(out, ' ');
}

void exposition_histogram(struct strbuf *out, enum family_id family, const char *const *values,
                          const double *bounds, const uint64_t *counts, size_t bound_count, double sum)
{
    uint64_t cumulative = 0;
    size_t i;

    for (i = 0; i <= bound_count; i++) {
        cumulative += counts[i];
        append_bucket(out, family_get(family), values, i < bound_count ? bounds[i] : INFINITY, cumulative);
    }
    append_suffixed_start(out, family, "_sum", values);
    exposition_number(out, sum);
    strbuf_append_char(out, '\n');
    append_suffixed_start(out, family, "_count", values);
    strbuf_append_uint(out, cumulative);
    strbuf_append_char(out, '\n');
}

void exposition_number(struct strbuf *out, double value)
{
    char text[48];
    /* Up to 15 digits survive the way through a double, but for subnormals, which hold fewer. */
    int precision = isnormal(value) ? 15 : 1;

    if (isnan(value)) {
        strbuf_append_text(out, "NaN");
        return;
    }
    if (isinf(value)) {
        strbuf_append_text(out, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    do
        snprintf(text, sizeof(text), "%.*g", precision, value);
    while (strtod(text, NULL) != value && ++precision <= 17);
    strbuf_append_text(out, text);
}

void exposition_unix_ms(struct strbuf *out, int64_t unix_ms)
{
    int64_t rest = unix_ms % 1000;
    int64_t unit = 100;

    strbuf_append_int(out, unix_ms / 1000);
    if (rest > 0)
        strbuf_append_char(out, '.');
    for (; rest > 0; unit /= 10) {
        strbuf_append_char(out, (char)('0' + rest / unit));
        rest %= unit;
    }
}
