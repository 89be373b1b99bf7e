/* --hash-password: makes a line for [web] basic_auth_file. */
#ifndef APP_COMMANDS_HASH_PASSWORD_H
#define APP_COMMANDS_HASH_PASSWORD_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Reads a password from standard input as read_secret() does and writes "user:hash" to out. False
 * with the reason on errors. Main thread; blocks on input.
 */
bool hash_password_run(const char *user, FILE *out, FILE *errors);

#endif
