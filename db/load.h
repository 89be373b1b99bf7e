/* One load, from the rows to what is built of them. Private to the loader; inventory thread. */
#ifndef DB_LOAD_H
#define DB_LOAD_H

#include "config/config.h"
#include "core/error.h"
#include "db/accounts.h"
#include "db/inventory.h"
#include "db/load_hold.h"
#include "db/rows.h"
#include "db/source.h"

struct load {
    const struct config *config;
    unsigned scope;  /* to be loaded */
    unsigned asked;  /* those of it that a reload asked for */
    unsigned loaded; /* loaded, built and believed; after it was handed on: in force */
    unsigned held;   /* loaded and built, but not believed yet */
    int64_t started;
    struct inventory *inventory;
    struct user_limits *limits;
    struct accounts_table *accounts;
    struct remarks remarks[REMARK_TOPIC_COUNT];
    struct error error; /* why neither loaded nor held is the whole scope */
};

/* One bit of enum load_scope, by its place. */
static inline unsigned load_scope_at(int index)
{
    return 1u << index;
}

/* "instances", "users,accounts", …, "all". */
const char *load_scope_name(unsigned scope);

/* Reads and builds `scope`. Blocks. */
void load_run(struct load *load);

/* Takes back, and says, what is not believed; it is as if it had not been loaded. */
void load_hold_back(struct load *load, struct load_hold holds[LOAD_SCOPE_COUNT], int64_t now);

/* What was neither put in force nor held. */
unsigned load_failed_scopes(const struct load *load);

/* Says what was put in force. */
void load_log(const struct load *load, int64_t now);

/* Says the remarks that differ from those said before, which `said` remembers by topic. */
void load_log_remarks(const struct load *load, uint64_t said[REMARK_TOPIC_COUNT]);

void load_release(struct load *load);

#endif
