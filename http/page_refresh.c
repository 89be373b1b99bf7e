#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "http/form.h"
#include "http/json_writer.h"
#include "http/negotiate.h"
#include "http/page.h"
#include "http/query.h"

#define WAIT_MAX     (300 * NS_PER_SECOND)
#define BUSY_RETRY_S 5
#define WHY_SIZE     320

enum { PARAMETER_METRIC, PARAMETER_INS_ID, PARAMETER_ALIYUN_UID, PARAMETER_WAIT, FILTER_COUNT };

/* Reads the whole query. False, and the response says why, when there is nothing to start. */
static bool filter_read(const char *query, bool is_form, struct refresh_filter *filter, int64_t *wait_ns,
                        struct page_response *response)
{
    struct query_parameter parameters[FILTER_COUNT + 1] = {{.name = "metric"},
                                                           {.name = "ins_id"},
                                                           {.name = "aliyun_uid"},
                                                           {.name = "wait"},
                                                           {.name = FORM_TOKEN}};
    const struct query_parameter *metric = &parameters[PARAMETER_METRIC];
    const struct query_parameter *wait = &parameters[PARAMETER_WAIT];
    char why[WHY_SIZE];
    bool understood;

    /* The token was judged already, but only that of a form: a URL is no place for one. */
    understood = query_read(query, parameters, FILTER_COUNT + is_form, why, sizeof(why));
    explicit_bzero(parameters[FILTER_COUNT].value, sizeof(parameters[FILTER_COUNT].value));
    if (!understood) {
        page_text(response, 400, "%s; known are metric, ins_id, aliyun_uid and wait", why);
        return false;
    }
    for (size_t i = 0; i < FILTER_COUNT; i++) {
        /* An unset variable in somebody's script must not refresh everything. */
        if (parameters[i].present && parameters[i].value[0] == '\0') {
            page_text(response, 400, "query parameter '%s' is empty", parameters[i].name);
            return false;
        }
    }
    *wait_ns = 0;
    if (wait->present &&
        (!text_parse_duration(wait->value, wait_ns) || *wait_ns < 0 || *wait_ns > WAIT_MAX)) {
        page_text(response, 400, "wait is a duration such as 30s, at most 5m");
        return false;
    }
    filter->metric = metric->present ? metric_id_from_name(metric->value) : METRIC_ID_COUNT;
    if (metric->present && filter->metric == METRIC_ID_COUNT) {
        page_text(response, 404, "there is no metric '%s'", metric->value);
        return false;
    }
    snprintf(filter->ins_id, sizeof(filter->ins_id), "%s", parameters[PARAMETER_INS_ID].value);
    snprintf(filter->aliyun_uid, sizeof(filter->aliyun_uid), "%s", parameters[PARAMETER_ALIYUN_UID].value);
    return true;
}

static void write_progress(const struct page_request *request, const struct refresh_progress *progress,
                           struct page_response *response)
{
    struct strbuf *out = &response->body;

    response->content_type = PAGE_TYPE_JSON;
    strbuf_append_char(out, '{');
    json_write_text(out, "refresh_id", progress->id);
    json_write_count(out, "targets", progress->targets);
    json_write_count(out, "done", progress->done);
    json_write_count(out, "failed", progress->failed);
    json_write_text(out, "state", progress->state == REFRESH_FINISHED ? "finished" : "running");
    json_write_bool(out, "joined", progress->joined);
    json_write_seconds(out, "estimated_seconds", progress->estimated);
    json_write_seconds(out, "elapsed_seconds", progress->elapsed);
    json_write_name(out, "status_url");
    strbuf_append_format(out, "\"%s" PAGE_REFRESH_PREFIX "%s\"}\n", page_external_path(request),
                         progress->id);
}

/* A form without script is sent on to the progress, so that loading the page again refreshes nothing. */
static void answer_accepted(const struct page_request *request, const struct refresh_progress *progress,
                            struct page_response *response)
{
    if (accept_html(request->accept)) {
        snprintf(response->location, sizeof(response->location), "%s" PAGE_REFRESH_PREFIX "%s",
                 page_external_path(request), progress->id);
        page_text(response, 303, "%s", response->location);
        return;
    }
    response->status = progress->state == REFRESH_FINISHED ? 200 : 202;
    write_progress(request, progress, response);
}

void page_refresh(const struct page_request *request, const struct providers *providers,
                  struct page_response *response)
{
    struct refresh_progress progress = {0};
    struct refresh_filter filter;
    int64_t wait_ns;

    if (request->form != NULL && request->query != NULL && request->query[0] != '\0') {
        page_text(response, 400, "parameters are expected in the form or in the query, not in both");
        return;
    }
    if (!filter_read(request->form != NULL ? request->form : request->query, request->form != NULL, &filter,
                     &wait_ns, response))
        return;
    if (!request->may_wait)
        wait_ns = 0;
    switch (providers->refresh(providers->context, &filter, wait_ns, &progress)) {
    case REFRESH_ACCEPTED:
        answer_accepted(request, &progress, response);
        break;
    case REFRESH_NO_MATCH:
        page_text(response, 404, "no target matches; %s/targets lists them all", page_external_path(request));
        break;
    case REFRESH_DISABLED:
        page_text(response, 409, "that metric is not enabled in the configuration");
        break;
    case REFRESH_BUSY:
        page_text(response, 503, "too many refreshes are under way; try again later");
        response->retry_after = BUSY_RETRY_S;
        break;
    }
}

void page_refresh_progress(const struct page_request *request, const struct providers *providers,
                           struct page_response *response)
{
    const char *id = request->path + strlen(PAGE_REFRESH_PREFIX);
    struct refresh_progress progress = {0};

    if (providers->refresh_progress(providers->context, id, &progress))
        write_progress(request, &progress, response);
    else
        page_text(response, 404, "no refresh has that id, or it ended long ago");
}
