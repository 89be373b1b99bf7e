#include "http/web/overview.h"

#include <string.h>

#include "core/clock.h"
#include "http/web/target_view.h"

typedef bool account_test_fn(const struct account_status *account);

static const char *const level_names[LEVEL_COUNT] = {
    [LEVEL_GOOD] = "good",
    [LEVEL_NOTE] = "note",
    [LEVEL_WARNING] = "warning",
    [LEVEL_BAD] = "bad",
};

const char *level_name(enum level level)
{
    return level_names[level];
}

static struct finding *finding_add(struct overview *overview, enum level level, const char *code)
{
    struct finding *finding = &overview->findings[overview->count++];

    *finding = (struct finding){.level = level, .code = code, .name = ""};
    return finding;
}

static bool has_no_credentials(const struct account_status *account)
{
    return account->credential_kind == CREDENTIAL_NONE && account->targets > 0;
}

static bool is_down(const struct account_status *account)
{
    return account->credential_kind != CREDENTIAL_NONE && !account->up && account->error != NULL;
}

static bool cannot_renew(const struct account_status *account)
{
    return account->up && account->error != NULL;
}

static bool is_overcommitted(const struct account_status *account)
{
    return account->overcommitted;
}

static bool is_slowed(const struct account_status *account)
{
    return account->rate_effective < account->rate_limit;
}

enum level account_level(const struct account_status *account)
{
    if (has_no_credentials(account) || is_down(account))
        return LEVEL_BAD;
    if (cannot_renew(account) || is_overcommitted(account) || is_slowed(account))
        return LEVEL_WARNING;
    return account->up ? LEVEL_GOOD : LEVEL_NOTE;
}

const char *account_state(const struct account_status *account)
{
    if (account->credential_kind == CREDENTIAL_NONE)
        return "no_credentials";
    if (account->up)
        return "up";
    return account->error != NULL ? "down" : "pending";
}

/* A finding about the accounts that pass a test, with the first of them as the example. */
static void judge_accounts(struct overview *overview, const struct status *status, account_test_fn *test,
                           enum level level, const char *one, const char *many)
{
    const struct account_status *first = NULL;
    struct finding *finding;
    uint64_t count = 0;

    for (size_t i = 0; i < status->account_count; i++) {
        if (!test(&status->accounts[i]))
            continue;
        if (first == NULL)
            first = &status->accounts[i];
        count++;
    }
    if (first == NULL)
        return;
    finding = finding_add(overview, level, count == 1 ? one : many);
    finding->name = first->aliyun_uid;
    finding->count = count;
    finding->total = status->account_count;
    finding->seconds = first->cycle / NS_PER_SECOND;
    finding->error = first->error;
}

static void judge_instances(struct overview *overview, const struct status *status)
{
    const struct inventory_status *inventory = &status->inventory;
    struct finding *finding;

    if (inventory->instances_failures == 0) {
        if (!status->inventory_loaded)
            finding_add(overview, LEVEL_NOTE, "inventory_loading");
        else if (status->target_count == 0)
            finding_add(overview, LEVEL_WARNING, "inventory_empty");
        return;
    }
    finding = finding_add(overview, status->inventory_loaded ? LEVEL_WARNING : LEVEL_BAD,
                          status->inventory_loaded ? "inventory_old" : "inventory_failed");
    finding->seconds = (status->taken_unix_ms - inventory->instances_success_unix_ms) / 1000;
    finding->error = &inventory->error;
}

/* Half of it may be gone for good, or for the moment in which somebody fills the tables anew. */
static void judge_held_load(struct overview *overview, const struct inventory_status *inventory)
{
    struct finding *finding;

    if (!inventory->is_held)
        return;
    finding = finding_add(overview, LEVEL_WARNING, "inventory_held");
    finding->count = inventory->held_found;
    finding->total = inventory->held_in_force;
}

/* What is read beside the instances. Together with them it fails for the same reason, which is said once. */
static void judge_other_tables(struct overview *overview, const struct inventory_status *inventory)
{
    struct finding *finding;

    if (inventory->instances_failures > 0 || inventory->error.class == ERROR_NONE)
        return;
    finding = finding_add(overview, LEVEL_WARNING,
                          inventory->users_failures > 0 ? "users_failed" : "accounts_table_failed");
    finding->error = &inventory->error;
}

static void judge_program(struct overview *overview, const struct status *status, const char *why)
{
    if (why != NULL)
        finding_add(overview, LEVEL_BAD, "stuck")->name = why;
    judge_instances(overview, status);
    judge_held_load(overview, &status->inventory);
    judge_other_tables(overview, &status->inventory);
    if (status->reload.error.class != ERROR_NONE)
        finding_add(overview, LEVEL_WARNING, "reload_failed")->error = &status->reload.error;
}

static void judge_targets(struct overview *overview, const struct status *status)
{
    size_t health[TARGET_HEALTH_COUNT] = {0};
    const struct target_status *first = NULL;
    struct finding *finding;

    for (size_t i = 0; i < status->target_count; i++) {
        enum target_health of_this = target_health(&status->targets[i]);

        health[of_this]++;
        if (first == NULL && of_this == TARGET_DOWN)
            first = &status->targets[i];
    }
    if (first != NULL) {
        finding = finding_add(overview, health[TARGET_UP] == 0 ? LEVEL_BAD : LEVEL_WARNING, "targets_down");
        finding->name = first->ins_id;
        finding->count = health[TARGET_DOWN];
        finding->total = status->target_count;
        finding->error = first->error;
    }
    if (health[TARGET_PENDING] > 0) {
        finding = finding_add(overview, LEVEL_NOTE, "targets_pending");
        finding->count = health[TARGET_PENDING];
        finding->total = status->target_count;
    }
}

/* The worst first; those of a level stay in their order. */
static void sort_findings(struct overview *overview)
{
    for (size_t i = 1; i < overview->count; i++) {
        struct finding finding = overview->findings[i];
        size_t place = i;

        while (place > 0 && overview->findings[place - 1].level < finding.level) {
            overview->findings[place] = overview->findings[place - 1];
            place--;
        }
        overview->findings[place] = finding;
    }
}

static bool is_same(const struct error *a, const struct error *b)
{
    return a->class == b->class && strcmp(a->code, b->code) == 0 && strcmp(a->message, b->message) == 0;
}

/* What makes an account fail makes its targets fail: the first finding says why, the others how much. */
static void drop_repeated_errors(struct overview *overview)
{
    for (size_t i = 1; i < overview->count; i++) {
        struct finding *finding = &overview->findings[i];

        for (size_t j = 0; j < i && finding->error != NULL; j++) {
            if (overview->findings[j].error != NULL && is_same(overview->findings[j].error, finding->error))
                finding->error = NULL;
        }
    }
}

void overview_judge(struct overview *overview, const struct status *status, const char *why)
{
    struct finding *finding;

    overview->count = 0;
    judge_program(overview, status, why);
    judge_accounts(overview, status, is_down, LEVEL_BAD, "account_down", "accounts_down");
    judge_accounts(overview, status, has_no_credentials, LEVEL_BAD, "account_unconfigured",
                   "accounts_unconfigured");
    judge_targets(overview, status);
    judge_accounts(overview, status, cannot_renew, LEVEL_WARNING, "account_unrenewed", "accounts_unrenewed");
    judge_accounts(overview, status, is_overcommitted, LEVEL_WARNING, "account_overcommitted",
                   "accounts_overcommitted");
    judge_accounts(overview, status, is_slowed, LEVEL_WARNING, "account_slowed", "accounts_slowed");
    if (overview->count == 0) {
        finding = finding_add(overview, LEVEL_GOOD, "all_well");
        finding->count = status->target_count;
        finding->total = status->account_count;
    }
    sort_findings(overview);
    drop_repeated_errors(overview);
}
