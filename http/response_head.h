/* The head of an HTTP/1.1 response: status line and header fields. Pure. */
#ifndef HTTP_RESPONSE_HEAD_H
#define HTTP_RESPONSE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "http/pages.h"

/* Appends the head, empty line included; unix_ms is the Date. */
void response_head_append(struct strbuf *out, const struct page_response *response, bool keep_alive,
                          int64_t unix_ms);

#endif
