/* The configuration, as loaded and as noted for threads that hold no reference to it. */
#include "app/runtime_state.h"

#include <errno.h>
#include <unistd.h>

#include "core/log.h"
#include "das/transport.h"
#include "http/web_settings.h"

static bool check_readable(const char *key, const char *path, struct error *error)
{
    if (path[0] == '\0' || access(path, R_OK) == 0)
        return true;
    error_set_system(error, errno, "%s: cannot read %s", key, path);
    return false;
}

/* What no row of the table can judge; the message gets the file in front. */
static bool check_values(const struct config *config, struct error *error)
{
    if (transport_check_endpoint(config->das.endpoint, error) &&
        check_readable("[das] ca_file", config->das.ca_file, error) &&
        check_readable("[mysql] tls_ca_file", config->mysql.tls_ca_file, error) &&
        web_config_check(&config->web, error))
        return true;
    error_set(error, ERROR_CONFIG, "%s: %s", config->path, error->message);
    return false;
}

struct config *runtime_load_config(const struct options *options, struct error *error)
{
    struct config *config = config_load(options->config_file, error);

    if (config == NULL)
        return NULL;
    if (!options_override(options, config)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    } else if (check_values(config, error)) {
        return config;
    }
    config_put(config);
    return NULL;
}

static unsigned enabled_metrics(const struct optional_metrics_config *config)
{
    unsigned enabled = 0;

    for (unsigned id = 0; id < OPTIONAL_METRIC_COUNT; id++)
        enabled |= config->enabled[id] ? 1u << id : 0;
    return enabled;
}

void runtime_note_config(struct runtime *runtime, const struct config *config)
{
    log_set_level(config->exporter.log_level);
    log_set_format(config->exporter.log_format);
    atomic_store(&runtime->call_timeout, config->das.timeout);
    atomic_store(&runtime->session_interval, config->metrics[METRIC_USER_SESSION_COUNT].interval);
    atomic_store(&runtime->optional_metrics, enabled_metrics(&config->optional_metrics));
}
