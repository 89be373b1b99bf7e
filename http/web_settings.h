/* All of [web] that can change while the program runs, checked and read from its files. */
#ifndef HTTP_WEB_SETTINGS_H
#define HTTP_WEB_SETTINGS_H

#include <stdbool.h>

#include "config/config.h"
#include "core/error.h"
#include "core/strbuf.h"
#include "http/mount.h"

struct web_settings {
    struct strbuf listen; /* the addresses, for CivetWeb */
    struct mount mount;
    struct tls_identity *identity; /* NULL: no address asks for TLS */
    struct access_rules *rules;
};

/* Blocks on files. Any thread. NULL with *error, which names key, file and what was expected. */
struct web_settings *web_settings_load(const struct web_config *web, struct error *error);
void web_settings_free(struct web_settings *settings); /* NULL is allowed */

/* True when a server could start with it: for --check and before a reload. */
bool web_config_check(const struct web_config *web, struct error *error);

#endif
