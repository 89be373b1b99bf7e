/* Small values and texts. Parsing is strict: the whole text must be the value. Any thread, pure. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal integer in [minimum, maximum]; no sign but '-', no blanks. */
bool text_parse_int(const char *text, int64_t minimum, int64_t maximum, int64_t *value);

/* "500ms", "60s", "5m", "1h": nanoseconds. A number without unit is refused, but for "0". */
bool text_parse_duration(const char *text, int64_t *duration_ns);

/* "512", "64KiB", "8MiB", "1GiB": bytes. */
bool text_parse_size(const char *text, int64_t *bytes);

/* yes|no|true|false|on|off, in any case. */
bool text_parse_bool(const char *text, bool *value);

/*
 * Shortest form that text_parse_duration reads back, e.g. "1500ms", "1m"; anything finer than a
 * millisecond is dropped. At least 32 bytes.
 */
void text_format_duration(int64_t duration_ns, char *buffer, size_t size);

/* Shortest form that text_parse_size reads back, e.g. "1536KiB". At least 32 bytes. */
void text_format_size(int64_t bytes, char *buffer, size_t size);

/*
 * The length in bytes of the well-formed UTF-8 sequence at bytes[0] (RFC 3629: no overlong forms,
 * no surrogates), or 0 when there is none.
 */
size_t text_utf8_length(const char *bytes, size_t available);

/*
 * The character at text[0] in a form that no terminal obeys and no parser takes for something else: a control
 * character (C1 ones, too) as \n or \u001b, bytes that are not UTF-8 as U+FFFD, any other as it is. NUL-terminated
 * in *shown. Returns how many bytes of the text that was.
 */
#define TEXT_VISIBLE_SIZE 8
size_t text_visible(const char *text, size_t available, char shown[TEXT_VISIBLE_SIZE]);

/* Cuts blanks, tabs and line ends off both ends, in place. Returns the first character that stays. */
char *text_trim(char *text);

/*
 * The name of the first character of the text that nobody sees but every comparison does, such as
 * "a no-break space (U+00A0)", to be said in a message; NULL when there is none. UTF-8.
 */
const char *text_invisible(const char *text);

/* Sorts by bytes and leaves each text once, at the front. Returns how many. */
size_t text_sort_unique(const char **texts, size_t count);

/* FNV-1a, 64 bits (RFC 9923 for the constants), over the bytes; start with TEXT_HASH_START. */
#define TEXT_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t text_hash(uint64_t hash, const void *bytes, size_t length);

#endif
