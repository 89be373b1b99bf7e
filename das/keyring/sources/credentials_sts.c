/* Roles assumed through STS: AssumeRole, signed by a key, and AssumeRoleWithOIDC, by a token file. */
#include <string.h>

#include "core/clock.h"
#include "core/file.h"
#include "das/keyring/sources/credential_source.h"
#include "das/keyring/sources/credentials_call.h"
#include "das/keyring/sources/credentials_reply.h"
#include "das/sign_v1.h"

#define DEFAULT_ENDPOINT "https://sts.aliyuncs.com"
#define API_VERSION      "2015-04-01"
#define FORMAT           "JSON"
#define OIDC_TOKEN_MAX   ((size_t)64 << 10)
#define PARAMETERS_MAX   6
#define SECONDS_SIZE     24

/* One request to STS and what is told when it fails. */
struct sts_call {
    const struct role_session *session;
    const struct credentials *secrets;
    char what[CREDENTIALS_WHAT_SIZE];
    char seconds[SECONDS_SIZE];
    struct sign_parameter parameters[PARAMETERS_MAX];
    size_t count;
    struct strbuf query;
    struct strbuf form;
    struct error *error;
};

static bool split_sts_endpoint(const char *text, struct transport_endpoint *parts, struct error *error)
{
    struct strbuf url;
    struct error plain = {.class = ERROR_NONE};
    bool ok;

    strbuf_init(&url, 0);
    if (text[0] != '\0' && strstr(text, "://") == NULL)
        strbuf_append_text(&url, "https://");
    strbuf_append_text(&url, text[0] != '\0' ? text : DEFAULT_ENDPOINT);
    ok = !strbuf_failed(&url) && transport_split_endpoint(strbuf_text(&url), parts, &plain);
    if (!ok && !strbuf_failed(&url) && plain.class == ERROR_CONFIG)
        error_set(error, ERROR_CONFIG,
                  "sts_endpoint cannot be used; expected a host such as sts.cn-shanghai.aliyuncs.com, "
                  "https://HOST[:PORT], or http:// with a loopback address, and nothing after it");
    else if (!ok)
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading sts_endpoint");
    strbuf_release(&url);
    return ok;
}

bool credentials_check_sts_endpoint(const char *sts_endpoint, struct error *error)
{
    struct transport_endpoint parts;
    bool ok;

    transport_endpoint_init(&parts);
    ok = split_sts_endpoint(sts_endpoint, &parts, error);
    transport_endpoint_release(&parts);
    return ok;
}

bool credentials_check_role_session_name(const char *name, struct error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.@-_";
    size_t length = strlen(name);

    if (length >= 2 && length <= 64 && strspn(name, allowed) == length)
        return true;
    error_set(error, ERROR_CONFIG, "role_session_name: expected 2 to 64 letters, digits or . @ - _");
    return false;
}

static void add_parameter(struct sts_call *call, const char *name, const char *value)
{
    call->parameters[call->count++] = (struct sign_parameter){name, value};
}

static void sts_call_init(struct sts_call *call, const struct role_session *session,
                          const struct credentials *secrets, struct error *error)
{
    *call = (struct sts_call){.session = session, .secrets = secrets, .error = error};
    strbuf_init(&call->query, 0);
    strbuf_init(&call->form, 0);
    snprintf(call->what, sizeof(call->what), "cannot assume the role %.120s", session->role_arn);
    add_parameter(call, "RoleArn", session->role_arn);
    add_parameter(call, "RoleSessionName", session->role_session_name);
    if (session->policy[0] != '\0')
        add_parameter(call, "Policy", session->policy);
    if (session->duration > 0) {
        snprintf(call->seconds, sizeof(call->seconds), "%lld",
                 (long long)(session->duration / NS_PER_SECOND));
        add_parameter(call, "DurationSeconds", call->seconds);
    }
}

static void sts_call_release(struct sts_call *call)
{
    strbuf_release_secret(&call->query);
    strbuf_release_secret(&call->form);
}

static bool fail_no_memory(struct sts_call *call)
{
    error_set(call->error, ERROR_NO_MEMORY, "%s: out of memory before the request, or OpenSSL lacks SHA-1",
              call->what);
    return false;
}

static bool send_to(struct sts_call *call, struct transport *transport, const char *url,
                    struct issued_credentials *out)
{
    const struct transport_request request = {
        .method = TRANSPORT_POST,
        .url = url,
        .header_lines = "",
        .form = strbuf_text(&call->form),
        .proxy = call->session->proxy,
    };
    struct transport_response response;
    bool ok;

    transport_response_init(&response);
    ok = credentials_send(transport, request, call->what, "check sts_endpoint and the network", &response,
                          call->error);
    if (ok) {
        const struct credentials_reply reply = {
            .http_status = response.http_status,
            .body = strbuf_text(&response.body),
            .length = response.body.length,
            .what = call->what,
            .advice = "check role_arn and the settings beside it",
            .secrets = call->secrets,
        };

        ok = credentials_parse_sts_reply(&reply, out, call->error);
    }
    transport_response_release(&response);
    return ok;
}

/* Query and form are there. */
static bool sts_call_send(struct sts_call *call, struct transport *transport, struct issued_credentials *out)
{
    struct transport_endpoint endpoint;
    struct strbuf url;
    bool ok;

    transport_endpoint_init(&endpoint);
    strbuf_init(&url, 0);
    ok = split_sts_endpoint(call->session->sts_endpoint, &endpoint, call->error);
    if (ok) {
        strbuf_reserve(&url, endpoint.url.length + 1 + call->query.length);
        strbuf_append_text(&url, strbuf_text(&endpoint.url));
        strbuf_append_char(&url, '?');
        strbuf_append_text(&url, strbuf_text(&call->query));
        ok = strbuf_failed(&url) ? fail_no_memory(call) : send_to(call, transport, strbuf_text(&url), out);
    }
    strbuf_release_secret(&url);
    transport_endpoint_release(&endpoint);
    return ok;
}

static bool sign_call(struct sts_call *call, const struct assume_role_request *request)
{
    const struct sign_v1_request sign_request = {
        .method = "POST",
        .action = "AssumeRole",
        .version = API_VERSION,
        .format = FORMAT,
        .access_key_id = request->caller->access_key_id,
        .access_key_secret = request->caller->access_key_secret,
        .security_token = request->caller->security_token,
        .parameters = call->parameters,
        .parameter_count = call->count,
        .unix_seconds = request->unix_ms / 1000,
        .nonce = request->nonce,
    };

    if (request->caller->access_key_id[0] == '\0' || request->caller->access_key_secret[0] == '\0') {
        error_set(call->error, ERROR_CREDENTIALS, "%s: the key that is to assume it is empty", call->what);
        return false;
    }
    return sign_v1(&sign_request, &call->query, &call->form) || fail_no_memory(call);
}

bool credentials_fetch_assume_role(struct transport *transport, const struct assume_role_request *request,
                                   struct issued_credentials *out, struct error *error)
{
    struct sts_call call;
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    if (!credentials_check_role_session_name(request->session.role_session_name, error))
        return false;
    sts_call_init(&call, &request->session, request->caller, error);
    if (request->external_id[0] != '\0')
        add_parameter(&call, "ExternalId", request->external_id);
    ok = sign_call(&call, request) && sts_call_send(&call, transport, out);
    sts_call_release(&call);
    return ok;
}

static bool read_oidc_token(const char *path, const char *what, struct strbuf *token, struct error *error)
{
    struct error plain = {.class = ERROR_NONE};

    if (!file_read(path, token, &plain)) {
        error_set(error, plain.class == ERROR_NO_MEMORY ? ERROR_NO_MEMORY : ERROR_CREDENTIALS,
                  "%s: oidc_token_file: %s", what, plain.message);
        return false;
    }
    credentials_trim(token);
    if (token->length > 0 && strlen(strbuf_text(token)) == token->length)
        return true;
    error_set(error, ERROR_CREDENTIALS, "%s: oidc_token_file: the file %s holds no token", what, path);
    return false;
}

static bool build_oidc_call(struct sts_call *call, int64_t unix_ms)
{
    char date[CLOCK_ISO_SIZE];
    const struct sign_parameter query[] = {
        {"Action", "AssumeRoleWithOIDC"}, {"Format", FORMAT}, {"Timestamp", date}, {"Version", API_VERSION}};

    clock_format_iso(unix_ms, date);
    sign_append_parameters(query, sizeof(query) / sizeof(query[0]), &call->query);
    sign_append_parameters(call->parameters, call->count, &call->form);
    return (!strbuf_failed(&call->query) && !strbuf_failed(&call->form)) || fail_no_memory(call);
}

bool credentials_fetch_assume_role_with_oidc(struct transport *transport,
                                             const struct assume_role_with_oidc_request *request,
                                             struct issued_credentials *out, struct error *error)
{
    char none[] = "";
    struct credentials secrets = {.access_key_id = none, .access_key_secret = none, .security_token = none};
    struct sts_call call;
    struct strbuf token;
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    if (!credentials_check_role_session_name(request->session.role_session_name, error))
        return false;
    strbuf_init(&token, OIDC_TOKEN_MAX);
    sts_call_init(&call, &request->session, &secrets, error);
    ok = read_oidc_token(request->oidc_token_file, call.what, &token, error);
    if (ok) {
        secrets.security_token = token.data;
        add_parameter(&call, "OIDCProviderArn", request->oidc_provider_arn);
        add_parameter(&call, "OIDCToken", strbuf_text(&token));
        ok = build_oidc_call(&call, request->unix_ms) && sts_call_send(&call, transport, out);
    }
    sts_call_release(&call);
    strbuf_release_secret(&token);
    return ok;
}
