/* What the sources of temporary credentials have in common; inside das only. */
#ifndef DAS_KEYRING_SOURCES_CREDENTIALS_CALL_H
#define DAS_KEYRING_SOURCES_CREDENTIALS_CALL_H

#include <stdbool.h>

#include "core/error.h"
#include "core/strbuf.h"
#include "das/transport.h"

#define CREDENTIALS_WHAT_SIZE 160 /* of the texts that say what failed */

/*
 * transport_send(), without a proxy unless the request names one, the body kept whole up to CREDENTIALS_REPLY_MAX. On failure the
 * error starts with `what` and ends with `advice` ("": none).
 */
bool credentials_send(struct transport *transport, struct transport_request request, const char *what,
                      const char *advice, struct transport_response *response, struct error *error);

/* Cuts blanks and line breaks off the end. */
void credentials_trim(struct strbuf *text);

#endif
