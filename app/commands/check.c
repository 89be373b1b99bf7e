#include "app/commands/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands/check_account.h"
#include "app/feed.h"
#include "collectors/user_sessions.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "core/terminal.h"
#include "core/text.h"
#include "db/accounts.h"
#include "db/clear_text.h"
#include "db/exclusion.h"
#include "db/inventory.h"
#include "db/rows.h"
#include "db/source.h"
#include "schedule/demand.h"

#define CHECK_FAILED(errors, error) (terminal_line(errors, "check failed: %s", (error)->message), false)

static void print_rejections(const uint64_t rejected[REJECTION_COUNT], FILE *out)
{
    for (int i = 0; i < REJECTION_COUNT; i++) {
        if (rejected[i] > 0)
            terminal_line(out, "  rejected rows, %-20s %8" PRIu64, rejection_name((enum rejection)i),
                          rejected[i]);
    }
}

/* What --check works with. */
struct check {
    const struct config *config;
    const struct inventory *inventory;
    const struct accounts_table *table; /* NULL: not wanted */
    struct keyring *keyring;
    struct das_client *client; /* NULL: offline */
    FILE *out;
};

static size_t count_targets(const struct inventory *inventory, const char *aliyun_uid,
                            const struct target **first)
{
    size_t count = 0;

    *first = NULL;
    for (size_t i = inventory->target_count; i > 0; i--) {
        if (strcmp(inventory->targets[i - 1].instance->aliyun_uid, aliyun_uid) != 0)
            continue;
        *first = &inventory->targets[i - 1];
        count++;
    }
    return count;
}

static void print_head(FILE *out)
{
    terminal_line(out, "  %-24s %-11s %-20s %8s %8s %8s %11s  %s", "account", "credentials", "expire",
                  "targets", "need/s", "limit/s", "full cycle", "verdict");
}

/* One line of the table. True when all is well and the full cycle fits into the interval. */
static bool print_line(const struct check *check, const char *name, size_t targets, const struct quota *quota,
                       const struct account_trial *trial)
{
    int64_t interval = check->config->metrics[METRIC_USER_SESSION_COUNT].interval;
    struct demand demand = demand_of(targets, user_sessions_collector.calls_per_result, interval, quota);
    bool wrong = trial != NULL && trial->error.class != ERROR_NONE;
    bool enabled = check->config->metrics[METRIC_USER_SESSION_COUNT].enabled;
    const char *verdict = "ok";
    char expiry[CLOCK_ISO_SIZE] = "-"; /* for what does not expire */

    if (trial != NULL && trial->expiry_unix_ms != 0)
        clock_format_iso(trial->expiry_unix_ms, expiry);
    if (wrong)
        verdict = trial->error.message;
    else if (!enabled)
        verdict = "ok, but [metric db_user_session_count] is off: nothing is asked";
    else if (demand.cycle <= interval && check->client == NULL)
        verdict = "within the quota, not tried";
    else if (demand.cycle > interval)
        verdict = "over the quota: the interval is stretched to the full cycle";
    terminal_line(check->out, "  %-24s %-11s %-20s %8zu %8.1f %8.1f %9.0f s  %s", name,
                  trial != NULL ? credential_kind_name(trial->kind) : "", trial != NULL ? expiry : "",
                  targets, demand.per_second, limiter_per_second(quota->calls, quota->window),
                  (double)demand.cycle / (double)NS_PER_SECOND, verdict);
    fflush(check->out); /* the next account may take a while */
    return !wrong && (!enabled || demand.cycle <= interval);
}

/* True when the account's credentials are accepted and its quota suffices. */
static bool check_account(const struct check *check, const char *aliyun_uid)
{
    const struct das_config *das = &check->config->das;
    const struct quota quota = {
        .calls = config_rate_limit(das, config_account(check->config, aliyun_uid)),
        .window = das->rate_window,
        .round_trip = DEMAND_ROUND_TRIP,
    };
    const struct target *first;
    size_t targets = count_targets(check->inventory, aliyun_uid, &first);
    struct account_trial trial;

    account_try(check->keyring, check->client, aliyun_uid, first, &trial);
    return print_line(check, aliyun_uid, targets, &quota, &trial);
}

/* All accounts together. True when total_rate_limit suffices or there is none. */
static bool check_total(const struct check *check)
{
    const struct das_config *das = &check->config->das;
    const struct quota quota = {.calls = das->total_rate_limit, .window = das->rate_window};

    return das->total_rate_limit == 0 ||
           print_line(check, "all accounts", check->inventory->target_count, &quota, NULL);
}

/* The accounts of the configuration, the accounts table and the inventory, sorted and unique. NULL: no memory. */
static const char **account_ids(const struct check *check, size_t *count)
{
    const struct accounts_table *table = check->table;
    const struct config *config = check->config;
    const struct inventory *inventory = check->inventory;
    size_t rows = table != NULL ? table->count : 0, used = 0;
    const char **ids = calloc(config->account_count + rows + inventory->instance_count + 1, sizeof(*ids));

    if (ids == NULL)
        return NULL;
    for (size_t i = 0; i < config->account_count; i++)
        ids[used++] = config->accounts[i].aliyun_uid;
    for (size_t i = 0; i < rows; i++)
        ids[used++] = table->rows[i].aliyun_uid;
    for (size_t i = 0; i < inventory->instance_count; i++)
        ids[used++] = inventory->instances[i].aliyun_uid;
    *count = text_sort_unique(ids, used);
    return ids;
}

static bool check_accounts(const struct check *check)
{
    size_t count;
    const char **ids = account_ids(check, &count);
    bool good = true;

    if (ids == NULL) {
        terminal_line(check->out, "  out of memory while listing the accounts");
        return false;
    }
    print_head(check->out);
    for (size_t i = 0; i < count; i++)
        good &= check_account(check, ids[i]);
    free(ids);
    return check_total(check) && good;
}

/* What was read but not understood, and what the server lacks. */
static void print_remarks(const struct rows *rows, FILE *out)
{
    for (int topic = 0; topic < REMARK_TOPIC_COUNT; topic++) {
        const struct remarks *remarks = &rows->remarks[topic];

        for (size_t i = 0; i < remarks_kept(remarks); i++)
            terminal_line(out, "warning: %s", remarks->texts[i]);
        if (remarks->count > remarks_kept(remarks))
            terminal_line(out, "warning: %" PRIu64 " more of the same",
                          remarks->count - remarks_kept(remarks));
    }
}

static bool none_left(const char *what, FILE *errors)
{
    terminal_line(errors, "check failed: not one %s is left, see the warnings above", what);
    return false;
}

static bool check_users(struct rows *rows, FILE *out, FILE *errors)
{
    struct error error;
    struct user_limits *limits = user_limits_build(rows, clock_unix_ms(), &error);
    bool good;

    if (limits == NULL)
        return CHECK_FAILED(errors, &error);
    terminal_line(out, "user limits: %zu", limits->count);
    print_rejections(limits->rejected, out);
    good = limits->count > 0 || limits->row_count == 0 || none_left("user limit", errors);
    user_limits_put(limits);
    return good;
}

static bool check_table(struct rows *rows, struct accounts_table **table, FILE *out, FILE *errors)
{
    struct error error;

    *table = accounts_table_build(rows, clock_unix_ms(), &error);
    if (*table == NULL)
        return CHECK_FAILED(errors, &error);
    terminal_line(out, "accounts table: %zu accounts", (*table)->count);
    print_rejections((*table)->rejected, out);
    return (*table)->count > 0 || (*table)->row_count == 0 || none_left("account of the table", errors);
}

static void nothing_changed(void *context, const char *aliyun_uid)
{
    (void)context;
    (void)aliyun_uid;
}

static bool out_of_memory(FILE *errors)
{
    terminal_line(errors, "check failed: out of memory while setting up the check");
    return false;
}

static bool feed_keyring(const struct check *check)
{
    return (check->table == NULL || keyring_feed_table(check->keyring, check->table)) &&
           keyring_feed_inventory(check->keyring, check->inventory);
}

/* With what the accounts are tried; the client is NULL when they are not. */
static bool check_accounts_with(struct check *check, struct config *config, bool offline, FILE *errors)
{
    const struct keyring_sink sink = {.changed = nothing_changed};
    struct error error;
    bool good = false;

    check->keyring = keyring_new(config, &sink, (uint64_t)clock_unix_ms());
    check->client = offline ? NULL : das_client_new(&config->das, 0, &error);
    if (check->keyring == NULL || !feed_keyring(check))
        out_of_memory(errors);
    else if (!offline && check->client == NULL)
        good = CHECK_FAILED(errors, &error);
    else
        good = check_accounts(check);
    das_client_free(check->client);
    keyring_free(check->keyring);
    return good;
}

/* A pattern that leaves nothing out is probably misspelt. */
static void say_unmatched(const char *exclude, const struct rows *rows, FILE *out)
{
    struct strbuf unmatched;

    strbuf_init(&unmatched, 0);
    if (exclusion_unmatched(exclude, rows, &unmatched) && unmatched.length > 0)
        terminal_line(out, "warning: [inventory] exclude names no instance with: %s",
                      strbuf_text(&unmatched));
    strbuf_release(&unmatched);
}

static bool check_inventory(struct config *config, struct rows *rows, const struct accounts_table *table,
                            bool offline, FILE *out, FILE *errors)
{
    struct check check = {.config = config, .table = table, .out = out};
    struct inventory *inventory;
    struct error error;
    bool good;

    say_unmatched(config->inventory.exclude, rows, out);
    inventory = inventory_build(rows, config->inventory.exclude, clock_unix_ms(), &error);
    if (inventory == NULL)
        return CHECK_FAILED(errors, &error);
    check.inventory = inventory;
    terminal_line(out, "inventory: %zu instances, %zu targets", inventory->instance_count,
                  inventory->target_count);
    print_rejections(inventory->rejected, out);
    print_remarks(rows, out);
    good = check_accounts_with(&check, config, offline, errors);
    if (inventory->instance_count == 0)
        good = none_left("instance", errors);
    else if (!good)
        terminal_line(errors, "check failed: see the verdicts above");
    inventory_put(inventory);
    return good;
}

static void say_open_secrets(const struct config *config, FILE *out)
{
    struct strbuf command;

    if (!config->secrets_open_to_everybody)
        return;
    strbuf_init(&command, 0);
    file_append_closing_command(config->path, &command);
    terminal_line(out, "warning: every user may read the configuration file, which holds secrets; run: %s",
                  strbuf_text(&command));
    strbuf_release(&command);
}

static void say_clear_text(const struct config *config, FILE *out)
{
    char address[INET6_ADDRSTRLEN];

    if (clear_text_to_public(config, address))
        terminal_line(
            out,
            "warning: the inventory database is asked without TLS over a public network (%s is %s); set "
            "tls in [mysql]",
            config->mysql.host, address);
}

bool check_run(struct config *config, bool offline, FILE *out, FILE *errors)
{
    struct rows rows;
    struct error error;
    bool users = config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled;
    bool accounts = config->accounts_common.source == ACCOUNTS_SOURCE_DATABASE;
    unsigned scope = LOAD_INSTANCES | (users ? LOAD_USERS : 0u) | (accounts ? LOAD_ACCOUNTS : 0u);
    struct accounts_table *table = NULL;
    bool good;

    log_set_level(LOG_LEVEL_ERROR + 1); /* the table says it */
    terminal_line(out, "configuration: %s is valid", config->path);
    say_open_secrets(config, out);
    say_clear_text(config, out);
    rows_init(&rows);
    if (source_read_rows(config, scope, &rows, &error) != scope) {
        rows_release(&rows);
        return CHECK_FAILED(errors, &error);
    }
    good = !users || check_users(&rows, out, errors);
    good = (!accounts || check_table(&rows, &table, out, errors)) && good;
    good = check_inventory(config, &rows, table, offline, out, errors) && good;
    accounts_table_put(table);
    rows_release(&rows);
    return good;
}
