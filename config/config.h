/*
 * The configuration: one immutable object per load, described by one table.
 *
 * A load parses into a fresh object, validates it whole, and only then hands it out; a failed
 * load leaves nothing behind. Who keeps a config holds a reference. All durations are
 * nanoseconds, all sizes bytes, all paths resolved against the folder of the file. Strings live as
 * long as the object and are never NULL ("" means not set).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/optional_metrics.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "core/refcount.h"
#include "core/strbuf.h"

enum metric_id { METRIC_USER_SESSION_COUNT, METRIC_MAX_USER_CONNECTIONS, METRIC_ID_COUNT };
enum inventory_source { INVENTORY_SOURCE_MYSQL, INVENTORY_SOURCE_FILE };
enum accounts_source { ACCOUNTS_SOURCE_CONFIG, ACCOUNTS_SOURCE_DATABASE };
enum mysql_tls { MYSQL_TLS_OFF, MYSQL_TLS_REQUIRED, MYSQL_TLS_VERIFY };

struct exporter_config {
    int64_t workers;
    int64_t queue_size;
    enum log_level log_level;
    enum log_format log_format;
};

struct web_config {
    const char *listen;             /* comma-separated addresses */
    const char *tls_cert_file;      /* with its chain; "": no TLS */
    const char *tls_key_file;       /* "": in tls_cert_file */
    const char *tls_client_ca_file; /* "": clients need no certificate */
    const char *basic_auth_file;    /* "": everybody may read */
    const char *external_url;       /* of a proxy in front, or its path; "": none */
    const char *route_prefix;       /* "": the path of external_url */
    const char *admin_token;        /* "": changes are asked for on this machine only */
};

struct inventory_config {
    enum inventory_source source;
    const char *file;
    int64_t refresh_interval;
    const char *exclude; /* comma-separated instance ids, shell patterns allowed */
};

struct mysql_config {
    const char *host;
    int64_t port;
    const char *socket; /* when set, host and port are not used */
    const char *user;
    const char *password;
    const char *password_file; /* "": not from a file; else read again for every connection */
    const char *database;
    int64_t connect_timeout;
    enum mysql_tls tls;
    const char *tls_ca_file;
    const char *tls_cert_file; /* with tls_key_file, or both "" */
    const char *tls_key_file;
    const char *server_public_key_file; /* with MYSQL_TLS_OFF only */
};

struct das_config {
    const char *endpoint; /* https://host[:port], or http:// on a loopback address; no path */
    int64_t rate_limit;   /* calls per rate_window and account */
    int64_t rate_window;
    int64_t total_rate_limit; /* calls per rate_window over all accounts; 0: no such limit */
    int64_t connect_timeout;
    int64_t timeout;
    int64_t result_timeout;
    int64_t max_response_size;
    const char *ca_file; /* "": the system's certificate authorities */
};

struct metric_config {
    bool enabled;
    int64_t interval;
    int64_t stale_after;
};

struct optional_metrics_config {
    bool enabled[OPTIONAL_METRIC_COUNT];
    int64_t series_per_target; /* of each metric with a series per user, client or schema */
};

/* What all accounts have in common. */
struct accounts_config {
    enum accounts_source source;     /* database: the table aliyun_uids, beside the sections */
    const char *encryption_password; /* of the secrets in that table */
    const char *encryption_password_file;
    const char *sts_endpoint;      /* of sections that name none; "": sts.aliyuncs.com */
    const char *sts_proxy;         /* "": none; "environment": as https_proxy says; may hold a password */
    int64_t sts_rate_limit;        /* calls a second to STS, metadata and URIs, over all accounts */
    const char *metadata_endpoint; /* ""; http://100.100.100.200; else http:// on a loopback address */
    bool metadata_without_token;   /* fall back to the metadata service's normal mode */
};

/*
 * Where the credentials of an account come from. Which one it is follows from the keys that are
 * set: account_kind().
 */
enum credential_kind {
    CREDENTIAL_NONE,      /* no source of its own */
    CREDENTIAL_STATIC,    /* access_key_id, access_key_secret, security_token */
    CREDENTIAL_ROLE,      /* role_arn: STS AssumeRole */
    CREDENTIAL_OIDC_ROLE, /* role_arn, oidc_provider_arn, oidc_token_file: STS AssumeRoleWithOIDC */
    CREDENTIAL_ECS_ROLE,  /* ecs_role: the metadata service */
    CREDENTIAL_URI,       /* credentials_uri */
    CREDENTIAL_TABLE,     /* a row of the accounts table; never of a section */
    CREDENTIAL_KIND_COUNT
};

/*
 * A section [account UID]. A key that may come from a file keeps the path beside the value, for the
 * file is read again while the program runs.
 */
struct account_config {
    const char *aliyun_uid; /* "default" for [account default] and for the environment */
    const char *access_key_id;
    const char *access_key_id_file;
    const char *access_key_secret;
    const char *access_key_secret_file;
    const char *security_token; /* "": none */
    const char *security_token_file;
    const char *role_arn; /* {uid} stands for the account's id */
    const char *role_session_name;
    const char *external_id;
    int64_t duration; /* of the role's credentials */
    const char *policy;
    const char *sts_endpoint;   /* "": that of [accounts] */
    const char *source_account; /* whose credentials assume the role; "": see account_caller_kind() */
    const char *ecs_role;       /* a name, or "auto": the metadata service is asked for it */
    const char *oidc_provider_arn;
    const char *oidc_token_file;
    const char *credentials_uri;
    int64_t rate_limit; /* 0: das.rate_limit */
};

struct config {
    struct refcount refs;
    struct arena arena;
    const char *path; /* the file it came from */
    struct exporter_config exporter;
    struct web_config web;
    struct inventory_config inventory;
    struct mysql_config mysql;
    struct das_config das;
    struct metric_config metrics[METRIC_ID_COUNT];
    struct optional_metrics_config optional_metrics;
    struct accounts_config accounts_common;
    struct account_config *accounts; /* sorted by aliyun_uid, unique; without [account default] */
    size_t account_count;
    struct account_config *default_account;     /* [account default]; NULL: there is none */
    struct account_config *environment_account; /* of ALIBABA_CLOUD_…; NULL: nothing usable is set */
    bool secrets_open_to_everybody; /* the file holds secrets itself, and every user may read it */
};

/* "db_user_session_count" and so on: the section's name and the metric's. Never NULL. */
const char *metric_id_name(enum metric_id id);

/* The id of a metric's name; METRIC_ID_COUNT when there is none. */
enum metric_id metric_id_from_name(const char *name);

/*
 * Reads, resolves (${NAME}, <key>_file) and validates the file. Blocks on file I/O. Main thread.
 * NULL with *error set ("FILE:LINE: …, expected …") when anything at all is wrong.
 * The caller owns one reference.
 */
struct config *config_load(const char *path, struct error *error);

struct config *config_get(struct config *config);

/* Frees at the last reference, secrets zeroed. NULL is allowed. */
void config_put(struct config *config);

/*
 * True when `next` differs from `current` only in keys that can change at run time. Otherwise
 * false, and *error names the first key that needs a restart.
 */
bool config_reloadable(const struct config *current, const struct config *next, struct error *error);

/* Every key as "section.key=value", one a line, secrets as "***"; for --check and debug logs. */
void config_dump(const struct config *config, struct strbuf *out);

/* The account's section; NULL when there is none. */
const struct account_config *config_account(const struct config *config, const char *aliyun_uid);

/* Calls per das->rate_window that an account may make; `account` NULL: it has no section. Pure. */
int64_t config_rate_limit(const struct das_config *das, const struct account_config *account);

/*
 * The source that the keys of a section name. For CREDENTIAL_ROLE, account_caller_kind() is what
 * assumes the role: CREDENTIAL_STATIC, CREDENTIAL_ECS_ROLE or CREDENTIAL_URI of the same section, or
 * CREDENTIAL_NONE when it is another account's or the default credentials. Pure.
 */
enum credential_kind account_kind(const struct account_config *account);
enum credential_kind account_caller_kind(const struct account_config *account);

/* "static", "role", "oidc", "ecs", "uri", "table", "none": for people. Never NULL. */
const char *credential_kind_name(enum credential_kind kind);

/*
 * Whose section says how an account gets credentials when the accounts table has no row for it: its own
 * when it names a source, else [account default], else, when no section and no table is configured at all, the
 * environment. NULL: nobody's. Its role_arn may hold {uid}.
 */
const struct account_config *config_credential_section(const struct config *config, const char *aliyun_uid);

/*
 * What assumes a role whose section has neither keys of its own nor a source_account: [account
 * default] when it has a source besides its role, else the environment. NULL: nothing does.
 */
const struct account_config *config_default_caller(const struct config *config);

/*
 * The reference table of keys as Markdown, so that docs/config.md cannot drift from the code:
 * section, key, type and bounds, default, reloadable, meaning.
 */
void config_describe(struct strbuf *out);

#endif
