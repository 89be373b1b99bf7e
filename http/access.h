/*
 * Who may read and who may change, by the header Authorization:
 * - [web] admin_token, as "Bearer TOKEN": may do everything.
 * - A user of [web] basic_auth_file, as "Basic …": may read; and ask for changes when there is no
 *   token and the request comes from this machine (http/guard.h).
 * - With neither configured everybody may read.
 *
 * A right password is remembered, as a keyed hash, so that a scrape costs no bcrypt. Wrong ones, and wrong
 * tokens, are limited for each client; one bcrypt runs at a time, and few may wait for it. Any thread.
 */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "metrics/self_metrics.h"

enum access_answer {
    ACCESS_READ,           /* may read; a change is the guard's to decide */
    ACCESS_ADMIN,          /* may read and change */
    ACCESS_NEEDS_PASSWORD, /* 401: as a user */
    ACCESS_NEEDS_TOKEN,    /* 401: as the admin */
    ACCESS_TOO_MANY,       /* 429: too many wrong passwords or tokens, or others are being checked */
};

/* What [web] says, with the users read from the file. */
struct access_rules;

/* Blocks. Any thread. NULL with *error, which names the key and what was expected. */
struct access_rules *access_rules_load(const struct web_config *web, struct error *error);
void access_rules_free(struct access_rules *rules); /* NULL is allowed */

struct access;

/* Takes the rules over, also on failure: NULL with *error. */
struct access *access_new(struct access_rules *rules, struct error *error);
void access_free(struct access *access); /* NULL is allowed */

/* From now on a password that is not remembered is ACCESS_TOO_MANY, also for who waits. Any thread. */
void access_close(struct access *access);

/* Puts other rules in force and takes them over. */
void access_replace(struct access *access, struct access_rules *rules);

/* ACCESS_ADMIN for the admin token, otherwise ACCESS_NEEDS_TOKEN or ACCESS_TOO_MANY. "" is none, not a wrong one. */
enum access_answer access_check_token(struct access *access, const char *token, uint64_t client, int64_t now);

/*
 * Judges a request that reads or changes; what reads while everybody may is not looked at. authorization: the header, NULL without one; client: see
 * client_of_text(). An unknown password costs a bcrypt and waits for at most a second before it.
 * basic_auth_file is looked at for changes at most once a second: a bad one is logged once and the
 * old users stay.
 */
enum access_answer access_check(struct access *access, const char *authorization, bool change,
                                uint64_t client, int64_t now);

/* How many wrong ones there were, with those that were not looked at after too many. */
void access_failures(struct access *access, uint64_t counts[AUTH_KIND_COUNT]);

#endif
