/*
 * The sections [account …] while a file is read: each with the lines of its keys, so that what is
 * wrong with them as a whole can be shown in its place. Private to the configuration.
 */
#ifndef CONFIG_ACCOUNT_SECTIONS_H
#define CONFIG_ACCOUNT_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/table.h"
#include "core/arena.h"
#include "core/error.h"

/* The uid of [account default]. */
#define CONFIG_DEFAULT_UID "default"

/* What stands for the account's id in its role_arn. */
#define CONFIG_UID_PLACEHOLDER "{uid}"

struct seen_key {
    int line;       /* 0: not seen */
    bool from_file; /* as <key>_file */
};

struct account_section {
    struct account_config account; /* its texts lie in the config's arena */
    int line;
    struct seen_key *seen; /* one for each key of the table */
    struct account_section *older;
};

struct account_sections {
    struct arena arena;
    struct account_section *newest;
    size_t count;
};

void account_sections_init(struct account_sections *sections);

/* Does not wipe: the texts may be the config's by now. */
void account_sections_release(struct account_sections *sections);

/* Overwrites the secrets, while the config's arena is still there. */
void account_sections_wipe(struct account_sections *sections);

/* A new section with the defaults; it becomes the newest. False with *error. */
bool account_sections_add(struct account_sections *sections, struct arena *texts, const char *uid, int line,
                          struct error *error);

/*
 * Puts the accounts into the config, sorted, the default one apart, and checks them there. The
 * environment's account is known. False with *error "FILE:LINE: …".
 */
bool account_sections_hand_over(struct account_sections *sections, struct config *config,
                                struct error *error);

/*
 * Fills environment_account from ALIBABA_CLOUD_…, and what else these variables decide unless the file does.
 * False when memory runs out.
 */
bool config_read_environment(struct config *config);

#endif
