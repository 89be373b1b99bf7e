/* The keys of one account at one moment: immutable, reference-counted, zeroed when freed. */
#ifndef CORE_CREDENTIALS_H
#define CORE_CREDENTIALS_H

#include "core/refcount.h"

struct credentials {
    struct refcount refs;
    char *access_key_id;
    char *access_key_secret;
    char *security_token; /* "" when there is none */
};

/* Copies the texts. NULL when memory runs out. The caller owns one reference. */
struct credentials *credentials_new(const char *access_key_id, const char *access_key_secret,
                                    const char *security_token);
struct credentials *credentials_get(struct credentials *credentials);
void credentials_put(struct credentials *credentials); /* NULL is allowed */

#endif
