#include "http/response_head.h"

#include <string.h>
#include <time.h>

/* Our own files and our own JSON, nothing inline and nothing of others; nobody may frame us. */
#define HTML_POLICY                                                                                          \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "    \
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

#define BARE_POLICY "default-src 'none'; frame-ancestors 'none'"

static const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Error";
    }
}

/* The format of Date, whose names of days and months must not follow the locale. */
static void append_date(struct strbuf *out, int64_t unix_ms)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    strbuf_append_format(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                         months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void response_head_append(struct strbuf *out, const struct page_response *response, bool keep_alive,
                          int64_t unix_ms)
{
    strbuf_append_format(out, "HTTP/1.1 %d %s\r\n", response->status, reason_phrase(response->status));
    append_date(out, unix_ms);
    if (response->status != 304) {
        strbuf_append_format(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", response->content_type,
                             response->length);
        if (response->gzip)
            strbuf_append_text(out, "Content-Encoding: gzip\r\n");
    }
    if (response->etag != NULL)
        strbuf_append_format(out, "ETag: %s\r\n", response->etag);
    if (response->vary != NULL)
        strbuf_append_format(out, "Vary: %s\r\n", response->vary);
    if (response->location[0] != '\0')
        strbuf_append_format(out, "Location: %s\r\n", response->location);
    if (response->allow != NULL)
        strbuf_append_format(out, "Allow: %s\r\n", response->allow);
    if (response->authenticate != NULL)
        strbuf_append_format(out, "WWW-Authenticate: %s\r\n", response->authenticate);
    if (response->retry_after > 0)
        strbuf_append_format(out, "Retry-After: %d\r\n", response->retry_after);
    strbuf_append_format(out, "Content-Security-Policy: %s\r\n",
                         strncmp(response->content_type, "text/html", 9) == 0 ? HTML_POLICY : BARE_POLICY);
    strbuf_append_format(out, "Cache-Control: %s\r\n", response->etag != NULL ? "no-cache" : "no-store");
    strbuf_append_text(out, "X-Content-Type-Options: nosniff\r\n"
                            "X-Frame-Options: DENY\r\nReferrer-Policy: same-origin\r\n"
                            "Cross-Origin-Resource-Policy: same-origin\r\n");
    strbuf_append_format(out, "Connection: %s\r\n\r\n", keep_alive ? "keep-alive" : "close");
}
