#include "config/table.h"

#include "config/config.h"
#include "config/ini.h"

static const char *const log_level_names[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_format_names[] = {"logfmt", "json", NULL};
static const char *const inventory_source_names[] = {"mysql", "file", NULL};
static const char *const accounts_source_names[] = {"config", "database", NULL};
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
     .meaning = "How long the last good values are served when newer ones cannot be had. At least `interval`; unless it is set, at least three times `interval`."}

#define OPTIONAL_KEY(id, name, help)                                                                   \
    {"optional_metrics", name, CONFIG_BOOL, .fallback = "no",                                          \
     .offset = AT(optional_metrics.enabled[OPTIONAL_##id]), .meaning = (help)},
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

    {"web", "listen", CONFIG_STRING, TEXT(1), .fallback = ":10104",
     .offset = AT(web.listen), .flags = CONFIG_RESTART,
     .meaning = "Addresses to serve on, comma-separated, such as `127.0.0.1:10104,[::1]:10104s`; `:10104`: every address, IPv4 and IPv6; suffix `s`: TLS."},
    {"web", "tls_cert_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(web.tls_cert_file),
     .meaning = "Certificate (PEM) for the TLS addresses, followed by those between it and the authority. Read again when it changes."},
    {"web", "tls_key_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(web.tls_key_file),
     .meaning = "The certificate's private key (PEM); empty: it is in `tls_cert_file`."},
    {"web", "tls_client_ca_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(web.tls_client_ca_file),
     .meaning = "When set, TLS clients need a certificate of one of these authorities (PEM)."},
    {"web", "basic_auth_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(web.basic_auth_file),
     .meaning = "Lines `user:bcrypt`, as `--hash-password` prints them: who may read anything but health. Read again when it changes."},
    {"web", "external_url", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(web.external_url), .flags = CONFIG_RESTART,
     .meaning = "Where a proxy in front serves the exporter, such as `https://proxy.example/sessions/`, or that path alone: it begins every path in an answer."},
    {"web", "route_prefix", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(web.route_prefix), .flags = CONFIG_RESTART,
     .meaning = "What every requested path begins with; empty: the path of `external_url`; `/` for a proxy that takes it off."},
    {"web", "admin_token", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(web.admin_token),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "The bearer token that requests which change something need; empty: they are answered on this machine only."},

    {"inventory", "source", CONFIG_ENUM, .names = inventory_source_names, .fallback = "mysql",
     .offset = AT(inventory.source), .meaning = "Where the list of instances comes from. With `file` and without `[mysql]` the default is `file`."},
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
     .path_offset = AT(mysql.password_file), .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "The user's password. `password_file` is read again for every connection."},
    {"mysql", "database", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(mysql.database),
     .meaning = "The schema that holds the inventory tables. Needed when `source = mysql`."},
    {"mysql", "connect_timeout", CONFIG_DURATION, RANGE(100 * MS, 5 * MINUTE), .fallback = "5s",
     .offset = AT(mysql.connect_timeout), .meaning = "How long a connection may take."},
    {"mysql", "tls", CONFIG_ENUM, .names = mysql_tls_names, .fallback = "off", .offset = AT(mysql.tls),
     .meaning = "Encryption: none, without or with a check of the server's certificate. With `tls_ca_file` or `tls_cert_file` the default is `verify`."},
    {"mysql", "tls_ca_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(mysql.tls_ca_file),
     .meaning = "Certificate authorities (PEM) for `tls = verify`; empty: the system's."},
    {"mysql", "tls_cert_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(mysql.tls_cert_file),
     .meaning = "The client certificate (PEM) of a user with `REQUIRE X509`. Read again for every connection."},
    {"mysql", "tls_key_file", CONFIG_PATH, TEXT(0), .fallback = "", .offset = AT(mysql.tls_key_file),
     .meaning = "The private key (PEM) of `tls_cert_file`."},
    {"mysql", "server_public_key_file", CONFIG_PATH, TEXT(0), .fallback = "",
     .offset = AT(mysql.server_public_key_file),
     .meaning = "The server's RSA key (PEM), for `caching_sha2_password` or `sha256_password` with `tls = off`."},

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
     .offset = AT(das.timeout), .meaning = "How long one call may take in all. At least `connect_timeout`; unless it is set, at least twice that."},
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

    {"accounts", "source", CONFIG_ENUM, .names = accounts_source_names, .fallback = "config",
     .offset = AT(accounts_common.source),
     .meaning = "`database`: the table `aliyun_uids` of the inventory database has the keys of the accounts whose own "
                "section names no source."},
    {"accounts", "encryption_password", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT(accounts_common.encryption_password),
     .path_offset = AT(accounts_common.encryption_password_file), .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "What the secrets in `aliyun_uids` are encrypted with. Needed when `source = database`."},
    {"accounts", "sts_endpoint", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(accounts_common.sts_endpoint),
     .meaning = "Where roles are assumed: a host such as `sts-vpc.cn-hangzhou.aliyuncs.com`, or `https://HOST[:PORT]`; empty: `sts.aliyuncs.com`."},
    {"accounts", "sts_proxy", CONFIG_STRING, TEXT(0), .fallback = "", .offset = AT(accounts_common.sts_proxy),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "The proxy through which roles are assumed, `http://[USER:PASSWORD@]HOST:PORT`; `environment`: that of `https_proxy`; empty: none."},
    {"accounts", "sts_rate_limit", CONFIG_INT, RANGE(1, 100), .fallback = "20",
     .offset = AT(accounts_common.sts_rate_limit),
     .meaning = "Most calls a second for credentials (STS, metadata service, URIs), over all accounts."},
    {"accounts", "metadata_endpoint", CONFIG_STRING, TEXT(0), .fallback = "",
     .offset = AT(accounts_common.metadata_endpoint),
     .meaning = "The ECS metadata service, for tests: `http://` on a loopback address; empty: `http://100.100.100.200`."},
    {"accounts", "metadata_without_token", CONFIG_BOOL, .fallback = "yes",
     .offset = AT(accounts_common.metadata_without_token),
     .meaning = "Ask the metadata service in its normal mode when its hardened mode gives no token. "
                "`ALIBABA_CLOUD_IMDSV1_DISABLED=true` makes `no` the default."},

    {CONFIG_ACCOUNT, "access_key_id", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT_ACCOUNT(access_key_id), .path_offset = AT_ACCOUNT(access_key_id_file), .flags = CONFIG_FROM_FILE,
     .meaning = "The AccessKey id. Files of the AccessKey and its token are read again every few seconds."},
    {CONFIG_ACCOUNT, "access_key_secret", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT_ACCOUNT(access_key_secret), .path_offset = AT_ACCOUNT(access_key_secret_file),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE, .meaning = "The AccessKey secret."},
    {CONFIG_ACCOUNT, "security_token", CONFIG_STRING, TEXT(0), .fallback = "",
     .offset = AT_ACCOUNT(security_token), .path_offset = AT_ACCOUNT(security_token_file),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE, .meaning = "The token that belongs to a temporary AccessKey."},
    {CONFIG_ACCOUNT, "role_arn", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(role_arn),
     .meaning = "The RAM role to assume, `acs:ram::UID:role/NAME`. In `[account default]`, `{uid}` stands for the account's id."},
    {CONFIG_ACCOUNT, "role_session_name", CONFIG_STRING, TEXT(1), .fallback = "mysql-session-exporter",
     .offset = AT_ACCOUNT(role_session_name), .meaning = "The name of the role's sessions in audit logs: 2 to 64 letters, digits and `.@-_`."},
    {CONFIG_ACCOUNT, "external_id", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(external_id),
     .meaning = "What the role's trust policy wants as `sts:ExternalId`."},
    {CONFIG_ACCOUNT, "duration", CONFIG_DURATION, RANGE(15 * MINUTE, 12 * HOUR), .fallback = "1h",
     .offset = AT_ACCOUNT(duration), .meaning = "How long the role's credentials live; at most what the role allows."},
    {CONFIG_ACCOUNT, "policy", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(policy),
     .meaning = "A policy (JSON on one line) that narrows the role's permissions."},
    {CONFIG_ACCOUNT, "sts_endpoint", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(sts_endpoint),
     .meaning = "Where this role is assumed, instead of `sts_endpoint` in `[accounts]`."},
    {CONFIG_ACCOUNT, "source_account", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(source_account),
     .meaning = "The UID of the account whose credentials assume the role; without it those of this section, "
                "of `[account default]` or of the environment."},
    {CONFIG_ACCOUNT, "ecs_role", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(ecs_role),
     .meaning = "The RAM role of the ECS instance that the exporter runs on; `auto`: the metadata service is asked for its name."},
    {CONFIG_ACCOUNT, "oidc_provider_arn", CONFIG_STRING, TEXT(1), .fallback = "",
     .offset = AT_ACCOUNT(oidc_provider_arn),
     .meaning = "The OIDC provider, `acs:ram::UID:oidc-provider/NAME`; with `role_arn` and `oidc_token_file` (RRSA)."},
    {CONFIG_ACCOUNT, "oidc_token_file", CONFIG_PATH, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(oidc_token_file),
     .meaning = "The file of the OIDC token, read at every refresh."},
    {CONFIG_ACCOUNT, "credentials_uri", CONFIG_STRING, TEXT(1), .fallback = "", .offset = AT_ACCOUNT(credentials_uri),
     .flags = CONFIG_SECRET | CONFIG_FROM_FILE,
     .meaning = "A URL that answers with temporary credentials: `https://`, or `http://` on a loopback address."},
    {CONFIG_ACCOUNT, "rate_limit", CONFIG_INT, RANGE(1, 100000), .fallback = "",
     .offset = AT_ACCOUNT(rate_limit), .meaning = "This account's own limit instead of `rate_limit` in `[das]`."},
};
/* clang-format on */

const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);
