/*
 * What the exporter says about itself, as plain values. Whoever owns the numbers fills the
 * structs; rendering is pure.
 */
#ifndef METRICS_SELF_METRICS_H
#define METRICS_SELF_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/error.h"
#include "core/strbuf.h"
#include "metrics/family.h"
#include "metrics/histogram.h"

enum api_phase { API_PHASE_SUBMIT, API_PHASE_POLL, API_PHASE_COUNT };
enum refresh_trigger { REFRESH_SCHEDULE, REFRESH_MANUAL, REFRESH_TRIGGER_COUNT };

enum auth_kind { AUTH_PASSWORD, AUTH_TOKEN, AUTH_KIND_COUNT };

const char *api_phase_name(enum api_phase phase);
const char *refresh_trigger_name(enum refresh_trigger trigger);

struct account_metrics {
    const char *aliyun_uid; /* borrowed; unique among the accounts, also as exported */
    bool up;
    uint64_t requests[API_PHASE_COUNT];
    uint64_t failures[API_PHASE_COUNT][ERROR_CLASS_COUNT];
    uint64_t throttled;
    double rate_limit;     /* calls per second, configured */
    double rate_effective; /* calls per second, now allowed */
    double rate_demand;    /* calls per second that the inventory and the intervals need */
    uint64_t instances;
    uint64_t targets;
    int64_t credentials_expiry_unix_ms; /* 0: they do not expire, no sample */
};

struct self_metrics {
    const struct account_metrics *accounts; /* in the order of the page */
    size_t account_count;
    struct histogram request_duration[API_PHASE_COUNT];
    struct histogram result_wait;
    uint64_t refreshes[METRIC_ID_COUNT][REFRESH_TRIGGER_COUNT];
    int64_t refresh_duration[METRIC_ID_COUNT]; /* ns; negative: no full cycle yet, no sample */
    uint64_t queue_length;
    uint64_t inflight_calls;
    uint64_t outstanding_results;
    int64_t inventory_success_unix_ms; /* 0: never, no sample */
    const uint64_t *rejected;          /* rows of the last inventory load, by reason */
    const char *const *rejected_names; /* the reasons, unique */
    size_t rejected_count;
    uint64_t undated_rows; /* of the last inventory load */
    uint64_t held_loads;
    uint64_t auth_failures[AUTH_KIND_COUNT];
    bool config_reload_successful;
    int64_t config_reload_success_unix_ms; /* 0: never, no sample */
    unsigned optional_metrics;             /* those on the page: a set of 1 << enum optional_metric */
    const char *version;
    const char *revision;
};

/*
 * Appends the sample lines of one family that self_metrics knows; nothing for the others
 * (collected families, target health, FAMILY_SERIES, FAMILY_OVERFLOWED_SERIES: metrics/page). Counters are exported
 * from 0 on, the failures for every reason a call to DAS can end with. Pure.
 */
void self_metrics_render(const struct self_metrics *self, enum family_id family, struct strbuf *out);

#endif
