/* What a client prefers, by the Accept headers (RFC 9110, 12.5). A header that is absent is NULL. Pure. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include <stdbool.h>

/* Accept-Encoding: true when the client takes gzip and does not prefer identity. */
bool accept_encoding_gzip(const char *header);

/*
 * Accept: true when the client names text/html, as browsers do, and prefers it to JSON. A wildcard
 * names nothing: curl and scripts get JSON.
 */
bool accept_html(const char *header);

/* The languages of the pages for people. */
enum language { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_COUNT };

/* Accept-Language: the language that is preferred, of equal ones the first named; English when it names neither. */
enum language accept_language(const char *header);

#endif
