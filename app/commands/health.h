/* --health: asks the exporter that runs with the same configuration whether it is healthy. */
#ifndef APP_COMMANDS_HEALTH_H
#define APP_COMMANDS_HEALTH_H

#include <stdbool.h>
#include <stdio.h>

#include "app/commands/options.h"
#include "core/error.h"
#include "core/strbuf.h"

/*
 * Appends the URL of /-/healthy at the first address of a listen setting; a listener on every
 * address is asked on loopback, below route_prefix ("": none). False with *error when there is none to ask, as with port 0.
 * Pure; memory trouble is left in *url.
 */
bool health_url(const char *listen, const char *route_prefix, struct strbuf *url, struct error *error);

/* GETs the URL, at most 3 s long. True at 200; else *error says why not. Blocks. */
bool health_ask(const char *url, struct error *error);

/*
 * The command: true when healthy, else one line with the reason goes to errors. Of the
 * configuration only where [web] serves is read, so that neither a secret is touched nor a mistake in
 * a file that is not in force yet makes a running exporter look ill. Main thread.
 */
bool health_run(const struct options *options, FILE *errors);

#endif
