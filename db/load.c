#include "db/load.h"

#include <string.h>

#include "core/clock.h"
#include "core/log.h"

const char *load_scope_name(unsigned scope)
{
    switch (scope) {
    case LOAD_INSTANCES:
        return "instances";
    case LOAD_USERS:
        return "users";
    case LOAD_ACCOUNTS:
        return "accounts";
    case LOAD_INSTANCES | LOAD_USERS:
        return "instances,users";
    case LOAD_INSTANCES | LOAD_ACCOUNTS:
        return "instances,accounts";
    case LOAD_USERS | LOAD_ACCOUNTS:
        return "users,accounts";
    default:
        return "all";
    }
}

void load_run(struct load *load)
{
    int64_t unix_ms = clock_unix_ms();
    struct rows rows;
    unsigned whole;

    rows_init(&rows);
    whole = source_read_rows(load->config, load->scope, &rows, &load->error);
    if ((whole & LOAD_INSTANCES) != 0) {
        load->inventory = inventory_build(&rows, load->config->inventory.exclude, unix_ms, &load->error);
        load->loaded |= load->inventory != NULL ? LOAD_INSTANCES : 0;
    }
    if ((whole & LOAD_USERS) != 0) {
        load->limits = user_limits_build(&rows, unix_ms, &load->error);
        load->loaded |= load->limits != NULL ? LOAD_USERS : 0;
    }
    if ((whole & LOAD_ACCOUNTS) != 0) {
        load->accounts = accounts_table_build(&rows, unix_ms, &load->error);
        load->loaded |= load->accounts != NULL ? LOAD_ACCOUNTS : 0;
    }
    memcpy(load->remarks, rows.remarks, sizeof(load->remarks));
    rows_release(&rows);
}

static struct load_size inventory_size(const struct inventory *inventory)
{
    struct load_size size = {.entries = inventory->instance_count};

    for (size_t i = 0; i < inventory->instance_count; i++)
        size.clusters += strcmp(inventory->instances[i].ins_type, "polardb") == 0;
    return size;
}

/* What was built for one scope. */
static struct load_size built_size(const struct load *load, unsigned scope)
{
    switch (scope) {
    case LOAD_INSTANCES:
        return inventory_size(load->inventory);
    case LOAD_USERS:
        return (struct load_size){.entries = load->limits->count};
    default:
        return (struct load_size){.entries = load->accounts->count};
    }
}

static void take_back(struct load *load, unsigned scope)
{
    load->loaded &= ~scope;
    load->held |= scope;
    if (scope == LOAD_INSTANCES) {
        inventory_put(load->inventory);
        load->inventory = NULL;
    } else if (scope == LOAD_USERS) {
        user_limits_put(load->limits);
        load->limits = NULL;
    } else {
        accounts_table_put(load->accounts);
        load->accounts = NULL;
    }
}

static void log_held(unsigned scope, const struct load_hold *hold)
{
    log_warn("inventory load held back: it lost more than half; the old one stays until a load at least 30 s "
             "later says the same, or a reload is asked for",
             log_text("scope", load_scope_name(scope)), log_int("found", (int64_t)hold->found.entries),
             log_int("in_force", (int64_t)hold->in_force.entries),
             log_int("clusters_found", (int64_t)hold->found.clusters),
             log_int("clusters_in_force", (int64_t)hold->in_force.clusters));
}

void load_hold_back(struct load *load, struct load_hold holds[LOAD_SCOPE_COUNT], int64_t now)
{
    for (int i = 0; i < LOAD_SCOPE_COUNT; i++) {
        unsigned scope = load_scope_at(i);
        enum load_belief belief;

        if ((load->loaded & scope) == 0)
            continue;
        belief = load_hold_judge(&holds[i], built_size(load, scope), (load->asked & scope) != 0, now);
        if (belief == LOAD_HELD_ANEW)
            log_held(scope, &holds[i]);
        if (belief != LOAD_BELIEVED)
            take_back(load, scope);
    }
}

unsigned load_failed_scopes(const struct load *load)
{
    return load->scope & ~load->loaded & ~load->held;
}

static int64_t rejected_total(const uint64_t *rejected)
{
    uint64_t total = 0;

    for (int i = 0; i < REJECTION_COUNT; i++)
        total += rejected[i];
    return (int64_t)total;
}

void load_log(const struct load *load, int64_t now)
{
    int64_t duration_ms = (now - load->started) / NS_PER_MS;
    const char *source = inventory_source_name(load->config->inventory.source);

    if ((load->loaded & LOAD_INSTANCES) != 0)
        log_info("inventory loaded", log_text("source", source),
                 log_int("instances", (int64_t)load->inventory->instance_count),
                 log_int("targets", (int64_t)load->inventory->target_count),
                 log_int("rejected", rejected_total(load->inventory->rejected)),
                 log_int("duration_ms", duration_ms));
    if ((load->loaded & LOAD_USERS) != 0)
        log_info(
            "user limits loaded", log_text("source", source), log_int("limits", (int64_t)load->limits->count),
            log_int("rejected", rejected_total(load->limits->rejected)), log_int("duration_ms", duration_ms));
    if ((load->loaded & LOAD_ACCOUNTS) != 0)
        log_info("accounts loaded", log_text("source", source),
                 log_int("accounts", (int64_t)load->accounts->count),
                 log_int("rejected", rejected_total(load->accounts->rejected)),
                 log_int("duration_ms", duration_ms));
}

/* The scope that a topic belongs to; those about the server belong to all. */
static unsigned topic_scope(enum remark_topic topic)
{
    static const unsigned scopes[REMARK_TOPIC_COUNT] = {
        [REMARKS_SERVER] = LOAD_ALL,
        [REMARKS_INSTANCES] = LOAD_INSTANCES,
        [REMARKS_USERS] = LOAD_USERS,
        [REMARKS_ACCOUNTS] = LOAD_ACCOUNTS,
    };

    return scopes[topic];
}

void load_log_remarks(const struct load *load, uint64_t said[REMARK_TOPIC_COUNT])
{
    for (int topic = 0; topic < REMARK_TOPIC_COUNT; topic++) {
        const struct remarks *remarks = &load->remarks[topic];
        uint64_t hash = remarks_hash(remarks);
        uint64_t unsaid = remarks->count - remarks_kept(remarks);

        if ((topic_scope((enum remark_topic)topic) & (load->loaded | load->held)) == 0 || hash == said[topic])
            continue;
        said[topic] = hash;
        for (size_t i = 0; i < remarks_kept(remarks); i++)
            log_warn("inventory not as expected", log_text("remark", remarks->texts[i]));
        if (unsaid > 0)
            log_warn("inventory not as expected: more of the same", log_int("remarks", (int64_t)unsaid));
    }
}

void load_release(struct load *load)
{
    inventory_put(load->inventory);
    user_limits_put(load->limits);
    accounts_table_put(load->accounts);
}
