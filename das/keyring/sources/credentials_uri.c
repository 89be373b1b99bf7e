/* A credentials URI: a service beside this process that hands out keys in JSON. */
#include "das/endpoint.h"
#include "das/keyring/sources/credential_source.h"
#include "das/keyring/sources/credentials_call.h"
#include "das/keyring/sources/credentials_reply.h"

#define EXPECTED "expected https://… or http:// with a loopback address, without a user"

/* A URI may hold a secret in any part but its host, so that it is never repeated. */
static bool parse(const char *uri, struct endpoint *endpoint, struct error *error)
{
    const char *fault = NULL;
    struct error plain;

    if (!endpoint_parse(uri, endpoint, &plain)) {
        if (plain.class == ERROR_NO_MEMORY) {
            error_set(error, plain.class, "credentials_uri: %s", plain.message);
            return false;
        }
        fault = plain.message;
    } else if (!endpoint_is_allowed(endpoint)) {
        fault = "plain http would show the keys to the network, or the protocol is unknown";
    } else if (endpoint->has_user) {
        fault = "no user or password is allowed";
    }
    if (fault != NULL)
        error_set(error, ERROR_CONFIG, "credentials_uri: %s; " EXPECTED, fault);
    return fault == NULL;
}

bool credentials_check_uri(const char *uri, struct error *error)
{
    struct endpoint endpoint;
    bool ok = parse(uri, &endpoint, error);

    endpoint_release(&endpoint);
    return ok;
}

static bool ask(struct transport *transport, const char *uri, const char *host,
                struct issued_credentials *out, struct error *error)
{
    const struct transport_request request = {.method = TRANSPORT_GET, .url = uri, .header_lines = ""};
    struct transport_response response;
    char what[CREDENTIALS_WHAT_SIZE];
    bool ok;

    snprintf(what, sizeof(what), "no credentials from the credentials URI at %.80s", host);
    transport_response_init(&response);
    ok = credentials_send(transport, request, what, "check credentials_uri and the service behind it",
                          &response, error);
    if (ok) {
        const struct credentials_reply reply = {
            .http_status = response.http_status,
            .body = strbuf_text(&response.body),
            .length = response.body.length,
            .what = what,
            .advice = "check credentials_uri",
        };

        ok = credentials_parse_metadata_reply(&reply, out, error);
    }
    transport_response_release(&response);
    return ok;
}

bool credentials_fetch_uri(struct transport *transport, const char *uri, struct issued_credentials *out,
                           struct error *error)
{
    struct endpoint endpoint;
    bool ok;

    *out = (struct issued_credentials){NULL, 0};
    ok = parse(uri, &endpoint, error) && ask(transport, uri, endpoint.host, out, error);
    endpoint_release(&endpoint);
    return ok;
}
