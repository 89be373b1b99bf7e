#include <inttypes.h>

#include "core/clock.h"
#include "core/text.h"
#include "http/markup.h"
#include "http/page.h"

struct totals {
    uint64_t instances;
    uint64_t targets;
    uint64_t targets_up;
};

static struct totals totals_of(const struct status *status)
{
    struct totals totals = {0};

    for (size_t i = 0; i < status->account_count; i++) {
        totals.instances += status->accounts[i].instances;
        totals.targets += status->accounts[i].targets;
        totals.targets_up += status->accounts[i].targets_up;
    }
    return totals;
}

static void append_facts(struct strbuf *out, const struct providers *providers, const struct status *status)
{
    struct totals totals = totals_of(status);
    int64_t uptime_s = (status->taken_unix_ms - providers->start_unix_ms) / 1000;
    char uptime[32];

    text_format_duration((uptime_s > 0 ? uptime_s : 0) * NS_PER_SECOND, uptime, sizeof(uptime));
    strbuf_append_text(out, "<p>Version ");
    markup_html_text(out, providers->version);
    strbuf_append_text(out, ", revision ");
    markup_html_text(out, providers->revision);
    strbuf_append_format(out, ", up for %s.</p>\n<p>", uptime);
    if (!status->inventory_loaded)
        strbuf_append_text(out, "The inventory is not loaded yet.");
    else
        strbuf_append_format(out,
                             "%" PRIu64 " instances, %" PRIu64 " targets, %" PRIu64 " of them up; %" PRIu64
                             " jobs in the queue.%s",
                             totals.instances, totals.targets, totals.targets_up, status->queue_length,
                             status->first_cycle_done ? "" : " The first cycle is not finished yet.");
    strbuf_append_text(out, "</p>\n");
}

static void append_account_state(struct strbuf *out, const struct account_status *account)
{
    if (account->credential_kind == CREDENTIAL_NONE)
        strbuf_append_text(out, "no credentials");
    else
        strbuf_append_text(out, account->up ? "up" : "down");
    if (account->error == NULL)
        return;
    strbuf_append_text(out, ": ");
    markup_html_text(out, error_class_name(account->error->class));
    strbuf_append_text(out, " ");
    markup_html_text(out, account->error->code);
    strbuf_append_text(out, " ");
    markup_html_text(out, account->error->message);
}

static void append_cycle(struct strbuf *out, const struct account_status *account)
{
    char cycle[32];

    text_format_duration(account->cycle / NS_PER_SECOND * NS_PER_SECOND, cycle, sizeof(cycle));
    strbuf_append_format(out, "<td class=\"n\">%s%s</td>",
                         account->credential_kind != CREDENTIAL_NONE ? cycle : "–",
                         account->overcommitted ? ", stretched" : "");
}

static void append_account(struct strbuf *out, const struct account_status *account)
{
    strbuf_append_format(out, "<tr%s><td>", account->up ? "" : " class=\"bad\"");
    markup_html_text(out, account->aliyun_uid);
    strbuf_append_text(out, "</td><td>");
    append_account_state(out, account);
    strbuf_append_format(out,
                         "</td><td class=\"n\">%" PRIu64 " / %" PRIu64 "</td><td class=\"n\">%.1f</td>"
                         "<td class=\"n\">%.1f</td><td class=\"n\">%.1f</td>",
                         account->targets_up, account->targets, account->rate_limit, account->rate_effective,
                         account->rate_demand);
    append_cycle(out, account);
    strbuf_append_format(out, "<td class=\"n\">%" PRIu64 "</td></tr>\n", account->throttled);
}

static void append_accounts(struct strbuf *out, const struct status *status)
{
    strbuf_append_text(out, "<table>\n<tr><th>Account</th><th>State</th><th>Targets up</th>"
                            "<th>Rate limit (calls/s)</th><th>Allowed now</th><th>Needed</th>"
                            "<th>Full cycle</th><th>Throttled</th></tr>\n");
    for (size_t i = 0; i < status->account_count; i++)
        append_account(out, &status->accounts[i]);
    strbuf_append_text(out, "</table>\n");
}

void page_index(const struct page_request *request, const struct providers *providers,
                struct page_response *response)
{
    struct strbuf *out = &response->body;
    struct status status;

    (void)request;
    status_init(&status);
    if (!providers->status(providers->context, &status)) {
        page_no_memory(response);
        goto out;
    }
    response->content_type = PAGE_TYPE_HTML;
    markup_html_begin(out, "MySQL Session Exporter");
    append_facts(out, providers, &status);
    strbuf_append_text(
        out, "<p><a href=\"/metrics\">Metrics</a> · <a href=\"/targets\">Targets</a> · "
             "<a href=\"/api/v1/targets\">Targets as JSON</a> · <a href=\"/-/healthy\">Health</a> · "
             "<a href=\"/-/ready\">Readiness</a></p>\n");
    append_accounts(out, &status);
    markup_html_end(out);
out:
    status_release(&status);
}
