/* What it means that a source of temporary credentials refuses; inside das only. Pure; any thread. */
#ifndef DAS_KEYRING_SOURCES_CREDENTIALS_ERROR_H
#define DAS_KEYRING_SOURCES_CREDENTIALS_ERROR_H

#include "core/credentials.h"
#include "core/error.h"
#include "das/server_error.h"

/* The class of a code of STS (compared without case); http_status decides for unknown codes. */
enum error_class credentials_error_class(const char *code, long http_status);

/*
 * Fills *error: `what` failed, the code, what to do about it (`advice` when the code says nothing), and
 * the server's message, redacted as server_error_explain() does.
 */
void credentials_error_explain(const char *what, const char *advice, const struct server_error *said,
                               const struct credentials *secrets, struct error *error);

#endif
