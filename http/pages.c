#include "http/pages.h"

#include <string.h>

#include "core/clock.h"
#include "core/semaphore.h"
#include "http/access.h"
#include "http/form.h"
#include "http/guard.h"
#include "http/mount.h"
#include "http/page.h"
#include "http/query.h"
#include "http/web/files.h"

#define METHODS_READ "GET, HEAD, OPTIONS" /* the value of Allow */
#define METHODS_POST "POST, OPTIONS"

struct route {
    const char *path;
    const char *parameter; /* NULL, or the path ends in one more segment, named so in the help */
    const char *methods;
    page_fn *page;
    bool open;   /* needs no password: what watches the program has none */
    bool costly; /* grows with the number of targets: made in turn */
};

static const struct route routes[] = {
    {"/metrics", NULL, METHODS_READ, page_metrics, false, false},
    {"/", NULL, METHODS_READ, page_web_file, false, false},
    {"/targets", NULL, METHODS_READ, page_web_file, false, false},
    {WEB_FILES_PREFIX, "FILE", METHODS_READ, page_web_file, false, false},
    {"/api/v1/overview", NULL, METHODS_READ, page_overview, false, true},
    {"/api/v1/targets", NULL, METHODS_READ, page_targets, false, true},
    {"/refresh", NULL, METHODS_POST, page_refresh, false, false},
    {PAGE_REFRESH_PREFIX, "ID", METHODS_READ, page_refresh_progress, false, false},
    {"/-/healthy", NULL, METHODS_READ, page_healthy, true, false},
    {"/health", NULL, METHODS_READ, page_healthy, true, false},
    {"/-/ready", NULL, METHODS_READ, page_ready, true, false},
    {"/-/reload", NULL, METHODS_POST, page_reload, false, false},
};

static page_fn page_entrance;

/* The root of a server whose pages are below a prefix. */
static const struct route entrance = {MOUNT_ENTRANCE, NULL, METHODS_READ, page_entrance, true, false};

#define METHODS_ALL "GET, HEAD, OPTIONS, POST" /* of all routes: for the target "*" */

#define CHALLENGE_BASIC  "Basic realm=\"mysql_session_exporter\", charset=\"UTF-8\""
#define CHALLENGE_BEARER "Bearer realm=\"mysql_session_exporter\""
#define RETRY_AFTER_S    2
#define TURN_WAIT        NS_PER_SECOND

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

void page_text(struct page_response *response, int status, const char *format, ...)
{
    va_list arguments;

    response->status = status;
    response->content_type = PAGE_TYPE_TEXT;
    strbuf_reset(&response->body);
    va_start(arguments, format);
    strbuf_append_vformat(&response->body, format, arguments);
    va_end(arguments);
    strbuf_append_char(&response->body, '\n');
}

void page_no_status(struct page_response *response)
{
    page_text(response, 503,
              "there is no state to show yet, try again later; /-/healthy says whether all is well");
    response->retry_after = RETRY_AFTER_S;
}

void page_no_memory(struct page_response *response)
{
    static const char text[] = "out of memory\n";

    response->status = 503;
    response->content_type = PAGE_TYPE_TEXT;
    response->whole.bytes = text;
    response->whole.length = sizeof(text) - 1;
    strbuf_release(&response->body);
}

static bool route_matches(const struct route *route, const char *path)
{
    size_t length = strlen(route->path);

    if (route->parameter == NULL)
        return strcmp(path, route->path) == 0;
    return strncmp(path, route->path, length) == 0 && path[length] != '\0' &&
           strchr(path + length, '/') == NULL;
}

static const struct route *route_find(const char *path)
{
    if (route_matches(&entrance, path))
        return &entrance;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (route_matches(&routes[i], path))
            return &routes[i];
    }
    return NULL;
}

static bool method_is_read(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool method_allowed(const struct route *route, const char *method)
{
    if (strcmp(route->methods, METHODS_READ) == 0)
        return method_is_read(method);
    return strcmp(method, "POST") == 0;
}

static void page_entrance(const struct page_request *request, const struct providers *providers,
                          struct page_response *response)
{
    (void)providers;
    page_text(response, 302, "%s/", request->entrance);
    snprintf(response->location, sizeof(response->location), "%s/", request->entrance);
}

static void answer_not_found(const struct page_request *request, struct page_response *response)
{
    page_text(response, 404, "not found; these paths are known:");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        strbuf_append_format(&response->body, "%-4s %s%s%s\n",
                             method_allowed(&routes[i], "GET") ? "GET" : "POST", page_external_path(request),
                             routes[i].path, routes[i].parameter != NULL ? routes[i].parameter : "");
    }
}

static void answer_wrong_method(const struct page_request *request, const struct route *route,
                                struct page_response *response)
{
    page_text(response, 405, "%s%s takes %s only", page_external_path(request), route->path, route->methods);
    response->allow = route->methods;
}

/* What load balancers ask to see whether a server is there. False for a path that is none. */
static bool answer_options(const struct page_request *request, const struct route *route,
                           struct page_response *response)
{
    if (strcmp(request->method, "OPTIONS") != 0)
        return false;
    if (strcmp(request->path, "*") == 0)
        response->allow = METHODS_ALL;
    else if (route != NULL)
        response->allow = route->methods;
    return response->allow != NULL;
}

/* A form cannot send the header Authorization, so it has a field for the admin token. */
static enum access_answer judge(const struct page_request *request, int64_t now)
{
    struct query_parameter token = {.name = FORM_TOKEN};
    enum access_answer answer = ACCESS_NEEDS_TOKEN;

    if (request->form != NULL && query_find(request->form, &token)) {
        answer = access_check_token(request->access, token.value, request->client, now);
        explicit_bzero(token.value, sizeof(token.value));
    }
    if (answer != ACCESS_NEEDS_TOKEN)
        return answer;
    return access_check(request->access, request->authorization, !method_is_read(request->method),
                        request->client, now);
}

/* True when the request may read; *may_change: also change, wherever it comes from. */
static bool authorize(const struct page_request *request, bool *may_change, struct page_response *response)
{
    *may_change = false;
    if (request->access == NULL)
        return true;
    switch (judge(request, clock_now())) {
    case ACCESS_ADMIN:
        *may_change = true;
        return true;
    case ACCESS_READ:
        return true;
    case ACCESS_NEEDS_PASSWORD:
        page_text(response, 401, "a user name and password are needed ([web] basic_auth_file)");
        response->authenticate = CHALLENGE_BASIC;
        return false;
    case ACCESS_NEEDS_TOKEN:
        page_text(response, 401,
                  "requests that change something need the admin token "
                  "([web] admin_token): Authorization: Bearer TOKEN");
        response->authenticate = CHALLENGE_BEARER;
        return false;
    case ACCESS_TOO_MANY:
        break;
    }
    page_text(response, 429,
              "too many wrong passwords or tokens, or too many to check at once; try again later");
    response->retry_after = RETRY_AFTER_S;
    return false;
}

/*
 * A few at a time, so that a flood of them leaves the processors, and the locks of the allocator and of the
 * address space, to those that collect.
 */
static void make_page(const struct route *route, const struct page_request *request,
                      const struct providers *providers, struct page_response *response)
{
    struct semaphore *turns = route->costly ? request->turns : NULL;

    if (turns != NULL && !semaphore_acquire(turns, clock_add(clock_now(), TURN_WAIT))) {
        page_text(response, 503, "too many ask for such pages, try again later");
        response->retry_after = RETRY_AFTER_S;
        return;
    }
    route->page(request, providers, response);
    if (turns != NULL)
        semaphore_release(turns);
}

static void route_answer(const struct page_request *request, const struct providers *providers,
                         struct page_response *response)
{
    const struct route *route = route_find(request->path);
    const char *refusal = NULL;
    bool may_change = false;

    if (request->defect != NULL) {
        page_text(response, 400, "%s", request->defect);
        return;
    }
    if (answer_options(request, route, response))
        return;
    if ((route == NULL || !route->open) && !authorize(request, &may_change, response))
        return;
    if (route == NULL) {
        answer_not_found(request, response);
        return;
    }
    if (!method_allowed(route, request->method)) {
        answer_wrong_method(request, route, response);
        return;
    }
    if (request->has_body && request->form == NULL) {
        page_text(response, 413, "a request body is not accepted; parameters belong into the query");
        return;
    }
    if (!method_is_read(request->method) && !may_change)
        refusal = guard_change_refused(request);
    if (refusal != NULL) {
        page_text(response, 403, "%s", refusal);
        return;
    }
    make_page(route, request, providers, response);
}

/* Describes a body that is not a snapshot's as one part. */
static void response_seal(struct page_response *response)
{
    if (response->snapshot != NULL && response->parts != NULL)
        return;
    if (strbuf_failed(&response->body))
        page_no_memory(response);
    if (response->whole.bytes == NULL) {
        response->whole.bytes = strbuf_text(&response->body);
        response->whole.length = response->body.length;
    }
    response->parts = &response->whole;
    response->part_count = 1;
    response->length = response->whole.length;
}

static void response_init(struct page_response *response)
{
    *response = (struct page_response){.status = 200, .content_type = PAGE_TYPE_TEXT};
    strbuf_init(&response->body, 0);
}

void pages_answer(const struct page_request *request, const struct providers *providers,
                  struct page_response *response)
{
    response_init(response);
    response->close = (request->has_body && request->form == NULL) || request->defect != NULL;
    route_answer(request, providers, response);
    response_seal(response);
}

void pages_unavailable(struct page_response *response)
{
    response_init(response);
    page_no_memory(response);
    response_seal(response);
    response->close = true;
}

void page_response_release(struct page_response *response)
{
    strbuf_release(&response->body);
    snapshot_put(response->snapshot);
    *response = (struct page_response){0};
}
