#include "das/keyring/key_fetch.h"

#include <string.h>

#include "core/clock.h"
#include "core/file.h"
#include "das/keyring/base64url.h"
#include "das/keyring/fernet.h"
#include "das/nonce.h"

#define SECRET_MAX ((size_t)64 << 10)

static bool fail_no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "out of memory while getting credentials");
    return false;
}

static bool is_one_line(const struct strbuf *text)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->data[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return text->length > 0;
}

/* The value, or the only line of the file when there is a path. */
static bool read_value(const char *key, const char *value, const char *path, struct strbuf *out,
                       struct error *error)
{
    struct error plain;

    strbuf_init(out, SECRET_MAX);
    if (path[0] == '\0') {
        strbuf_reserve(out, strlen(value));
        strbuf_append_text(out, value);
        return !strbuf_failed(out) || fail_no_memory(error);
    }
    if (file_read_secret_line(path, out, &plain))
        return true;
    error_set(error, plain.class == ERROR_NO_MEMORY ? ERROR_NO_MEMORY : ERROR_CREDENTIALS, "%s_file: %s", key,
              plain.message);
    return false;
}

static bool give(struct credentials *credentials, struct issued_credentials *out, struct error *error)
{
    out->credentials = credentials;
    return credentials != NULL || fail_no_memory(error);
}

static bool fetch_static(const struct account_config *section, struct issued_credentials *out,
                         struct error *error)
{
    struct strbuf id = {0}, secret = {0}, token = {0};
    bool ok =
        read_value("access_key_id", section->access_key_id, section->access_key_id_file, &id, error) &&
        read_value("access_key_secret", section->access_key_secret, section->access_key_secret_file, &secret,
                   error) &&
        read_value("security_token", section->security_token, section->security_token_file, &token, error);

    ok = ok && give(credentials_new(strbuf_text(&id), strbuf_text(&secret), strbuf_text(&token)), out, error);
    strbuf_release_secret(&id);
    strbuf_release_secret(&secret);
    strbuf_release_secret(&token);
    return ok;
}

static bool derive(const char *password, struct issued_credentials *out, struct error *error)
{
    struct fernet_key key;
    struct strbuf text;
    bool ok;

    strbuf_init(&text, 0);
    strbuf_reserve(&text, 2 * sizeof(key));
    ok = fernet_key_derive(&key, password);
    if (ok)
        base64url_encode((const unsigned char *)&key, sizeof(key), &text);
    fernet_key_release(&key);
    if (!ok || strbuf_failed(&text))
        error_set(error, ERROR_NO_MEMORY, "[accounts] encryption_password: %s",
                  fernet_status_text(FERNET_FAILED));
    else
        ok = give(credentials_new(password, strbuf_text(&text), ""), out, error);
    strbuf_release_secret(&text);
    return ok && out->credentials != NULL;
}

static bool fetch_password(const struct accounts_config *common, struct credentials *held,
                           struct issued_credentials *out, struct error *error)
{
    struct strbuf password;
    bool ok = read_value("[accounts] encryption_password", common->encryption_password,
                         common->encryption_password_file, &password, error);

    if (ok && password.length == 0) {
        error_set(error, ERROR_CREDENTIALS,
                  "[accounts] encryption_password is not set, expected the password that the secrets of "
                  "the accounts table were encrypted with");
        ok = false;
    } else if (ok && held != NULL && strcmp(held->access_key_id, strbuf_text(&password)) == 0) {
        out->credentials = credentials_get(held);
    } else if (ok) {
        ok = derive(strbuf_text(&password), out, error);
    }
    strbuf_release_secret(&password);
    return ok;
}

static bool explain_row(const struct keyring_row *row, enum fernet_status status, struct error *error)
{
    error_set(error, status == FERNET_FAILED ? ERROR_NO_MEMORY : ERROR_CREDENTIALS,
              "encrypted_access_key_secret of the account %.64s in the accounts table: %s%s", row->aliyun_uid,
              fernet_status_text(status),
              status == FERNET_WRONG_MAC ? " ([accounts] encryption_password)" : "");
    return false;
}

static bool fetch_row(const struct keyring_row *row, const struct credentials *password,
                      struct issued_credentials *out, struct error *error)
{
    enum fernet_status status = FERNET_FAILED;
    struct fernet_key key;
    struct strbuf secret;
    bool ok = false;

    strbuf_init(&secret, 0);
    if (fernet_key_parse(&key, password->access_key_secret))
        status = fernet_decrypt_column(&key, row->encrypted_access_key_secret,
                                       strlen(row->encrypted_access_key_secret), &secret);
    fernet_key_release(&key);
    if (status != FERNET_OK)
        explain_row(row, status, error);
    else if (row->access_key_id[0] == '\0' || !is_one_line(&secret))
        error_set(error, ERROR_CREDENTIALS,
                  "the account %.64s in the accounts table has an empty access_key_id, or a secret that is "
                  "empty or has control characters in it; encrypt the secret again",
                  row->aliyun_uid);
    else
        ok = give(credentials_new(row->access_key_id, strbuf_text(&secret), ""), out, error);
    strbuf_release_secret(&secret);
    return ok;
}

static struct role_session session_of(const struct key_source *source)
{
    const struct account_config *section = source->section;

    return (struct role_session){
        .sts_endpoint = section->sts_endpoint[0] != '\0' ? section->sts_endpoint
                                                         : source->config->accounts_common.sts_endpoint,
        .proxy = source->config->accounts_common.sts_proxy,
        .role_arn = source->role_arn,
        .role_session_name = section->role_session_name,
        .policy = section->policy,
        .duration = section->duration,
    };
}

static bool fetch_role(struct transport *transport, const struct key_source *source,
                       const struct credentials *caller, struct issued_credentials *out, struct error *error)
{
    char nonce[NONCE_SIZE];
    const struct assume_role_request request = {
        .session = session_of(source),
        .external_id = source->section->external_id,
        .caller = caller,
        .unix_ms = clock_unix_ms(),
        .nonce = nonce,
    };

    return nonce_make(nonce, error) && credentials_fetch_assume_role(transport, &request, out, error);
}

static bool fetch_oidc_role(struct transport *transport, const struct key_source *source,
                            struct issued_credentials *out, struct error *error)
{
    const struct assume_role_with_oidc_request request = {
        .session = session_of(source),
        .oidc_provider_arn = source->section->oidc_provider_arn,
        .oidc_token_file = source->section->oidc_token_file,
        .unix_ms = clock_unix_ms(),
    };

    return credentials_fetch_assume_role_with_oidc(transport, &request, out, error);
}

static bool fetch_ecs_role(struct transport *transport, const struct key_source *source,
                           struct issued_credentials *out, struct error *error)
{
    const struct accounts_config *common = &source->config->accounts_common;
    const char *role_name = source->section->ecs_role;
    const struct ecs_role_request request = {
        .role_name = strcmp(role_name, "auto") == 0 ? "" : role_name,
        .endpoint = common->metadata_endpoint,
        .allow_without_token = common->metadata_without_token,
    };

    return credentials_fetch_ecs_role(transport, &request, out, error);
}

bool key_fetch(struct transport *transport, const struct key_source *source, const struct credentials *caller,
               struct credentials *held, struct issued_credentials *out, struct error *error)
{
    *out = (struct issued_credentials){NULL, 0};
    if (source->is_password)
        return fetch_password(&source->config->accounts_common, held, out, error);
    switch (source->kind) {
    case CREDENTIAL_STATIC:
        return fetch_static(source->section, out, error);
    case CREDENTIAL_ROLE:
        return fetch_role(transport, source, caller, out, error);
    case CREDENTIAL_OIDC_ROLE:
        return fetch_oidc_role(transport, source, out, error);
    case CREDENTIAL_ECS_ROLE:
        return fetch_ecs_role(transport, source, out, error);
    case CREDENTIAL_URI:
        return credentials_fetch_uri(transport, source->section->credentials_uri, out, error);
    case CREDENTIAL_TABLE:
        return fetch_row(source->row, caller, out, error);
    default:
        error_set(error, ERROR_CONFIG, "no source of credentials is configured");
        return false;
    }
}
