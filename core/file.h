/* Reading whole files that may hold secrets. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>

#include "core/error.h"
#include "core/strbuf.h"

/*
 * Appends the file's bytes to *out, whose ceiling bounds them. Leaves no copies of the content
 * elsewhere in memory; a caller with secrets ends with strbuf_release_secret(). Blocks. Any thread.
 * False with *error: ERROR_SYSTEM, ERROR_TOO_LARGE or ERROR_NO_MEMORY, the path in the message.
 */
bool file_read(const char *path, struct strbuf *out, struct error *error);

#endif
