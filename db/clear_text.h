/* Whether what MySQL sends can be read by strangers on the way. */
#ifndef DB_CLEAR_TEXT_H
#define DB_CLEAR_TEXT_H

#include <netinet/in.h>
#include <stdbool.h>

#include "config/config.h"

/* False for loopback, link-local, private and shared (100.64.0.0/10) addresses of both families. Pure. */
bool address_is_public(const struct sockaddr *address);

/*
 * True when the inventory database is asked without TLS at an address that is public; *address is the first such
 * one of its host. A name that cannot be resolved is not public. Blocks on the name service.
 */
bool clear_text_to_public(const struct config *config, char address[INET6_ADDRSTRLEN]);

#endif
