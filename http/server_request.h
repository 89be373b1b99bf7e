/* From a connection of CivetWeb to a request for the pages. Internal to the server. */
#ifndef HTTP_SERVER_REQUEST_H
#define HTTP_SERVER_REQUEST_H

#include "core/strbuf.h"
#include "http/mount.h"
#include "http/pages.h"

struct mg_connection;

/*
 * Fills *request but for access and may_wait; its texts live as long as the connection's request,
 * the form as long as *body (initialised). Waits for the body of a form for at most 2 s.
 */
void server_request_read(struct mg_connection *connection, const struct mount *mount,
                         struct page_request *request, struct strbuf *body);

#endif
