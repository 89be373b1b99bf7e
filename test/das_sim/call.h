/* One API call, from the request line to the last byte of the reply:
 * received → (half of its delay) → arrived: counted and answered → (the other half)
 * → delivered. A connection that goes away meanwhile is noticed on delivery. */
#ifndef DAS_SIM_CALL_H
#define DAS_SIM_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "field.h"
#include "sign.h"

struct access_key;
struct evbuffer;
struct event;
struct evhttp_request;
struct fault;
struct result;
struct sim;
struct target;

enum phase { PHASE_SUBMIT, PHASE_POLL };

struct call {
    struct sim *sim;
    struct evhttp_request *request; /* NULL once libevent owns it again */
    struct event *timer;
    void (*step)(struct call *call);   /* what the timer does */
    void (*answer)(struct call *call); /* makes the reply, on arrival */
    uint64_t reply_delay_us;
    uint64_t arrived_us;

    struct field_list params;  /* query; of a V1 call the form too */
    struct field_list headers; /* lower-case names */
    size_t query_count;        /* how many of params were in the query; until they are sorted */
    bool is_v1;
    bool is_sts;
    struct sign_v3_authorization authorization;
    struct access_key *key; /* NULL: unknown */
    enum phase phase;
    const char *instance_id; /* borrowed from params; NULL when absent */
    const char *node_id;
    struct target *target;
    struct result *result;
    const struct fault *fault;

    int status;
    struct evbuffer *body;
    const char *content_type;
    char *outcome;                      /* the Code of the error, or what happened */
    void (*deliver)(struct call *call); /* takes the reply to the wire, then call_end */

    /* Of the deliveries that last. */
    char *unit; /* repeated until remaining bytes are sent */
    uint64_t remaining;
    struct evbuffer *suffix;
    TAILQ_ENTRY(call) next;
};

TAILQ_HEAD(call_list, call);

/* A request to POST / has been read in full: DAS or STS. */
void call_receive(struct sim *sim, struct evhttp_request *request);
/* A request that is answered without delay, and is counted by nobody but answer. */
void call_receive_at_once(struct sim *sim, struct evhttp_request *request, void (*answer)(struct call *call));
/* Runs step after the delay; at once, inside this function, when it is 0. */
void call_after(struct call *call, uint64_t delay_us, void (*step)(struct call *call));
/* The reply is on its way and request is NULL: forgets the call. */
void call_end(struct call *call);
/* Closes the connection, by RST if reset, and ends the call. */
void call_hang_up(struct call *call, bool reset);
/* Ends every call without a reply: for the shutdown. */
void call_abandon_all(struct sim *sim);

#endif
