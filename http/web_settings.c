#include "http/web_settings.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/access.h"
#include "http/listen.h"
#include "http/tls.h"

static bool check_tls(const struct web_config *web, bool tls, struct error *error)
{
    const char *key = NULL;

    if (tls) {
#ifdef CIVETWEB_SYSTEM
        error_set(error, ERROR_CONFIG,
                  "[web] listen asks for TLS (suffix s), but this program is linked to the distribution's "
                  "CivetWeb, which cannot; build it without -DCIVETWEB=system, or put a TLS proxy in front");
        return false;
#endif
        if (web->tls_cert_file[0] != '\0')
            return true;
        error_set(error, ERROR_CONFIG,
                  "[web] listen asks for TLS (suffix s), expected tls_cert_file with the certificate and "
                  "tls_key_file with its key");
        return false;
    }
    if (web->tls_cert_file[0] != '\0')
        key = "tls_cert_file";
    else if (web->tls_key_file[0] != '\0')
        key = "tls_key_file";
    else if (web->tls_client_ca_file[0] != '\0')
        key = "tls_client_ca_file";
    if (key == NULL)
        return true;
    error_set(error, ERROR_CONFIG,
              "[web] %s is set but no address in listen asks for TLS, expected the suffix s, such as "
              ":10104s",
              key);
    return false;
}

/* Where the kernel has none, every address is every IPv4 address. */
static bool system_has_ipv6(void)
{
#ifdef CIVETWEB_SYSTEM
    return false; /* the library has none */
#else
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
#endif
}

static bool fill(struct web_settings *settings, const struct web_config *web, struct error *error)
{
    bool tls;

    if (!listen_canonical(web->listen, system_has_ipv6(), &settings->listen, &tls, error) ||
        !check_tls(web, tls, error) ||
        !mount_init(&settings->mount, web->external_url, web->route_prefix, error))
        return false;
    if (strbuf_failed(&settings->listen)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading [web]");
        return false;
    }
    if (tls)
        settings->identity = tls_identity_load(web, error);
    if (tls && settings->identity == NULL)
        return false;
    settings->rules = access_rules_load(web, error);
    return settings->rules != NULL;
}

struct web_settings *web_settings_load(const struct web_config *web, struct error *error)
{
    struct web_settings *settings = calloc(1, sizeof(*settings));

    if (settings == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading [web]");
        return NULL;
    }
    strbuf_init(&settings->listen, 0);
    if (fill(settings, web, error))
        return settings;
    web_settings_free(settings);
    return NULL;
}

void web_settings_free(struct web_settings *settings)
{
    if (settings == NULL)
        return;
    strbuf_release(&settings->listen);
    tls_identity_put(settings->identity);
    access_rules_free(settings->rules);
    free(settings);
}

bool web_config_check(const struct web_config *web, struct error *error)
{
    struct web_settings *settings = web_settings_load(web, error);

    web_settings_free(settings);
    return settings != NULL;
}
