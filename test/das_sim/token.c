#include "token.h"

#include <openssl/rand.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

enum { ID_SIZE = 24, SECRET_SIZE = 44 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";

/* Prefix and as many more characters of the first `most` letters as make up size. Not from the seeded
 * generator: no restart may issue what was issued before. */
static char *random_text(const char *prefix, size_t size, unsigned most)
{
    char *text = xcalloc(size + 1, 1);
    size_t start = strnlen(prefix, size);

    if (RAND_bytes((unsigned char *)text, (int)size) != 1)
        abort();
    for (size_t i = start; i < size; i++)
        text[i] = letters[(unsigned char)text[i] % most];
    memcpy(text, prefix, start);
    return text;
}

static int compare(const void *left, const void *right)
{
    const struct access_key *a = left;
    const struct access_key *b = right;

    return strcmp(a->id, b->id);
}

static void forget_oldest(struct token_store *store)
{
    struct access_key *oldest = store->ring[store->head];

    (void)tdelete(oldest, &store->tree, compare);
    access_key_free(oldest);
    store->head = (store->head + 1) % TOKEN_MOST;
    store->count--;
}

static void keep(struct token_store *store, struct access_key *key)
{
    if (store->ring == NULL)
        store->ring = xcalloc(TOKEN_MOST, sizeof(struct access_key *));
    if (store->count == TOKEN_MOST)
        forget_oldest(store);
    if (tsearch(key, &store->tree, compare) == NULL)
        abort();
    store->ring[(store->head + store->count++) % TOKEN_MOST] = key;
}

/* Expiration has whole seconds and must not promise too much. */
static void set_expiry(struct access_key *key, uint64_t now, int64_t lifetime_us)
{
    int64_t wall_ms = clock_wall_ms();
    time_t at = (time_t)((wall_ms + lifetime_us / 1000) / 1000);
    int64_t left_ms = (int64_t)at * 1000 - wall_ms;
    struct tm parts = {0};
    char text[64] = "";

    key->expires_us = now + (left_ms > 0 ? (uint64_t)left_ms * 1000 : 0);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &parts));
    key->expiration = xstrdup(text);
}

struct access_key *token_issue(struct sim *sim, struct account *account, uint64_t now, int64_t seconds)
{
    int64_t lifetime = sim->options.token_lifetime;
    struct access_key *key = xcalloc(1, sizeof(*key));

    key->id = random_text("STS.", ID_SIZE, 62);
    key->secret = random_text("SimSecret", SECRET_SIZE, 62);
    key->token = random_text("CAIS+/SimToken", (size_t)sim->options.token_size, 64);
    key->token[sim->options.token_size - 1] = '=';
    key->account = account;
    set_expiry(key, now, lifetime > 0 ? lifetime : seconds * 1000000);
    keep(&sim->accounts.issued, key);
    account->tally.tokens_issued++;
    return key;
}

json_t *token_json(const struct access_key *key)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "SecurityToken", key->token, "AccessKeyId", key->id,
                     "AccessKeySecret", key->secret, "Expiration", key->expiration);
}

static int compare_id(const void *id, const void *element)
{
    const struct access_key *key = element;

    return strcmp(id, key->id);
}

struct access_key *token_store_find(const struct token_store *store, const char *id)
{
    /* tfind calls compare(key, element): the key may be something else. */
    void *found = tfind(id, &store->tree, compare_id);

    return found == NULL ? NULL : *(struct access_key **)found;
}

void token_store_expire(struct token_store *store, const struct account *account, uint64_t now)
{
    for (size_t i = 0; i < store->count; i++) {
        struct access_key *key = store->ring[(store->head + i) % TOKEN_MOST];

        if (key->account == account && key->expires_us > now)
            key->expires_us = now;
    }
}

void token_store_release(struct token_store *store)
{
    while (store->count > 0)
        forget_oldest(store);
    free(store->ring);
    *store = (struct token_store){0};
}
