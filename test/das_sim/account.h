/* Accounts (one quota each) and the access keys that belong to them. */
#ifndef DAS_SIM_ACCOUNT_H
#define DAS_SIM_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token.h"
#include "window.h"

struct tally {
    uint64_t calls; /* every call that reached the account, denied ones too */
    uint64_t submits;
    uint64_t polls;
    uint64_t throttled;       /* Throttling.User, whatever the cause */
    uint64_t throttled_quota; /* of these: because the window was full */
    uint64_t auth_failures;
    uint64_t expired_tokens; /* calls refused for it, those to STS too */
    uint64_t hung;
    uint64_t foreign_calls;
    uint64_t foreign_throttled;
    uint64_t worst_window;
    uint64_t worst_window_with_foreign;
    uint64_t worst_100ms;
    uint64_t quota_exceeded;
    uint64_t results_created;
    uint64_t results_finished; /* created ones whose time has come, as polls saw them */
    uint64_t results_delivered;
    uint64_t polls_of_delivered; /* polls spent on the delivered results */
    uint64_t tokens_issued;
    uint64_t first_call_us;
    uint64_t last_call_us;
    json_t *outcomes; /* Code or outcome → how often */
};

struct account {
    char *uid;
    struct window counted;       /* admitted calls, foreign ones too: the quota */
    struct window attempted;     /* our client's calls, denied ones too: its promise */
    struct window attempted_all; /* the same with the admitted foreign calls */
    struct window burst;         /* attempted, over 100 ms */
    double foreign_due_us;       /* when the other tool calls next */
    uint64_t denied_until_us;
    struct tally tally;
};

struct access_key {
    char *id;
    char *secret;
    char *token; /* NULL when the key needs none */
    bool disabled;
    uint64_t expires_us; /* 0: never */
    char *expiration;    /* the same in UTC; NULL: never */
    struct account *account;
};

struct account_book {
    struct account **accounts;
    size_t account_count;
    struct access_key **keys; /* sorted by id once account_book_seal has run */
    size_t key_count;
    struct token_store issued;
};

/* One UID:ACCESS_KEY_ID:SECRET[:SECURITY_TOKEN] line. False when malformed. */
bool account_book_add(struct account_book *book, const char *line);
bool account_book_load(struct account_book *book, const char *path);
/* To be called after the last add and before the first find; now starts the other
 * tool's calls. False when two keys have the same id. */
bool account_book_seal(struct account_book *book, uint64_t now);
/* An access key that was given, or one that was issued. */
struct access_key *account_book_find_key(const struct account_book *book, const char *id);
/* The account of that uid, made when there is none. */
struct account *account_book_get(struct account_book *book, const char *uid);
struct account *account_book_find(const struct account_book *book, const char *uid);
void account_book_release(struct account_book *book);
void access_key_free(struct access_key *key);

#endif
