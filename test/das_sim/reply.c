#include "reply.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults_wire.h"
#include "sim.h"

char *reply_request_id(struct sim *sim)
{
    uint64_t high = random_u64(&sim->random);
    uint64_t low = random_u64(&sim->random);

    return xprintf("%08" PRIX64 "-%04" PRIX64 "-%04" PRIX64 "-%04" PRIX64 "-%012" PRIX64, high >> 32,
                   (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
}

static void set_outcome(struct call *call, int status, const char *outcome)
{
    call->status = status;
    free(call->outcome);
    call->outcome = xstrdup(outcome);
}

static void set_body(struct call *call, const char *text, size_t size)
{
    (void)evbuffer_drain(call->body, evbuffer_get_length(call->body));
    (void)evbuffer_add(call->body, text, size);
}

void reply_text(struct call *call, int status, const char *outcome, const char *content_type,
                const char *text)
{
    set_outcome(call, status, outcome);
    set_body(call, text, strlen(text));
    call->content_type = content_type;
}

void reply_json(struct call *call, const char *outcome, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);

    json_decref(body);
    if (text == NULL)
        abort();
    set_outcome(call, 200, outcome);
    set_body(call, text, strlen(text));
    free(text);
}

void reply_error(struct call *call, int status, const char *code, const char *format, ...)
{
    const char *host = field_list_get(&call->headers, "host");
    char *request_id = reply_request_id(call->sim);
    char *recommend = xprintf("https://api.alibabacloud.com/troubleshoot?q=%s&product=%s&requestId=%s", code,
                              call->is_sts ? "Sts" : "DAS", request_id);
    char *message = NULL;
    json_t *text;
    va_list args;

    va_start(args, format);
    if (vasprintf(&message, format, args) < 0)
        abort();
    va_end(args);
    text = json_string(message); /* NULL when a header in it is not UTF-8 */
    reply_json(call, code,
               json_pack("{s:s,s:s,s:s,s:o,s:s}", "RequestId", request_id, "HostId", host == NULL ? "" : host,
                         "Code", code, "Message", text == NULL ? json_string("(not UTF-8)") : text,
                         "Recommend", recommend));
    call->status = status;
    free(message);
    free(recommend);
    free(request_id);
}

void reply_throttled(struct call *call)
{
    int64_t wait_ms = call->sim->options.retry_after;

    reply_error(call, 400, "Throttling.User", "Request was denied due to user flow control.");
    if (wait_ms > 0) {
        char *text = xprintf("%" PRId64, wait_ms);

        (void)evhttp_add_header(evhttp_request_get_output_headers(call->request), "x-acs-retry-after", text);
        free(text);
    }
}

void reply_wire_fault(struct call *call, const char *outcome, void (*deliver)(struct call *call))
{
    set_outcome(call, 200, outcome);
    call->deliver = deliver;
}

bool reply_outage(struct call *call, int64_t outage)
{
    if (outage == OUTAGE_HANG)
        reply_wire_fault(call, "hang", wire_deliver_hang);
    else if (outage != 0)
        reply_error(call, (int)outage, "ServiceUnavailable",
                    "The request has failed due to a temporary failure of the server.");
    if (outage >= 300 && outage < 400)
        (void)evhttp_add_header(evhttp_request_get_output_headers(call->request), "Location", "/moved");
    return outage != 0;
}

void reply_add_headers(struct call *call)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);

    (void)evhttp_add_header(headers, "Content-Type", call->content_type);
}

void reply_deliver(struct call *call)
{
    reply_add_headers(call);
    evhttp_send_reply(call->request, call->status, NULL, call->body);
    call->request = NULL;
    call_end(call);
}
