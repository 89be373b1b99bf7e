/* Reading whole files that may hold secrets, and noticing that one has changed. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/error.h"
#include "core/strbuf.h"

/*
 * Appends the file's bytes to *out, whose ceiling bounds them; without the byte order mark (UTF-8) that some editors
 * put at the beginning. Only regular files: anything else (a
 * folder, a named pipe, a device) may give no end, or no beginning. Leaves no copies of the content
 * elsewhere in memory; a caller with secrets ends with strbuf_release_secret(). Blocks. Any thread.
 * False with *error: ERROR_SYSTEM, ERROR_TOO_LARGE or ERROR_NO_MEMORY, the path in the message.
 */
bool file_read(const char *path, struct strbuf *out, struct error *error);

/*
 * The same for a file that holds nothing but a secret: refused (ERROR_SYSTEM) when every user may
 * read or change it. The message has the command that mends it.
 */
bool file_read_secret(const char *path, struct strbuf *out, struct error *error);

/* The same, and it is one line of text: the line end is cut off, an empty line is ERROR_CONFIG. */
bool file_read_secret_line(const char *path, struct strbuf *out, struct error *error);

/* True when every user may read or change the file. False also when that cannot be found out. */
bool file_open_to_everybody(const char *path);

/* Appends the command that keeps everybody out: chmod o= 'PATH', the path as one word of a shell. */
void file_append_closing_command(const char *path, struct strbuf *out);

/* What tells that a file is another one than before, or was written to. */
struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns;
    int64_t changed_ns; /* also tells new permissions */
};

/* The stamp of the file at path now; all 0 when path is "" or there is no such file. Any thread. */
struct file_stamp file_stamp_of(const char *path);

bool file_stamp_equal(const struct file_stamp *left, const struct file_stamp *right);

#endif
