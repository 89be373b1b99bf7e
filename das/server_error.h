/*
 * What a server says went wrong: from its words to a struct error that may be logged. Pure; any
 * thread. The classes are those of das_error_class() in das/reply.h.
 */
#ifndef DAS_SERVER_ERROR_H
#define DAS_SERVER_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/credentials.h"
#include "core/error.h"

/* The server's own words. Borrowed; "" when it did not say. */
struct server_error {
    long http_status;
    const char *code;
    const char *message;
    const char *request_id;
};

/* What a code means: its class, and what to do next ("" when waiting is enough). */
struct server_error_rule {
    const char *prefix;
    enum error_class class;
    const char *advice;
};

/*
 * The first rule whose prefix the code has, without regard to case, so special codes stand before
 * general ones; NULL when there is none.
 */
const struct server_error_rule *server_error_find_rule(const struct server_error_rule *rules, size_t count,
                                                       const char *code);

/*
 * Fills *error from the server's words: class, sanitised code and RequestId, and one line with
 * the message and what to do about it. The texts of `credentials` (NULL: none) are replaced by
 * ***; a message that may repeat signed headers is left out altogether. ERROR_REFUSED becomes
 * ERROR_TOKEN_EXPIRED when code or message say "SecurityToken.Expired".
 */
void server_error_explain(const struct server_error *said, enum error_class class,
                          const struct credentials *credentials, struct error *error);

#define SERVER_ERROR_TEXT_SIZE 512

/* The fields of an error in XML; a field that does not fit is cut. */
struct server_error_xml {
    char code[SERVER_ERROR_TEXT_SIZE];
    char message[SERVER_ERROR_TEXT_SIZE];
    char request_id[SERVER_ERROR_TEXT_SIZE];
};

/* Finds Code, Message and RequestId in a body that is XML. False when it is not, or has no Code. */
bool server_error_read_xml(const char *body, size_t length, struct server_error_xml *fields);

#endif
