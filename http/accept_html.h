/* The Accept header of what is there for people and for programs (RFC 9110, 12.5.1). Pure. */
#ifndef HTTP_ACCEPT_HTML_H
#define HTTP_ACCEPT_HTML_H

#include <stdbool.h>

/*
 * True when the client names text/html, as browsers do, and prefers it to JSON. A wildcard names
 * nothing: curl and scripts get JSON. header NULL: absent.
 */
bool accept_html(const char *header);

#endif
