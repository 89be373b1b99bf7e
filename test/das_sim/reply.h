/* Making replies and writing ordinary ones. Each maker sets status, body and outcome
 * of the call; the delivery comes later. */
#ifndef DAS_SIM_REPLY_H
#define DAS_SIM_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct sim;

/* A gateway error: RequestId, HostId, Code, Message, Recommend. */
void reply_error(struct call *call, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void reply_throttled(struct call *call);
/* Status 200 and this body; takes over the reference. */
void reply_json(struct call *call, const char *outcome, json_t *body);
/* Any status, body and type. */
void reply_text(struct call *call, int status, const char *outcome, const char *content_type,
                const char *text);
/* Says so, or hangs, when outage is not 0 (see options.h); false when it is. A redirect leads to
 * /moved, where nothing is: whoever follows it shows in /stats. */
bool reply_outage(struct call *call, int64_t outage);
/* Nothing sensible will be sent: deliver does something to the connection. */
void reply_wire_fault(struct call *call, const char *outcome, void (*deliver)(struct call *call));
/* "F4C2C1A0-…", the caller frees it. */
char *reply_request_id(struct sim *sim);
/* Adds Content-Type and the like to the headers of the reply. */
void reply_add_headers(struct call *call);

/* The ordinary delivery: the whole reply, the connection stays open. */
void reply_deliver(struct call *call);

#endif
