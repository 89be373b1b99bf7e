#include "http/json_writer.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"

#define REPLACEMENT  "\xEF\xBF\xBD" /* U+FFFD */
#define SCRATCH_SIZE 8

/* What stands for a character, possibly built in scratch; NULL when it stands for itself. */
static const char *escape_of(const char *character, size_t length, char scratch[SCRATCH_SIZE])
{
    unsigned char byte = (unsigned char)*character;

    if (length > 1)
        return NULL;
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (byte >= 0x20)
        return NULL;
    snprintf(scratch, SCRATCH_SIZE, "\\u%04x", byte);
    return scratch;
}

static void append_escaped(struct strbuf *out, const char *text)
{
    char scratch[SCRATCH_SIZE];
    const char *end = text + strlen(text);
    const char *plain = text; /* start of what is to be copied as it is */

    while (text < end) {
        size_t length = text_utf8_length(text, (size_t)(end - text));
        const char *escaped = NULL;

        if (length == 0)
            escaped = REPLACEMENT;
        else
            escaped = escape_of(text, length, scratch);
        length += length == 0;
        if (escaped != NULL) {
            strbuf_append(out, plain, (size_t)(text - plain));
            strbuf_append_text(out, escaped);
            plain = text + length;
        }
        text += length;
    }
    strbuf_append(out, plain, (size_t)(end - plain));
}

void json_write_string(struct strbuf *out, const char *text)
{
    if (text == NULL) {
        strbuf_append_text(out, "null");
        return;
    }
    strbuf_append_char(out, '"');
    append_escaped(out, text);
    strbuf_append_char(out, '"');
}

void json_write_name(struct strbuf *out, const char *name)
{
    if (out->length > 0 && strchr("{[", out->data[out->length - 1]) == NULL)
        strbuf_append_char(out, ',');
    strbuf_append_format(out, "\"%s\":", name);
}

void json_write_text(struct strbuf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_string(out, text);
}

void json_write_count(struct strbuf *out, const char *name, uint64_t count)
{
    json_write_name(out, name);
    strbuf_append_uint(out, count);
}

void json_write_bool(struct strbuf *out, const char *name, bool value)
{
    json_write_name(out, name);
    strbuf_append_text(out, value ? "true" : "false");
}

void json_write_rate(struct strbuf *out, const char *name, double rate)
{
    json_write_name(out, name);
    strbuf_append_format(out, "%.3f", rate);
}

void json_write_time(struct strbuf *out, const char *name, int64_t unix_ms)
{
    char text[CLOCK_ISO_SIZE];

    if (unix_ms != 0)
        clock_format_iso(unix_ms, text);
    json_write_text(out, name, unix_ms != 0 ? text : NULL);
}

void json_write_seconds(struct strbuf *out, const char *name, int64_t duration_ns)
{
    json_write_name(out, name);
    if (duration_ns < 0)
        strbuf_append_text(out, "null");
    else
        strbuf_append_format(out, "%lld.%03d", (long long)(duration_ns / NS_PER_SECOND),
                             (int)(duration_ns % NS_PER_SECOND / NS_PER_MS));
}

void json_write_error(struct strbuf *out, const char *name, const struct error *error)
{
    json_write_name(out, name);
    if (error == NULL) {
        strbuf_append_text(out, "null");
        return;
    }
    strbuf_append_char(out, '{');
    json_write_text(out, "class", error_class_name(error->class));
    json_write_text(out, "code", error->code);
    json_write_text(out, "message", error->message);
    json_write_text(out, "request_id", error->request_id);
    strbuf_append_char(out, '}');
}
