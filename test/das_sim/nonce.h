/* The signature nonces of the recent past. Each is remembered for at least the given
 * time, unless more than NONCE_MOST come in that time: the memory is bounded. */
#ifndef DAS_SIM_NONCE_H
#define DAS_SIM_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NONCE_MOST = 500000 };

struct nonce {
    uint64_t hash;
    uint64_t at;
};

struct nonce_set {
    void *tree;          /* tsearch(3), by hash */
    struct nonce **ring; /* oldest first */
    size_t head;
    size_t count;
};

/* False when it was used before. */
bool nonce_set_use(struct nonce_set *set, const char *nonce, uint64_t now, uint64_t remember);
void nonce_set_release(struct nonce_set *set);

#endif
