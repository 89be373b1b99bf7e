#include "das/response.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/clock.h"
#include "core/text.h"

void transport_response_init(struct transport_response *response)
{
    *response = (struct transport_response){.retry_after_ms = -1};
    strbuf_init(&response->body, TRANSPORT_BODY_MAX);
}

void transport_response_release(struct transport_response *response)
{
    strbuf_release_secret(&response->body);
    transport_response_init(response);
}

/* The only form of a date that HTTP servers may send (RFC 9110, 5.6.7); 0 when it is another. */
static int64_t parse_date(const char *text)
{
    struct tm date = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date);
    int64_t seconds = end != NULL && *end == '\0' ? timegm(&date) : 0;

    return seconds > 0 ? seconds * 1000 : 0;
}

/* The value of a header line "name: value\r\n" as text; false when it is another header. */
static bool header_value(const char *line, size_t length, const char *name, char *value, size_t size)
{
    size_t start = strlen(name);

    if (length < start + 1 || strncasecmp(line, name, start) != 0 || line[start] != ':')
        return false;
    start++;
    while (start < length && (line[start] == ' ' || line[start] == '\t'))
        start++;
    while (length > start && (unsigned char)line[length - 1] <= ' ')
        length--;
    if (length - start >= size)
        length = start + size - 1;
    memcpy(value, line + start, length - start);
    value[length - start] = '\0';
    return true;
}

void transport_response_header(struct transport_response *response, const char *line, size_t length)
{
    char value[64];

    if (length >= strlen("HTTP/") && strncmp(line, "HTTP/", strlen("HTTP/")) == 0) {
        /* The final answer after an interim one: what that said does not count. */
        response->retry_after_ms = -1;
        response->server_unix_ms = 0;
    } else if (header_value(line, length, "x-acs-retry-after", value, sizeof(value))) {
        if (!text_parse_int(value, 0, INT64_MAX / NS_PER_MS, &response->retry_after_ms))
            response->retry_after_ms = 0; /* unreadable, but its presence is news already */
    } else if (header_value(line, length, "date", value, sizeof(value))) {
        response->server_unix_ms = parse_date(value);
    }
}
