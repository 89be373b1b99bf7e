/* Temporary credentials: an access key STS.…, its secret, and a security token that expires. */
#ifndef DAS_SIM_TOKEN_H
#define DAS_SIM_TOKEN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct access_key;
struct account;
struct sim;

/* Of those that were issued the last TOKEN_MOST are known, expired or not. */
enum { TOKEN_MOST = 20000, TOKEN_DEFAULT_SECONDS = 3600 };

struct token_store {
    void *tree;               /* tsearch(3), by access key id */
    struct access_key **ring; /* oldest first */
    size_t head;
    size_t count;
};

/* Makes credentials of that account, never the same twice. They live for --token-lifetime, or for
 * that many seconds when it is 0, and expire exactly at the second that Expiration names. The store
 * keeps them. */
struct access_key *token_issue(struct sim *sim, struct account *account, uint64_t now, int64_t seconds);
/* {AccessKeyId, AccessKeySecret, SecurityToken, Expiration} */
json_t *token_json(const struct access_key *key);
struct access_key *token_store_find(const struct token_store *store, const char *id);
/* Everything that this account has been given expires now. */
void token_store_expire(struct token_store *store, const struct account *account, uint64_t now);
void token_store_release(struct token_store *store);

#endif
