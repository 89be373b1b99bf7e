/*
 * DESIGN. inih parses; it calls our reader for each line, and the reader is where strictness lives: it counts
 * the lines, refuses whatever inih would cut, join or skip, and reports section headers, which inih does not.
 */
#include "config/ini.h"

#include <assert.h>
#include <ini.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/strbuf.h"
#include "core/text.h"

#define FILE_SIZE_MAX   (16u << 20)
#define PATH_SHOWN_MAX  120
#define CUT_PATH_PREFIX "..."
#define INIH_NO_MEMORY  (-2)
#define INIH_LINE_SIZE  (INI_LINE_MAX + 3) /* with the line end that inih expects */

struct reader {
    const char *text; /* the first byte not yet read */
    size_t left;
    const char *name;
    int line;
    bool in_section;
    bool failed; /* *error is set, with file and line */
    ini_entry_fn *entry;
    void *context;
    struct error *error;
};

/* A line without its end; what the checks below look at. */
struct line {
    const char *text;
    size_t length;
};

void ini_locate(const char *path, int line, struct error *error)
{
    size_t length = strlen(path);
    const char *prefix = "";

    if (error == NULL)
        return;
    if (length > PATH_SHOWN_MAX) {
        path += length - (PATH_SHOWN_MAX - strlen(CUT_PATH_PREFIX));
        prefix = CUT_PATH_PREFIX;
    }
    error_set(error, error->class, "%s%s:%d: %s", prefix, path, line, error->message);
}

bool ini_refuse(const char *path, int line, struct error *error, const char *format, ...)
{
    char message[sizeof(error->message)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    error_set(error, ERROR_CONFIG, "%s", message);
    ini_locate(path, line, error);
    return false;
}

static bool refuse(struct error *error, const char *message)
{
    error_set(error, ERROR_CONFIG, "%s", message);
    return false;
}

/* A name that looks right and is none: the eye does not see why. */
static bool check_visible(const char *what, const char *name, size_t length, struct error *error)
{
    char copy[INI_NAME_MAX + 1];
    const char *invisible;

    memcpy(copy, name, length);
    copy[length] = '\0';
    invisible = text_invisible(copy);
    if (invisible == NULL)
        return true;
    error_set(error, ERROR_CONFIG, "%s holds %s, which looks like nothing or a blank; delete it", what,
              invisible);
    return false;
}

static bool check_bytes(const struct line *line, struct error *error)
{
    for (size_t i = 0; i < line->length; i++) {
        unsigned char byte = (unsigned char)line->text[i];

        if (byte == '\0')
            return refuse(error, "a NUL byte, expected a text file in UTF-8 (not UTF-16)");
        if (byte == '\r')
            return refuse(error, "a carriage return inside the line, expected LF or CRLF line ends");
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            error_set(error, ERROR_CONFIG, "a control character (byte 0x%02x), expected plain text", byte);
            return false;
        }
    }
    return true;
}

static bool check_length(const struct line *line, struct error *error)
{
    if (line->length <= INI_LINE_MAX)
        return true;
    error_set(error, ERROR_CONFIG, "the line has %zu bytes, expected at most %d", line->length, INI_LINE_MAX);
    return false;
}

/* line->text[0] is '['. Copies the name between the brackets. */
static bool check_section(const struct line *line, char *name, struct error *error)
{
    const char *start = line->text + 1;
    const char *end = memchr(start, ']', line->length - 1);
    size_t length;

    if (end == NULL)
        return refuse(error, "a section header without ']', expected [NAME]");
    length = (size_t)(end - start);
    if (length == 0)
        return refuse(error, "a section header without a name, expected [NAME]");
    if (length > INI_NAME_MAX) {
        error_set(error, ERROR_CONFIG, "a section name of %zu bytes, expected at most %d", length,
                  INI_NAME_MAX);
        return false;
    }
    if (end + 1 != line->text + line->length)
        return refuse(error, "text after the section header's ']', expected nothing "
                             "(a comment needs a line of its own)");
    memcpy(name, start, length);
    name[length] = '\0';
    return check_visible("the section header", start, length, error);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The line itself is never shown: it may be the rest of a secret. */
static bool check_entry(const struct line *line, bool in_section, struct error *error)
{
    const char *equals = memchr(line->text, '=', line->length);
    size_t length;

    if (is_blank(line->text[0]))
        return refuse(error, "the line is indented, expected 'key = value' at the start of a line "
                             "(a value cannot go on in the next line)");
    if (equals == NULL)
        return refuse(error, "a line without '=', expected 'key = value', '[section]' or '# comment'");
    length = (size_t)(equals - line->text);
    while (length > 0 && is_blank(line->text[length - 1]))
        length--;
    if (length == 0)
        return refuse(error, "a value without a key, expected 'key = value'");
    if (memchr(line->text, ':', length) != NULL)
        return refuse(error, "a ':' before the '=', expected 'key = value'");
    if (length > INI_NAME_MAX) {
        error_set(error, ERROR_CONFIG, "a key of %zu bytes, expected at most %d", length, INI_NAME_MAX);
        return false;
    }
    if (!in_section)
        return refuse(error, "a key before the first section, expected a [section] header above it");
    return check_visible("the key", line->text, length, error);
}

static struct line next_line(struct reader *reader)
{
    struct line line = {.text = reader->text};
    const char *newline = memchr(reader->text, '\n', reader->left);
    size_t taken = reader->left;

    line.length = taken;
    if (newline != NULL) {
        line.length = (size_t)(newline - reader->text);
        taken = line.length + 1;
    }
    if (line.length > 0 && line.text[line.length - 1] == '\r')
        line.length--;
    reader->text += taken;
    reader->left -= taken;
    reader->line++;
    return line;
}

/* Comments and blank lines become empty: nothing in them matters to inih. */
static void drop_ignored(struct line *line)
{
    if (line->length > 0 && (line->text[0] == '#' || line->text[0] == ';'))
        line->length = 0;
    while (line->length > 0 && is_blank(line->text[line->length - 1]))
        line->length--;
}

static bool read_section(struct reader *reader, const struct line *line)
{
    char name[INI_NAME_MAX + 1];

    if (!check_section(line, name, reader->error))
        return false;
    reader->in_section = true;
    return reader->entry(reader->context, name, NULL, NULL, reader->line, reader->error);
}

static bool take_line(struct reader *reader, struct line *line)
{
    *line = next_line(reader);
    if (!check_length(line, reader->error) || !check_bytes(line, reader->error))
        return false;
    drop_ignored(line);
    if (line->length == 0)
        return true;
    if (line->text[0] == '[')
        return read_section(reader, line);
    return check_entry(line, reader->in_section, reader->error);
}

static void fail(struct reader *reader)
{
    ini_locate(reader->name, reader->line, reader->error);
    reader->failed = true;
}

/* An ini_reader. What it is called with last is the one place where inih has had the values. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;
    struct line line;

    if (!reader->failed && reader->left > 0) {
        if (take_line(reader, &line)) {
            assert(line.length < (size_t)size);
            memcpy(buffer, line.text, line.length);
            buffer[line.length] = '\0';
            return buffer;
        }
        fail(reader);
    }
    explicit_bzero(buffer, (size_t)size);
    return NULL;
}

/* An ini_handler. Sections were reported by the reader. */
static int handle_entry(void *context, const char *section, const char *key, const char *value)
{
    struct reader *reader = context;

    if (key == NULL || reader->failed)
        return 1;
    if (!reader->entry(reader->context, section, key, value, reader->line, reader->error))
        fail(reader);
    return 1;
}

/* Whole values, whatever is in them, and one buffer from the start: growing would leave copies of secrets behind. */
static void set_options(void)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_use_stack = false;
    ini_initial_alloc = INIH_LINE_SIZE;
    ini_max_line = INIH_LINE_SIZE;
}

bool ini_read_text(const char *name, const char *text, size_t length, ini_entry_fn *entry, void *context,
                   struct error *error)
{
    static pthread_once_t options_set = PTHREAD_ONCE_INIT;
    struct error unused;
    struct reader reader = {.text = text,
                            .left = length,
                            .name = name,
                            .entry = entry,
                            .context = context,
                            .error = error != NULL ? error : &unused};
    int result;

    pthread_once(&options_set, set_options);
    result = ini_parse_stream(read_line, &reader, handle_entry, &reader);
    if (reader.failed)
        return false;
    if (result == 0)
        return true;
    if (result == INIH_NO_MEMORY)
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading %s", name);
    else
        error_set(error, ERROR_CONFIG, "%s:%d: a line that the INI parser does not understand", name, result);
    return false;
}

bool ini_read(const char *path, ini_entry_fn *entry, void *context, struct error *error)
{
    struct strbuf text;
    bool ok;

    strbuf_init(&text, FILE_SIZE_MAX);
    ok = file_read(path, &text, error) &&
         ini_read_text(path, strbuf_text(&text), text.length, entry, context, error);
    strbuf_release_secret(&text);
    return ok;
}
