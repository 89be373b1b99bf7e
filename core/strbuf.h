/*
 * A growing byte buffer with a ceiling and a sticky failure: code that renders appends without
 * checking each line and asks strbuf_failed() once at the end.
 *
 * Not shared between threads. The content is always NUL-terminated once there is memory for it;
 * it may hold NUL bytes itself.
 */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
    char *data;      /* NULL until the first append; use strbuf_text() for a string */
    size_t length;   /* bytes, without the terminating NUL */
    size_t capacity; /* bytes allocated */
    size_t ceiling;  /* length never exceeds it; 0 means no ceiling */
    bool failed;     /* an append did not fit or memory ran out; later appends do nothing */
};

/* Makes an empty buffer that may grow to ceiling bytes (0: as far as memory goes). */
void strbuf_init(struct strbuf *buffer, size_t ceiling);

/* Frees the content and leaves an empty buffer with the same ceiling. */
void strbuf_release(struct strbuf *buffer);

/*
 * As strbuf_release, but the content is overwritten first: for secrets. Growing may leave copies
 * behind, so strbuf_reserve() the room before the first append.
 */
void strbuf_release_secret(struct strbuf *buffer);

/* Forgets the content and the failure, keeps the memory. */
void strbuf_reset(struct strbuf *buffer);

/* Makes room for `more` further bytes. False, and failed set, when it cannot. */
bool strbuf_reserve(struct strbuf *buffer, size_t more);

void strbuf_append(struct strbuf *buffer, const void *bytes, size_t length);
void strbuf_append_text(struct strbuf *buffer, const char *text);
void strbuf_append_char(struct strbuf *buffer, char c);
void strbuf_append_int(struct strbuf *buffer, int64_t value);
void strbuf_append_uint(struct strbuf *buffer, uint64_t value);
void strbuf_append_format(struct strbuf *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void strbuf_append_vformat(struct strbuf *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Cuts the content back to `length` bytes, which must not exceed its length. */
void strbuf_truncate(struct strbuf *buffer, size_t length);

bool strbuf_failed(const struct strbuf *buffer);

/* The content as a string; "" when empty. Valid until the next change. */
const char *strbuf_text(const struct strbuf *buffer);

/*
 * Hands the content over: the caller frees it with free(). NULL when the buffer failed or was
 * never written to. The buffer is empty afterwards.
 */
char *strbuf_detach(struct strbuf *buffer, size_t *length);

#endif
