#include "core/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const class_names[ERROR_CLASS_COUNT] = {
    [ERROR_NONE] = "none",
    [ERROR_TRANSIENT] = "transient",
    [ERROR_THROTTLED] = "throttled",
    [ERROR_CREDENTIALS] = "credentials",
    [ERROR_TOKEN_EXPIRED] = "token_expired",
    [ERROR_CLOCK_SKEW] = "clock_skew",
    [ERROR_NONCE_USED] = "nonce_used",
    [ERROR_RESULT_LOST] = "result_lost",
    [ERROR_REFUSED] = "refused",
    [ERROR_REMOTE] = "remote",
    [ERROR_MALFORMED] = "malformed",
    [ERROR_TOO_LARGE] = "too_large",
    [ERROR_TIMED_OUT] = "timed_out",
    [ERROR_NO_MEMORY] = "no_memory",
    [ERROR_CONFIG] = "config",
    [ERROR_INVENTORY] = "inventory",
    [ERROR_SYSTEM] = "system",
};

const char *error_class_name(enum error_class class)
{
    return class_names[class];
}

bool error_class_is_of_account(enum error_class class)
{
    return class == ERROR_CREDENTIALS || class == ERROR_TOKEN_EXPIRED || class == ERROR_CLOCK_SKEW;
}

void error_clear(struct error *error)
{
    if (error != NULL)
        *error = (struct error){.class = ERROR_NONE};
}

/* Leaves out the last character of a cut text when it may be an incomplete UTF-8 sequence. */
static void drop_cut_character(char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
        length--;
    if (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0xc0)
        length--;
    text[length] = '\0';
}

__attribute__((format(printf, 3, 0))) static void set_message(struct error *error, size_t size,
                                                              const char *format, va_list arguments)
{
    int length = vsnprintf(error->message, size, format, arguments);

    if (length >= 0 && (size_t)length >= size)
        drop_cut_character(error->message, size - 1);
    for (char *p = error->message; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
}

void error_set(struct error *error, enum error_class class, const char *format, ...)
{
    struct error result = {.class = class};
    va_list arguments;

    if (error == NULL)
        return;
    /* The arguments may point into *error itself. */
    va_start(arguments, format);
    set_message(&result, sizeof(result.message), format, arguments);
    va_end(arguments);
    *error = result;
}

const char *errno_text(int errno_value, char *buffer, unsigned size)
{
    const char *text = strerror_r(errno_value, buffer, size);

    if (text != buffer) /* glibc has a constant for the values it knows */
        snprintf(buffer, size, "%s", text);
    return buffer;
}

void error_set_system(struct error *error, int errno_value, const char *format, ...)
{
    struct error result = {.class = ERROR_SYSTEM};
    char reason[128];
    size_t length;
    va_list arguments;

    if (error == NULL)
        return;
    errno_text(errno_value, reason, sizeof(reason));
    va_start(arguments, format);
    set_message(&result, sizeof(result.message) - strlen(": ") - strlen(reason), format, arguments);
    va_end(arguments);
    length = strlen(result.message);
    snprintf(result.message + length, sizeof(result.message) - length, ": %s", reason);
    *error = result;
}
