#include "call.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "auth.h"
#include "faults_wire.h"
#include "operation.h"
#include "quota.h"
#include "reply.h"
#include "sim.h"
#include "stats.h"

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct call *call = argument;

    (void)fd;
    (void)what;
    call->step(call);
}

void call_after(struct call *call, uint64_t delay_us, void (*step)(struct call *call))
{
    struct timeval delay = {(time_t)(delay_us / 1000000), (suseconds_t)(delay_us % 1000000)};

    call->step = step;
    if (delay_us == 0)
        step(call);
    else if (evtimer_add(call->timer, &delay) != 0)
        abort();
}

void call_end(struct call *call)
{
    TAILQ_REMOVE(&call->sim->calls, call, next);
    event_free(call->timer);
    evbuffer_free(call->body);
    if (call->suffix != NULL)
        evbuffer_free(call->suffix);
    field_list_release(&call->params);
    field_list_release(&call->headers);
    sign_v3_release(&call->authorization);
    free(call->outcome);
    free(call->unit);
    free(call);
}

/* SO_LINGER alone would not do: libevent shuts the socket down first, which sends a
 * FIN. To disconnect a TCP socket makes Linux send the RST there and then. */
static void send_reset(evutil_socket_t fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)connect(fd, &nowhere, sizeof(nowhere));
}

void call_hang_up(struct call *call, bool reset)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(call->request);

    if (connection == NULL) {
        evhttp_request_free(call->request);
    } else {
        if (reset)
            send_reset(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)));
        evhttp_connection_free(connection); /* and the request with it */
    }
    call->request = NULL;
    call_end(call);
}

void call_abandon_all(struct sim *sim)
{
    struct call *call;

    while ((call = TAILQ_FIRST(&sim->calls)) != NULL)
        call_hang_up(call, false);
}

static void deliver(struct call *call)
{
    call->deliver(call);
}

static bool is_das_call(const struct call *call)
{
    const char *action = call->is_v1 ? field_list_get(&call->params, "Action")
                                     : field_list_get(&call->headers, "x-acs-action");

    return action != NULL && strcmp(action, OPERATION_ACTION) == 0;
}

static void count_attempt(struct call *call)
{
    struct sim *sim = call->sim;
    struct tally *tally = &call->key->account->tally;

    quota_attempt(call->key->account, &sim->options, call->arrived_us);
    if (call->phase == PHASE_POLL)
        tally->polls++;
    else
        tally->submits++;
}

/* False, with the reply made, when the call is throttled. */
static bool admit(struct call *call)
{
    struct sim *sim = call->sim;
    struct account *account = call->key->account;
    bool denied = call->arrived_us < account->denied_until_us;

    if (!denied && sim->deny_next > 0) {
        sim->deny_next--;
        denied = true;
    }
    if (!denied && quota_admit(account, &sim->options, call->arrived_us))
        return true;
    account->tally.throttled++;
    account->tally.throttled_quota += !denied;
    reply_throttled(call);
    return false;
}

static bool must_hang(const struct call *call)
{
    const char *uid = call->sim->hang_uid;

    return uid != NULL && strcmp(call->key->account->uid, uid) == 0;
}

static void answer_known(struct call *call)
{
    if (!is_das_call(call)) {
        if (auth_verify(call))
            reply_error(call, 404, "InvalidAction.NotFound",
                        "Specified api is not found, please check your url and method.");
        return;
    }
    count_attempt(call);
    if (must_hang(call)) {
        (void)quota_admit(call->key->account, &call->sim->options, call->arrived_us);
        call->key->account->tally.hung++;
        reply_wire_fault(call, "hang", wire_deliver_hang);
        return;
    }
    if (!auth_verify(call))
        call->key->account->tally.auth_failures++;
    else if (admit(call))
        operation_answer(call);
}

static void answer_das(struct call *call)
{
    if (auth_identify(call))
        answer_known(call);
    else
        call->sim->nobody.auth_failures++;
    stats_note(call);
}

static void arrive(struct call *call)
{
    call->arrived_us = clock_us();
    call->content_type = "application/json;charset=utf-8";
    call->deliver = reply_deliver;
    call->answer(call);
    call_after(call, call->reply_delay_us, deliver);
}

static void read_headers(struct call *call)
{
    const struct evkeyval *header;

    TAILQ_FOREACH(header, evhttp_request_get_input_headers(call->request), next)
    {
        struct field *field;

        field_list_add(&call->headers, header->key, header->value);
        field = &call->headers.at[call->headers.count - 1];
        for (char *at = field->name; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        /* libevent trims the value's front only in some versions */
        for (size_t size = strlen(field->value);
             size > 0 && (field->value[size - 1] == ' ' || field->value[size - 1] == '\t');)
            field->value[--size] = '\0';
    }
}

/* False when an escape in the query or the form is broken. */
static bool read_params(struct call *call)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(call->request);
    const char *uri = evhttp_request_get_uri(call->request);
    const char *query = strchr(uri, '?');
    size_t size = evbuffer_get_length(body);
    bool ok = query == NULL || field_list_add_encoded(&call->params, query + 1, strlen(query + 1));

    call->query_count = call->params.count;
    call->is_sts = sts_is_meant(call);
    call->is_v1 = field_list_get(&call->headers, "authorization") == NULL &&
                  (call->is_sts || field_list_get(&call->params, "AccessKeyId") != NULL);
    if (ok && call->is_v1 && size > 0 && (!call->is_sts || sts_reads_form(call)))
        ok = field_list_add_encoded(&call->params, (const char *)evbuffer_pullup(body, -1), size);
    return ok;
}

static uint64_t draw_delay(struct sim *sim)
{
    const struct options *options = &sim->options;
    double delay = (double)options->rtt + (2.0 * random_unit(&sim->random) - 1.0) * (double)options->jitter;

    if (random_unit(&sim->random) < options->slow_call_fraction)
        delay += (double)options->slow_call_delay;
    return delay > 0 ? (uint64_t)delay : 0;
}

/* NULL when the request cannot be read: it has its answer already. */
static struct call *read_request(struct sim *sim, struct evhttp_request *request)
{
    struct call *call = xcalloc(1, sizeof(*call));

    call->sim = sim;
    call->request = request;
    call->body = evbuffer_new();
    call->timer = evtimer_new(sim->base, on_timer, call);
    if (call->body == NULL || call->timer == NULL)
        abort();
    TAILQ_INSERT_TAIL(&sim->calls, call, next);
    read_headers(call);
    if (!read_params(call)) {
        sim->bad_requests++;
        call->content_type = "application/json;charset=utf-8";
        reply_error(call, 400, "InvalidParameter", "The query string cannot be decoded.");
        reply_deliver(call);
        return NULL;
    }
    return call;
}

void call_receive_at_once(struct sim *sim, struct evhttp_request *request, void (*answer)(struct call *call))
{
    struct call *call = read_request(sim, request);

    if (call == NULL)
        return;
    call->answer = answer;
    arrive(call);
}

void call_receive(struct sim *sim, struct evhttp_request *request)
{
    uint64_t delay = draw_delay(sim);
    struct call *call = read_request(sim, request);

    if (call == NULL)
        return;
    call->answer = call->is_sts ? sts_answer : answer_das;
    operation_read_params(call);
    call->reply_delay_us = delay - delay / 2;
    call_after(call, delay / 2, arrive);
}
