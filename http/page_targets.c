/*
 * The targets as HTML and as JSON. The JSON is written straight into the response: a tree of
 * values for 30 000 targets would cost half a million allocations for the same bytes.
 */
#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "http/markup.h"
#include "http/page.h"
#include "http/query.h"

#define WHY_SIZE 320

enum { PARAMETER_ALIYUN_UID, PARAMETER_STATE, PARAMETER_TEXT, PARAMETER_COUNT };

struct filter {
    struct query_parameter parameters[PARAMETER_COUNT]; /* an empty value filters nothing */
};

static bool state_known(const char *name)
{
    for (int state = 0; state < TARGET_STATE_COUNT; state++) {
        if (strcmp(name, target_state_name((enum target_state)state)) == 0)
            return true;
    }
    return false;
}

static bool filter_read(const char *query, struct filter *filter, struct page_response *response)
{
    const char *state = filter->parameters[PARAMETER_STATE].value;
    char why[WHY_SIZE];

    filter->parameters[PARAMETER_ALIYUN_UID].name = "aliyun_uid";
    filter->parameters[PARAMETER_STATE].name = "state";
    filter->parameters[PARAMETER_TEXT].name = "q";
    if (!query_read(query, filter->parameters, PARAMETER_COUNT, why, sizeof(why))) {
        page_text(response, 400, "%s; known are aliyun_uid, state and q", why);
        return false;
    }
    if (state[0] != '\0' && !state_known(state)) {
        page_text(response, 400, "there is no state '%s'", state);
        return false;
    }
    return true;
}

static bool filter_matches_account(const struct filter *filter, const struct account_status *account)
{
    const char *aliyun_uid = filter->parameters[PARAMETER_ALIYUN_UID].value;

    return aliyun_uid[0] == '\0' || strcmp(aliyun_uid, account->aliyun_uid) == 0;
}

static bool filter_matches(const struct filter *filter, const struct target_status *target)
{
    const char *aliyun_uid = filter->parameters[PARAMETER_ALIYUN_UID].value;
    const char *state = filter->parameters[PARAMETER_STATE].value;
    const char *text = filter->parameters[PARAMETER_TEXT].value;

    if (aliyun_uid[0] != '\0' && strcmp(aliyun_uid, target->aliyun_uid) != 0)
        return false;
    if (state[0] != '\0' && strcmp(state, target_state_name(target->state)) != 0)
        return false;
    return text[0] == '\0' || strcasestr(target->ins_id, text) != NULL ||
           strcasestr(target->ins_name, text) != NULL || strcasestr(target->node_id, text) != NULL;
}

static void json_error(struct strbuf *out, const struct error *error)
{
    if (error == NULL) {
        strbuf_append_text(out, "null");
        return;
    }
    strbuf_append_char(out, '{');
    markup_json_member(out, "class", error_class_name(error->class));
    strbuf_append_char(out, ',');
    markup_json_member(out, "code", error->code);
    strbuf_append_char(out, ',');
    markup_json_member(out, "message", error->message);
    strbuf_append_char(out, ',');
    markup_json_member(out, "request_id", error->request_id);
    strbuf_append_char(out, '}');
}

static void json_target(struct strbuf *out, const struct target_status *target)
{
    const char *const members[][2] = {
        {"ins_id", target->ins_id},
        {"ins_name", target->ins_name},
        {"ins_type", target->ins_type},
        {"node_id", target->node_id},
        {"node_type", node_type_name(target->node_type)},
        {"aliyun_uid", target->aliyun_uid},
        {"state", target_state_name(target->state)},
    };

    strbuf_append_char(out, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        markup_json_member(out, members[i][0], members[i][1]);
        strbuf_append_char(out, ',');
    }
    strbuf_append_format(out, "\"up\":%s,\"last_success\":", target->up ? "true" : "false");
    markup_json_time(out, target->last_success_unix_ms);
    strbuf_append_text(out, ",\"next_run\":");
    markup_json_time(out, target->next_run_unix_ms);
    strbuf_append_format(out, ",\"failures\":%" PRIu64 ",\"error\":", target->failures);
    json_error(out, target->error);
    strbuf_append_char(out, '}');
}

static void json_account(struct strbuf *out, const struct account_status *account)
{
    strbuf_append_char(out, '{');
    markup_json_member(out, "aliyun_uid", account->aliyun_uid);
    strbuf_append_format(out,
                         ",\"up\":%s,\"targets\":%" PRIu64 ",\"targets_up\":%" PRIu64
                         ",\"rate_limit\":%.3f,\"rate_effective\":%.3f,\"rate_demand\":%.3f"
                         ",\"cycle_seconds\":%.3f,\"overcommitted\":%s,\"throttled\":%" PRIu64 ",\"error\":",
                         account->up ? "true" : "false", account->targets, account->targets_up,
                         account->rate_limit, account->rate_effective, account->rate_demand,
                         (double)account->cycle / (double)NS_PER_SECOND,
                         account->overcommitted ? "true" : "false", account->throttled);
    json_error(out, account->error);
    strbuf_append_char(out, '}');
}

static void json_accounts(struct strbuf *out, const struct status *status, const struct filter *filter)
{
    const char *separator = "\n";

    for (size_t i = 0; i < status->account_count; i++) {
        if (!filter_matches_account(filter, &status->accounts[i]))
            continue;
        strbuf_append_text(out, separator);
        separator = ",\n";
        json_account(out, &status->accounts[i]);
    }
}

static void json_render(struct strbuf *out, const struct status *status, const struct filter *filter)
{
    const char *separator = "\n";

    strbuf_append_text(out, "{\"time\":");
    markup_json_time(out, status->taken_unix_ms);
    strbuf_append_text(out, ",\"accounts\":[");
    json_accounts(out, status, filter);
    strbuf_append_text(out, "\n],\"targets\":[");
    for (size_t i = 0; i < status->target_count; i++) {
        if (!filter_matches(filter, &status->targets[i]))
            continue;
        strbuf_append_text(out, separator);
        separator = ",\n";
        json_target(out, &status->targets[i]);
    }
    strbuf_append_text(out, "\n]}\n");
}

static void html_cell(struct strbuf *out, const char *text)
{
    strbuf_append_text(out, "<td>");
    markup_html_text(out, text);
    strbuf_append_text(out, "</td>");
}

/* A time with its distance from `now`. */
static void html_time(struct strbuf *out, int64_t unix_ms, int64_t now_unix_ms)
{
    int64_t distance_s = (unix_ms - now_unix_ms) / 1000;
    char when[CLOCK_ISO_SIZE];
    char distance[32];

    if (unix_ms == 0) {
        strbuf_append_text(out, "<td>–</td>");
        return;
    }
    clock_format_iso(unix_ms, when);
    text_format_duration((distance_s < 0 ? -distance_s : distance_s) * NS_PER_SECOND, distance,
                         sizeof(distance));
    strbuf_append_format(out, "<td>%s (%s%s%s)</td>", when, distance_s > 0 ? "in " : "", distance,
                         distance_s > 0 ? "" : " ago");
}

static void html_error(struct strbuf *out, const struct error *error)
{
    strbuf_append_text(out, "<td>");
    if (error != NULL) {
        markup_html_text(out, error_class_name(error->class));
        strbuf_append_char(out, ' ');
        markup_html_text(out, error->code);
        strbuf_append_char(out, ' ');
        markup_html_text(out, error->message);
        strbuf_append_char(out, ' ');
        markup_html_text(out, error->request_id);
    }
    strbuf_append_text(out, "</td>");
}

static void html_target(struct strbuf *out, const struct target_status *target, int64_t now_unix_ms)
{
    strbuf_append_format(out, "<tr%s>", target->up ? "" : " class=\"bad\"");
    html_cell(out, target->ins_id);
    html_cell(out, target->ins_name);
    html_cell(out, target->ins_type);
    html_cell(out, target->node_id);
    html_cell(out, node_type_name(target->node_type));
    html_cell(out, target->aliyun_uid);
    html_cell(out, target_state_name(target->state));
    html_cell(out, target->up ? "yes" : "no");
    html_time(out, target->last_success_unix_ms, now_unix_ms);
    html_time(out, target->next_run_unix_ms, now_unix_ms);
    strbuf_append_format(out, "<td class=\"n\">%" PRIu64 "</td>", target->failures);
    html_error(out, target->error);
    strbuf_append_text(out, "</tr>\n");
}

static void html_form(struct strbuf *out, const struct filter *filter)
{
    strbuf_append_text(out, "<form action=\"/targets\">\n");
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct query_parameter *parameter = &filter->parameters[i];

        strbuf_append_format(out, "<label>%s <input name=\"%s\" value=\"",
                             i == PARAMETER_TEXT ? "name contains" : parameter->name, parameter->name);
        markup_html_text(out, parameter->value);
        strbuf_append_text(out, "\"></label>\n");
    }
    strbuf_append_text(out, "<button>Filter</button></form>\n");
}

/* Why ages are greater than the interval. */
static void html_overcommitment(struct strbuf *out, const struct status *status, const struct filter *filter)
{
    for (size_t i = 0; i < status->account_count; i++) {
        const struct account_status *account = &status->accounts[i];
        char cycle[32];

        if (!account->overcommitted || !filter_matches_account(filter, account))
            continue;
        text_format_duration(account->cycle / NS_PER_SECOND * NS_PER_SECOND, cycle, sizeof(cycle));
        strbuf_append_text(out, "<p class=\"bad\">Account ");
        markup_html_text(out, account->aliyun_uid);
        strbuf_append_format(
            out,
            " needs %.1f calls a second and may make %.1f: its cycle is stretched evenly, to "
            "%s.</p>\n",
            account->rate_demand, account->rate_limit, cycle);
    }
}

static void html_render(struct strbuf *out, const struct status *status, const struct filter *filter)
{
    size_t shown = 0;

    markup_html_begin(out, "Targets");
    html_form(out, filter);
    html_overcommitment(out, status, filter);
    strbuf_append_text(out,
                       "<table>\n<tr><th>ins_id</th><th>ins_name</th><th>ins_type</th><th>node_id</th>"
                       "<th>node_type</th><th>aliyun_uid</th><th>State</th><th>Up</th><th>Last success</th>"
                       "<th>Next run</th><th>Failures</th><th>Last error</th></tr>\n");
    for (size_t i = 0; i < status->target_count; i++) {
        if (!filter_matches(filter, &status->targets[i]))
            continue;
        html_target(out, &status->targets[i], status->taken_unix_ms);
        shown++;
    }
    strbuf_append_format(out, "</table>\n<p>%zu of %zu targets.</p>\n", shown, status->target_count);
    markup_html_end(out);
}

typedef void render_fn(struct strbuf *out, const struct status *status, const struct filter *filter);

static void answer_targets(const struct page_request *request, const struct providers *providers,
                           render_fn *render, const char *content_type, struct page_response *response)
{
    struct filter filter = {0};
    struct status status;

    if (!filter_read(request->query, &filter, response))
        return;
    status_init(&status);
    if (providers->status(providers->context, &status)) {
        response->content_type = content_type;
        render(&response->body, &status, &filter);
    } else {
        page_no_memory(response);
    }
    status_release(&status);
}

void page_targets_html(const struct page_request *request, const struct providers *providers,
                       struct page_response *response)
{
    answer_targets(request, providers, html_render, PAGE_TYPE_HTML, response);
}

void page_targets_json(const struct page_request *request, const struct providers *providers,
                       struct page_response *response)
{
    answer_targets(request, providers, json_render, PAGE_TYPE_JSON, response);
}
