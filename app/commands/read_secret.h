/* Secrets that a person or a script hands to a command: standard input, never the command line. */
#ifndef APP_COMMANDS_READ_SECRET_H
#define APP_COMMANDS_READ_SECRET_H

#include <stdbool.h>

#include "core/error.h"
#include "core/strbuf.h"

/*
 * Reads one line from standard input into *out, which it initialises and the caller ends with
 * strbuf_release_secret() in any case. On a terminal it asks for `name`, twice and without echo; otherwise it
 * takes everything but a line end at the end. Blocks. Main thread, before any other is started.
 * False with *error: nothing, more than one line, a NUL byte, two different answers.
 */
bool read_secret(const char *name, struct strbuf *out, struct error *error);

#endif
