/*
 * Strict reading of INI files with inih: what inih would silently cut, join or drop is an error.
 *
 * Refused, with file and line: lines longer than INI_LINE_MAX, section and key names longer than
 * inih keeps, indented lines, lines without '=', text after a section's ']', NUL and other control
 * characters but tabs, keys before the first section, files over 16 MiB. A '#' or ';' starts a
 * comment only as the first character of a line; inside a value it is part of the value. CRLF line
 * ends are accepted, and a UTF-8 byte order mark at the beginning of a file.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

#define INI_LINE_MAX 65536
#define INI_NAME_MAX 49 /* inih's own buffers for section and key names hold one byte more */

/*
 * Called for each "key = value"; for a section header with key NULL and value NULL. Texts are
 * valid during the call. Return false, with *error set (without file and line, which ini_read
 * puts in front), to stop.
 */
typedef bool ini_entry_fn(void *context, const char *section, const char *key, const char *value, int line,
                          struct error *error);

/* Reads the whole file. Blocks. False with *error "FILE:LINE: …" at the first trouble. */
bool ini_read(const char *path, ini_entry_fn *entry, void *context, struct error *error);

/* The same over text in memory; `name` stands for the path in errors. For tests and fuzzers. */
bool ini_read_text(const char *name, const char *text, size_t length, ini_entry_fn *entry, void *context,
                   struct error *error);

/*
 * Puts "FILE:LINE: " in front of the error's message, for checks that need the whole file. A long
 * path is cut at its front.
 */
void ini_locate(const char *path, int line, struct error *error);

/* The same as the whole answer of a check: ERROR_CONFIG with file, line and message. Returns false. */
bool ini_refuse(const char *path, int line, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
