/*
 * Untrusted text inside HTML and JSON. Pure; appends to a strbuf, whose sticky failure is the
 * only error. Names come from other people's tables as arbitrary bytes, so both repair what is
 * not well-formed UTF-8 (U+FFFD), which a JSON library would refuse as a whole.
 */
#ifndef HTTP_MARKUP_H
#define HTTP_MARKUP_H

#include <stdint.h>

#include "core/strbuf.h"

/*
 * Text for an element or a quoted attribute: & < > " ' become references; controls, and what would show
 * the text in another order than it is in, U+FFFD.
 */
void markup_html_text(struct strbuf *out, const char *text);

/* A JSON string with its quotes; null for NULL. */
void markup_json_string(struct strbuf *out, const char *text);

/* The same as `"name":"text"`, for a name that needs no escapes. */
void markup_json_member(struct strbuf *out, const char *name, const char *text);

/* An RFC 3339 time in UTC as a JSON string; null for 0. */
void markup_json_time(struct strbuf *out, int64_t unix_ms);

/* A duration as a JSON number of seconds with three decimals; null for a negative one. */
void markup_json_seconds(struct strbuf *out, int64_t duration_ns);

#endif
