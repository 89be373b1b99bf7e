#include "app/check.h"

#include <inttypes.h>
#include <string.h>

#include "collectors/lane.h"
#include "core/clock.h"
#include "db/inventory.h"
#include "db/rows.h"
#include "db/source.h"

#define CHECK_FAILED(errors, error) (fprintf(errors, "check failed: %s\n", (error)->message), false)

static void print_rejections(const uint64_t rejected[REJECTION_COUNT], FILE *out)
{
    for (int i = 0; i < REJECTION_COUNT; i++) {
        if (rejected[i] > 0)
            fprintf(out, "  rejected rows, %-20s %8" PRIu64 "\n", rejection_name((enum rejection)i),
                    rejected[i]);
    }
}

static size_t count_targets(const struct inventory *inventory, const char *aliyun_uid)
{
    size_t count = 0;

    for (size_t i = 0; i < inventory->target_count; i++)
        count += strcmp(inventory->targets[i].instance->aliyun_uid, aliyun_uid) == 0;
    return count;
}

/* One line of the table. True when the full cycle fits into the interval. */
static bool print_line(const char *name, const struct lane *lane, int64_t interval, double limit,
                       int64_t cycle, const char *unasked, FILE *out)
{
    const char *verdict =
        cycle > interval ? "over the quota: the interval is stretched to the full cycle" : "ok";

    fprintf(out, "  %-24s %8zu %12.1f %12.1f %10.0f s  %s\n", name, lane->job_count,
            lane_demand(lane, interval), limit, (double)cycle / (double)NS_PER_SECOND,
            unasked != NULL ? unasked : verdict);
    return unasked == NULL && cycle <= interval;
}

static double per_second(int64_t calls, int64_t window)
{
    return (double)calls * (double)NS_PER_SECOND / (double)window;
}

/* True when the account is configured and its quota suffices. */
static bool print_account(const struct config *config, const char *aliyun_uid, size_t targets, FILE *out)
{
    const struct account_config *account = config_account(config, aliyun_uid);
    struct lane *lane = lane_new(aliyun_uid, &config->das, account, 0);
    bool good;

    if (lane == NULL) {
        fprintf(out, "  %-24s out of memory\n", aliyun_uid);
        return false;
    }
    lane->job_count = targets;
    good = print_line(aliyun_uid, lane, config->metrics[METRIC_USER_SESSION_COUNT].interval,
                      per_second(limiter_calls(lane->limiter), limiter_window(lane->limiter)),
                      lane_cycle(lane, 1),
                      account == NULL ? "no [account] section: its targets are not asked" : NULL, out);
    lane_free(lane);
    return good;
}

/* All accounts together. True when total_rate_limit suffices or there is none. */
static bool print_total(const struct config *config, size_t targets, FILE *out)
{
    const struct das_config *das = &config->das;
    struct lane *all;
    int64_t cycle;
    bool good;

    if (das->total_rate_limit == 0)
        return true;
    all = lane_new("all accounts", das, NULL, 0);
    if (all == NULL) {
        fprintf(out, "  %-24s out of memory\n", "all accounts");
        return false;
    }
    all->job_count = targets;
    cycle =
        clock_scale(das->rate_window, (int64_t)targets * all->calls_per_result, das->total_rate_limit * 1000);
    good = print_line(all->aliyun_uid, all, config->metrics[METRIC_USER_SESSION_COUNT].interval,
                      per_second(das->total_rate_limit, das->rate_window), cycle, NULL, out);
    lane_free(all);
    return good;
}

static bool already_printed(const struct inventory *inventory, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (strcmp(inventory->instances[j].aliyun_uid, inventory->instances[i].aliyun_uid) == 0)
            return true;
    }
    return false;
}

static bool print_accounts(const struct config *config, const struct inventory *inventory, FILE *out)
{
    bool good = true;

    fprintf(out, "  %-24s %8s %12s %12s %12s\n", "account", "targets", "calls/s need", "calls/s max",
            "full cycle");
    for (size_t i = 0; i < config->account_count; i++) {
        const char *uid = config->accounts[i].aliyun_uid;

        good &= print_account(config, uid, count_targets(inventory, uid), out);
    }
    for (size_t i = 0; i < inventory->instance_count; i++) {
        const char *uid = inventory->instances[i].aliyun_uid;

        if (config_account(config, uid) == NULL && !already_printed(inventory, i))
            good &= print_account(config, uid, count_targets(inventory, uid), out);
    }
    return print_total(config, inventory->target_count, out) && good;
}

static bool check_users(struct rows *rows, FILE *out, FILE *errors)
{
    struct error error;
    struct user_limits *limits = user_limits_build(rows, clock_unix_ms(), &error);

    if (limits == NULL)
        return CHECK_FAILED(errors, &error);
    fprintf(out, "user limits: %zu\n", limits->count);
    print_rejections(limits->rejected, out);
    user_limits_put(limits);
    return true;
}

static bool check_inventory(const struct config *config, struct rows *rows, FILE *out, FILE *errors)
{
    struct error error;
    struct inventory *inventory = inventory_build(rows, config->inventory.exclude, clock_unix_ms(), &error);
    bool good;

    if (inventory == NULL)
        return CHECK_FAILED(errors, &error);
    fprintf(out, "inventory: %zu instances, %zu targets\n", inventory->instance_count,
            inventory->target_count);
    print_rejections(inventory->rejected, out);
    good = print_accounts(config, inventory, out);
    if (!good)
        fprintf(errors, "check failed: see the verdicts above; give every account a section, raise "
                        "[metric db_user_session_count] interval or [das] total_rate_limit, or exclude "
                        "instances\n");
    inventory_put(inventory);
    return good;
}

bool check_run(const struct config *config, FILE *out, FILE *errors)
{
    struct rows rows;
    struct error error;
    bool users = config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled;
    unsigned scope = users ? LOAD_ALL : LOAD_INSTANCES;
    bool good;

    fprintf(out, "configuration: %s is valid\n", config->path);
    rows_init(&rows);
    if (source_read_rows(config, scope, &rows, &error) != scope) {
        rows_release(&rows);
        return CHECK_FAILED(errors, &error);
    }
    good = !users || check_users(&rows, out, errors);
    good = check_inventory(config, &rows, out, errors) && good;
    rows_release(&rows);
    return good;
}
