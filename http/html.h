/*
 * Pages for people: their frame, and the pieces they are made of. Pure; appends to a strbuf, whose
 * sticky failure is the only error. Every text is escaped unless a name says markup.
 */
#ifndef HTTP_HTML_H
#define HTTP_HTML_H

#include <stdint.h>

#include "core/error.h"
#include "core/strbuf.h"
#include "http/negotiate.h"
#include "http/phrase.h"

struct html {
    struct strbuf *out;
    enum language language;
    int64_t now_unix_ms; /* what ages are reckoned from */
};

/* How well something is; it is told by a word and a mark, not by the colour alone. */
enum level { LEVEL_GOOD, LEVEL_NOTE, LEVEL_WARNING, LEVEL_BAD, LEVEL_COUNT };

/* The class of the stylesheet, and the mark. */
const char *level_class(enum level level);
const char *level_mark(enum level level);

/* A short text by value, to be an argument: it lives as long as the expression it is in. */
struct figure {
    char text[64];
};
struct figure figure_count(uint64_t count);
struct figure figure_rate(double calls_per_second);
struct figure figure_seconds(const struct html *page, int64_t seconds); /* "2 d 3 h"; not negative */

/*
 * From the doctype to the heading. `path` is that of the page, for the navigation; the browser asks
 * again after reload_s seconds, 0: never.
 */
void html_begin(struct html *page, enum phrase title, const char *path, int reload_s);
void html_end(struct html *page);

/* As it is; must come from the program itself. */
void html_markup(struct html *page, const char *markup);

void html_text(struct html *page, const char *text);

/* A phrase with its arguments, texts up to a NULL. */
void html_say(struct html *page, enum phrase phrase, ...) __attribute__((sentinel));

void html_heading(struct html *page, enum phrase phrase);
/* The name of a fact in a list of them; what follows is the fact, up to "</dd>". */
void html_fact_begin(struct html *page, enum phrase name);

void html_badge(struct html *page, enum level level, enum phrase phrase);

/* A moment by its distance, "42 s ago", "now" or "in 18 s", with the date and time as title; 0: a dash. */
void html_time(struct html *page, int64_t unix_ms);

/* Class, code, message and RequestId, in the English that they come in. */
void html_error(struct html *page, const struct error *error);

/* A parameter of a link, already inside an attribute: "name=value", percent-encoded. */
void html_parameter(struct html *page, const char *name, const char *value);

#endif
