#include "http/overview.h"

#include <string.h>

#include "core/clock.h"
#include "http/target_view.h"

typedef bool account_test_fn(const struct account_status *account);

static struct finding *add(struct overview *overview, enum level level, enum phrase phrase)
{
    struct finding *finding = &overview->findings[overview->count++];

    *finding = (struct finding){.level = level, .phrase = phrase, .name = ""};
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

/* A finding about the accounts that pass a test, with the first of them as the example. */
static void judge_accounts(struct overview *overview, const struct status *status, account_test_fn *test,
                           enum level level, enum phrase one, enum phrase many)
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
    finding = add(overview, level, count == 1 ? one : many);
    finding->name = first->aliyun_uid;
    finding->count = count;
    finding->total = status->account_count;
    finding->seconds = first->cycle / NS_PER_SECOND;
    finding->error = first->error;
    finding->link = "/#accounts";
}

static void judge_instances(struct overview *overview, const struct status *status)
{
    const struct inventory_status *inventory = &status->inventory;
    struct finding *finding;

    if (inventory->instances_failures == 0) {
        if (!status->inventory_loaded)
            add(overview, LEVEL_NOTE, PHRASE_INVENTORY_LOADING);
        else if (status->target_count == 0)
            add(overview, LEVEL_WARNING, PHRASE_INVENTORY_EMPTY)->link = "/#inventory";
        return;
    }
    finding = add(overview, status->inventory_loaded ? LEVEL_WARNING : LEVEL_BAD,
                  status->inventory_loaded ? PHRASE_INVENTORY_OLD : PHRASE_INVENTORY_FAILED);
    finding->seconds = (status->taken_unix_ms - inventory->instances_success_unix_ms) / 1000;
    finding->error = &inventory->error;
    finding->link = "/#inventory";
}

/* Half of it may be gone for good, or for the moment in which somebody fills the tables anew. */
static void judge_held_load(struct overview *overview, const struct inventory_status *inventory)
{
    struct finding *finding;

    if (!inventory->is_held)
        return;
    finding = add(overview, LEVEL_WARNING, PHRASE_INVENTORY_HELD);
    finding->count = inventory->held_found;
    finding->total = inventory->held_in_force;
    finding->link = "/#inventory";
}

/* What is read beside the instances. Together with them it fails for the same reason, which is said once. */
static void judge_other_tables(struct overview *overview, const struct inventory_status *inventory)
{
    struct finding *finding;

    if (inventory->instances_failures > 0 || inventory->error.class == ERROR_NONE)
        return;
    finding = add(overview, LEVEL_WARNING,
                  inventory->users_failures > 0 ? PHRASE_USERS_FAILED : PHRASE_ACCOUNTS_TABLE_FAILED);
    finding->error = &inventory->error;
    finding->link = "/#inventory";
}

static void judge_program(struct overview *overview, const struct status *status, const char *why)
{
    if (why != NULL)
        add(overview, LEVEL_BAD, PHRASE_STUCK)->name = why;
    judge_instances(overview, status);
    judge_held_load(overview, &status->inventory);
    judge_other_tables(overview, &status->inventory);
    if (status->reload.error.class != ERROR_NONE)
        add(overview, LEVEL_WARNING, PHRASE_RELOAD_FAILED)->error = &status->reload.error;
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
        finding = add(overview, health[TARGET_UP] == 0 ? LEVEL_BAD : LEVEL_WARNING, PHRASE_TARGETS_DOWN);
        finding->name = first->ins_id;
        finding->count = health[TARGET_DOWN];
        finding->total = status->target_count;
        finding->error = first->error;
        finding->link = "/targets?state=down";
    }
    if (health[TARGET_PENDING] > 0) {
        finding = add(overview, LEVEL_NOTE, PHRASE_TARGETS_PENDING);
        finding->count = health[TARGET_PENDING];
        finding->total = status->target_count;
        finding->link = "/targets?state=pending";
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

bool overview_shows(const struct overview *overview, const struct error *error)
{
    for (size_t i = 0; i < overview->count; i++) {
        if (overview->findings[i].error == error)
            return true;
    }
    return false;
}

void overview_judge(struct overview *overview, const struct status *status, const char *why)
{
    struct finding *finding;

    overview->count = 0;
    judge_program(overview, status, why);
    judge_accounts(overview, status, is_down, LEVEL_BAD, PHRASE_ACCOUNT_DOWN, PHRASE_ACCOUNTS_DOWN);
    judge_accounts(overview, status, has_no_credentials, LEVEL_BAD, PHRASE_ACCOUNT_UNCONFIGURED,
                   PHRASE_ACCOUNTS_UNCONFIGURED);
    judge_targets(overview, status);
    judge_accounts(overview, status, cannot_renew, LEVEL_WARNING, PHRASE_ACCOUNT_UNRENEWED,
                   PHRASE_ACCOUNTS_UNRENEWED);
    judge_accounts(overview, status, is_overcommitted, LEVEL_WARNING, PHRASE_ACCOUNT_OVERCOMMITTED,
                   PHRASE_ACCOUNTS_OVERCOMMITTED);
    judge_accounts(overview, status, is_slowed, LEVEL_WARNING, PHRASE_ACCOUNT_SLOWED, PHRASE_ACCOUNTS_SLOWED);
    if (overview->count == 0) {
        finding = add(overview, LEVEL_GOOD, PHRASE_ALL_WELL);
        finding->count = status->target_count;
        finding->total = status->account_count;
    }
    sort_findings(overview);
    drop_repeated_errors(overview);
}

static void render_finding(const struct finding *finding, bool first, struct html *page)
{
    html_markup(page, "<li class=\"finding ");
    html_markup(page, level_class(finding->level));
    html_markup(page, first ? " first\"><strong>" : "\"><span>");
    html_markup(page, "<span aria-hidden=\"true\">");
    html_markup(page, level_mark(finding->level));
    html_markup(page, "</span> ");
    html_say(page, finding->phrase, finding->name, figure_count(finding->count).text,
             figure_count(finding->total).text, figure_seconds(page, finding->seconds).text, NULL);
    html_markup(page, first ? "</strong>" : "</span>");
    if (finding->link != NULL) {
        html_markup(page, " <small><a href=\"");
        html_markup(page, finding->link);
        html_markup(page, "\">");
        html_say(page, PHRASE_SHOW, NULL);
        html_markup(page, "</a></small>");
    }
    if (finding->error != NULL)
        html_error(page, finding->error);
    html_markup(page, "</li>\n");
}

void overview_render(const struct overview *overview, struct html *page)
{
    html_markup(page, "<div role=\"status\"><ul class=\"plain\">\n");
    for (size_t i = 0; i < overview->count; i++)
        render_finding(&overview->findings[i], i == 0, page);
    html_markup(page, "</ul></div>\n");
}
