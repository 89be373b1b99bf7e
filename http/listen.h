/* The [web] listen setting. Pure. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdbool.h>

#include "core/error.h"
#include "core/strbuf.h"

/*
 * Checks ":10104, [::1]:10105s" (":PORT" and "[::]:PORT": every address of both families; else numeric
 * addresses; port 0: chosen by the system; suffix s: TLS) and appends it to *canonical as CivetWeb
 * reads it; *tls says whether any has the suffix. "[::]" is IPv6 alone beside an IPv4 address with its
 * port. ipv6 false: the system has none, and every address is every IPv4 address. False with *error,
 * which names the bad address and what was expected. Memory trouble is left in *canonical.
 */
bool listen_canonical(const char *listen, bool ipv6, struct strbuf *canonical, bool *tls,
                      struct error *error);

#endif
