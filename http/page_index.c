#include <stdio.h>

#include "http/account_card.h"
#include "http/html.h"
#include "http/overview.h"
#include "http/page.h"
#include "http/refresh_form.h"

#define WHY_SIZE 256

static const enum phrase rejection_phrases[REJECTION_COUNT] = {
    [REJECTED_DISABLED] = PHRASE_REJECTED_DISABLED,
    [REJECTED_NOT_MYSQL] = PHRASE_REJECTED_NOT_MYSQL,
    [REJECTED_UNSUPPORTED_TYPE] = PHRASE_REJECTED_UNSUPPORTED_TYPE,
    [REJECTED_MISSING_ID] = PHRASE_REJECTED_MISSING_ID,
    [REJECTED_INVALID_VALUE] = PHRASE_REJECTED_INVALID_VALUE,
    [REJECTED_NO_NODES] = PHRASE_REJECTED_NO_NODES,
    [REJECTED_DUPLICATE_INSTANCE] = PHRASE_REJECTED_DUPLICATE_INSTANCE,
    [REJECTED_DUPLICATE_NODE] = PHRASE_REJECTED_DUPLICATE_NODE,
    [REJECTED_DUPLICATE_USER] = PHRASE_REJECTED_DUPLICATE_USER,
    [REJECTED_EXCLUDED] = PHRASE_REJECTED_EXCLUDED,
    [REJECTED_NO_CREDENTIALS] = PHRASE_REJECTED_NO_CREDENTIALS,
};

static const struct {
    const char *path;
    enum phrase name;
} links[] = {
    {"/metrics", PHRASE_METRICS},  {"/targets", PHRASE_TARGETS},   {"/api/v1/targets", PHRASE_TARGETS_JSON},
    {"/-/healthy", PHRASE_HEALTH}, {"/-/ready", PHRASE_READINESS},
};

struct totals {
    uint64_t instances, targets, targets_up, accounts_up;
};

static struct totals totals_of(const struct status *status)
{
    struct totals totals = {0};

    for (size_t i = 0; i < status->account_count; i++) {
        totals.instances += status->accounts[i].instances;
        totals.targets += status->accounts[i].targets;
        totals.targets_up += status->accounts[i].targets_up;
        totals.accounts_up += status->accounts[i].up;
    }
    return totals;
}

/* A number with its name; `total` only where it is one of several. */
static void append_figure(struct html *page, enum phrase name, uint64_t count, const uint64_t *total)
{
    html_markup(page, "<div class=\"card\"><dt>");
    html_say(page, name, NULL);
    html_markup(page, "</dt><dd>");
    if (total != NULL)
        html_say(page, PHRASE_OF, figure_count(count).text, figure_count(*total).text, NULL);
    else
        html_text(page, figure_count(count).text);
    html_markup(page, "</dd></div>\n");
}

static void append_figures(struct html *page, const struct status *status)
{
    struct totals totals = totals_of(status);
    uint64_t accounts = status->account_count;

    html_markup(page, "<dl class=\"figures\">\n");
    append_figure(page, PHRASE_TARGETS_UP, totals.targets_up, &totals.targets);
    append_figure(page, PHRASE_ACCOUNTS_UP, totals.accounts_up, &accounts);
    append_figure(page, PHRASE_INSTANCES, totals.instances, NULL);
    append_figure(page, PHRASE_QUEUE_LENGTH, status->queue_length, NULL);
    html_markup(page, "</dl>\n");
}

static void append_accounts(struct html *page, const struct status *status, const struct overview *overview)
{
    html_markup(page, "<section id=\"accounts\">");
    html_heading(page, PHRASE_ACCOUNTS);
    if (status->account_count == 0) {
        html_markup(page, "<p class=\"soft\">");
        html_say(page, PHRASE_NO_ACCOUNTS, NULL);
        html_markup(page, "</p>\n");
    } else {
        html_markup(page, "<p class=\"soft small\">");
        html_say(page, PHRASE_QUOTA_LEGEND, NULL);
        html_markup(page, "</p>\n");
    }
    html_markup(page, "<div class=\"cards\">\n");
    for (size_t i = 0; i < status->account_count; i++)
        account_card(&status->accounts[i], overview, page);
    html_markup(page, "</div></section>\n");
}

static void append_load(struct html *page, enum phrase name, int64_t success_unix_ms, uint64_t failures)
{
    html_fact_begin(page, name);
    if (success_unix_ms == 0)
        html_say(page, PHRASE_NEVER, NULL);
    else
        html_time(page, success_unix_ms);
    if (failures > 0) {
        html_markup(page, " <span class=\"badge bad\"><span aria-hidden=\"true\">✗</span> ");
        html_say(page, PHRASE_FAILURES_SINCE, figure_count(failures).text, NULL);
        html_markup(page, "</span>");
    }
    html_markup(page, "</dd>\n");
}

static void append_rejected(struct html *page, const struct status *status)
{
    bool any = false;

    html_fact_begin(page, PHRASE_REJECTED_ROWS);
    for (int i = 0; i < REJECTION_COUNT; i++) {
        if (status->rejected[i] == 0)
            continue;
        html_markup(page, any ? "<br>" : "");
        html_say(page, rejection_phrases[i], NULL);
        strbuf_append_format(page->out, ": %s", figure_count(status->rejected[i]).text);
        any = true;
    }
    if (!any)
        html_say(page, PHRASE_NONE, NULL);
    html_markup(page, "</dd>\n");
}

static void append_inventory(struct html *page, const struct status *status, const struct overview *overview)
{
    const struct inventory_status *inventory = &status->inventory;

    html_markup(page, "<section id=\"inventory\">");
    html_heading(page, PHRASE_INVENTORY);
    html_markup(page, "<div class=\"card\"><dl class=\"facts\">\n");
    append_load(page, PHRASE_INSTANCES_LOADED, inventory->instances_success_unix_ms,
                inventory->instances_failures);
    append_load(page, PHRASE_USERS_LOADED, inventory->users_success_unix_ms, inventory->users_failures);
    append_rejected(page, status);
    if (inventory->error.class != ERROR_NONE && !overview_shows(overview, &inventory->error)) {
        html_fact_begin(page, PHRASE_LAST_ERROR);
        html_error(page, &inventory->error);
        html_markup(page, "</dd>\n");
    }
    html_markup(page, "</dl></div></section>\n");
}

static void append_program(struct html *page, const struct providers *providers, const struct status *status,
                           const struct overview *overview)
{
    int64_t uptime_s = (status->taken_unix_ms - providers->start_unix_ms) / 1000;

    html_markup(page, "<section>");
    html_heading(page, PHRASE_PROGRAM);
    html_markup(page, "<div class=\"card\"><dl class=\"facts\">\n");
    html_fact_begin(page, PHRASE_VERSION);
    html_text(page, providers->version);
    html_markup(page, " <span class=\"soft small\">(");
    html_text(page, providers->revision);
    html_markup(page, ")</span></dd>\n");
    html_fact_begin(page, PHRASE_UPTIME);
    html_text(page, figure_seconds(page, uptime_s > 0 ? uptime_s : 0).text);
    html_markup(page, "</dd>\n");
    html_fact_begin(page, PHRASE_CONFIGURATION);
    html_say(page, PHRASE_IN_FORCE, NULL);
    html_markup(page, " ");
    html_time(page, status->reload.success_unix_ms);
    if (status->reload.error.class != ERROR_NONE) {
        html_markup(page, "<br>");
        html_badge(page, LEVEL_BAD, PHRASE_LAST_RELOAD_FAILED);
        if (!overview_shows(overview, &status->reload.error))
            html_error(page, &status->reload.error);
    }
    html_markup(page, "</dd>\n</dl></div></section>\n");
}

static void append_links(struct html *page)
{
    html_markup(page, "<section>");
    html_heading(page, PHRASE_LINKS);
    html_markup(page, "<ul class=\"links\">\n");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        strbuf_append_format(page->out, "<li><a href=\"%s\">", links[i].path);
        html_say(page, links[i].name, NULL);
        html_markup(page, "</a></li>\n");
    }
    html_markup(page, "</ul></section>\n");
}

static void render(struct html *page, const struct page_request *request, const struct providers *providers,
                   const struct status *status)
{
    char why[WHY_SIZE] = "";
    struct overview overview;
    bool healthy = providers->healthy(providers->context, why, sizeof(why));

    overview_judge(&overview, status, healthy ? NULL : why);
    html_begin(page, PHRASE_OVERVIEW, "/", 0);
    overview_render(&overview, page);
    append_figures(page, status);
    refresh_form(request, "", "", page);
    append_accounts(page, status, &overview);
    append_inventory(page, status, &overview);
    append_program(page, providers, status, &overview);
    append_links(page);
    html_end(page);
}

void page_index(const struct page_request *request, const struct providers *providers,
                struct page_response *response)
{
    struct html page = {&response->body, accept_language(request->accept_language), 0};
    struct status status;

    status_init(&status);
    if (providers->status(providers->context, &status)) {
        response->content_type = PAGE_TYPE_HTML;
        response->vary = "Accept-Language";
        page.now_unix_ms = status.taken_unix_ms;
        render(&page, request, providers, &status);
    } else {
        page_no_memory(response);
    }
    status_release(&status);
}
