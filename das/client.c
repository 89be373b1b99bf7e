#include "das/client.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "das/crypto.h"
#include "das/nonce.h"
#include "das/sign.h"
#include "das/transport.h"

#define ACTION      "GetMySQLAllSessionAsync"
#define API_VERSION "2020-01-16"

struct das_client {
    struct transport *transport;
    struct transport_endpoint endpoint;
};

bool das_global_init(struct error *error)
{
    das_reply_global_init();
    return crypto_global_init(error) && transport_global_init(error);
}

void das_global_release(void)
{
    transport_global_release();
}

struct das_client *das_client_new(const struct das_config *config, unsigned parts, struct error *error)
{
    const struct transport_settings settings = {
        .connect_timeout = config->connect_timeout,
        .timeout = config->timeout,
        .max_response_size = config->max_response_size,
        .parts = parts,
        .ca_file = config->ca_file,
    };
    struct das_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while setting up a DAS client");
        return NULL;
    }
    transport_endpoint_init(&client->endpoint);
    if (!transport_split_endpoint(config->endpoint, &client->endpoint, error))
        goto fail;
    client->transport = transport_new(&settings, error);
    if (client->transport == NULL)
        goto fail;
    return client;

fail:
    das_client_free(client);
    return NULL;
}

void das_client_free(struct das_client *client)
{
    if (client == NULL)
        return;
    transport_free(client->transport);
    transport_endpoint_release(&client->endpoint);
    free(client);
}

void das_client_abort(struct das_client *client)
{
    transport_abort(client->transport);
}

static size_t list_parameters(const struct das_call *call, struct sign_parameter *parameters)
{
    size_t count = 0;

    parameters[count++] = (struct sign_parameter){"InstanceId", call->instance_id};
    if (call->node_id[0] != '\0')
        parameters[count++] = (struct sign_parameter){"NodeId", call->node_id};
    if (call->result_id[0] != '\0')
        parameters[count++] = (struct sign_parameter){"ResultId", call->result_id};
    return count;
}

static bool check_credentials(const struct credentials *credentials, struct error *error)
{
    if (credentials->access_key_id[0] == '\0' || credentials->access_key_secret[0] == '\0') {
        error_set(error, ERROR_CREDENTIALS, "access_key_id or access_key_secret of the account is empty");
        return false;
    }
    if (!sign_header_value_ok(credentials->access_key_id) ||
        !sign_header_value_ok(credentials->security_token)) {
        error_set(error, ERROR_CREDENTIALS,
                  "access_key_id or security_token of the account has blanks around it or control characters "
                  "in it");
        return false;
    }
    return true;
}

static bool sign_call(const struct das_client *client, const struct das_call *call,
                      struct signed_request *signed_request, struct error *error)
{
    struct sign_parameter parameters[3];
    char nonce[NONCE_SIZE];
    struct sign_request request = {
        .host = strbuf_text(&client->endpoint.host),
        .action = ACTION,
        .version = API_VERSION,
        .access_key_id = call->credentials->access_key_id,
        .access_key_secret = call->credentials->access_key_secret,
        .security_token = call->credentials->security_token,
        .send_access_key_id = call->credentials->security_token[0] != '\0',
        .parameters = parameters,
        .parameter_count = list_parameters(call, parameters),
        .unix_seconds = clock_unix_ms() / 1000,
        .nonce = nonce,
    };

    if (!check_credentials(call->credentials, error))
        return false;
    if (!nonce_make(nonce, error))
        return false;
    if (!sign_v3(&request, signed_request)) {
        error_set(error, ERROR_NO_MEMORY, "cannot sign the request: out of memory, or OpenSSL lacks SHA-256");
        return false;
    }
    return true;
}

/* Adds by how much the clocks differ: that is what the operator has to look at. */
static void explain_clock_skew(struct das_reply *reply)
{
    struct error plain = reply->error;
    int64_t ahead_s;

    if (reply->server_unix_ms == 0)
        return;
    ahead_s = (clock_unix_ms() - reply->server_unix_ms) / 1000;
    error_set(&reply->error, ERROR_CLOCK_SKEW,
              "the clock of this machine is %lld s %s the server's, which accepts 15 minutes; %s",
              (long long)(ahead_s < 0 ? -ahead_s : ahead_s), ahead_s < 0 ? "behind" : "ahead of",
              plain.message);
    memcpy(reply->error.code, plain.code, sizeof(plain.code));
    memcpy(reply->error.request_id, plain.request_id, sizeof(plain.request_id));
}

static void read_response(const struct das_call *call, const struct transport_response *response,
                          bool arrived, const struct error *error, struct das_reply *reply)
{
    reply->retry_after_ms = response->retry_after_ms;
    reply->server_unix_ms = response->server_unix_ms;
    reply->duration = response->duration;
    reply->attempted = response->attempted;
    reply->answered = response->answered;
    if (arrived) {
        das_reply_parse(response->http_status, response->body.data, response->body.length,
                        response->retry_after_ms, call->credentials, reply);
    } else {
        reply->error = *error;
        if (response->retry_after_ms >= 0)
            reply->error.class = ERROR_THROTTLED; /* the body broke, the news arrived */
    }
    if (reply->error.class == ERROR_CLOCK_SKEW)
        explain_clock_skew(reply);
}

static void send_call(struct das_client *client, const struct das_call *call,
                      const struct signed_request *signed_request, struct das_reply *reply)
{
    struct transport_response response;
    struct strbuf url;
    struct error error;
    bool arrived;

    transport_response_init(&response);
    strbuf_init(&url, 0);
    error_clear(&error);
    strbuf_append_format(&url, "%s?%s", strbuf_text(&client->endpoint.url),
                         strbuf_text(&signed_request->query));
    if (strbuf_failed(&url)) {
        error_set(&reply->error, ERROR_NO_MEMORY, "out of memory while preparing a request");
        goto out;
    }
    arrived = transport_post(client->transport, strbuf_text(&url), strbuf_text(&signed_request->headers),
                             &response, &error);
    read_response(call, &response, arrived, &error, reply);

out:
    strbuf_release(&url);
    transport_response_release(&response);
}

void das_client_call(struct das_client *client, const struct das_call *call, struct das_reply *reply)
{
    struct signed_request signed_request;

    das_reply_release(reply);
    reply->attempted = false;
    reply->answered = true;
    signed_request_init(&signed_request);
    if (sign_call(client, call, &signed_request, &reply->error))
        send_call(client, call, &signed_request, reply);
    signed_request_release(&signed_request);
}
