/* The Accept-Encoding header (RFC 9110, 12.5.3). Pure. */
#ifndef HTTP_ACCEPT_ENCODING_H
#define HTTP_ACCEPT_ENCODING_H

#include <stdbool.h>

/* True when the client takes gzip and does not prefer identity. header NULL: absent. */
bool accept_encoding_gzip(const char *header);

#endif
