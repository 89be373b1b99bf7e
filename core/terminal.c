#include "core/terminal.h"

#include <stdarg.h>
#include <string.h>

#include "core/strbuf.h"
#include "core/text.h"

#define USUAL_LINE_SIZE 1024

static void write_visible(FILE *out, const char *text)
{
    size_t left = strlen(text);
    char shown[TEXT_VISIBLE_SIZE];

    while (left > 0) {
        size_t taken = text_visible(text, left, shown);

        fputs(shown, out);
        text += taken;
        left -= taken;
    }
}

/* Lines of usual length need no memory, so that running out of it can be told. */
__attribute__((format(printf, 2, 0))) static void write_format(FILE *out, const char *format,
                                                               va_list arguments)
{
    char usual[USUAL_LINE_SIZE];
    struct strbuf whole;
    va_list again;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(usual, sizeof(usual), format, again);
    va_end(again);
    strbuf_init(&whole, 0);
    if (length >= (int)sizeof(usual))
        strbuf_append_vformat(&whole, format, arguments);
    if (strbuf_failed(&whole))
        write_visible(out, "(cut short: out of memory) ");
    write_visible(out, whole.length > 0 && !strbuf_failed(&whole) ? strbuf_text(&whole) : usual);
    strbuf_release_secret(&whole);
    explicit_bzero(usual, sizeof(usual));
}

void terminal_line(FILE *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_format(out, format, arguments);
    va_end(arguments);
    fputs("\n", out);
}

void terminal_ask(FILE *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_format(out, format, arguments);
    va_end(arguments);
}

void terminal_own_text(FILE *out, const char *text)
{
    fputs(text, out);
}
