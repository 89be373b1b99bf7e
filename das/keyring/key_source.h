/*
 * How one entry of the keyring gets its credentials: immutable, counted, made from the configuration
 * and the accounts table. Any thread may read one and count it.
 */
#ifndef DAS_KEYRING_KEY_SOURCE_H
#define DAS_KEYRING_KEY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "core/arena.h"
#include "core/credentials.h"
#include "core/refcount.h"
#include "das/keyring/keyring.h"

/* Rows of the accounts table, sorted by account, each account once (the last row counts). */
struct key_rows {
    struct refcount refs;
    struct arena arena;
    struct keyring_row *rows;
    size_t count;
    bool is_awaited; /* the table was not read yet */
};

/* Copies. NULL when memory runs out. */
struct key_rows *key_rows_new(const struct keyring_row *rows, size_t count);
struct key_rows *key_rows_get(struct key_rows *rows);
void key_rows_put(struct key_rows *rows); /* NULL is allowed */

/* NULL: the account has none. */
const struct keyring_row *key_rows_find(const struct key_rows *rows, const char *aliyun_uid);

/* What an entry is called. Hidden ones belong to no account: they serve those of accounts. */
struct key_name {
    const char *text;
    bool is_hidden;
};

/* For qsort and bsearch of any order: hidden ones last. */
int key_name_compare(struct key_name a, struct key_name b);

struct key_source {
    struct refcount refs;
    enum credential_kind kind;
    bool awaits_table;                    /* of no kind before the accounts table was read once */
    bool is_password;                     /* no keys, but what opens the secrets of the accounts table */
    struct config *config;                /* one reference; the texts of the section are its */
    const struct account_config *section; /* NULL: of a row, of the password, of nothing */
    struct key_rows *rows;                /* one reference; NULL unless it is a row */
    const struct keyring_row *row;
    char *role_arn; /* of a role: without {uid} */
    char *caller;   /* the name of the entry that this one needs; NULL: none */
    bool caller_is_hidden;
    struct credentials *fixed; /* what the configuration itself holds, one reference; NULL: nothing */
};

/*
 * The source that a section names (section NULL: no source), of the kind given, for an account's
 * {uid}. NULL when memory runs out.
 */
struct key_source *key_source_new(struct config *config, const struct account_config *section,
                                  enum credential_kind kind, const char *aliyun_uid);
struct key_source *key_source_new_row(struct config *config, struct key_rows *rows,
                                      const struct keyring_row *row);
struct key_source *key_source_new_password(struct config *config);

/* While it is being made: names the entry that it needs. False when memory runs out. */
bool key_source_set_caller(struct key_source *source, struct key_name caller);

struct key_source *key_source_get(struct key_source *source);
void key_source_put(struct key_source *source); /* NULL is allowed */

/* True when both give the same credentials in the same way. */
bool key_source_same(const struct key_source *a, const struct key_source *b);

/* True when it takes requests over the network. */
bool key_source_is_remote(const struct key_source *source);

/* True when it is in files, which are read again and again. */
bool key_source_has_files(const struct key_source *source);

/* True when it cannot do without the credentials of another entry. */
bool key_source_needs_caller(const struct key_source *source);

/* "[account 1000000000000001]", "the environment", "the accounts table", for people. Returns buffer. */
#define KEY_SOURCE_PLACE_SIZE 96
const char *key_source_place(const struct key_source *source, char buffer[KEY_SOURCE_PLACE_SIZE]);

#endif
