#include "core/config_table.h"

#include "core/config.h"
#include "core/ini.h"

static const char *const log_level_names[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_format_names[] = {"logfmt", "json", NULL};
static const char *const inventory_source_names[] = {"mysql", "file", NULL};
static const char *const mysql_tls_names[] = {"off", "required", "verify", NULL};

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define KIB    INT64_C(1024)
#define GIB    (KIB * KIB * KIB)

#define AT(member)             offsetof(struct config, member)
#define AT_ACCOUNT(member)     offsetof(struct account_config, member)
#define TEXT(least)            .minimum = (least), .maximum = INI_LINE_MAX
#define RANGE(least, greatest) .minimum = (least), .maximum = (greatest)

/* clang-format off */
#define METRIC_KEYS(name, id, interval_text, stale_text)                                              \
    {"metric " name, "enabled", CONFIG_BOOL, .fallback = "yes", .offset = AT(metrics[id].enabled),     \
     .meaning = "Whether the metric is collected."},                                                  \
    {"metric " name, "interval", CONFIG_DURATION, RANGE(SECOND, 24 * HOUR),                        \
     .fallback = (interval_text), .offset = AT(metrics[id].interval),                                   \
     .meaning = "How often the metric is brought up to date."},  \
    {"metric " name, "stale_after", CONFIG_DURATION, RANGE(SECOND, 168 * HOUR),                    \
     .fallback = (stale_text), .offset = AT(metrics[id].stale_after),                                   \
     .meaning = "How long the last good values are served when newer ones cannot be had. At least `interval`."}

#define OPTIONAL_KEY(id, name, help)                                                                   \
    {"optional_metrics", name, CONFIG_BOOL, .fallback = "no",                                          \
     .offset = AT(optional_metrics.enabled[OPTIONAL_##id]), .meaning = help},
#define NODE_KEY(id, name, value, help) OPTIONAL_KEY(id, name, help)
#define KEYED_KEY(id, name, group, count, label, help) OPTIONAL_KEY(id, name, help)

const struct config_key config_keys[] = {
    {"exporter", "workers", CONFIG_INT, RANGE(1, 1024), .fallback = "16",
     .offset = AT(exporter.workers), .flags = CONFIG_RESTART,
     .meaning = "Threads that call DAS, each with at most one call in flight."},
    {"exporter", "queue_size", CONFIG_INT, RANGE(1, 1048576), .fallback = "1024",
     .offset = AT(exporter.queue_size), .flags = CONFIG_RESTART,
     .meaning = "Calls that may be queued or under way at once."},
    {"exporter", "log_level", CONFIG_ENUM, .names = log_level_names, .fallback = "info",
     .offset = AT(exporter.log_level), .meaning = "The least important lines that are logged."},
    {"exporter", "log_format", CONFIG_ENUM, .names = log_format_names, .fallback = "logfmt",
     .offset = AT(exporter.log_format), .meaning = "How log lines look on standard error."},

    {"web", "listen", CONFIG_STRING, TEXT(1), .fallback = "0.0.0.0:10104",
     .offset = AT(web.listen), .flags = CONFIG_RESTART,
     .meaning = "Addresses to serve on, comma-separated, such as `127.0.0.1:10104,[::1]:10104`."},

    {"inventory", "source", CONFIG_ENUM, .names = inventory_source_names, .fallback = "mysql",
     .offset = AT(inventory.source), .meaning = "Where the list of instances comes from."},
    {"inventory", "file", CONFIG_PATH, TEXT(1), .fallback = "inventory.ini",
     .offset = AT(inventory.file), .meaning = "The list of instances when `source = file`."},
    {"inventory", "refresh_interval", CONFIG_DURATION, RANGE(SECOND, 24 * HOUR), .fallback = "60s",
     .offset = AT(inventory.refresh_interval), .meaning = "How often the list of instances is read again."},
    {"inventory", "exclude", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(inventory.exclude),
     .meaning = "Instance ids to leave out, comma-separated, shell patterns allowed: `rm-test*,pc-old1`."},

    {"mysql", "host", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(mysql.host),
     .meaning = "Host name or address of the inventory database. It or `socket` is needed when `source = mysql`."},
    {"mysql", "port", CONFIG_INT, RANGE(1, 65535), .fallback = "3306", .offset = AT(mysql.port),
     .meaning = "TCP port of the inventory database."},
    {"mysql", "socket", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(mysql.socket),
     .meaning = "Unix socket of the inventory database; used instead of `host` and `port`."},
    {"mysql", "user", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(mysql.user),
     .meaning = "User name. SELECT on the inventory tables is enough. Needed when `source = mysql`."},
    {"mysql", "password", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(mysql.password),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE, .meaning = "The user's password."},
    {"mysql", "database", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(mysql.database),
     .meaning = "The schema that holds the inventory tables. Needed when `source = mysql`."},
    {"mysql", "connect_timeout", CONFIG_DURATION, RANGE(100 * MS, 5 * MINUTE), .fallback = "5s",
     .offset = AT(mysql.connect_timeout), .meaning = "How long a connection may take."},
    {"mysql", "tls", CONFIG_ENUM, .names = mysql_tls_names, .fallback = "off", .offset = AT(mysql.tls),
     .meaning = "Encryption: none, without or with a check of the server's certificate."},
    {"mysql", "tls_ca_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(mysql.tls_ca_file),
     .meaning = "Certificate authorities (PEM) for `tls = verify`; empty: the system's."},

    {"das", "endpoint", CONFIG_STRING, TEXT(1), .fallback = "https://das.cn-shanghai.aliyuncs.com",
     .offset = AT(das.endpoint),
     .meaning = "The DAS endpoint: `https://HOST[:PORT]`; plain `http://` on loopback addresses only."},
    {"das", "rate_limit", CONFIG_INT, RANGE(1, 100000), .fallback = "50", .offset = AT(das.rate_limit),
     .meaning = "Most calls per `rate_window` and account. Alibaba Cloud allows 60 a second; leave room for others."},
    {"das", "rate_window", CONFIG_DURATION, RANGE(100 * MS, HOUR), .fallback = "1s",
     .offset = AT(das.rate_window), .meaning = "The window that `rate_limit` and `total_rate_limit` count in."},
    {"das", "total_rate_limit", CONFIG_INT, RANGE(0, 100000), .fallback = "0",
     .offset = AT(das.total_rate_limit), .meaning = "Most calls per `rate_window` over all accounts; 0: no such limit."},
    {"das", "connect_timeout", CONFIG_DURATION, RANGE(100 * MS, 5 * MINUTE), .fallback = "5s",
     .offset = AT(das.connect_timeout), .meaning = "How long a connection to DAS may take."},
    {"das", "timeout", CONFIG_DURATION, RANGE(100 * MS, 10 * MINUTE), .fallback = "10s",
     .offset = AT(das.timeout), .meaning = "How long one call may take in all. At least `connect_timeout`."},
    {"das", "result_timeout", CONFIG_DURATION, RANGE(SECOND, HOUR), .fallback = "60s",
     .offset = AT(das.result_timeout), .meaning = "How long DAS may take to compute a result."},
    {"das", "max_response_size", CONFIG_SIZE, RANGE(64 * KIB, GIB), .fallback = "256MiB",
     .offset = AT(das.max_response_size), .meaning = "Larger responses are refused."},
    {"das", "ca_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(das.ca_file),
     .meaning = "Certificate authorities (PEM) to trust; empty: the system's."},

    METRIC_KEYS("db_user_session_count", METRIC_USER_SESSION_COUNT, "60s", "180s"),
    METRIC_KEYS("db_max_user_connections", METRIC_MAX_USER_CONNECTIONS, "300s", "3600s"),

    OPTIONAL_METRICS(NODE_KEY, KEYED_KEY)
    {"optional_metrics", "series_per_target", CONFIG_INT, RANGE(1, 10000), .fallback = "100",
     .offset = AT(optional_metrics.series_per_target),
     .meaning = "Most series of one target in an optional metric with one for each user, client or schema."},

    {CONFIG_ACCOUNT, "access_key_id", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT_ACCOUNT(access_key_id), .flags = CONFIG_FROM_FILE, .meaning = "The AccessKey id. Needed."},
    {CONFIG_ACCOUNT, "access_key_secret", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT_ACCOUNT(access_key_secret), .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "The AccessKey secret. Needed."},
    {CONFIG_ACCOUNT, "security_token", CONFIG_STRING, TEXT(0), .fallback = "",
     .offset = AT_ACCOUNT(security_token), .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "The token that belongs to a temporary AccessKey."},
    {CONFIG_ACCOUNT, "rate_limit", CONFIG_INT, RANGE(1, 100000), .fallback = "",
     .offset = AT_ACCOUNT(rate_limit), .meaning = "This account's own limit instead of `rate_limit` in `[das]`."},
};
/* clang-format on */

const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);
