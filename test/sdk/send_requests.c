/*
 * The requests of the exporter for a server that compares their signatures, over names, tokens and ResultIds
 * that are hard to encode:
 *
 *     send_requests KEY SECRET das|sts ENDPOINT COUNT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "das/client.h"
#include "das/keyring/sources/credential_source.h"

#define TIMEOUT (20 * NS_PER_SECOND)

static const char *const odd_texts[] = {
    "",
    "rm-test1",
    "a b",
    "a+b",
    "a%20b",
    "a&b=c",
    "a/b?c#d",
    "*",
    "~-_.",
    "!'()",
    "a;b,c:d@e",
    "中文",
    "\xf0\x9d\x84\x9e",
    "\"quoted\"\\",
    "<tag>",
    "[x]{y}|z^`$",
    "é",
    "tab\there",
    "line\nend",
    "=",
    "CAISabc/def+ghi==",
    "\x7f",
    "async__0a1b2c:rm-test1",
};
/* What a header can carry. */
static const char *const odd_tokens[] = {
    "", "CAISabc/def+ghi==", "a b", "a,b;c=d", "!\"#$%&'()*", "~^`|{}[]<>@", "two  blanks",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *odd_text(size_t number)
{
    return odd_texts[number % COUNT_OF(odd_texts)];
}

static struct credentials *odd_credentials(const char *key, const char *secret, size_t number)
{
    return credentials_new(key, secret, odd_tokens[number % COUNT_OF(odd_tokens)]);
}

static bool send_das_call(struct das_client *client, struct credentials *credentials, size_t number)
{
    const struct das_call call = {
        .credentials = credentials,
        .instance_id = odd_text(number + 1),
        .node_id = odd_text(number / 2),
        .result_id = odd_text(number / 3),
    };
    struct das_reply reply;
    bool running;

    das_reply_init(&reply);
    das_client_call(client, &call, &reply);
    running = reply.outcome == DAS_RUNNING;
    if (!running)
        fprintf(stderr, "call %zu: %s\n", number, reply.error.message);
    das_reply_release(&reply);
    return running;
}

static bool send_das(const char *key, const char *secret, const char *endpoint, size_t count)
{
    const struct das_config config = {
        .endpoint = endpoint,
        .connect_timeout = TIMEOUT,
        .timeout = TIMEOUT,
        .max_response_size = 1 << 20,
        .ca_file = "",
    };
    struct error error = {.class = ERROR_NONE};
    struct das_client *client = das_client_new(&config, 0, &error);
    bool ok = client != NULL;

    for (size_t i = 0; i < count && ok; i++) {
        struct credentials *credentials = odd_credentials(key, secret, i);

        ok = credentials != NULL && send_das_call(client, credentials, i);
        credentials_put(credentials);
    }
    das_client_free(client);
    return ok;
}

static bool assume_role(struct transport *transport, const char *endpoint, struct credentials *caller,
                        size_t number)
{
    char nonce[33];
    struct assume_role_request request = {
        .session = {.sts_endpoint = endpoint,
                    .role_arn = odd_text(number + 1),
                    .role_session_name = "exporter@test-1.2_3",
                    .policy = odd_text(number / 2),
                    .duration = (int64_t)(number % 2) * 3600 * NS_PER_SECOND},
        .external_id = odd_text(number / 3),
        .caller = caller,
        .unix_ms = clock_unix_ms(),
        .nonce = nonce,
    };
    struct issued_credentials issued;
    struct error error = {.class = ERROR_NONE};
    bool ok;

    snprintf(nonce, sizeof(nonce), "%032zx", number);
    ok = credentials_fetch_assume_role(transport, &request, &issued, &error);
    if (!ok)
        fprintf(stderr, "call %zu: %s\n", number, error.message);
    issued_credentials_release(&issued);
    return ok;
}

static bool send_sts(const char *key, const char *secret, const char *endpoint, size_t count)
{
    const struct transport_settings settings = {
        .connect_timeout = TIMEOUT, .timeout = TIMEOUT, .max_response_size = 1 << 20, .ca_file = ""};
    struct error error = {.class = ERROR_NONE};
    struct transport *transport = transport_new(&settings, &error);
    bool ok = transport != NULL;

    for (size_t i = 0; i < count && ok; i++) {
        struct credentials *caller = odd_credentials(key, secret, i);

        ok = caller != NULL && assume_role(transport, endpoint, caller, i);
        credentials_put(caller);
    }
    transport_free(transport);
    return ok;
}

int main(int argc, char **argv)
{
    struct error error = {.class = ERROR_NONE};
    bool ok;

    if (argc != 6) {
        fprintf(stderr, "usage: send_requests KEY SECRET das|sts ENDPOINT COUNT\n");
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!das_global_init(&error))
        return EXIT_FAILURE;
    ok = (strcmp(argv[3], "das") == 0 ? send_das : send_sts)(argv[1], argv[2], argv[4],
                                                             strtoul(argv[5], NULL, 10));
    das_global_release();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
