#include "metrics/family.h"

#include <assert.h>

#define CACHED        " Cached: refreshed by the exporter every "
#define NOT_BY_SCRAPE " unless configured otherwise, never by a scrape."
#define TARGET_LABELS                                                                                        \
    {                                                                                                        \
        "ins_id", "node_id", "aliyun_uid",                                                                   \
    }
#define ACCOUNT_LABELS                                                                                       \
    {                                                                                                        \
        "aliyun_uid",                                                                                        \
    }

#define NODE_LABELS                                                                                          \
    {                                                                                                        \
        "ins_id", "ins_name", "ins_type", "aliyun_uid", "node_id", "node_type",                              \
    }
#define OVERFLOW_HELP "The sum of what has no series of its own because of series_per_target, in "

#define NODE_FAMILY(id, family_name, value, text)                                                            \
    [FAMILY_##id] = {.name = (family_name),                                                                  \
                     .type = FAMILY_GAUGE,                                                                   \
                     .labels = NODE_LABELS,                                                                  \
                     .help = text CACHED "60s" NOT_BY_SCRAPE,                                                \
                     .optional = 1u << OPTIONAL_##id},
#define KEYED_FAMILY(id, family_name, group, count, label, text)                                             \
    [FAMILY_##                                                                                               \
        id] = {.name = (family_name),                                                                        \
               .type = FAMILY_GAUGE,                                                                         \
               .labels = {"ins_id", "ins_name", "ins_type", "aliyun_uid", label, "node_id", "node_type"},    \
               .help = text CACHED "60s" NOT_BY_SCRAPE,                                                      \
               .optional = 1u << OPTIONAL_##id,                                                              \
               .limited = true},                                                                             \
      [FAMILY_##id##_OVERFLOW] = {.name = family_name "_overflow",                                           \
                                  .type = FAMILY_GAUGE,                                                      \
                                  .labels = NODE_LABELS,                                                     \
                                  .help = OVERFLOW_HELP family_name "." CACHED "60s" NOT_BY_SCRAPE,          \
                                  .optional = 1u << OPTIONAL_##id},

_Static_assert(OPTIONAL_METRIC_COUNT <= 32, "a set of optional metrics is an unsigned");

static const struct family families[FAMILY_COUNT] = {
    [FAMILY_USER_SESSION_COUNT] =
        {
            .name = "db_user_session_count",
            .type = FAMILY_GAUGE,
            .labels = {"ins_id", "ins_name", "ins_type", "aliyun_uid", "db_user", "node_id", "node_type"},
            .help = "Sessions of a database user on one node, idle ones included." CACHED "60s" NOT_BY_SCRAPE,
        },
    [FAMILY_MAX_USER_CONNECTIONS] =
        {
            .name = "db_max_user_connections",
            .type = FAMILY_GAUGE,
            .labels = {"ins_id", "username"},
            .help = "Connections a database user may have at once, from the inventory; 0 is no limit." CACHED
                    "300s" NOT_BY_SCRAPE,
        },
    OPTIONAL_METRICS(NODE_FAMILY, KEYED_FAMILY)[FAMILY_BUILD_INFO] =
        {
            .name = "session_exporter_build_info",
            .type = FAMILY_GAUGE,
            .labels = {"version", "revision"},
            .help = "Always 1; the labels say which build of the exporter runs.",
        },
    [FAMILY_TARGET_UP] =
        {
            .name = "session_exporter_target_up",
            .type = FAMILY_GAUGE,
            .labels = TARGET_LABELS,
            .help = "1 when the last cycle of the target succeeded, 0 when it failed or none has ended yet.",
        },
    [FAMILY_TARGET_LAST_SUCCESS] =
        {
            .name = "session_exporter_target_last_success_timestamp_seconds",
            .type = FAMILY_GAUGE,
            .labels = TARGET_LABELS,
            .help = "Unix time of the last successful cycle of the target; absent before the first.",
        },
    [FAMILY_ACCOUNT_UP] =
        {
            .name = "session_exporter_account_up",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "1 while the account's credentials are there and accepted.",
        },
    [FAMILY_CREDENTIALS_EXPIRY] =
        {
            .name = "session_exporter_credentials_expiry_timestamp_seconds",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Unix time at which the account's temporary credentials expire; absent for those that do "
                    "not.",
        },
    [FAMILY_API_REQUESTS] =
        {
            .name = "session_exporter_api_requests",
            .type = FAMILY_COUNTER,
            .labels = {"aliyun_uid", "phase"},
            .help = "HTTP requests sent to DAS; each costs one call of the quota.",
        },
    [FAMILY_API_REQUEST_FAILURES] =
        {
            .name = "session_exporter_api_request_failures",
            .type = FAMILY_COUNTER,
            .labels = {"aliyun_uid", "phase", "reason"},
            .help = "HTTP requests to DAS that ended in a failure, by its class.",
        },
    [FAMILY_API_REQUEST_DURATION] =
        {
            .name = "session_exporter_api_request_duration_seconds",
            .type = FAMILY_HISTOGRAM,
            .labels = {"phase"},
            .help = "Time from sending an HTTP request to DAS until its answer or failure.",
        },
    [FAMILY_API_THROTTLED] =
        {
            .name = "session_exporter_api_throttled",
            .type = FAMILY_COUNTER,
            .labels = ACCOUNT_LABELS,
            .help = "Answers of DAS that said the account's quota was used up.",
        },
    [FAMILY_API_RATE_LIMIT] =
        {
            .name = "session_exporter_api_rate_limit",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Calls per second the configuration allows for the account.",
        },
    [FAMILY_API_RATE_EFFECTIVE] =
        {
            .name = "session_exporter_api_rate_effective",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Calls per second now allowed for the account; below the limit after throttling.",
        },
    [FAMILY_API_RATE_DEMAND] =
        {
            .name = "session_exporter_api_rate_demand",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Calls per second the targets need at the configured intervals; above the limit, cycles "
                    "take longer than configured.",
        },
    [FAMILY_RESULT_WAIT] =
        {
            .name = "session_exporter_result_wait_seconds",
            .type = FAMILY_HISTOGRAM,
            .help = "Time from submitting a computation to DAS until its result was fetched.",
        },
    [FAMILY_REFRESHES] =
        {
            .name = "session_exporter_refreshes",
            .type = FAMILY_COUNTER,
            .labels = {"metric", "trigger"},
            .help = "Refreshes that ended, well or not, by what started them: one target asked, or the users "
                    "table read.",
        },
    [FAMILY_REFRESH_DURATION] =
        {
            .name = "session_exporter_refresh_duration_seconds",
            .type = FAMILY_GAUGE,
            .labels = {"metric"},
            .help = "How long the last full cycle over all targets took; absent before the first.",
        },
    [FAMILY_QUEUE_LENGTH] =
        {
            .name = "session_exporter_queue_length",
            .type = FAMILY_GAUGE,
            .help = "Jobs waiting for a worker.",
        },
    [FAMILY_INFLIGHT_CALLS] =
        {
            .name = "session_exporter_inflight_calls",
            .type = FAMILY_GAUGE,
            .help = "Calls to DAS that were started and have not ended.",
        },
    [FAMILY_OUTSTANDING_RESULTS] =
        {
            .name = "session_exporter_outstanding_results",
            .type = FAMILY_GAUGE,
            .help = "Computations submitted to DAS whose result was not fetched yet.",
        },
    [FAMILY_INVENTORY_INSTANCES] =
        {
            .name = "session_exporter_inventory_instances",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Instances of the account in the inventory.",
        },
    [FAMILY_INVENTORY_TARGETS] =
        {
            .name = "session_exporter_inventory_targets",
            .type = FAMILY_GAUGE,
            .labels = ACCOUNT_LABELS,
            .help = "Targets (RDS instances and PolarDB nodes) of the account in the inventory.",
        },
    [FAMILY_INVENTORY_LAST_SUCCESS] =
        {
            .name = "session_exporter_inventory_last_success_timestamp_seconds",
            .type = FAMILY_GAUGE,
            .help = "Unix time of the last successful inventory load; absent before the first.",
        },
    [FAMILY_INVENTORY_REJECTED_ROWS] =
        {
            .name = "session_exporter_inventory_rejected_rows",
            .type = FAMILY_GAUGE,
            .labels = {"reason"},
            .help = "Rows of the last inventory load that yield no target or sample, by reason.",
        },
    [FAMILY_INVENTORY_UNDATED_ROWS] =
        {
            .name = "session_exporter_inventory_undated_rows",
            .type = FAMILY_GAUGE,
            .help = "Rows of the last inventory load whose updatetime was not understood.",
        },
    [FAMILY_INVENTORY_HELD_LOADS] =
        {
            .name = "session_exporter_inventory_held_loads",
            .type = FAMILY_COUNTER,
            .help = "Inventory loads that had lost more than half and were not believed.",
        },
    [FAMILY_SERIES] =
        {
            .name = "session_exporter_series",
            .type = FAMILY_GAUGE,
            .labels = {"metric"},
            .help = "Series of a collected metric on this page.",
        },
    [FAMILY_OVERFLOWED_SERIES] =
        {
            .name = "session_exporter_overflowed_series",
            .type = FAMILY_GAUGE,
            .labels = {"metric"},
            .help = "Series that are not on this page but in the metric's overflow family, because of "
                    "series_per_target.",
        },
    [FAMILY_HTTP_AUTH_FAILURES] =
        {
            .name = "session_exporter_http_auth_failures",
            .type = FAMILY_COUNTER,
            .labels = {"kind"},
            .help = "Web requests with a wrong password or admin token.",
        },
    [FAMILY_CONFIG_RELOAD_SUCCESSFUL] =
        {
            .name = "session_exporter_config_last_reload_successful",
            .type = FAMILY_GAUGE,
            .help = "1 when the last load of the configuration succeeded.",
        },
    [FAMILY_CONFIG_RELOAD_SUCCESS_TIMESTAMP] =
        {
            .name = "session_exporter_config_last_reload_success_timestamp_seconds",
            .type = FAMILY_GAUGE,
            .help = "Unix time of the last successful load of the configuration.",
        },
};

const struct family *family_get(enum family_id id)
{
    assert(id < FAMILY_COUNT);
    return &families[id];
}
