/* The configuration, as it is loaded and checked. */
#include "app/runtime_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "das/credential_source.h"
#include "das/transport.h"
#include "http/web_settings.h"

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
    error_set(error, ERROR_CONFIG, "[account %s] %s", account->aliyun_uid, plain.message);
    return false;
}

/* The metadata service's own address is what "" stands for. */
static bool check_metadata_endpoint(const char *endpoint, struct error *error)
{
    struct error plain;

    if (endpoint[0] == '\0' ||
        (strncmp(endpoint, "http://", strlen("http://")) == 0 && transport_check_endpoint(endpoint, &plain)))
        return true;
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
        error_set(error, ERROR_CONFIG, "[accounts] %s", plain.message);
        return false;
    }
    if (!transport_check_proxy(common->sts_proxy, &plain)) {
        error_set(error, ERROR_CONFIG, "[accounts] %s", plain.message);
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
