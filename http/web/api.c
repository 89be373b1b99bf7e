/*
 * What the pages show, as JSON, written straight into the response: a tree of values for 30 000 targets
 * would cost half a million allocations for the same bytes.
 */
#include "core/clock.h"
#include "http/access.h"
#include "http/guard.h"
#include "http/json_writer.h"
#include "http/page.h"
#include "http/web/overview.h"
#include "http/web/target_view.h"

#define WHY_SIZE 256

/* What POST /refresh needs from this browser. */
static const char *refresh_needs(const struct page_request *request)
{
    struct page_request post = *request;

    if (request->access != NULL) {
        switch (access_check(request->access, request->authorization, true, request->client, clock_now())) {
        case ACCESS_ADMIN:
            return "nothing";
        case ACCESS_NEEDS_TOKEN:
        case ACCESS_TOO_MANY:
            return "admin_token";
        default:
            break;
        }
    }
    /* Any site may link to the page; the request will come from the page itself. */
    post.origin = NULL;
    post.sec_fetch_site = NULL;
    return guard_change_refused(&post) == NULL ? "nothing" : "another_place";
}

static const struct error *error_or_null(const struct error *error)
{
    return error->class != ERROR_NONE ? error : NULL;
}

static void write_target(struct strbuf *out, const struct target_status *target)
{
    strbuf_append_char(out, '{');
    json_write_text(out, "ins_id", target->ins_id);
    json_write_text(out, "ins_name", target->ins_name);
    json_write_text(out, "ins_type", target->ins_type);
    json_write_text(out, "node_id", target->node_id);
    json_write_text(out, "node_type", node_type_name(target->node_type));
    json_write_text(out, "aliyun_uid", target->aliyun_uid);
    json_write_text(out, "state", target_state_name(target->state));
    json_write_text(out, "health", target_health_name(target_health(target)));
    json_write_bool(out, "up", target->up);
    json_write_time(out, "last_success", target->last_success_unix_ms);
    json_write_time(out, "next_run", target->next_run_unix_ms);
    json_write_count(out, "failures", target->failures);
    json_write_error(out, "error", target->error);
    strbuf_append_char(out, '}');
}

static void write_account(struct strbuf *out, const struct account_status *account)
{
    strbuf_append_char(out, '{');
    json_write_text(out, "aliyun_uid", account->aliyun_uid);
    json_write_bool(out, "up", account->up);
    json_write_text(out, "state", account_state(account));
    json_write_text(out, "level", level_name(account_level(account)));
    json_write_count(out, "instances", account->instances);
    json_write_count(out, "targets", account->targets);
    json_write_count(out, "targets_up", account->targets_up);
    json_write_rate(out, "rate_limit", account->rate_limit);
    json_write_rate(out, "rate_effective", account->rate_effective);
    json_write_rate(out, "rate_demand", account->rate_demand);
    json_write_rate(out, "rate_used", account->rate_used);
    json_write_seconds(out, "cycle_seconds", account->cycle);
    json_write_bool(out, "overcommitted", account->overcommitted);
    json_write_count(out, "throttled", account->throttled);
    json_write_text(out, "credentials", credential_kind_name(account->credential_kind));
    json_write_time(out, "credentials_expiry", account->credentials_expiry_unix_ms);
    json_write_error(out, "error", account->error);
    strbuf_append_char(out, '}');
}

/* Those that the view has; NULL: all. */
static void write_accounts(struct strbuf *out, const struct status *status, const struct target_view *view)
{
    const char *separator = "\n";

    json_write_name(out, "accounts");
    strbuf_append_char(out, '[');
    for (size_t i = 0; i < status->account_count; i++) {
        if (view != NULL && !target_view_has_account(view, &status->accounts[i]))
            continue;
        strbuf_append_text(out, separator);
        separator = ",\n";
        write_account(out, &status->accounts[i]);
    }
    strbuf_append_text(out, "\n]");
}

static void write_inventory(struct strbuf *out, const struct status *status)
{
    const struct inventory_status *inventory = &status->inventory;

    json_write_name(out, "inventory");
    strbuf_append_char(out, '{');
    json_write_time(out, "last_success", inventory->instances_success_unix_ms);
    json_write_time(out, "users_last_success", inventory->users_success_unix_ms);
    json_write_count(out, "failures", inventory->instances_failures);
    json_write_count(out, "users_failures", inventory->users_failures);
    json_write_name(out, "rejected");
    strbuf_append_char(out, '{');
    for (int i = 0; i < REJECTION_COUNT; i++)
        json_write_count(out, rejection_name((enum rejection)i), status->rejected[i]);
    strbuf_append_char(out, '}');
    json_write_error(out, "error", error_or_null(&inventory->error));
    strbuf_append_char(out, '}');
}

static void write_findings(struct strbuf *out, const struct overview *overview)
{
    const char *separator = "\n";

    json_write_name(out, "findings");
    strbuf_append_char(out, '[');
    for (size_t i = 0; i < overview->count; i++) {
        const struct finding *finding = &overview->findings[i];

        strbuf_append_text(out, separator);
        separator = ",\n";
        strbuf_append_char(out, '{');
        json_write_text(out, "level", level_name(finding->level));
        json_write_text(out, "code", finding->code);
        json_write_text(out, "name", finding->name);
        json_write_count(out, "count", finding->count);
        json_write_count(out, "total", finding->total);
        json_write_seconds(out, "seconds", finding->seconds * NS_PER_SECOND);
        json_write_error(out, "error", finding->error);
        strbuf_append_char(out, '}');
    }
    strbuf_append_text(out, "\n]");
}

static void write_totals(struct strbuf *out, const struct status *status)
{
    uint64_t instances = 0, targets = 0, targets_up = 0, accounts_up = 0;

    for (size_t i = 0; i < status->account_count; i++) {
        instances += status->accounts[i].instances;
        targets += status->accounts[i].targets;
        targets_up += status->accounts[i].targets_up;
        accounts_up += status->accounts[i].up;
    }
    json_write_name(out, "totals");
    strbuf_append_char(out, '{');
    json_write_count(out, "instances", instances);
    json_write_count(out, "targets", targets);
    json_write_count(out, "targets_up", targets_up);
    json_write_count(out, "accounts", status->account_count);
    json_write_count(out, "accounts_up", accounts_up);
    json_write_count(out, "queue_length", status->queue_length);
    strbuf_append_char(out, '}');
}

static void write_configuration(struct strbuf *out, const struct reload_status *reload)
{
    json_write_name(out, "configuration");
    strbuf_append_char(out, '{');
    json_write_time(out, "loaded", reload->success_unix_ms);
    json_write_error(out, "error", error_or_null(&reload->error));
    strbuf_append_char(out, '}');
}

static void write_overview(const struct page_request *request, const struct providers *providers,
                           const struct status *status, struct strbuf *out)
{
    char why[WHY_SIZE] = "";
    bool healthy = providers->healthy(providers->context, why, sizeof(why));
    struct overview overview;

    overview_judge(&overview, status, healthy ? NULL : why);
    strbuf_append_char(out, '{');
    json_write_time(out, "time", status->taken_unix_ms);
    json_write_text(out, "version", providers->version);
    json_write_text(out, "revision", providers->revision);
    json_write_time(out, "started", providers->start_unix_ms);
    json_write_text(out, "refresh", refresh_needs(request));
    write_findings(out, &overview);
    write_totals(out, status);
    write_configuration(out, &status->reload);
    write_inventory(out, status);
    write_accounts(out, status, NULL);
    strbuf_append_text(out, "}\n");
}

void page_overview(const struct page_request *request, const struct providers *providers,
                   struct page_response *response)
{
    struct status status;

    status_init(&status);
    if (providers->status(providers->context, &status)) {
        response->content_type = PAGE_TYPE_JSON;
        write_overview(request, providers, &status, &response->body);
    } else {
        page_no_status(response);
    }
    status_release(&status);
}

static void write_selection(struct strbuf *out, const struct status *status,
                            const struct target_selection *selection)
{
    json_write_name(out, "selection");
    strbuf_append_char(out, '{');
    json_write_count(out, "targets", selection->count);
    json_write_count(out, "of", status->target_count);
    for (int i = 0; i < TARGET_HEALTH_COUNT; i++)
        json_write_count(out, target_health_name((enum target_health)i), selection->health[i]);
    json_write_count(out, "page", selection->page);
    json_write_count(out, "pages", selection->page_count);
    json_write_count(out, "first", selection->first + 1);
    strbuf_append_char(out, '}');
}

/* Of all accounts, also those that the view leaves out: what it may be narrowed to. */
static void write_aliyun_uids(struct strbuf *out, const struct status *status)
{
    json_write_name(out, "aliyun_uids");
    strbuf_append_char(out, '[');
    for (size_t i = 0; i < status->account_count; i++) {
        strbuf_append_text(out, i > 0 ? "," : "");
        json_write_string(out, status->accounts[i].aliyun_uid);
    }
    strbuf_append_char(out, ']');
}

static void write_targets(const struct page_request *request, const struct status *status,
                          const struct target_view *view, const struct target_selection *selection,
                          struct strbuf *out)
{
    strbuf_append_char(out, '{');
    json_write_time(out, "time", status->taken_unix_ms);
    json_write_text(out, "refresh", refresh_needs(request));
    write_selection(out, status, selection);
    write_inventory(out, status);
    write_aliyun_uids(out, status);
    write_accounts(out, status, view);
    json_write_name(out, "targets");
    strbuf_append_char(out, '[');
    for (size_t i = selection->first; i < selection->end; i++) {
        strbuf_append_text(out, i > selection->first ? ",\n" : "\n");
        write_target(out, selection->targets[i]);
    }
    strbuf_append_text(out, "\n]}\n");
}

void page_targets(const struct page_request *request, const struct providers *providers,
                  struct page_response *response)
{
    struct target_selection selection = {0};
    char why[PAGE_WHY_SIZE];
    struct target_view view;
    struct status status;

    if (!target_view_read(&view, request->query, why, sizeof(why))) {
        page_text(response, 400, "%s", why);
        return;
    }
    status_init(&status);
    if (!providers->status(providers->context, &status)) {
        page_no_status(response);
    } else if (target_view_select(&view, &status, &selection)) {
        response->content_type = PAGE_TYPE_JSON;
        write_targets(request, &status, &view, &selection, &response->body);
    } else {
        page_no_memory(response);
    }
    target_selection_release(&selection);
    status_release(&status);
}
