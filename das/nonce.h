/* Random text that makes every signed request a new one. */
#ifndef DAS_NONCE_H
#define DAS_NONCE_H

#include <stdbool.h>

#include "core/error.h"

#define NONCE_SIZE 33 /* 16 random bytes in hexadecimal, and a NUL */

/* False with ERROR_SYSTEM when the system gives no random bytes. Any thread. */
bool nonce_make(char nonce[NONCE_SIZE], struct error *error);

#endif
