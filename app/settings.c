/* The configuration, as loaded and as noted for threads that hold no reference to it. */
#include "app/runtime_state.h"

#include "core/log.h"
#include "das/transport.h"

struct config *runtime_load_config(const struct options *options, struct error *error)
{
    struct config *config = config_load(options->config_file, error);

    if (config == NULL)
        return NULL;
    if (!options_override(options, config)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
    } else if (transport_check_endpoint(config->das.endpoint, error)) {
        return config;
    }
    config_put(config);
    return NULL;
}

void runtime_note_config(struct runtime *runtime, const struct config *config)
{
    log_set_level(config->exporter.log_level);
    log_set_format(config->exporter.log_format);
    atomic_store(&runtime->call_timeout, config->das.timeout);
    atomic_store(&runtime->session_interval, config->metrics[METRIC_USER_SESSION_COUNT].interval);
}
