/*
 * The state as JSON, written straight into the response: a tree of values for 30 000 targets would
 * cost half a million allocations for the same bytes.
 */
#include <inttypes.h>

#include "core/clock.h"
#include "http/markup.h"
#include "http/page.h"
#include "http/target_view.h"

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
    strbuf_append_format(
        out,
        ",\"up\":%s,\"targets\":%" PRIu64 ",\"targets_up\":%" PRIu64
        ",\"rate_limit\":%.3f,\"rate_effective\":%.3f,\"rate_demand\":%.3f"
        ",\"rate_used\":%.3f,\"cycle_seconds\":%.3f,\"overcommitted\":%s,\"throttled\":%" PRIu64 ",",
        account->up ? "true" : "false", account->targets, account->targets_up, account->rate_limit,
        account->rate_effective, account->rate_demand, account->rate_used,
        (double)account->cycle / (double)NS_PER_SECOND, account->overcommitted ? "true" : "false",
        account->throttled);
    markup_json_member(out, "credentials", credential_kind_name(account->credential_kind));
    strbuf_append_text(out, ",\"credentials_expiry\":");
    markup_json_time(out, account->credentials_expiry_unix_ms);
    strbuf_append_text(out, ",\"error\":");
    json_error(out, account->error);
    strbuf_append_char(out, '}');
}

static void json_accounts(struct strbuf *out, const struct status *status, const struct target_view *view)
{
    const char *separator = "\n";

    for (size_t i = 0; i < status->account_count; i++) {
        if (!target_view_has_account(view, &status->accounts[i]))
            continue;
        strbuf_append_text(out, separator);
        separator = ",\n";
        json_account(out, &status->accounts[i]);
    }
}

static void json_inventory(struct strbuf *out, const struct status *status)
{
    const struct inventory_status *inventory = &status->inventory;
    const char *separator = "";

    strbuf_append_text(out, "{\"last_success\":");
    markup_json_time(out, inventory->instances_success_unix_ms);
    strbuf_append_text(out, ",\"users_last_success\":");
    markup_json_time(out, inventory->users_success_unix_ms);
    strbuf_append_format(out, ",\"failures\":%" PRIu64 ",\"users_failures\":%" PRIu64 ",\"rejected\":{",
                         inventory->instances_failures, inventory->users_failures);
    for (int i = 0; i < REJECTION_COUNT; i++) {
        strbuf_append_format(out, "%s\"%s\":%" PRIu64, separator, rejection_name((enum rejection)i),
                             status->rejected[i]);
        separator = ",";
    }
    strbuf_append_text(out, "},\"error\":");
    json_error(out, inventory->error.class != ERROR_NONE ? &inventory->error : NULL);
    strbuf_append_char(out, '}');
}

static void json_render(struct strbuf *out, const struct status *status, const struct target_view *view)
{
    const char *separator = "\n";
    size_t first, end;

    strbuf_append_text(out, "{\"time\":");
    markup_json_time(out, status->taken_unix_ms);
    strbuf_append_text(out, ",\"inventory\":");
    json_inventory(out, status);
    strbuf_append_text(out, ",\"accounts\":[");
    json_accounts(out, status, view);
    strbuf_append_text(out, "\n],\"targets\":[");
    target_view_range(view, status, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (!target_view_has(view, &status->targets[i]))
            continue;
        strbuf_append_text(out, separator);
        separator = ",\n";
        json_target(out, &status->targets[i]);
    }
    strbuf_append_text(out, "\n]}\n");
}

void page_targets_json(const struct page_request *request, const struct providers *providers,
                       struct page_response *response)
{
    char why[PAGE_WHY_SIZE];
    struct target_view view;
    struct status status;

    if (!target_view_read(&view, TARGET_VIEW_FILTERS, request->query, why, sizeof(why))) {
        page_text(response, 400, "%s", why);
        return;
    }
    status_init(&status);
    if (providers->status(providers->context, &status)) {
        response->content_type = PAGE_TYPE_JSON;
        json_render(&response->body, &status, &view);
    } else {
        page_no_memory(response);
    }
    status_release(&status);
}
