/*
 * Every metric family the exporter exports, in the order of the page: one table of name, type,
 * label names and HELP. Names and labels of the first release never change.
 */
#ifndef METRICS_FAMILY_H
#define METRICS_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/optional_metrics.h"

enum family_type { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_HISTOGRAM };

/* Order = order on the page. */
#define FAMILY_NODE_ID(id, name, value, help)                FAMILY_##id,
#define FAMILY_KEYED_ID(id, name, group, count, label, help) FAMILY_##id, FAMILY_##id##_OVERFLOW,

enum family_id {
    FAMILY_USER_SESSION_COUNT,
    FAMILY_MAX_USER_CONNECTIONS,
    OPTIONAL_METRICS(FAMILY_NODE_ID, FAMILY_KEYED_ID)
        FAMILY_COLLECTED_COUNT, /* those above come from collectors, as sealed batches */
    FAMILY_BUILD_INFO = FAMILY_COLLECTED_COUNT,
    FAMILY_TARGET_UP,
    FAMILY_TARGET_LAST_SUCCESS,
    FAMILY_ACCOUNT_UP,
    FAMILY_CREDENTIALS_EXPIRY,
    FAMILY_API_REQUESTS,
    FAMILY_API_REQUEST_FAILURES,
    FAMILY_API_REQUEST_DURATION,
    FAMILY_API_THROTTLED,
    FAMILY_API_RATE_LIMIT,
    FAMILY_API_RATE_EFFECTIVE,
    FAMILY_API_RATE_DEMAND,
    FAMILY_RESULT_WAIT,
    FAMILY_REFRESHES,
    FAMILY_REFRESH_DURATION,
    FAMILY_QUEUE_LENGTH,
    FAMILY_INFLIGHT_CALLS,
    FAMILY_OUTSTANDING_RESULTS,
    FAMILY_INVENTORY_INSTANCES,
    FAMILY_INVENTORY_TARGETS,
    FAMILY_INVENTORY_LAST_SUCCESS,
    FAMILY_INVENTORY_REJECTED_ROWS,
    FAMILY_INVENTORY_UNDATED_ROWS,
    FAMILY_INVENTORY_HELD_LOADS,
    FAMILY_SERIES,
    FAMILY_OVERFLOWED_SERIES,
    FAMILY_HTTP_AUTH_FAILURES,
    FAMILY_CONFIG_RELOAD_SUCCESSFUL,
    FAMILY_CONFIG_RELOAD_SUCCESS_TIMESTAMP,
    FAMILY_COUNT
};

#undef FAMILY_NODE_ID
#undef FAMILY_KEYED_ID

#define FAMILY_LABELS_MAX 8

struct family {
    const char *name; /* without _total: OpenMetrics' name of the family */
    enum family_type type;
    const char *labels[FAMILY_LABELS_MAX]; /* in the order of the page, NULL-terminated */
    const char *help;
    unsigned optional; /* 1 << the enum optional_metric that it is of; 0: always on the page */
    bool limited;      /* to series_per_target; it has an overflow family */
};

/* Never NULL for id < FAMILY_COUNT. Any thread. */
const struct family *family_get(enum family_id id);

#endif
