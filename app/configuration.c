/*
 * The configuration: loaded, checked, put in force, all or nothing. Always on the main thread, as for SIGHUP; a
 * request by HTTP sends that signal and waits for the verdict.
 */
#include "app/runtime_state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/thread.h"
#include "das/keyring/sources/credential_source.h"
#include "das/transport.h"
#include "http/web_settings.h"

#define RELOAD_TIMEOUT (30 * NS_PER_SECOND)

static bool check_readable(const char *key, const char *path, struct error *error)
{
    if (path[0] == '\0' || access(path, R_OK) == 0)
        return true;
    error_set_system(error, errno, "%s: cannot read %s", key, path);
    return false;
}

static bool check_account(const struct account_config *account, struct error *error)
{
    struct error plain;

    if ((account->sts_endpoint[0] == '\0' || credentials_check_sts_endpoint(account->sts_endpoint, &plain)) &&
        credentials_check_role_session_name(account->role_session_name, &plain) &&
        (account->credentials_uri[0] == '\0' || credentials_check_uri(account->credentials_uri, &plain)))
        return true;
    error_set(error, plain.class, "[account %s] %s", account->aliyun_uid, plain.message);
    return false;
}

/* The metadata service's own address is what "" stands for. */
static bool check_metadata_endpoint(const char *endpoint, struct error *error)
{
    struct error plain = {.class = ERROR_NONE};

    if (endpoint[0] == '\0' ||
        (strncmp(endpoint, "http://", strlen("http://")) == 0 && transport_check_endpoint(endpoint, &plain)))
        return true;
    if (plain.class == ERROR_NO_MEMORY) {
        error_set(error, plain.class, "[accounts] metadata_endpoint: out of memory while reading it");
        return false;
    }
    error_set(error, ERROR_CONFIG,
              "[accounts] metadata_endpoint is '%.80s', expected http:// with a loopback address and nothing "
              "after it; leave it out for http://100.100.100.200",
              endpoint);
    return false;
}

static bool check_accounts(const struct config *config, struct error *error)
{
    const struct accounts_config *common = &config->accounts_common;
    struct error plain;

    if (common->sts_endpoint[0] != '\0' && !credentials_check_sts_endpoint(common->sts_endpoint, &plain)) {
        error_set(error, plain.class, "[accounts] %s", plain.message);
        return false;
    }
    if (!transport_check_proxy(common->sts_proxy, &plain)) {
        error_set(error, plain.class, "[accounts] %s", plain.message);
        return false;
    }
    for (size_t i = 0; i < config->account_count; i++) {
        if (!check_account(&config->accounts[i], error))
            return false;
    }
    return check_metadata_endpoint(common->metadata_endpoint, error) &&
           (config->default_account == NULL || check_account(config->default_account, error));
}

/* What no row of the table can judge; the message gets the file in front. */
static bool check_values(const struct config *config, struct error *error)
{
    if (transport_check_endpoint(config->das.endpoint, error) &&
        check_readable("[das] ca_file", config->das.ca_file, error) &&
        check_readable("[mysql] tls_ca_file", config->mysql.tls_ca_file, error) &&
        check_readable("[mysql] tls_cert_file", config->mysql.tls_cert_file, error) &&
        check_readable("[mysql] tls_key_file", config->mysql.tls_key_file, error) &&
        check_readable("[mysql] server_public_key_file", config->mysql.server_public_key_file, error) &&
        web_config_check(&config->web, error) && check_accounts(config, error))
        return true;
    error_set(error, error->class == ERROR_NO_MEMORY ? ERROR_NO_MEMORY : ERROR_CONFIG, "%s: %s", config->path,
              error->message);
    return false;
}

struct config *runtime_load_config(const struct options *options, struct error *error)
{
    struct config *config = config_load(options->config_file, error);

    if (config == NULL)
        return NULL;
    if (!options_override(options, config)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading the options");
    } else if (check_values(config, error)) {
        return config;
    }
    config_put(config);
    return NULL;
}

static void warn_of_open_secrets(const struct config *config)
{
    struct strbuf command;

    if (!config->secrets_open_to_everybody)
        return;
    strbuf_init(&command, 0);
    file_append_closing_command(config->path, &command);
    log_warn("every user may read the configuration file, which holds secrets",
             log_text("run", strbuf_text(&command)));
    strbuf_release(&command);
}

void runtime_configure_log(const struct config *config)
{
    log_set_level(config->exporter.log_level);
    log_set_format(config->exporter.log_format);
    warn_of_open_secrets(config);
}

bool runtime_request_reload(struct runtime *runtime, struct error *error)
{
    int64_t deadline = clock_now() + RELOAD_TIMEOUT;
    uint64_t awaited;
    bool done, stopping, successful;

    mutex_lock(&runtime->reload_mutex);
    /* One that is under way may have read the file before the caller wrote it. */
    awaited = runtime->reloads_begun + 1;
    if (!runtime->stopping)
        kill(getpid(), SIGHUP);
    while (runtime->reloads_finished < awaited && !runtime->stopping && clock_now() < deadline)
        cond_wait_until(&runtime->reload_done, &runtime->reload_mutex, deadline);
    done = runtime->reloads_finished >= awaited;
    stopping = runtime->stopping;
    successful = done && runtime->reload_successful;
    if (done)
        *error = runtime->reload_error;
    mutex_unlock(&runtime->reload_mutex);
    if (!done)
        error_set(error, ERROR_CONFIG, "%s",
                  stopping ? "the exporter is stopping" : "the reload did not finish in time");
    return successful;
}

void runtime_refuse_reloads(struct runtime *runtime)
{
    mutex_lock(&runtime->reload_mutex);
    runtime->stopping = true;
    mutex_unlock(&runtime->reload_mutex);
    pthread_cond_broadcast(&runtime->reload_done);
}

bool runtime_is_stopping(struct runtime *runtime)
{
    bool stopping;

    mutex_lock(&runtime->reload_mutex);
    stopping = runtime->stopping;
    mutex_unlock(&runtime->reload_mutex);
    return stopping;
}

struct config_arrival {
    struct runtime *runtime;
    struct config *config;
    bool applied;
};

static void apply_config(void *argument, int64_t now)
{
    struct config_arrival *arrival = argument;

    arrival->applied = scheduler_apply_config(arrival->runtime->scheduler, arrival->config, now);
}

static bool apply_to_scheduler(struct runtime *runtime, struct config *config, struct error *error)
{
    struct config_arrival arrival = {.runtime = runtime, .config = config};

    if (!scheduler_call(runtime->scheduler, apply_config, &arrival))
        error_set(error, ERROR_SYSTEM, "the scheduler was too busy to take the configuration; reload again");
    else if (!arrival.applied)
        error_set(error, ERROR_NO_MEMORY, "out of memory while the scheduler takes the configuration");
    return arrival.applied;
}

static bool put_in_force(struct runtime *runtime, struct config *config, struct error *error)
{
    struct config *current = config_in_force_get(runtime->in_force);
    bool reloadable = config_reloadable(current, config, error);
    struct keyring_change *change;
    struct web_settings *web;

    config_put(current);
    if (!reloadable)
        return false;
    web = web_settings_load(&config->web, error);
    if (web == NULL)
        return false;
    change = keyring_prepare(runtime->keyring, config);
    if (change == NULL || !apply_to_scheduler(runtime, config, error)) {
        if (change == NULL)
            error_set(error, ERROR_NO_MEMORY, "out of memory while preparing the credentials");
        keyring_abandon(change);
        web_settings_free(web);
        return false;
    }
    keyring_commit(runtime->keyring, change);
    server_adopt(runtime->server, web);
    workers_configure(runtime->workers, config);
    loader_configure(runtime->loader, config);
    runtime_configure_log(config);
    config_in_force_set(runtime->in_force, config);
    return true;
}

void runtime_reload(struct runtime *runtime)
{
    struct error error = {.class = ERROR_NONE};
    struct config *config;
    bool successful;

    mutex_lock(&runtime->reload_mutex);
    runtime->reloads_begun++;
    mutex_unlock(&runtime->reload_mutex);
    config = runtime_load_config(&runtime->options, &error);
    successful = config != NULL && put_in_force(runtime, config, &error);
    config_put(config);
    if (successful)
        log_info("configuration reloaded", log_text("file", runtime->options.config_file));
    else
        log_failure(LOG_LEVEL_ERROR, "reload failed, the old configuration stays", &error);
    mutex_lock(&runtime->reload_mutex);
    runtime->reloads_finished++;
    runtime->reload_successful = successful;
    runtime->reload_error = error;
    if (successful)
        runtime->reload_success_unix_ms = clock_unix_ms();
    mutex_unlock(&runtime->reload_mutex);
    pthread_cond_broadcast(&runtime->reload_done);
    registry_touch(runtime->registry);
    publisher_wake(runtime->publisher);
}
