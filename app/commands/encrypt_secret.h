/* --encrypt-secret: the form in which the accounts table holds a secret. */
#ifndef APP_COMMANDS_ENCRYPT_SECRET_H
#define APP_COMMANDS_ENCRYPT_SECRET_H

#include <stdbool.h>
#include <stdio.h>

#include "app/commands/options.h"

/*
 * Reads an AccessKey secret from standard input and prints what belongs into
 * aliyun_uids.encrypted_access_key_secret. The password is that of the environment variable
 * ENCRYPTION_PASSWORD, else [accounts] encryption_password of the configuration. Main thread; blocks. False
 * when it failed, with the reason on `errors`.
 */
bool encrypt_secret_run(const struct options *options, FILE *out, FILE *errors);

#endif
