#include "core/terminal.h"

#include <stdarg.h>
#include <string.h>

#include "core/strbuf.h"
#include "core/text.h"

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

__attribute__((format(printf, 2, 0))) static void write_format(FILE *out, const char *format,
                                                               va_list arguments)
{
    struct strbuf text;

    strbuf_init(&text, 0);
    strbuf_append_vformat(&text, format, arguments);
    write_visible(out, strbuf_failed(&text) ? "out of memory" : strbuf_text(&text));
    strbuf_release(&text);
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
