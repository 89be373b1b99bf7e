/*
 * Passwords as bcrypt hashes: the file [web] basic_auth_file, and lines for it.
 * A hash takes tens of milliseconds on purpose.
 */
#ifndef HTTP_PASSWORD_H
#define HTTP_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/strbuf.h"

#define PASSWORD_COST     10 /* of new hashes: 2^10 rounds, about 60 ms */
#define PASSWORD_SIZE_MAX 72 /* bcrypt looks at no more bytes */
#define USER_SIZE_MAX     128

/* Who is in the file. Immutable, counted. */
struct password_file;

/*
 * Reads the file: lines "user:bcrypt", empty ones, and comments that begin with '#'. Refused when
 * everybody may read it. Blocks. Any thread. NULL with *error, which names path, line and what was
 * expected; never a hash.
 */
struct password_file *password_file_load(const char *path, struct error *error);
struct password_file *password_file_get(struct password_file *file);
void password_file_put(struct password_file *file); /* NULL is allowed */

/* Room to hash in, 32 KiB: one thread at a time. NULL when memory ran out. The free overwrites it. */
struct password_scratch;
struct password_scratch *password_scratch_new(void);
void password_scratch_free(struct password_scratch *scratch); /* NULL is allowed */

/*
 * True when the file has the user with that password. Hashes once in any case, at the highest
 * cost in the file, so that the time does not tell who is in it.
 */
bool password_check(const struct password_file *file, const char *user, const char *password,
                    struct password_scratch *scratch);

/*
 * Appends "user:hash" of a new hash. random are 16 bytes that nobody can guess. False with *error
 * when user or password cannot be used. Memory trouble is left in *line.
 */
bool password_line(const char *user, const char *password, const unsigned char random[16],
                   struct strbuf *line, struct error *error);

#endif
