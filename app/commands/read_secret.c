#include "app/commands/read_secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/terminal.h"

#define SECRET_SIZE_MAX ((size_t)64 << 10)

static bool failed_to_read(struct error *error)
{
    error_set_system(error, errno, "cannot read standard input");
    return false;
}

/* A line, or everything when `whole`. */
static bool read_input(bool whole, struct strbuf *out, struct error *error)
{
    char byte;
    ssize_t got;

    while ((got = read(STDIN_FILENO, &byte, 1)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed_to_read(error);
        if (byte == '\n' && !whole)
            break;
        strbuf_append_char(out, byte);
        if (strbuf_failed(out)) {
            error_set(error, ERROR_TOO_LARGE, "standard input holds more than %zu bytes", SECRET_SIZE_MAX);
            return false;
        }
    }
    return true;
}

static bool ask(const char *question, const char *name, struct strbuf *out, struct error *error)
{
    bool ok;

    terminal_ask(stderr, "%s %s: ", question, name);
    ok = read_input(false, out, error);
    terminal_own_text(stderr, "\n");
    return ok;
}

static bool ask_twice(const char *name, struct strbuf *out, struct error *error)
{
    struct strbuf again;
    bool ok;

    strbuf_init(&again, SECRET_SIZE_MAX);
    ok = strbuf_reserve(&again, SECRET_SIZE_MAX) && ask("Enter the", name, out, error) &&
         ask("Once more, the", name, &again, error);
    if (ok && strcmp(strbuf_text(out), strbuf_text(&again)) != 0) {
        error_set(error, ERROR_CONFIG, "the two answers differ");
        ok = false;
    }
    strbuf_release_secret(&again);
    return ok;
}

static bool ask_without_echo(const char *name, struct strbuf *out, struct error *error)
{
    struct termios shown, hidden;
    bool ok;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return failed_to_read(error);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return failed_to_read(error);
    ok = ask_twice(name, out, error);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    return ok;
}

/* Without the line end that echo and editors leave. */
static void drop_line_end(struct strbuf *out)
{
    if (out->length > 0 && out->data[out->length - 1] == '\n')
        strbuf_truncate(out, out->length - 1);
    if (out->length > 0 && out->data[out->length - 1] == '\r')
        strbuf_truncate(out, out->length - 1);
}

static bool is_one_line(const char *name, const struct strbuf *secret, struct error *error)
{
    if (secret->length == 0)
        error_set(error, ERROR_CONFIG, "standard input is empty, expected the %s", name);
    else if (memchr(secret->data, '\n', secret->length) != NULL)
        error_set(error, ERROR_CONFIG, "standard input has several lines, expected the %s in one", name);
    else if (memchr(secret->data, '\0', secret->length) != NULL)
        error_set(error, ERROR_CONFIG, "standard input holds a NUL byte, expected the %s", name);
    else
        return true;
    return false;
}

bool read_secret(const char *name, struct strbuf *out, struct error *error)
{
    bool ok;

    strbuf_init(out, SECRET_SIZE_MAX);
    if (!strbuf_reserve(out, SECRET_SIZE_MAX)) { /* growing would leave copies behind */
        error_set(error, ERROR_NO_MEMORY, "out of memory before reading the %s", name);
        return false;
    }
    ok = isatty(STDIN_FILENO) ? ask_without_echo(name, out, error) : read_input(true, out, error);
    drop_line_end(out);
    return ok && is_one_line(name, out, error);
}
