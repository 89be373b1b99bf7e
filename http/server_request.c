#include "http/server_request.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <civetweb.h>

#include "core/clock.h"
#include "http/connections.h"
#include "http/form.h"
#include "http/guard.h"

#define HEADERS_MAX   64 /* what CivetWeb keeps */
#define FORM_DEADLINE (2 * NS_PER_SECOND)

/* Every header is looked at: a second Content-Length would be the start of a smuggled request. */
static bool has_body(const struct mg_request_info *info)
{
#ifdef CIVETWEB_SYSTEM
    if (info->num_headers >= HEADERS_MAX)
        return true; /* it drops those above: one of them may announce a body */
#endif
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, "Transfer-Encoding") == 0)
            return true;
        if (strcasecmp(header->name, "Content-Length") == 0 && strcmp(header->value, "0") != 0)
            return true;
    }
    return false;
}

static int count_headers(const struct mg_request_info *info, const char *name)
{
    int count = 0;

    for (int i = 0; i < info->num_headers; i++)
        count += strcasecmp(info->http_headers[i].name, name) == 0;
    return count;
}

/* What two readers could understand differently. */
static const char *defect_of(const struct mg_request_info *info)
{
    int hosts = count_headers(info, "Host");

    if (hosts > 1 || (hosts == 0 && strcmp(info->http_version, "1.0") != 0))
        return "expected one Host header";
    if (count_headers(info, "Content-Length") > 1 ||
        (count_headers(info, "Content-Length") > 0 && count_headers(info, "Transfer-Encoding") > 0))
        return "expected one header that tells the length of the body, or none";
    return count_headers(info, "Authorization") > 1 ? "expected one Authorization header" : NULL;
}

/* The header fields with which proxies tell for whom they ask; '*' stands for any text. */
static const char *const forwarding_fields[] = {
    "*Forwarded*", "Via", "X-Envoy-*", "*Real-IP", "*Client-IP", "*ClientIP", "*Connecting-IP",
};

/* A proxy on this machine makes every client's connection come from a loopback address. */
static bool is_forwarded(const struct mg_request_info *info)
{
    for (int i = 0; i < info->num_headers; i++) {
        for (size_t j = 0; j < sizeof(forwarding_fields) / sizeof(forwarding_fields[0]); j++) {
            if (fnmatch(forwarding_fields[j], info->http_headers[i].name, FNM_CASEFOLD) == 0)
                return true;
        }
    }
    return false;
}

/* The one Content-Length of a request that is sent without Transfer-Encoding; otherwise NULL. */
static const char *only_content_length(const struct mg_request_info *info)
{
    const char *length = NULL;

    if (info->num_headers >= HEADERS_MAX)
        return NULL;
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];

        if (strcasecmp(header->name, "Transfer-Encoding") == 0)
            return NULL;
        if (strcasecmp(header->name, "Content-Length") != 0)
            continue;
        if (length != NULL)
            return NULL;
        length = header->value;
    }
    return length;
}

/*
 * Appends `length` bytes of the body. Byte by byte, for CivetWeb starts its time limit anew with
 * every byte of a read; most are in its buffer already. False when they do not come in time.
 */
static bool read_body(struct mg_connection *connection, size_t length, struct strbuf *body)
{
    int64_t deadline = clock_add(clock_now(), FORM_DEADLINE);
    char byte;

    strbuf_reserve(body, length);
    while (length-- > 0) {
        if (clock_now() >= deadline || mg_read(connection, &byte, 1) != 1)
            return false;
        strbuf_append_char(body, byte);
    }
    return !strbuf_failed(body);
}

/* A client with Expect sends the body only now. */
static void answer_expectation(struct mg_connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expectation = mg_get_header(connection, "Expect");

    if (expectation != NULL && strcasecmp(expectation, "100-continue") == 0 &&
        strcmp(mg_get_request_info(connection)->http_version, "1.1") == 0)
        mg_write(connection, go_on, sizeof(go_on) - 1);
}

static void read_form(struct mg_connection *connection, struct page_request *request, struct strbuf *body)
{
    size_t length = form_length(request);

    if (length == 0)
        return;
    answer_expectation(connection);
    if (read_body(connection, length, body) && strlen(strbuf_text(body)) == length)
        request->form = strbuf_text(body);
}

/*
 * The path of a request's target: "/targets", "*", or what follows the authority of a whole URI, which
 * then counts instead of Host (RFC 9112, 3.2.2).
 */
static void read_target(const char *target, struct page_request *request)
{
    const char *authority = target[0] != '/' ? strstr(target, "://") : NULL;

    request->path = target;
    if (authority == NULL)
        return;
    authority += 3;
    request->path = authority + strcspn(authority, "/");
    if (snprintf(request->authority, sizeof(request->authority), "%.*s", (int)(request->path - authority),
                 authority) >= (int)sizeof(request->authority))
        request->defect = "expected a shorter host in the target";
    request->host = request->authority;
    if (request->path[0] == '\0')
        request->path = "/";
}

void server_request_read(struct mg_connection *connection, const struct mount *mount,
                         struct page_request *request, struct strbuf *body)
{
    const struct mg_request_info *info = mg_get_request_info(connection);

    *request = (struct page_request){
        .method = info->request_method,
        .external_path = mount->external_path,
        .query = info->query_string,
        .accept = mg_get_header(connection, "Accept"),
        .accept_encoding = mg_get_header(connection, "Accept-Encoding"),
        .accept_language = mg_get_header(connection, "Accept-Language"),
        .host = mg_get_header(connection, "Host"),
        .origin = mg_get_header(connection, "Origin"),
        .sec_fetch_site = mg_get_header(connection, "Sec-Fetch-Site"),
        .content_type = mg_get_header(connection, "Content-Type"),
        .content_length = only_content_length(info),
        .authorization = mg_get_header(connection, "Authorization"),
        .if_none_match = mg_get_header(connection, "If-None-Match"),
        .defect = defect_of(info),
        .client = client_of_text(info->remote_addr),
        .has_body = has_body(info),
        .from_loopback = guard_is_loopback(info->remote_addr) && !is_forwarded(info),
    };
    read_target(info->request_uri, request);
    request->entrance = mount_entrance(mount, request->path);
    request->path = mount_below(mount, request->path);
    read_form(connection, request, body);
}
