#include "nonce.h"

#include <search.h>
#include <stdlib.h>

#include "util.h"

static int compare(const void *left, const void *right)
{
    const struct nonce *a = left;
    const struct nonce *b = right;

    return (a->hash > b->hash) - (a->hash < b->hash);
}

static void forget_oldest(struct nonce_set *set)
{
    struct nonce *oldest = set->ring[set->head];

    (void)tdelete(oldest, &set->tree, compare);
    free(oldest);
    set->head = (set->head + 1) % NONCE_MOST;
    set->count--;
}

bool nonce_set_use(struct nonce_set *set, const char *text, uint64_t now, uint64_t remember)
{
    struct nonce *nonce = xcalloc(1, sizeof(*nonce));
    struct nonce *const *found;

    *nonce = (struct nonce){fnv1a64(text), now};
    if (set->ring == NULL)
        set->ring = xcalloc(NONCE_MOST, sizeof(*set->ring));
    while (set->count > 0 && now - set->ring[set->head]->at > remember)
        forget_oldest(set);
    if (set->count == NONCE_MOST)
        forget_oldest(set);
    found = tsearch(nonce, &set->tree, compare);
    if (found == NULL)
        abort();
    if (*found != nonce) {
        free(nonce);
        return false;
    }
    set->ring[(set->head + set->count++) % NONCE_MOST] = nonce;
    return true;
}

void nonce_set_release(struct nonce_set *set)
{
    while (set->count > 0)
        forget_oldest(set);
    free(set->ring);
    *set = (struct nonce_set){0};
}
