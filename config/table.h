/*
 * The table of configuration keys, and what can be done with one key: parse, format, compare,
 * describe. Private to the configuration; others include config/config.h. Pure, any thread.
 */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/strbuf.h"

/* The prefix of the sections "account UID"; their keys have the section CONFIG_ACCOUNT. */
#define CONFIG_ACCOUNT        "account"
#define CONFIG_ACCOUNT_PREFIX CONFIG_ACCOUNT " "

/* The suffix of an address in [web] listen that speaks TLS. */
#define CONFIG_LISTEN_TLS "s"

/* Room for the texts made by config_key_expected and for scalar values. */
#define CONFIG_TEXT_SIZE 128

enum config_type {
    CONFIG_INT,      /* int64_t */
    CONFIG_DURATION, /* int64_t, nanoseconds */
    CONFIG_SIZE,     /* int64_t, bytes */
    CONFIG_BOOL,     /* bool */
    CONFIG_ENUM,     /* an enum, its values the indexes of `names` */
    CONFIG_STRING,   /* const char * */
    CONFIG_PATH,     /* const char *, relative to the folder of the config file */
};

enum config_key_flags {
    CONFIG_RESTART = 1,   /* a change needs a restart */
    CONFIG_SECRET = 2,    /* never shown, zeroed in the end */
    CONFIG_FROM_FILE = 4, /* there also is <key>_file, of which everybody else must be kept out */
};

struct config_key {
    const char *section;
    const char *key;
    enum config_type type;
    int64_t minimum; /* of the value; for strings of their length */
    int64_t maximum;
    const char *const *names; /* ends with NULL */
    const char *fallback;     /* as it would stand in the file; "" leaves zero or "" */
    size_t offset;            /* in struct account_config for CONFIG_ACCOUNT, else in struct config */
    size_t path_offset;       /* of the path in <key>_file, a string; 0: the path is not kept */
    unsigned flags;
    const char *meaning;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key of a section ("web", "metric …", CONFIG_ACCOUNT), or NULL. */
const struct config_key *config_key_find(const char *section, const char *key);

/* The key that `<key>_file` is the file of, or NULL. */
const struct config_key *config_key_find_file(const char *section, const char *key);

/* False when no key has that section. CONFIG_ACCOUNT is one. */
bool config_section_known(const char *section);

/* Says that there is no such section or key, and what was probably meant. */
void config_section_unknown(const char *section, struct error *error);
void config_key_unknown(const char *section, const char *key, struct error *error);

/* What a value may be: "a whole number from 1 to 1024". Returns buffer. */
const char *config_key_expected(const struct config_key *key, char *buffer, size_t size);

enum config_parsed { CONFIG_PARSED, CONFIG_NOT_PARSED, CONFIG_NO_MEMORY };

/*
 * Stores the value of a key into the struct that its offset counts in. A string is copied into
 * the arena; a relative path gets `folder` (NULL: none) in front.
 */
enum config_parsed config_key_parse(const struct config_key *key, const char *text, const char *folder,
                                    struct arena *arena, void *object);

/* Keeps the path that the value was read from; nothing when the key keeps none. False: no memory. */
bool config_key_keep_path(const struct config_key *key, const char *path, struct arena *arena, void *object);

/*
 * Sets all keys of accounts, or all others, to their defaults; texts without one to "". False: no
 * memory.
 */
bool config_set_defaults(bool of_account, const char *folder, struct arena *arena, void *object);

/* Appends the value as it would stand in the file, secrets as "***". */
void config_key_format(const struct config_key *key, const void *object, struct strbuf *out);

bool config_key_equal(const struct config_key *key, const void *left, const void *right);

/* Overwrites the value of a secret string. */
void config_key_wipe(const struct config_key *key, void *object);

/* Overwrites the secrets of an account. */
void config_wipe_account(struct account_config *account);

#endif
