/* Who may ask for a change. Pure. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>

#include "http/pages.h"

/* True for a numeric loopback address: 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104. */
bool guard_is_loopback(const char *address);

/*
 * NULL when a request that changes something may be answered; otherwise why not, for the client.
 *
 * Only clients on this machine may. A browser on this machine is one of them, so a web page must
 * not be able to use it: a request that another site started is refused (Sec-Fetch-Site, Origin).
 * A page of an attacker whose host name was made to resolve to 127.0.0.1 counts as the same site
 * for the browser; it is caught by Host, which then holds the attacker's name. So Host must be
 * one that no foreign name server decides about: "localhost", a loopback address, or the
 * unspecified address that a listener on all interfaces shows.
 */
const char *guard_change_refused(const struct page_request *request);

#endif
