/*
 * All entries that follow from a configuration, the accounts of the inventory and the accounts table.
 * Built aside, where memory may run out; then put in force by steps that cannot fail.
 */
#ifndef DAS_KEYRING_KEY_SET_H
#define DAS_KEYRING_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "core/arena.h"
#include "core/refcount.h"
#include "das/keyring/key_entry.h"
#include "das/keyring/key_source.h"

/* The accounts of the inventory: immutable, counted. */
struct key_accounts {
    struct refcount refs;
    struct arena arena;
    const char **uids;
    size_t count;
};

struct key_accounts *key_accounts_new(const char *const *uids, size_t count);
struct key_accounts *key_accounts_get(struct key_accounts *accounts);
void key_accounts_put(struct key_accounts *accounts); /* NULL is allowed */

/* What a set follows from; each is one reference. */
struct key_inputs {
    struct config *config;
    struct key_accounts *accounts;
    struct key_rows *rows;
};

struct key_inputs key_inputs_get(const struct key_inputs *inputs);
void key_inputs_release(struct key_inputs *inputs); /* what is NULL is left out */

#define KEY_SET_NONE ((size_t)-1)

#define KEY_CHAIN_MAX 16 /* roles that assume roles, one after the other */

struct key_set {
    struct key_entry **entries; /* sorted by name, hidden ones last; one reference each */
    size_t *callers;            /* beside it: the place of the caller, or KEY_SET_NONE */
    struct key_entry **changed; /* room for as many; see key_set_replace() */
    size_t count;
    size_t changed_count;
};

/* NULL when memory runs out. */
struct key_set *key_set_build(const struct key_inputs *inputs);
void key_set_free(struct key_set *set); /* NULL is allowed */

/* NULL: there is none of that name. Never a hidden one. */
struct key_entry *key_set_find(const struct key_set *set, const char *aliyun_uid);

/*
 * `set` takes the place of `current`: entries of both go on with their credentials and their new
 * source, those of `current` alone are left in it, not known any more and out of their heap. Entries of accounts
 * that are others now get one more reference, in set->changed.
 */
void key_set_replace(struct key_set *set, struct key_set *current, const struct key_moment *at);

#endif
