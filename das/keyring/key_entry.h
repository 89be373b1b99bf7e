/*
 * One entry of the keyring: the credentials that are in force, where they come from, and what becomes
 * of them. Pure transitions; whoever calls them has the entry to himself (the keyring's lock), acts on
 * what they tell after it has let go of the lock, and fetches without it:
 *
 *     due ── begin ──► a fetch, or nothing to do ── end ──► held, renewed, failed; due again some time
 *                 └──► waits for the caller's credentials ── woken when the caller has news
 */
#ifndef DAS_KEYRING_KEY_ENTRY_H
#define DAS_KEYRING_KEY_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/complaint.h"
#include "core/error.h"
#include "core/heap.h"
#include "core/list.h"
#include "core/refcount.h"
#include "das/keyring/key_source.h"
#include "das/keyring/renewal.h"
#include "das/keyring/sources/credential_source.h"

struct key_entry {
    struct refcount refs;
    char *name; /* immutable: the account; a hidden entry's role, for people */
    bool is_hidden;

    /* What the keyring keeps in order. */
    bool is_known;     /* in the set in force */
    bool is_busy;      /* a thread fetches for it; else it is in a heap, or has nothing due */
    bool is_retrying;  /* that thread repeats what failed */
    struct heap *heap; /* the one it is in; NULL: none */
    struct heap_node timer;
    struct key_entry *caller; /* of the same set; NULL: none. Not counted */
    struct list dependents;   /* those whose caller this is */
    struct list_node as_dependent;

    /* What the transitions below keep. */
    struct key_source *source;
    unsigned revision; /* grows when the source becomes another one */
    struct credentials *credentials;
    int64_t expiry_unix_ms; /* of those; 0: they do not expire */
    int64_t
        expired_unix_ms; /* when the last ones did, since when there are none; 0: there are, or never were */
    struct error error;
    struct renewal renewal;
    bool is_waiting;      /* for news of the caller */
    bool is_refused;      /* the server refused the credentials in force: something newer is wanted */
    bool owes_answer;     /* somebody who said so wants to hear how that ends */
    bool is_caller_asked; /* STS refused the caller's credentials, which are being renewed */
    struct complaint complaint;
};

/* The moment of a transition. */
struct key_moment {
    int64_t now;
    int64_t unix_ms;
    uint64_t random; /* any 64 bits */
};

enum key_event {
    KEY_QUIET,
    KEY_OBTAINED, /* temporary credentials where there were none */
    KEY_RENEWED,  /* newer ones */
    KEY_MENDED,   /* it works again after a failure that was said */
    KEY_FAILED,   /* to be said */
    KEY_EXPIRED,  /* and nothing newer is there */
};

/* What a transition changed. Starts zeroed; transitions only add to it. */
struct key_news {
    bool changed;        /* credentials or error are others: whoever uses them wants to know */
    bool replaced;       /* the credentials are others */
    bool caller_refused; /* STS refused what the caller gave */
    enum key_event event;
    uint64_t repeats;
};

/* Takes over the source, also on failure. One reference. NULL when memory runs out. */
struct key_entry *key_entry_new(struct key_name name, struct key_source *source);
struct key_entry *key_entry_get(struct key_entry *entry);
void key_entry_put(struct key_entry *entry); /* NULL is allowed */
struct key_name key_entry_name(const struct key_entry *entry);

/* What the configuration itself holds is in force at once; the rest is due now. For a new entry. */
void key_entry_settle(struct key_entry *entry, const struct key_moment *at);

/* Exchanges the sources of both; another source is asked now, and what is held stays until it gives. */
void key_entry_exchange(struct key_entry *entry, struct key_entry *other, const struct key_moment *at,
                        struct key_news *news);

/* True when a fetch is to be made now. Otherwise the entry waits, or what was due has happened. */
bool key_entry_begin(struct key_entry *entry, const struct key_moment *at, struct key_news *news);

/* True when begin would make a fetch and not only find out that it has to wait. */
bool key_entry_can_fetch(const struct key_entry *entry, int64_t now);

/*
 * A fetch has ended, with *error set or with what was issued (whose reference is taken over).
 * caller_used: what it was made with; NULL: nothing.
 */
void key_entry_end(struct key_entry *entry, struct issued_credentials *issued, const struct error *error,
                   const struct credentials *caller_used, const struct key_moment *at, struct key_news *news);

/* The caller's fetch has ended; `replaced` when it has other credentials now. */
void key_entry_wake(struct key_entry *entry, bool replaced, int64_t now);

/* What failed may have been mended: it is tried again soon. */
void key_entry_retry(struct key_entry *entry, int64_t now);

/* The server refused these. False when they are not in force any more. */
bool key_entry_refuse(struct key_entry *entry, const struct credentials *refused, int64_t now);

#endif
