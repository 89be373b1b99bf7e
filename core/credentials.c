#include "core/credentials.h"

#include <stdlib.h>
#include <string.h>

/* explicit_bzero instead of memset: the compiler may drop a memset before free. */
static void free_secret(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

static void credentials_free(struct credentials *credentials)
{
    free_secret(credentials->access_key_id);
    free_secret(credentials->access_key_secret);
    free_secret(credentials->security_token);
    free(credentials);
}

struct credentials *credentials_new(const char *access_key_id, const char *access_key_secret,
                                    const char *security_token)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));

    if (credentials == NULL)
        return NULL;
    refcount_init(&credentials->refs);
    credentials->access_key_id = strdup(access_key_id);
    credentials->access_key_secret = strdup(access_key_secret);
    credentials->security_token = strdup(security_token);
    if (credentials->access_key_id == NULL || credentials->access_key_secret == NULL ||
        credentials->security_token == NULL) {
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

struct credentials *credentials_get(struct credentials *credentials)
{
    refcount_get(&credentials->refs);
    return credentials;
}

void credentials_put(struct credentials *credentials)
{
    if (credentials != NULL && refcount_put(&credentials->refs))
        credentials_free(credentials);
}
