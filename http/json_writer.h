/*
 * JSON, piece by piece. Pure; appends to a strbuf, whose sticky failure is the only error. Names come
 * from other people's tables as arbitrary bytes: what is not well-formed UTF-8, which a JSON library
 * would refuse as a whole, becomes U+FFFD.
 */
#ifndef HTTP_JSON_WRITER_H
#define HTTP_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/strbuf.h"

/* A string with its quotes; null for NULL. */
void json_write_string(struct strbuf *out, const char *text);

/*
 * Members of an object: `"name":value`, for a name that needs no escapes, with a comma before it unless
 * it is the object's first.
 */
void json_write_name(struct strbuf *out, const char *name);
void json_write_text(struct strbuf *out, const char *name, const char *text);
void json_write_count(struct strbuf *out, const char *name, uint64_t count);
void json_write_bool(struct strbuf *out, const char *name, bool value);

/* Calls a second or the like, with three decimals. */
void json_write_rate(struct strbuf *out, const char *name, double rate);

/* An RFC 3339 time in UTC; null for 0. */
void json_write_time(struct strbuf *out, const char *name, int64_t unix_ms);

/* A number of seconds with three decimals; null for a negative duration. */
void json_write_seconds(struct strbuf *out, const char *name, int64_t duration_ns);

/* An object with class, code, message and request_id; null for NULL. */
void json_write_error(struct strbuf *out, const char *name, const struct error *error);

#endif
