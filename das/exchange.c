#include "das/exchange.h"

#include "core/clock.h"
#include "das/response.h"

bool exchange_init(struct exchange *exchange, const struct transport_request *request,
                   size_t max_response_size, unsigned parts, struct transport_response *response)
{
    size_t whole = request->whole_body_max;

    *exchange = (struct exchange){.request = request, .response = response};
    exchange->max_response_size = whole > 0 && whole < max_response_size ? whole : max_response_size;
    elide_init(&exchange->elide, parts, &response->body);
    /* A body that is kept whole holds keys: a buffer that grows would leave copies behind. */
    return whole == 0 || strbuf_reserve(&response->body, exchange->max_response_size);
}

long exchange_limit_ms(const struct exchange *exchange, int64_t limit_ns)
{
    int64_t own = exchange->request->timeout;
    int64_t ms = (own > 0 && own < limit_ns ? own : limit_ns) / NS_PER_MS;

    return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

size_t exchange_on_header(char *line, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;

    exchange->header_bytes += length;
    if (exchange->header_bytes > exchange->max_response_size) {
        exchange->too_large = true;
        return 0;
    }
    transport_response_header(exchange->response, line, length);
    return length;
}

static bool keep(struct exchange *exchange, const char *bytes, size_t length)
{
    struct strbuf *body = &exchange->response->body;

    if (exchange->request->whole_body_max == 0)
        return elide_feed(&exchange->elide, bytes, length);
    strbuf_append(body, bytes, length);
    return !strbuf_failed(body);
}

size_t exchange_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct transport_response *response = exchange->response;
    size_t length = size * count;

    if (length > exchange->max_response_size - response->received) {
        exchange->too_large = true;
        return 0;
    }
    response->received += length;
    if (keep(exchange, bytes, length))
        return length;
    exchange->too_large = length > TRANSPORT_BODY_MAX - response->body.length;
    return 0;
}
