#include "faults_wire.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "session_json.h"
#include "sim.h"

enum {
    PARTIAL_US = 50000, /* time for the first half to get out before the end comes */
    LOOK_US = 100000,
    DRIP_US = 50000,
    STREAM_US = 1000,
    STREAM_BUFFER = 262144 /* most that waits in memory for a slow reader */
};

/* The bufferevent of the call, or NULL when the client has gone. */
static struct bufferevent *wire(struct call *call)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(call->request);

    return connection == NULL ? NULL : evhttp_connection_get_bufferevent(connection);
}

static void send_bytes(struct call *call, struct evbuffer *from, size_t size)
{
    struct evbuffer *part = evbuffer_new();

    if (part == NULL)
        abort();
    (void)evbuffer_remove_buffer(from, part, size);
    evhttp_send_reply_chunk(call->request, part);
    evbuffer_free(part);
}

/* Status line and headers that announce the whole body. */
static void start_announced(struct call *call)
{
    char *size = xprintf("%zu", evbuffer_get_length(call->body));

    reply_add_headers(call);
    (void)evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Length", size);
    evhttp_send_reply_start(call->request, call->status, NULL);
    free(size);
}

static void step_reset(struct call *call)
{
    call_hang_up(call, true);
}

static void step_close(struct call *call)
{
    call_hang_up(call, false);
}

static void deliver_half(struct call *call, void (*end)(struct call *call))
{
    if (wire(call) == NULL) {
        end(call);
        return;
    }
    start_announced(call);
    send_bytes(call, call->body, evbuffer_get_length(call->body) / 2);
    call_after(call, PARTIAL_US, end);
}

void wire_deliver_reset(struct call *call)
{
    deliver_half(call, step_reset);
}

void wire_deliver_truncated(struct call *call)
{
    deliver_half(call, step_close);
}

/* libevent does not read while a request is open, so it does not see the close. */
static bool client_has_gone(struct call *call)
{
    struct bufferevent *bufferevent = wire(call);
    struct pollfd look = {.events = POLLRDHUP};

    if (bufferevent == NULL)
        return true;
    look.fd = bufferevent_getfd(bufferevent);
    return poll(&look, 1, 0) != 0;
}

void wire_deliver_hang(struct call *call)
{
    if (client_has_gone(call))
        call_hang_up(call, false);
    else
        call_after(call, LOOK_US, wire_deliver_hang);
}

static void finish(struct call *call)
{
    evhttp_send_reply_end(call->request);
    call->request = NULL;
    call_end(call);
}

static void step_drip(struct call *call)
{
    if (client_has_gone(call)) {
        call_hang_up(call, false);
        return;
    }
    send_bytes(call, call->body, 1);
    if (evbuffer_get_length(call->body) == 0)
        finish(call);
    else
        call_after(call, DRIP_US, step_drip);
}

void wire_deliver_drip(struct call *call)
{
    if (wire(call) != NULL)
        start_announced(call);
    step_drip(call);
}

/* Adds elements to part until the buffer is full or enough have been made. */
static void fill(struct call *call, struct evbuffer *part, size_t room)
{
    size_t unit_size = strlen(call->unit);

    while (call->remaining > 0 && evbuffer_get_length(part) < room) {
        (void)evbuffer_add(part, call->unit, unit_size);
        call->remaining -= call->remaining < unit_size ? call->remaining : unit_size;
    }
}

static void step_stream(struct call *call)
{
    struct bufferevent *bufferevent = wire(call);
    struct evbuffer *part;
    size_t waiting;

    if (bufferevent == NULL) {
        call_hang_up(call, false);
        return;
    }
    part = evbuffer_new();
    if (part == NULL)
        abort();
    waiting = evbuffer_get_length(bufferevent_get_output(bufferevent));
    fill(call, part, waiting < STREAM_BUFFER ? STREAM_BUFFER - waiting : 0);
    if (call->remaining == 0)
        (void)evbuffer_add_buffer(part, call->suffix);
    if (evbuffer_get_length(part) > 0)
        evhttp_send_reply_chunk(call->request, part);
    evbuffer_free(part);
    if (call->remaining == 0)
        finish(call);
    else
        call_after(call, STREAM_US, step_stream);
}

static char *make_unit(void)
{
    json_t *entry = session_json_entry("app_user", 100002, true);
    char *text = json_dumps(entry, JSON_COMPACT);
    char *unit = xprintf("%s,", text);

    free(text);
    json_decref(entry);
    return unit;
}

/* Goes out as it was made, with the elements put in before the only one of its
 * SessionList. Quotes inside SQL text are escaped: the first match is the right one. */
void wire_deliver_huge(struct call *call)
{
    static const char mark[] = "\"SessionList\":[";
    struct evbuffer_ptr at = evbuffer_search(call->body, mark, strlen(mark), NULL);

    if (wire(call) == NULL || at.pos < 0) {
        call_hang_up(call, false);
        return;
    }
    call->unit = make_unit();
    call->remaining = (uint64_t)call->sim->options.huge_size;
    call->suffix = evbuffer_new();
    if (call->suffix == NULL)
        abort();
    reply_add_headers(call);
    evhttp_send_reply_start(call->request, call->status, NULL);
    send_bytes(call, call->body, (size_t)at.pos + strlen(mark));
    (void)evbuffer_add_buffer(call->suffix, call->body);
    step_stream(call);
}
