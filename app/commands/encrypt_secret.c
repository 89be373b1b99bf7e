#include "app/commands/encrypt_secret.h"

#include <stdlib.h>
#include <sys/random.h>

#include "app/commands/read_secret.h"
#include "app/runtime.h"
#include "core/clock.h"
#include "core/terminal.h"
#include "das/client.h"
#include "das/keyring/fernet.h"

#define PASSWORD_VARIABLE "ENCRYPTION_PASSWORD"

static bool derive_key(const char *password, struct fernet_key *key, struct error *error)
{
    if (password[0] == '\0') {
        error_set(error, ERROR_CONFIG,
                  "no password: set the environment variable " PASSWORD_VARIABLE
                  ", or [accounts] encryption_password in the configuration");
        return false;
    }
    if (fernet_key_derive(key, password))
        return true;
    error_set(error, ERROR_SYSTEM, "OpenSSL cannot derive the key");
    return false;
}

static bool find_key(const struct options *options, struct fernet_key *key, struct error *error)
{
    const char *password = getenv(PASSWORD_VARIABLE);
    struct config *config;
    bool ok;

    if (password != NULL)
        return derive_key(password, key, error);
    config = runtime_load_config(options, error);
    ok = config != NULL && derive_key(config->accounts_common.encryption_password, key, error);
    config_put(config);
    return ok;
}

static bool encrypt(const struct fernet_key *key, const struct strbuf *secret, struct strbuf *column,
                    struct error *error)
{
    unsigned char iv[FERNET_IV_SIZE];
    enum fernet_status status = FERNET_FAILED;

    if (getrandom(iv, sizeof(iv), 0) == sizeof(iv))
        status = fernet_encrypt_column(key, strbuf_text(secret), secret->length, clock_unix_ms() / 1000, iv,
                                       column);
    if (status == FERNET_OK)
        return true;
    error_set(error, ERROR_SYSTEM, "cannot encrypt: %s", fernet_status_text(status));
    return false;
}

bool encrypt_secret_run(const struct options *options, FILE *out, FILE *errors)
{
    struct strbuf secret, column;
    struct fernet_key key;
    struct error error;
    bool ok = false;

    if (!das_global_init(&error) || !find_key(options, &key, &error)) {
        terminal_line(errors, "mysql_session_exporter: %s", error.message);
        return false;
    }
    strbuf_init(&column, 0);
    ok = read_secret("AccessKey secret", &secret, &error) && encrypt(&key, &secret, &column, &error);
    if (ok)
        terminal_line(out, "%s", strbuf_text(&column));
    else
        terminal_line(errors, "mysql_session_exporter: %s", error.message);
    strbuf_release(&column);
    strbuf_release_secret(&secret);
    fernet_key_release(&key);
    return ok;
}
