/* One request and its answer while libcurl works on it; inside das only. */
#ifndef DAS_EXCHANGE_H
#define DAS_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "das/elide.h"
#include "das/transport.h"

struct exchange {
    const struct transport_request *request;
    struct transport_response *response;
    struct elide elide;
    size_t header_bytes;
    size_t max_response_size;
    bool sent;   /* a connection was there and the request was handed to it */
    bool resend; /* libcurl wanted to send it again */
    bool too_large;
};

/*
 * max_response_size and parts are the transport's; the request may want less. False when memory
 * runs out.
 */
bool exchange_init(struct exchange *exchange, const struct transport_request *request,
                   size_t max_response_size, unsigned parts, struct transport_response *response);

/* The shorter of a limit of the transport's and the request's own; never 0, libcurl's "no limit". */
long exchange_limit_ms(const struct exchange *exchange, int64_t limit_ns);

/* What libcurl calls with bytes of headers and body; context is the exchange. 0 ends the transfer. */
size_t exchange_on_header(char *line, size_t size, size_t count, void *context);
size_t exchange_on_body(char *bytes, size_t size, size_t count, void *context);

#endif
