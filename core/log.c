#include "core/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"

#define LOG_VALUE_MAX 1024
#define LOG_LINE_MAX  PIPE_BUF /* longer ones may mix on a pipe */
#define LOG_LINE_END  2        /* room kept for "}\n" */

/* On the stack, so that running out of memory can be logged. */
struct line {
    char bytes[LOG_LINE_MAX];
    size_t length;
    bool full;
};

/* How long a line waits for room in a pipe that nobody reads. */
#define STALLED_OUTPUT_MS 20

/* Settings of the process' one log; every other module takes its state as an argument. */
static atomic_int minimum_level = LOG_LEVEL_INFO;
static atomic_int line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

void log_set_level(enum log_level level)
{
    atomic_store(&minimum_level, (int)level);
}

void log_set_format(enum log_format format)
{
    atomic_store(&line_format, (int)format);
}

int log_enabled(enum log_level level)
{
    return (int)level >= atomic_load(&minimum_level);
}

static void append(struct line *line, const char *bytes, size_t length)
{
    if (line->full || length > LOG_LINE_MAX - LOG_LINE_END - line->length) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void append_text(struct line *line, const char *text)
{
    append(line, text, strlen(text));
}

static void append_int(struct line *line, int64_t number)
{
    char digits[sizeof("-9223372036854775808")];

    snprintf(digits, sizeof(digits), "%" PRId64, number);
    append_text(line, digits);
}

/* A quoted string that is valid in logfmt and in JSON, whatever the bytes. */
static void append_quoted(struct line *line, const char *text)
{
    size_t available = strnlen(text, LOG_VALUE_MAX + 4); /* sees a character across the cut whole */
    size_t start = line->length;
    char shown[TEXT_VISIBLE_SIZE];

    append_text(line, "\"");
    for (size_t i = 0; i < available && line->length - start <= LOG_VALUE_MAX && !line->full;) {
        if (text[i] == '"' || text[i] == '\\')
            append_text(line, "\\");
        i += text_visible(text + i, available - i, shown);
        append_text(line, shown);
    }
    append_text(line, "\"");
}

static bool is_bare(const char *text)
{
    if (*text == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '"' || *p == '=' || *p == '\\')
            return false;
    }
    return strlen(text) <= LOG_VALUE_MAX;
}

static void append_key(struct line *line, const char *key, bool json)
{
    if (line->length > (json ? 1 : 0))
        append_text(line, json ? "," : " ");
    if (json)
        append_quoted(line, key);
    else
        append_text(line, key);
    append_text(line, json ? ":" : "=");
}

/* A field that does not fit whole is left out. */
static void append_field(struct line *line, const struct log_field *field, bool json)
{
    size_t before = line->length;

    append_key(line, field->key, json);
    if (field->text == NULL)
        append_int(line, field->number);
    else if (!json && is_bare(field->text))
        append_text(line, field->text);
    else
        append_quoted(line, field->text);
    if (line->full)
        line->length = before;
    line->full = false;
}

static void append_end(struct line *line, bool json)
{
    const char *end = json ? "}\n" : "\n";

    memcpy(line->bytes + line->length, end, strlen(end));
    line->length += strlen(end);
}

static void write_whole(const char *bytes, size_t length)
{
    while (length > 0) {
        struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};
        ssize_t written;

        /* A reader that has stopped must not stop the program: the line is lost. */
        if (poll(&output, 1, STALLED_OUTPUT_MS) == 0)
            return;
        written = write(STDERR_FILENO, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nowhere is left to complain to */
        bytes += written;
        length -= (size_t)written;
    }
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
    bool json = atomic_load(&line_format) == LOG_FORMAT_JSON;
    char timestamp[CLOCK_ISO_MS_SIZE];
    struct log_field head[3];
    struct line line;

    if (!log_enabled(level))
        return;
    clock_format_iso_ms(clock_unix_ms(), timestamp);
    head[0] = log_text("ts", timestamp);
    head[1] = log_text("level", level_names[level]);
    head[2] = log_text("msg", message);
    line.length = 0;
    line.full = false;
    if (json)
        append_text(&line, "{");
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        append_field(&line, &head[i], json);
    for (size_t i = 0; i < count; i++)
        append_field(&line, &fields[i], json);
    append_end(&line, json);
    write_whole(line.bytes, line.length);
}

void log_error_details(enum log_level level, const char *message, const struct error *error,
                       const struct log_field *fields, size_t count)
{
    struct log_field all[16];
    size_t used = 0;

    while (used < count && used < sizeof(all) / sizeof(all[0]) - 4) {
        all[used] = fields[used];
        used++;
    }
    all[used++] = log_text("class", error_class_name(error->class));
    if (error->code[0] != '\0')
        all[used++] = log_text("code", error->code);
    if (error->request_id[0] != '\0')
        all[used++] = log_text("request_id", error->request_id);
    all[used++] = log_text("error", error->message);
    log_write(level, message, all, used);
}
