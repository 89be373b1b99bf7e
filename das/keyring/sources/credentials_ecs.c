/*
 * The RAM role of an ECS instance. The metadata service is asked in its hardened mode: with a token
 * that only a PUT from the instance itself gets, so that a redirected or forged GET cannot.
 */
#include <string.h>

#include "core/clock.h"
#include "das/keyring/sources/credential_source.h"
#include "das/keyring/sources/credentials_call.h"
#include "das/keyring/sources/credentials_reply.h"
#include "das/sign.h"

#define METADATA_HOST   "100.100.100.200"
#define TOKEN_PATH      "latest/api/token"
#define TOKEN_TTL       "X-aliyun-ecs-metadata-token-ttl-seconds: 21600"
#define TOKEN_HEADER    "X-aliyun-ecs-metadata-token: "
#define ROLES_PATH      "latest/meta-data/ram/security-credentials/"
#define ROLE_NAME_MAX   64
#define REQUEST_TIMEOUT NS_PER_SECOND

#define WHAT               "no credentials from the ECS metadata service"
#define ADVICE_UNREACHABLE "is this an ECS instance, and its metadata service switched on?"
#define ADVICE_NO_TOKEN    "is the hardened mode of the metadata service available on this instance?"
#define ADVICE_NO_ROLE     "attach a RAM role to this ECS instance"
#define ADVICE_OTHER_ROLE  "check the name of the RAM role that is attached to this ECS instance"

struct metadata {
    struct transport *transport;
    struct transport_endpoint endpoint;
    struct strbuf header; /* the line with the token; empty: none */
    struct error *error;
};

static bool read_endpoint(const char *text, struct transport_endpoint *endpoint, struct error *error)
{
    struct error plain;

    if (text[0] == '\0') {
        strbuf_append_text(&endpoint->url, "http://" METADATA_HOST "/");
        if (!strbuf_failed(&endpoint->url))
            return true;
        error_set(error, ERROR_NO_MEMORY, "%s: out of memory before a request", WHAT);
        return false;
    }
    if (transport_split_endpoint(text, endpoint, &plain))
        return true;
    if (plain.class == ERROR_CONFIG)
        error_set(error, ERROR_CONFIG, "%s: its address is none that may be asked", WHAT);
    else
        error_set(error, plain.class, "%s: out of memory before a request", WHAT);
    return false;
}

/* One request; `name` is appended to the path. True when there is an answer of any status. */
static bool ask(struct metadata *metadata, enum transport_method method, const char *path, const char *name,
                struct transport_response *response)
{
    struct transport_request request = {
        .method = method,
        .header_lines = method == TRANSPORT_PUT ? TOKEN_TTL : strbuf_text(&metadata->header),
        .timeout = REQUEST_TIMEOUT,
        .plain_http_host = METADATA_HOST,
    };
    struct strbuf url;
    bool ok;

    strbuf_init(&url, 0);
    strbuf_append_text(&url, strbuf_text(&metadata->endpoint.url));
    strbuf_append_text(&url, path);
    sign_percent_encode(name, &url);
    request.url = strbuf_text(&url);
    if (strbuf_failed(&url)) {
        error_set(metadata->error, ERROR_NO_MEMORY, "%s: out of memory before a request", WHAT);
        ok = false;
    } else {
        ok = credentials_send(metadata->transport, request, WHAT, ADVICE_UNREACHABLE, response,
                              metadata->error);
    }
    strbuf_release(&url);
    return ok;
}

static struct credentials_reply reply_of(const struct transport_response *response, const char *advice)
{
    return (struct credentials_reply){
        .http_status = response->http_status,
        .body = strbuf_text(&response->body),
        .length = response->body.length,
        .what = WHAT,
        .advice = advice,
    };
}

/* Printable, without blanks: nothing that could end a header. */
static bool is_token(const struct strbuf *text)
{
    for (size_t i = 0; i < text->length; i++) {
        if (text->data[i] <= 0x20 || text->data[i] >= 0x7f)
            return false;
    }
    return text->length > 0;
}

static bool is_role_name(const struct strbuf *text)
{
    for (size_t i = 0; i < text->length; i++) {
        char c = text->data[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '-' || c == '_'))
            return false;
    }
    return text->length > 0 && text->length <= ROLE_NAME_MAX;
}

/* 200 and a word that `accepts` takes, which stays in the body; else an error. */
static bool take_word(struct metadata *metadata, struct transport_response *response, const char *advice,
                      bool (*accepts)(const struct strbuf *))
{
    const struct credentials_reply reply = reply_of(response, advice);

    if (response->http_status != 200) {
        credentials_explain_reply(&reply, metadata->error);
        return false;
    }
    credentials_trim(&response->body);
    if (accepts(&response->body))
        return true;
    error_set(metadata->error, ERROR_MALFORMED, "%s: the answer is neither a token nor the name of a role",
              WHAT);
    return false;
}

static bool fetch_token(struct metadata *metadata)
{
    struct transport_response response;
    bool ok;

    transport_response_init(&response);
    ok = ask(metadata, TRANSPORT_PUT, TOKEN_PATH, "", &response) &&
         take_word(metadata, &response, ADVICE_NO_TOKEN, is_token);
    if (ok) {
        strbuf_reserve(&metadata->header, strlen(TOKEN_HEADER) + response.body.length);
        strbuf_append_text(&metadata->header, TOKEN_HEADER);
        strbuf_append_text(&metadata->header, strbuf_text(&response.body));
        ok = !strbuf_failed(&metadata->header);
        if (!ok)
            error_set(metadata->error, ERROR_NO_MEMORY, "%s: out of memory before a request", WHAT);
    }
    transport_response_release(&response);
    return ok;
}

static bool fetch_credentials(struct metadata *metadata, const char *role_name,
                              struct issued_credentials *out)
{
    struct transport_response response;
    bool ok;

    transport_response_init(&response);
    ok = ask(metadata, TRANSPORT_GET, ROLES_PATH, role_name, &response);
    if (ok) {
        const struct credentials_reply reply = reply_of(&response, ADVICE_OTHER_ROLE);

        ok = credentials_parse_metadata_reply(&reply, out, metadata->error);
    }
    transport_response_release(&response);
    return ok;
}

static bool fetch_for_role(struct metadata *metadata, const char *role_name, struct issued_credentials *out)
{
    struct transport_response response;
    bool ok;

    if (role_name[0] != '\0')
        return fetch_credentials(metadata, role_name, out);
    transport_response_init(&response);
    ok = ask(metadata, TRANSPORT_GET, ROLES_PATH, "", &response) &&
         take_word(metadata, &response, ADVICE_NO_ROLE, is_role_name) &&
         fetch_credentials(metadata, strbuf_text(&response.body), out);
    transport_response_release(&response);
    return ok;
}

bool credentials_fetch_ecs_role(struct transport *transport, const struct ecs_role_request *request,
                                struct issued_credentials *out, struct error *error)
{
    struct metadata metadata = {.transport = transport, .error = error};
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    transport_endpoint_init(&metadata.endpoint);
    strbuf_init(&metadata.header, 0);
    ok = read_endpoint(request->endpoint, &metadata.endpoint, error) &&
         (fetch_token(&metadata) || request->allow_without_token) &&
         fetch_for_role(&metadata, request->role_name, out);
    strbuf_release_secret(&metadata.header);
    transport_endpoint_release(&metadata.endpoint);
    return ok;
}
