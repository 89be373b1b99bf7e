#include "metadata.h"

#include <event2/http.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "sim.h"
#include "stats.h"

#define ROLE_PATH "/latest/meta-data/ram/security-credentials/"

enum { TTL_MOST = 21600 };

struct route {
    const char *name;
    const char *path;
    bool (*matches)(const char *path, const char *wanted);
    enum evhttp_cmd_type method;
    void (*answer)(struct call *call, const char *path);
};

void metadata_init(struct metadata *metadata)
{
    *metadata = (struct metadata){.requests = json_object(), .outcomes = json_object()};
    metadata_forget_tokens(metadata);
}

void metadata_release(struct metadata *metadata)
{
    free(metadata->role);
    free(metadata->current_id);
    json_decref(metadata->requests);
    json_decref(metadata->outcomes);
}

void metadata_forget_tokens(struct metadata *metadata)
{
    if (RAND_bytes((unsigned char *)&metadata->token_salt, sizeof(metadata->token_salt)) != 1)
        abort();
}

static bool is_uid(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 32;
}

bool metadata_set_role(struct sim *sim, const char *text)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || colon == text || !is_uid(colon + 1))
        return false;
    free(sim->metadata.role);
    sim->metadata.role = xstrdup(text);
    sim->metadata.role[colon - text] = '\0';
    sim->metadata.account = account_book_get(&sim->accounts, colon + 1);
    return true;
}

static void reply_html(struct call *call, int status, const char *title)
{
    char *page = xprintf("<html><head><title>%d %s</title></head><body><h1>%d - %s</h1></body></html>\n",
                         status, title, status, title);

    reply_text(call, status, title, "text/html", page);
    free(page);
}

#define TOKEN_PREFIX "SimToken"

/* Stateless: the time it expires, and a hash that nobody else can make. */
static char *make_token(const struct metadata *metadata, uint64_t expires_us)
{
    char *text = xprintf("%016" PRIx64 "%016" PRIx64, expires_us, metadata->token_salt);
    uint64_t hash = fnv1a64(text);

    free(text);
    return xprintf(TOKEN_PREFIX "%016" PRIx64 "%016" PRIx64 "==", expires_us, hash);
}

static bool is_valid_token(const struct metadata *metadata, const char *token, uint64_t now)
{
    size_t start = strnlen(token, strlen(TOKEN_PREFIX));
    char *digits = strndup(token + start, 16);
    uint64_t expires_us = digits == NULL ? 0 : strtoull(digits, NULL, 16);
    char *expected = make_token(metadata, expires_us);
    bool valid = strcmp(expected, token) == 0 && now < expires_us;

    free(expected);
    free(digits);
    return valid;
}

static void answer_token(struct call *call, const char *path)
{
    const char *text = field_list_get(&call->headers, "x-aliyun-ecs-metadata-token-ttl-seconds");
    long seconds = text == NULL ? 0 : strtol(text, NULL, 10);
    char *token;

    (void)path;
    if (call->sim->options.imds_token_404 != 0) {
        reply_html(call, 404, "Not Found");
    } else if (seconds < 1 || seconds > TTL_MOST) {
        reply_html(call, 400, "Bad Request");
    } else {
        token = make_token(&call->sim->metadata, call->arrived_us + (uint64_t)seconds * 1000000);
        reply_text(call, 200, "ok", "text/plain", token);
        free(token);
    }
}

/* False, with the reply made, when the metadata are not for this request. */
static bool is_allowed(struct call *call)
{
    const struct options *options = &call->sim->options;
    const char *token = field_list_get(&call->headers, "x-aliyun-ecs-metadata-token");

    if (options->imds_token_404 != 0 || (token == NULL && options->imds_hardened == 0))
        return true;
    if (token == NULL)
        reply_html(call, 403, "Forbidden");
    else if (!is_valid_token(&call->sim->metadata, token, call->arrived_us))
        reply_html(call, 401, "Unauthorized");
    else
        return true;
    return false;
}

static void answer_role_name(struct call *call, const char *path)
{
    (void)path;
    if (!is_allowed(call))
        return;
    if (call->sim->metadata.role == NULL)
        reply_html(call, 404, "Not Found");
    else
        reply_text(call, 200, "ok", "text/plain", call->sim->metadata.role);
}

/* The real server, too, hands the same credentials out for most of their life. */
static const struct access_key *role_credentials(struct sim *sim, uint64_t now)
{
    struct metadata *metadata = &sim->metadata;
    double share = sim->options.imds_renew_at;
    struct access_key *key =
        metadata->current_id == NULL ? NULL : token_store_find(&sim->accounts.issued, metadata->current_id);

    if (key != NULL && now < key->expires_us) {
        double life = (double)(key->expires_us - metadata->current_since_us);

        if ((double)(now - metadata->current_since_us) < share * life)
            return key;
    }
    key = token_issue(sim, metadata->account, now, TOKEN_DEFAULT_SECONDS);
    free(metadata->current_id);
    metadata->current_id = xstrdup(key->id);
    metadata->current_since_us = now;
    return key;
}

static void reply_credentials(struct call *call, const struct access_key *key)
{
    json_t *body = token_json(key);

    (void)json_object_set_new(body, "Code", json_string("Success"));
    reply_json(call, "ok", body);
}

static void answer_role(struct call *call, const char *path)
{
    const char *role = call->sim->metadata.role;

    if (!is_allowed(call))
        return;
    if (role == NULL || strcmp(path + strlen(ROLE_PATH), role) != 0)
        reply_html(call, 404, "Not Found");
    else
        reply_credentials(call, role_credentials(call->sim, call->arrived_us));
}

static void answer_uri(struct call *call, const char *path)
{
    const char *uid = field_list_get(&call->params, "uid");
    struct sim *sim = call->sim;

    (void)path;
    if (uid == NULL || !is_uid(uid))
        reply_html(call, 404, "Not Found");
    else
        reply_credentials(call, token_issue(sim, account_book_get(&sim->accounts, uid), call->arrived_us,
                                            TOKEN_DEFAULT_SECONDS));
}

static bool is_same(const char *path, const char *wanted)
{
    return strcmp(path, wanted) == 0;
}

static bool is_under(const char *path, const char *wanted)
{
    return strncmp(path, wanted, strlen(wanted)) == 0;
}

static const struct route routes[] = {
    {"token", "/latest/api/token", is_same, EVHTTP_REQ_PUT, answer_token},
    {"role_name", ROLE_PATH, is_same, EVHTTP_REQ_GET, answer_role_name},
    {"role", ROLE_PATH, is_under, EVHTTP_REQ_GET, answer_role},
    {"uri", "/credentials", is_same, EVHTTP_REQ_GET, answer_uri},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (routes[i].matches(path, routes[i].path))
            return &routes[i];
    }
    return NULL;
}

static void answer(struct call *call, const struct route *route, const char *path)
{
    const struct options *options = &call->sim->options;

    if (route == NULL)
        reply_html(call, 404, "Not Found");
    else if (reply_outage(call, route->answer == answer_uri ? options->credentials_down : options->imds_down))
        return;
    else if (evhttp_request_get_command(call->request) != route->method)
        reply_html(call, 405, "Method Not Allowed");
    else
        route->answer(call, path);
}

void metadata_answer(struct call *call)
{
    struct metadata *metadata = &call->sim->metadata;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(call->request));
    const struct route *route = path == NULL ? NULL : find_route(path);

    stats_count(metadata->requests, route == NULL ? "other" : route->name);
    answer(call, route, path);
    stats_count(metadata->outcomes, call->outcome);
}

json_t *metadata_report(const struct metadata *metadata)
{
    return json_pack("{s:O,s:O}", "requests", metadata->requests, "outcomes", metadata->outcomes);
}

void metadata_reset(struct metadata *metadata)
{
    (void)json_object_clear(metadata->requests);
    (void)json_object_clear(metadata->outcomes);
}
