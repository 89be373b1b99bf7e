/* OpenSSL as the process has it: what signs, decrypts and makes TLS connections. */
#ifndef DAS_CRYPTO_H
#define DAS_CRYPTO_H

#include <stdbool.h>

#include "core/error.h"

/*
 * Once per process, before any thread starts and before libcurl. OpenSSL makes its default context and its lists
 * of algorithms once: what memory is missing for then is missing for good, or read as a null pointer, so the
 * program must not start. False with *error.
 */
bool crypto_global_init(struct error *error);

#endif
