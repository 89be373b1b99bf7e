/* The [web] listen setting. Pure. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdbool.h>

#include "core/error.h"
#include "core/strbuf.h"

/*
 * Checks "0.0.0.0:10104, [::1]:10104s" (numeric addresses, port 0: chosen by the system, suffix s:
 * TLS) and appends it to *canonical without blanks; *tls says whether any has the suffix. False
 * with *error, which names the bad address and what was expected. Memory trouble is left in
 * *canonical.
 */
bool listen_canonical(const char *listen, struct strbuf *canonical, bool *tls, struct error *error);

#endif
