#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "http/html.h"
#include "http/page.h"
#include "http/refresh_form.h"
#include "http/target_view.h"

#define STRETCHED_MAX 3 /* accounts that are named */
#define PAGES_AROUND  2 /* links to pages on each side of this one */

static const enum phrase state_phrases[TARGET_STATE_COUNT] = {
    [TARGET_WAITING] = PHRASE_STATE_WAITING,   [TARGET_READY] = PHRASE_STATE_READY,
    [TARGET_CALLING] = PHRASE_STATE_CALLING,   [TARGET_COMPUTING] = PHRASE_STATE_COMPUTING,
    [TARGET_RETRYING] = PHRASE_STATE_RETRYING, [TARGET_NO_CREDENTIALS] = PHRASE_CREDENTIALS_NONE,
};

static const struct {
    enum phrase phrase;
    enum level level;
} healths[TARGET_HEALTH_COUNT] = {
    [TARGET_DOWN] = {PHRASE_DOWN, LEVEL_BAD},
    [TARGET_PENDING] = {PHRASE_PENDING, LEVEL_NOTE},
    [TARGET_UP] = {PHRASE_UP, LEVEL_GOOD},
};

static const enum phrase column_phrases[COLUMN_COUNT] = {
    [COLUMN_INSTANCE] = PHRASE_INSTANCE, [COLUMN_NODE] = PHRASE_NODE,
    [COLUMN_ACCOUNT] = PHRASE_ACCOUNT,   [COLUMN_STATE] = PHRASE_STATE,
    [COLUMN_AGE] = PHRASE_DATA,          [COLUMN_NEXT_RUN] = PHRASE_NEXT_RUN,
    [COLUMN_FAILURES] = PHRASE_FAILURES, [COLUMN_ERROR] = PHRASE_LAST_ERROR,
};

/* What the page is made from. */
struct targets_page {
    struct html html;
    const struct target_view *view;
    const struct status *status;
    const struct target_selection *selection;
};

static void option(struct html *page, const char *value, const char *selected)
{
    html_markup(page, "<option value=\"");
    html_text(page, value);
    html_markup(page, strcmp(value, selected) == 0 ? "\" selected>" : "\">");
}

static void account_options(struct targets_page *page)
{
    const char *selected = target_view_value(page->view, PARAMETER_ALIYUN_UID);
    bool known = selected[0] == '\0';

    for (size_t i = 0; i < page->status->account_count; i++) {
        const char *aliyun_uid = page->status->accounts[i].aliyun_uid;

        known |= strcmp(aliyun_uid, selected) == 0;
        option(&page->html, aliyun_uid, selected);
        html_text(&page->html, aliyun_uid);
        html_markup(&page->html, "</option>\n");
    }
    if (known)
        return;
    option(&page->html, selected, selected);
    html_text(&page->html, selected);
    html_markup(&page->html, "</option>\n");
}

static void state_options(struct targets_page *page)
{
    const char *selected = target_view_value(page->view, PARAMETER_STATE);

    for (int i = 0; i < TARGET_HEALTH_COUNT; i++) {
        option(&page->html, target_health_name((enum target_health)i), selected);
        html_say(&page->html, healths[i].phrase, NULL);
        html_markup(&page->html, "</option>\n");
    }
    for (int i = 0; i < TARGET_STATE_COUNT; i++) {
        option(&page->html, target_state_name((enum target_state)i), selected);
        html_say(&page->html, state_phrases[i], NULL);
        html_markup(&page->html, "</option>\n");
    }
}

static void select_begin(struct html *page, enum phrase label, const char *name)
{
    html_markup(page, "<label>");
    html_say(page, label, NULL);
    strbuf_append_format(page->out, "<select name=\"%s\"><option value=\"\">", name);
    html_say(page, PHRASE_ALL, NULL);
    html_markup(page, "</option>\n");
}

static void hidden_parameter(struct targets_page *page, enum target_parameter parameter)
{
    const struct query_parameter *given = &page->view->parameters[parameter];

    if (given->value[0] == '\0')
        return;
    strbuf_append_format(page->html.out, "<input type=\"hidden\" name=\"%s\" value=\"", given->name);
    html_text(&page->html, given->value);
    html_markup(&page->html, "\">\n");
}

static bool is_narrowed(const struct target_view *view)
{
    for (int i = 0; i < PARAMETER_SORT; i++) {
        if (view->parameters[i].value[0] != '\0')
            return true;
    }
    return false;
}

static void filter_form(struct targets_page *page)
{
    html_markup(&page->html, "<form action=\"/targets\" role=\"search\">\n");
    select_begin(&page->html, PHRASE_ACCOUNT, "aliyun_uid");
    account_options(page);
    html_markup(&page->html, "</select></label>\n");
    select_begin(&page->html, PHRASE_STATE, "state");
    state_options(page);
    html_markup(&page->html, "</select></label>\n<label>");
    html_say(&page->html, PHRASE_TEXT, NULL);
    html_markup(&page->html, "<input type=\"search\" name=\"q\" maxlength=\"80\" value=\"");
    html_text(&page->html, target_view_value(page->view, PARAMETER_TEXT));
    html_markup(&page->html, "\"></label>\n");
    hidden_parameter(page, PARAMETER_INS_ID);
    hidden_parameter(page, PARAMETER_SORT);
    html_markup(&page->html, "<button>");
    html_say(&page->html, PHRASE_FILTER, NULL);
    html_markup(&page->html, "</button>\n");
    if (is_narrowed(page->view)) {
        html_markup(&page->html, "<a class=\"reset\" href=\"/targets\">");
        html_say(&page->html, PHRASE_RESET, NULL);
        html_markup(&page->html, "</a>\n");
    }
    html_markup(&page->html, "</form>\n");
}

/* Why data are older than the interval. */
static void stretched_cycles(struct targets_page *page)
{
    int named = 0;

    for (size_t i = 0; i < page->status->account_count && named < STRETCHED_MAX; i++) {
        const struct account_status *account = &page->status->accounts[i];

        if (!account->overcommitted || !target_view_has_account(page->view, account))
            continue;
        html_markup(&page->html, "<p class=\"finding warning\"><span aria-hidden=\"true\">!</span> ");
        html_say(&page->html, PHRASE_STRETCHED_CYCLE, account->aliyun_uid,
                 figure_rate(account->rate_demand).text, figure_rate(account->rate_limit).text,
                 figure_seconds(&page->html, account->cycle / NS_PER_SECOND).text, NULL);
        html_markup(&page->html, "</p>\n");
        named++;
    }
}

static void cell_begin(struct html *page, const char *class, enum phrase label)
{
    strbuf_append_format(page->out, "<td role=\"cell\"%s data-label=\"", class);
    html_say(page, label, NULL);
    html_markup(page, "\"><span>");
}

static void cell_end(struct html *page)
{
    html_markup(page, "</span></td>");
}

/* Kept on one line as far as that is sensible. */
static void id_text(struct html *page, const char *id)
{
    html_markup(page, "<span class=\"id\">");
    html_text(page, id);
    html_markup(page, "</span>");
}

static void instance_cell(struct html *page, const struct target_status *target)
{
    cell_begin(page, "", PHRASE_INSTANCE);
    html_markup(page, "<a class=\"id\" href=\"/targets?");
    html_parameter(page, "ins_id", target->ins_id);
    html_markup(page, "\">");
    html_text(page, target->ins_id);
    html_markup(page, "</a><span class=\"name\">");
    html_text(page, target->ins_name);
    html_markup(page, " · ");
    html_text(page, target->ins_type);
    html_markup(page, "</span>");
    cell_end(page);
}

static void node_cell(struct html *page, const struct target_status *target)
{
    cell_begin(page, "", PHRASE_NODE);
    id_text(page, target->node_id[0] != '\0' ? target->node_id : "–");
    html_markup(page, "<span class=\"name\">");
    html_say(page, target->node_type == NODE_TYPE_WRITE ? PHRASE_NODE_WRITE : PHRASE_NODE_READ, NULL);
    html_markup(page, "</span>");
    cell_end(page);
}

static void state_cell(struct html *page, const struct target_status *target)
{
    enum target_health health = target_health(target);

    cell_begin(page, " class=\"state\"", PHRASE_STATE);
    html_badge(page, healths[health].level, healths[health].phrase);
    html_markup(page, "<span class=\"name\">");
    html_say(page, state_phrases[target->state], NULL);
    html_markup(page, "</span>");
    cell_end(page);
}

static void time_cell(struct html *page, enum phrase label, int64_t unix_ms)
{
    cell_begin(page, " class=\"when\"", label);
    html_time(page, unix_ms);
    cell_end(page);
}

static void row(struct html *page, const struct target_status *target)
{
    html_markup(page, "<tr role=\"row\">");
    instance_cell(page, target);
    node_cell(page, target);
    cell_begin(page, "", PHRASE_ACCOUNT);
    id_text(page, target->aliyun_uid);
    cell_end(page);
    state_cell(page, target);
    time_cell(page, PHRASE_DATA, target->last_success_unix_ms);
    time_cell(page, PHRASE_NEXT_RUN, target->next_run_unix_ms);
    cell_begin(page, target->failures == 0 ? " class=\"number none\"" : " class=\"number\"", PHRASE_FAILURES);
    html_text(page, figure_count(target->failures).text);
    cell_end(page);
    cell_begin(page, target->error == NULL ? " class=\"why none\"" : " class=\"why\"", PHRASE_LAST_ERROR);
    if (target->error != NULL)
        html_error(page, target->error);
    else
        html_markup(page, "–");
    cell_end(page);
    html_markup(page, "</tr>\n");
}

/* The link of a column, with the direction in which it sorts now. */
static void sort_link(struct targets_page *page, enum target_column column)
{
    bool current = page->view->column == column;
    bool descends = current && !page->view->descending;

    html_markup(&page->html, "<a href=\"");
    target_view_link(page->view, &page->html, column, descends, 1);
    html_markup(&page->html, "\">");
    html_say(&page->html, column_phrases[column], NULL);
    if (current)
        html_markup(&page->html, page->view->descending ? " <span aria-hidden=\"true\">▼</span>"
                                                        : " <span aria-hidden=\"true\">▲</span>");
    html_markup(&page->html, "</a>");
}

static void table_head(struct targets_page *page)
{
    html_markup(&page->html, "<thead role=\"rowgroup\"><tr role=\"row\">");
    for (int i = 0; i < COLUMN_COUNT; i++) {
        html_markup(&page->html, "<th scope=\"col\" role=\"columnheader\"");
        if (page->view->column == (enum target_column)i)
            html_markup(&page->html,
                        page->view->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
        html_markup(&page->html, ">");
        sort_link(page, (enum target_column)i);
        html_markup(&page->html, "</th>");
    }
    html_markup(&page->html, "</tr></thead>\n");
}

/* The links of the table's head, for a phone, where there is none. */
static void sort_links(struct targets_page *page)
{
    html_markup(&page->html, "<p class=\"sorting small\">");
    html_say(&page->html, PHRASE_SORT, NULL);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        html_markup(&page->html, i > 0 ? " · " : " ");
        sort_link(page, (enum target_column)i);
    }
    html_markup(&page->html, "</p>\n");
}

static void table(struct targets_page *page)
{
    const struct target_selection *selection = page->selection;

    sort_links(page);
    html_markup(&page->html, "<table role=\"table\"><caption>");
    html_say(&page->html, PHRASE_ROWS, figure_count(selection->first + 1).text,
             figure_count(selection->end).text, figure_count(selection->count).text, NULL);
    html_markup(&page->html, "</caption>\n");
    table_head(page);
    html_markup(&page->html, "<tbody role=\"rowgroup\">\n");
    for (size_t i = selection->first; i < selection->end; i++)
        row(&page->html, selection->targets[i]);
    html_markup(&page->html, "</tbody></table>\n");
}

static void page_link(struct targets_page *page, size_t number)
{
    bool current = number == page->selection->page;

    html_markup(&page->html, "<li><a href=\"");
    target_view_link(page->view, &page->html, page->view->column, page->view->descending, number);
    strbuf_append_format(page->html.out, "\"%s>%zu</a></li>", current ? " aria-current=\"page\"" : "",
                         number);
}

/* The first page, those around this one, and the last. */
static void pager(struct targets_page *page)
{
    size_t count = page->selection->page_count;
    size_t number = page->selection->page;
    size_t from = number > PAGES_AROUND + 1 ? number - PAGES_AROUND : 1;
    size_t to = number + PAGES_AROUND < count ? number + PAGES_AROUND : count;

    if (count == 1)
        return;
    html_markup(&page->html, "<nav aria-label=\"");
    html_say(&page->html, PHRASE_PAGES_OF_LIST, NULL);
    html_markup(&page->html, "\"><ul class=\"pager\">\n");
    if (from > 1)
        page_link(page, 1);
    if (from > 2)
        html_markup(&page->html, "<li><span class=\"gap\">…</span></li>");
    for (size_t i = from; i <= to; i++)
        page_link(page, i);
    if (to + 1 < count)
        html_markup(&page->html, "<li><span class=\"gap\">…</span></li>");
    if (to < count)
        page_link(page, count);
    html_markup(&page->html, "</ul></nav>\n");
}

static void summary(struct targets_page *page)
{
    const struct target_selection *selection = page->selection;

    html_markup(&page->html, "<p>");
    html_say(&page->html, PHRASE_SELECTED, figure_count(selection->count).text,
             figure_count(page->status->target_count).text, NULL);
    for (int i = 0; i < TARGET_HEALTH_COUNT; i++) {
        if (selection->health[i] == 0)
            continue;
        html_markup(&page->html, " ");
        strbuf_append_format(page->html.out, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span> ",
                             level_class(healths[i].level), level_mark(healths[i].level));
        html_say(&page->html, healths[i].phrase, NULL);
        strbuf_append_format(page->html.out, " %zu</span>", selection->health[i]);
    }
    html_markup(&page->html, "</p>\n");
}

static void render(struct targets_page *page, const struct page_request *request)
{
    html_begin(&page->html, PHRASE_TARGETS, "/targets", 0);
    filter_form(page);
    stretched_cycles(page);
    summary(page);
    refresh_form(request, target_view_value(page->view, PARAMETER_ALIYUN_UID),
                 target_view_value(page->view, PARAMETER_INS_ID), &page->html);
    if (page->selection->count > 0) {
        table(page);
        pager(page);
    } else {
        html_markup(&page->html, "<p class=\"card\">");
        html_say(&page->html, page->status->target_count > 0 ? PHRASE_NO_MATCH : PHRASE_NO_TARGETS, NULL);
        html_markup(&page->html, "</p>\n");
    }
    html_end(&page->html);
}

static void answer_selection(const struct page_request *request, const struct target_view *view,
                             const struct status *status, struct page_response *response)
{
    struct target_selection selection;
    struct targets_page page = {
        .html = {&response->body, accept_language(request->accept_language), status->taken_unix_ms},
        .view = view,
        .status = status,
        .selection = &selection,
    };

    if (target_view_select(view, status, &selection)) {
        response->content_type = PAGE_TYPE_HTML;
        response->vary = "Accept-Language";
        render(&page, request);
    } else {
        page_no_memory(response);
    }
    target_selection_release(&selection);
}

void page_targets_html(const struct page_request *request, const struct providers *providers,
                       struct page_response *response)
{
    char why[PAGE_WHY_SIZE];
    struct target_view view;
    struct status status;

    if (!target_view_read(&view, TARGET_VIEW_ALL, request->query, why, sizeof(why))) {
        page_text(response, 400, "%s", why);
        return;
    }
    status_init(&status);
    if (providers->status(providers->context, &status))
        answer_selection(request, &view, &status, response);
    else
        page_no_memory(response);
    status_release(&status);
}
