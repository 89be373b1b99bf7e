/*
 * DESIGN. A load fills a fresh config from the defaults of the table, then from the file, and
 * remembers the line of every section and key, so that the checks of the whole at the end can
 * still point at a line. Any failure drops the fresh object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/account_sections.h"
#include "config/config.h"
#include "config/ini.h"
#include "config/table.h"
#include "config/value.h"
#include "core/file.h"
#include "core/text.h"

struct loader {
    const char *path;
    char *folder; /* of the config file; NULL: the working directory */
    struct config *config;
    const char *section;   /* the current one, as the table has it */
    struct seen_key *seen; /* one per key of the table */
    int *section_lines;    /* one per key of the table, used at a section's first */
    bool literal_secret;   /* the file itself holds one */
    struct account_sections accounts;
};

/* Two durations of a section of which the longer must not be shorter. */
struct order {
    const char *section;
    const char *longer;
    const char *shorter;
    int64_t times; /* the shorter, which the longer is at least unless it is written */
};

static const struct order orders[] = {
    {"das", "timeout", "connect_timeout", 2},
    {"metric db_user_session_count", "stale_after", "interval", 3},
    {"metric db_max_user_connections", "stale_after", "interval", 3},
};

static bool no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "out of memory while reading the configuration");
    return false;
}

static size_t section_index(const char *section)
{
    size_t i = 0;

    while (strcmp(config_keys[i].section, section) != 0)
        i++;
    return i;
}

static bool begin_account(struct loader *loader, const char *uid, int line, struct error *error)
{
    loader->section = CONFIG_ACCOUNT;
    return account_sections_add(&loader->accounts, &loader->config->arena, uid, line, error);
}

static bool begin_section(struct loader *loader, const char *section, int line, struct error *error)
{
    size_t index;

    if (strncmp(section, CONFIG_ACCOUNT_PREFIX, strlen(CONFIG_ACCOUNT_PREFIX)) == 0)
        return begin_account(loader, section + strlen(CONFIG_ACCOUNT_PREFIX), line, error);
    if (strcmp(section, CONFIG_ACCOUNT) == 0)
        return begin_account(loader, "", line, error);
    if (!config_section_known(section)) {
        config_section_unknown(section, error);
        return false;
    }
    index = section_index(section);
    if (loader->section_lines[index] != 0) {
        error_set(error, ERROR_CONFIG, "[%s] again, expected it once; it began in line %d", section,
                  loader->section_lines[index]);
        return false;
    }
    loader->section_lines[index] = line;
    loader->section = config_keys[index].section;
    return true;
}

static bool is_of_account(const struct config_key *key)
{
    return strcmp(key->section, CONFIG_ACCOUNT) == 0;
}

static bool note_key(struct loader *loader, const struct config_value *value, int line, struct error *error)
{
    struct seen_key *seen = is_of_account(value->key) ? loader->accounts.newest->seen : loader->seen;
    const char *name = value->key->key;

    seen += value->key - config_keys;
    if (seen->line == 0) {
        *seen = (struct seen_key){.line = line, .from_file = value->from_file};
        return true;
    }
    if (seen->from_file != value->from_file)
        error_set(error, ERROR_CONFIG,
                  "both '%s' and '%s_file' in [%s], expected one of them; the other is in line %d", name,
                  name, loader->section, seen->line);
    else
        error_set(error, ERROR_CONFIG, "'%s%s' again in [%s], expected it once; it was set in line %d", name,
                  value->from_file ? "_file" : "", loader->section, seen->line);
    return false;
}

/* Where the value came from is said instead of the value when that is not the config file. */
static void refuse_value(const struct loader *loader, const struct config_value *value, struct error *error)
{
    const struct config_key *key = value->key;
    bool of_account = is_of_account(key);
    bool has_unit = key->type == CONFIG_DURATION || key->type == CONFIG_SIZE;
    char expected[CONFIG_TEXT_SIZE];
    char found[CONFIG_TEXT_SIZE];

    if (key->type == CONFIG_STRING || key->type == CONFIG_PATH)
        snprintf(found, sizeof(found), "is %s", value->text[0] == '\0' ? "empty" : "too long");
    else if (value->variable[0] != '\0')
        snprintf(found, sizeof(found), "from the environment variable %s does not fit", value->variable);
    else
        snprintf(found, sizeof(found), "is '%.60s'", value->text);
    error_set(error, ERROR_CONFIG, "%s in [%s%s%s] %s, expected %s%s%s", key->key, key->section,
              of_account ? " " : "", of_account ? loader->accounts.newest->account.aliyun_uid : "", found,
              config_key_expected(key, expected, sizeof(expected)), has_unit ? ", such as " : "",
              has_unit ? key->fallback : "");
}

static bool store(struct loader *loader, const struct config_value *value, struct error *error)
{
    struct arena *arena = &loader->config->arena;
    void *object = loader->config;

    if (is_of_account(value->key))
        object = &loader->accounts.newest->account;
    if ((value->key->flags & CONFIG_SECRET) != 0 && value->variable[0] == '\0' && !value->from_file)
        loader->literal_secret = true;
    switch (config_key_parse(value->key, value->text, loader->folder, arena, object)) {
    case CONFIG_PARSED:
        return !value->from_file || config_key_keep_path(value->key, value->path, arena, object) ||
               no_memory(error);
    case CONFIG_NO_MEMORY:
        return no_memory(error);
    case CONFIG_NOT_PARSED:
        break;
    }
    refuse_value(loader, value, error);
    return false;
}

static bool set_key(struct loader *loader, const char *name, const char *text, int line, struct error *error)
{
    struct config_value value;
    bool ok;

    config_value_init(&value, text);
    value.key = config_key_find(loader->section, name);
    if (value.key == NULL) {
        value.key = config_key_find_file(loader->section, name);
        value.from_file = value.key != NULL;
    }
    if (value.key == NULL) {
        config_key_unknown(loader->section, name, error);
        return false;
    }
    ok = note_key(loader, &value, line, error) && config_value_resolve(&value, loader->folder, error) &&
         store(loader, &value, error);
    config_value_release(&value);
    return ok;
}

/* An ini_entry_fn. */
static bool take_entry(void *context, const char *section, const char *key, const char *value, int line,
                       struct error *error)
{
    struct loader *loader = context;

    if (key == NULL)
        return begin_section(loader, section, line, error);
    return set_key(loader, key, value, line, error);
}

/* The line to point at for a key: its own, else its section's, else the first. */
static int line_of(const struct loader *loader, const char *section, const char *name)
{
    const struct config_key *key = config_key_find(section, name);
    int line = loader->seen[key - config_keys].line;

    if (line == 0)
        line = loader->section_lines[section_index(section)];
    return line == 0 ? 1 : line;
}

static bool is_written(const struct loader *loader, const char *section, const char *name)
{
    return loader->seen[config_key_find(section, name) - config_keys].line != 0;
}

static int64_t *duration_at(const struct loader *loader, const char *section, const char *name)
{
    return (void *)((char *)loader->config + config_key_find(section, name)->offset);
}

static void follow_order(const struct loader *loader, const struct order *order)
{
    int64_t *longer = duration_at(loader, order->section, order->longer);
    int64_t *shorter = duration_at(loader, order->section, order->shorter);

    if (!is_written(loader, order->section, order->longer)) {
        if (*longer < order->times * *shorter)
            *longer = order->times * *shorter;
    } else if (!is_written(loader, order->section, order->shorter) && *longer < *shorter) {
        *shorter = *longer;
    }
}

/* A certificate without an address to show it at: the default address gets TLS. */
static bool follow_certificate(const struct loader *loader)
{
    const char *fallback = config_key_find("web", "listen")->fallback;
    struct arena *arena = &loader->config->arena;
    size_t size = strlen(fallback) + sizeof(CONFIG_LISTEN_TLS);
    char *listen;

    if (is_written(loader, "web", "listen") || !is_written(loader, "web", "tls_cert_file"))
        return true;
    listen = arena_alloc(arena, size);
    if (listen == NULL)
        return false;
    snprintf(listen, size, "%s" CONFIG_LISTEN_TLS, fallback);
    loader->config->web.listen = listen;
    return true;
}

/*
 * A default never contradicts what the file says: it follows it. Every check of one key against another has its
 * counterpart here, unless both are wrong only when both are written. False when memory runs out.
 */
static bool follow_what_is_written(const struct loader *loader)
{
    struct config *config = loader->config;

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        follow_order(loader, &orders[i]);
    if (!is_written(loader, "inventory", "source") && is_written(loader, "inventory", "file") &&
        loader->section_lines[section_index("mysql")] == 0)
        config->inventory.source = INVENTORY_SOURCE_FILE;
    if (!is_written(loader, "mysql", "tls") &&
        (is_written(loader, "mysql", "tls_ca_file") || is_written(loader, "mysql", "tls_cert_file")))
        config->mysql.tls = MYSQL_TLS_VERIFY;
    return follow_certificate(loader);
}

/* The files that prove who is at either end. */
static bool check_mysql_keys(const struct loader *loader, struct error *error)
{
    const struct mysql_config *mysql = &loader->config->mysql;
    bool has_certificate = mysql->tls_cert_file[0] != '\0';
    bool has_key = mysql->tls_key_file[0] != '\0';

    if (has_certificate != has_key)
        return ini_refuse(loader->path, line_of(loader, "mysql", has_key ? "tls_key_file" : "tls_cert_file"),
                          error, "%s in [mysql] is set without %s, expected both",
                          has_key ? "tls_key_file" : "tls_cert_file",
                          has_key ? "tls_cert_file" : "tls_key_file");
    if (has_certificate && mysql->tls == MYSQL_TLS_OFF)
        return ini_refuse(loader->path, line_of(loader, "mysql", "tls"), error,
                          "tls in [mysql] is off, expected required or verify with tls_cert_file");
    if (mysql->server_public_key_file[0] != '\0' && mysql->tls != MYSQL_TLS_OFF)
        return ini_refuse(
            loader->path, line_of(loader, "mysql", "server_public_key_file"), error,
            "server_public_key_file in [mysql] is for tls = off; with TLS use tls = verify alone");
    return true;
}

static bool check_mysql(const struct loader *loader, struct error *error)
{
    const struct mysql_config *mysql = &loader->config->mysql;
    const char *missing = NULL;

    if (loader->config->inventory.source != INVENTORY_SOURCE_MYSQL)
        return true;
    if (mysql->host[0] == '\0' && mysql->socket[0] == '\0')
        missing = "host";
    else if (mysql->user[0] == '\0')
        missing = "user";
    else if (mysql->database[0] == '\0')
        missing = "database";
    if (missing == NULL)
        return check_mysql_keys(loader, error);
    return ini_refuse(loader->path, line_of(loader, "mysql", missing), error,
                      "'%s' is not set in [mysql], expected %s because 'source' in [inventory] is mysql "
                      "(the default); for an inventory without a database set source = file",
                      missing, strcmp(missing, "host") == 0 ? "it or 'socket'" : "it");
}

/* A '[' whose ']' is missing, or stands behind the comma that ends the pattern, names nothing. */
static bool brackets_closed(const char *exclude)
{
    for (const char *c = strchr(exclude, '['); c != NULL; c = strchr(c, '[')) {
        c += strcspn(c, "],");
        if (*c != ']')
            return false;
    }
    return true;
}

static bool check_exclude(const struct loader *loader, struct error *error)
{
    const char *exclude = loader->config->inventory.exclude;
    int line = line_of(loader, "inventory", "exclude");

    if (strchr(exclude, ';') != NULL)
        return ini_refuse(loader->path, line, error,
                          "exclude in [inventory] has a ';', expected ids and patterns separated by ','");
    if (!brackets_closed(exclude))
        return ini_refuse(loader->path, line, error,
                          "exclude in [inventory] has a '[' without ']', expected patterns such as pc-[ab]*");
    return true;
}

static bool check_order(const struct loader *loader, const struct order *order, struct error *error)
{
    const int64_t *longer = duration_at(loader, order->section, order->longer);
    const int64_t *shorter = duration_at(loader, order->section, order->shorter);
    char is[32];
    char least[32];

    if (*longer >= *shorter)
        return true;
    text_format_duration(*longer, is, sizeof(is));
    text_format_duration(*shorter, least, sizeof(least));
    return ini_refuse(loader->path, line_of(loader, order->section, order->longer), error,
                      "%s in [%s] is %s, expected at least %s, which is its %s", order->longer,
                      order->section, is, least, order->shorter);
}

static bool check_orders(const struct loader *loader, struct error *error)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (!check_order(loader, &orders[i], error))
            return false;
    }
    return true;
}

static bool check_optional_metrics(const struct loader *loader, struct error *error)
{
#define NODE_NAME(id, name, value, help)                [OPTIONAL_##id] = (name),
#define KEYED_NAME(id, name, group, count, label, help) [OPTIONAL_##id] = (name),
    static const char *const names[] = {OPTIONAL_METRICS(NODE_NAME, KEYED_NAME)};

    for (unsigned id = 0; id < OPTIONAL_METRIC_COUNT; id++) {
        if (loader->config->optional_metrics.enabled[id] &&
            !loader->config->metrics[METRIC_USER_SESSION_COUNT].enabled)
            return ini_refuse(loader->path, line_of(loader, "optional_metrics", names[id]), error,
                              "%s in [optional_metrics] is yes, expected no while 'enabled' in [metric %s] "
                              "is no: both come from the same replies",
                              names[id], metric_id_name(METRIC_USER_SESSION_COUNT));
    }
    return true;
}

static bool check_accounts_table(const struct loader *loader, struct error *error)
{
    const struct config *config = loader->config;
    int line = line_of(loader, "accounts", "source");

    if (config->accounts_common.source != ACCOUNTS_SOURCE_DATABASE)
        return true;
    if (config->inventory.source != INVENTORY_SOURCE_MYSQL)
        return ini_refuse(loader->path, line, error,
                          "source in [accounts] is database but source in [inventory] is file, expected "
                          "source = mysql there: the accounts are read from that database");
    if (config->accounts_common.encryption_password[0] == '\0')
        return ini_refuse(loader->path, line, error,
                          "source in [accounts] is database without 'encryption_password', expected it or "
                          "'encryption_password_file': what the secrets in aliyun_uids are encrypted with");
    return true;
}

static bool check_whole(struct loader *loader, struct error *error)
{
    return check_mysql(loader, error) && check_exclude(loader, error) && check_orders(loader, error) &&
           check_optional_metrics(loader, error) && check_accounts_table(loader, error);
}

static struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof(*config));

    if (config != NULL) {
        refcount_init(&config->refs);
        arena_init(&config->arena);
    }
    return config;
}

static bool loader_init(struct loader *loader, const char *path)
{
    const char *slash = strrchr(path, '/');

    *loader = (struct loader){.path = path};
    account_sections_init(&loader->accounts);
    loader->config = config_new();
    loader->seen = calloc(config_key_count, sizeof(*loader->seen));
    loader->section_lines = calloc(config_key_count, sizeof(*loader->section_lines));
    if (loader->config == NULL || loader->seen == NULL || loader->section_lines == NULL)
        return false;
    if (slash != NULL) {
        /* "/" is "" here: a '/' is put behind the folder. */
        loader->folder = strndup(path, (size_t)(slash - path));
        if (loader->folder == NULL)
            return false;
    }
    loader->config->path = arena_strdup(&loader->config->arena, path);
    return loader->config->path != NULL &&
           config_set_defaults(false, loader->folder, &loader->config->arena, loader->config) &&
           config_read_environment(loader->config);
}

/* What a file that failed left behind; the sections lie in the config's memory. */
static void drop_config(struct loader *loader)
{
    if (loader->config == NULL)
        return;
    account_sections_wipe(&loader->accounts);
    config_put(loader->config);
}

static void loader_release(struct loader *loader)
{
    drop_config(loader);
    account_sections_release(&loader->accounts);
    free(loader->section_lines);
    free(loader->seen);
    free(loader->folder);
}

struct config *config_load(const char *path, struct error *error)
{
    struct loader loader;
    struct config *config = NULL;

    if (!loader_init(&loader, path)) {
        no_memory(error);
    } else if (ini_read(path, take_entry, &loader, error) &&
               (follow_what_is_written(&loader) || no_memory(error)) && check_whole(&loader, error) &&
               account_sections_hand_over(&loader.accounts, loader.config, error)) {
        config = loader.config;
        config->secrets_open_to_everybody = loader.literal_secret && file_open_to_everybody(path);
        loader.config = NULL;
    }
    loader_release(&loader);
    return config;
}
