#include "http/markup.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"

#define REPLACEMENT  "\xEF\xBF\xBD" /* U+FFFD */
#define SCRATCH_SIZE 8

/* What stands for a character, possibly built in scratch; NULL when it stands for itself. */
typedef const char *escape_fn(const char *character, size_t length, char scratch[SCRATCH_SIZE]);

static void append_escaped(struct strbuf *out, const char *text, escape_fn *escape)
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
            escaped = escape(text, length, scratch);
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

/* U+202A to U+202E, U+2066 to U+2069: they would show what follows them in another order. */
static bool is_direction_control(const char *character, size_t length)
{
    unsigned char last = (unsigned char)character[length - 1];

    if (length != 3)
        return false;
    return (memcmp(character, "\xE2\x80", 2) == 0 && last >= 0xAA && last <= 0xAE) ||
           (memcmp(character, "\xE2\x81", 2) == 0 && last >= 0xA6 && last <= 0xA9);
}

static const char *html_escape(const char *character, size_t length, char scratch[SCRATCH_SIZE])
{
    unsigned char byte = (unsigned char)*character;

    (void)scratch;
    if (length > 1)
        return is_direction_control(character, length) ? REPLACEMENT : NULL;
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return byte < 0x20 || byte == 0x7F ? REPLACEMENT : NULL; /* controls are not allowed in HTML */
    }
}

static const char *json_escape(const char *character, size_t length, char scratch[SCRATCH_SIZE])
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

void markup_html_text(struct strbuf *out, const char *text)
{
    append_escaped(out, text, html_escape);
}

void markup_json_string(struct strbuf *out, const char *text)
{
    if (text == NULL) {
        strbuf_append_text(out, "null");
        return;
    }
    strbuf_append_char(out, '"');
    append_escaped(out, text, json_escape);
    strbuf_append_char(out, '"');
}

void markup_json_member(struct strbuf *out, const char *name, const char *text)
{
    strbuf_append_char(out, '"');
    strbuf_append_text(out, name);
    strbuf_append_text(out, "\":");
    markup_json_string(out, text);
}

void markup_json_time(struct strbuf *out, int64_t unix_ms)
{
    char text[CLOCK_ISO_SIZE];

    if (unix_ms == 0) {
        strbuf_append_text(out, "null");
        return;
    }
    clock_format_iso(unix_ms, text);
    markup_json_string(out, text);
}

void markup_json_seconds(struct strbuf *out, int64_t duration_ns)
{
    if (duration_ns < 0) {
        strbuf_append_text(out, "null");
        return;
    }
    strbuf_append_int(out, duration_ns / NS_PER_SECOND);
    strbuf_append_format(out, ".%03d", (int)(duration_ns % NS_PER_SECOND / NS_PER_MS));
}
