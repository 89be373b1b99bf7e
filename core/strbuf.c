#include "core/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRBUF_FIRST_CAPACITY 64

void strbuf_init(struct strbuf *buffer, size_t ceiling)
{
    *buffer = (struct strbuf){.ceiling = ceiling};
}

void strbuf_release(struct strbuf *buffer)
{
    free(buffer->data);
    strbuf_init(buffer, buffer->ceiling);
}

void strbuf_release_secret(struct strbuf *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    strbuf_release(buffer);
}

void strbuf_reset(struct strbuf *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

static bool grow(struct strbuf *buffer, size_t needed)
{
    size_t capacity = buffer->capacity == 0 ? STRBUF_FIRST_CAPACITY : buffer->capacity;
    char *data;

    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (buffer->ceiling != 0 && capacity - 1 > buffer->ceiling)
        capacity = buffer->ceiling + 1;
    data = realloc(buffer->data, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    buffer->data[buffer->length] = '\0';
    return true;
}

bool strbuf_reserve(struct strbuf *buffer, size_t more)
{
    size_t length;

    if (buffer->failed)
        return false;
    if (__builtin_add_overflow(buffer->length, more, &length) || length == SIZE_MAX ||
        (buffer->ceiling != 0 && length > buffer->ceiling) ||
        (length + 1 > buffer->capacity && !grow(buffer, length + 1))) {
        buffer->failed = true;
        return false;
    }
    return true;
}

void strbuf_append(struct strbuf *buffer, const void *bytes, size_t length)
{
    if (length == 0 || !strbuf_reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void strbuf_append_text(struct strbuf *buffer, const char *text)
{
    strbuf_append(buffer, text, strlen(text));
}

void strbuf_append_char(struct strbuf *buffer, char c)
{
    strbuf_append(buffer, &c, 1);
}

void strbuf_append_int(struct strbuf *buffer, int64_t value)
{
    if (value < 0) {
        strbuf_append_char(buffer, '-');
        strbuf_append_uint(buffer, 0 - (uint64_t)value);
    } else {
        strbuf_append_uint(buffer, (uint64_t)value);
    }
}

void strbuf_append_uint(struct strbuf *buffer, uint64_t value)
{
    char digits[20];
    size_t start = sizeof(digits);

    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    strbuf_append(buffer, digits + start, sizeof(digits) - start);
}

void strbuf_append_format(struct strbuf *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    strbuf_append_vformat(buffer, format, arguments);
    va_end(arguments);
}

void strbuf_append_vformat(struct strbuf *buffer, const char *format, va_list arguments)
{
    va_list again;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        buffer->failed = true;
        return;
    }
    if (length == 0 || !strbuf_reserve(buffer, (size_t)length))
        return;
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    buffer->length += (size_t)length;
}

void strbuf_truncate(struct strbuf *buffer, size_t length)
{
    assert(length <= buffer->length);
    buffer->length = length;
    if (buffer->data != NULL)
        buffer->data[length] = '\0';
}

bool strbuf_failed(const struct strbuf *buffer)
{
    return buffer->failed;
}

const char *strbuf_text(const struct strbuf *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}

char *strbuf_detach(struct strbuf *buffer, size_t *length)
{
    char *data = buffer->failed ? NULL : buffer->data;

    *length = data != NULL ? buffer->length : 0;
    if (data == NULL)
        free(buffer->data);
    strbuf_init(buffer, buffer->ceiling);
    return data;
}
