#include "metrics/self_metrics.h"

#include "core/clock.h"
#include "metrics/exposition.h"

/* The classes a call to DAS can end with; they are exported from 0 on, so that increase() sees
 * the first failure. The others only once they occur. */
#define FIRST_CALL_ERROR ERROR_TRANSIENT
#define LAST_CALL_ERROR  ERROR_NO_MEMORY

const char *api_phase_name(enum api_phase phase)
{
    return phase == API_PHASE_SUBMIT ? "submit" : "poll";
}

const char *refresh_trigger_name(enum refresh_trigger trigger)
{
    return trigger == REFRESH_SCHEDULE ? "schedule" : "manual";
}

static void render_uint(struct strbuf *out, enum family_id family, uint64_t value)
{
    exposition_sample_uint(out, family, NULL, value);
}

static void render_unix_ms(struct strbuf *out, enum family_id family, int64_t unix_ms)
{
    if (unix_ms <= 0)
        return;
    strbuf_append_text(out, family_get(family)->name);
    strbuf_append_char(out, ' ');
    exposition_unix_ms(out, unix_ms);
    strbuf_append_char(out, '\n');
}

static void render_build_info(const struct self_metrics *self, struct strbuf *out)
{
    exposition_sample_int(out, FAMILY_BUILD_INFO, (const char *[]){self->version, self->revision}, 1);
}

static void render_account_phases(const struct account_metrics *account, enum family_id family,
                                  struct strbuf *out)
{
    int phase;

    for (phase = 0; phase < API_PHASE_COUNT; phase++)
        exposition_sample_uint(out, family,
                               (const char *[]){account->aliyun_uid, api_phase_name((enum api_phase)phase)},
                               account->requests[phase]);
}

static void render_account_failures(const struct account_metrics *account, enum api_phase phase,
                                    struct strbuf *out)
{
    const char *values[] = {account->aliyun_uid, api_phase_name(phase), NULL};
    uint64_t failures;
    int class;

    for (class = ERROR_NONE + 1; class < ERROR_CLASS_COUNT; class ++) {
        failures = account->failures[phase][class];
        if (failures == 0 && (class < FIRST_CALL_ERROR || class > LAST_CALL_ERROR))
            continue;
        values[2] = error_class_name((enum error_class) class);
        exposition_sample_uint(out, FAMILY_API_REQUEST_FAILURES, values, failures);
    }
}

/* Families with one series per account, or a few. */
static void render_account(const struct account_metrics *account, enum family_id family, struct strbuf *out)
{
    const char *values[] = {account->aliyun_uid};

    switch (family) {
    case FAMILY_ACCOUNT_UP:
        exposition_sample_int(out, family, values, account->up ? 1 : 0);
        break;
    case FAMILY_CREDENTIALS_EXPIRY:
        if (account->credentials_expiry_unix_ms > 0)
            exposition_sample_double(out, family, values, (double)account->credentials_expiry_unix_ms / 1000);
        break;
    case FAMILY_API_REQUESTS:
        render_account_phases(account, family, out);
        break;
    case FAMILY_API_REQUEST_FAILURES:
        render_account_failures(account, API_PHASE_SUBMIT, out);
        render_account_failures(account, API_PHASE_POLL, out);
        break;
    case FAMILY_API_THROTTLED:
        exposition_sample_uint(out, family, values, account->throttled);
        break;
    case FAMILY_API_RATE_LIMIT:
        exposition_sample_double(out, family, values, account->rate_limit);
        break;
    case FAMILY_API_RATE_EFFECTIVE:
        exposition_sample_double(out, family, values, account->rate_effective);
        break;
    case FAMILY_API_RATE_DEMAND:
        exposition_sample_double(out, family, values, account->rate_demand);
        break;
    case FAMILY_INVENTORY_INSTANCES:
        exposition_sample_uint(out, family, values, account->instances);
        break;
    case FAMILY_INVENTORY_TARGETS:
        exposition_sample_uint(out, family, values, account->targets);
        break;
    default:
        break;
    }
}

static void render_histogram(const struct histogram *histogram, enum family_id family,
                             const char *const *values, struct strbuf *out)
{
    exposition_histogram(out, family, values, histogram_bounds, histogram->counts, HISTOGRAM_BOUNDS,
                         histogram->sum);
}

static void render_request_duration(const struct self_metrics *self, struct strbuf *out)
{
    int phase;

    for (phase = 0; phase < API_PHASE_COUNT; phase++)
        render_histogram(&self->request_duration[phase], FAMILY_API_REQUEST_DURATION,
                         (const char *[]){api_phase_name((enum api_phase)phase)}, out);
}

static void render_refreshes(const struct self_metrics *self, struct strbuf *out)
{
    const char *values[2];
    int metric;
    int trigger;

    for (metric = 0; metric < METRIC_ID_COUNT; metric++) {
        values[0] = metric_id_name((enum metric_id)metric);
        for (trigger = 0; trigger < REFRESH_TRIGGER_COUNT; trigger++) {
            values[1] = refresh_trigger_name((enum refresh_trigger)trigger);
            exposition_sample_uint(out, FAMILY_REFRESHES, values, self->refreshes[metric][trigger]);
        }
    }
}

static void render_refresh_duration(const struct self_metrics *self, struct strbuf *out)
{
    int metric;

    for (metric = 0; metric < METRIC_ID_COUNT; metric++) {
        if (self->refresh_duration[metric] < 0)
            continue;
        exposition_sample_double(out, FAMILY_REFRESH_DURATION,
                                 (const char *[]){metric_id_name((enum metric_id)metric)},
                                 (double)self->refresh_duration[metric] / (double)NS_PER_SECOND);
    }
}

static void render_rejected_rows(const struct self_metrics *self, struct strbuf *out)
{
    size_t i;

    for (i = 0; i < self->rejected_count; i++)
        exposition_sample_uint(out, FAMILY_INVENTORY_REJECTED_ROWS, &self->rejected_names[i],
                               self->rejected[i]);
}

static void render_auth_failures(const struct self_metrics *self, struct strbuf *out)
{
    static const char *const kinds[AUTH_KIND_COUNT] = {[AUTH_PASSWORD] = "password", [AUTH_TOKEN] = "token"};

    for (int kind = 0; kind < AUTH_KIND_COUNT; kind++)
        exposition_sample_uint(out, FAMILY_HTTP_AUTH_FAILURES, &kinds[kind], self->auth_failures[kind]);
}

/* Families about the whole exporter. False when the family is none of them. */
static bool render_exporter(const struct self_metrics *self, enum family_id family, struct strbuf *out)
{
    switch (family) {
    case FAMILY_BUILD_INFO:
        render_build_info(self, out);
        return true;
    case FAMILY_API_REQUEST_DURATION:
        render_request_duration(self, out);
        return true;
    case FAMILY_RESULT_WAIT:
        render_histogram(&self->result_wait, family, NULL, out);
        return true;
    case FAMILY_REFRESHES:
        render_refreshes(self, out);
        return true;
    case FAMILY_REFRESH_DURATION:
        render_refresh_duration(self, out);
        return true;
    case FAMILY_QUEUE_LENGTH:
        render_uint(out, family, self->queue_length);
        return true;
    case FAMILY_INFLIGHT_CALLS:
        render_uint(out, family, self->inflight_calls);
        return true;
    case FAMILY_OUTSTANDING_RESULTS:
        render_uint(out, family, self->outstanding_results);
        return true;
    case FAMILY_INVENTORY_LAST_SUCCESS:
        render_unix_ms(out, family, self->inventory_success_unix_ms);
        return true;
    case FAMILY_INVENTORY_REJECTED_ROWS:
        render_rejected_rows(self, out);
        return true;
    case FAMILY_INVENTORY_UNDATED_ROWS:
        render_uint(out, family, self->undated_rows);
        return true;
    case FAMILY_INVENTORY_HELD_LOADS:
        render_uint(out, family, self->held_loads);
        return true;
    case FAMILY_HTTP_AUTH_FAILURES:
        render_auth_failures(self, out);
        return true;
    case FAMILY_CONFIG_RELOAD_SUCCESSFUL:
        render_uint(out, family, self->config_reload_successful ? 1 : 0);
        return true;
    case FAMILY_CONFIG_RELOAD_SUCCESS_TIMESTAMP:
        render_unix_ms(out, family, self->config_reload_success_unix_ms);
        return true;
    default:
        return false;
    }
}

void self_metrics_render(const struct self_metrics *self, enum family_id family, struct strbuf *out)
{
    size_t i;

    if (render_exporter(self, family, out))
        return;
    for (i = 0; i < self->account_count; i++)
        render_account(&self->accounts[i], family, out);
}
