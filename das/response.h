/* What the headers of an answer say; inside das only. */
#ifndef DAS_RESPONSE_H
#define DAS_RESPONSE_H

#include <stddef.h>

#include "das/transport.h"

/*
 * Takes one line of the headers, the status line included, into retry_after_ms and
 * server_unix_ms. The line need not be terminated. Pure.
 */
void transport_response_header(struct transport_response *response, const char *line, size_t length);

#endif
