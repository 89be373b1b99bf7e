/* The faults an instance can have, by name: rm-NAME-… or pc-NAME-…, or given to it by
 * POST /control?instance-fault=ID:NAME. NAME-submit and NAME-poll (rm-html-poll-1)
 * restrict a fault to one phase. */
#ifndef DAS_SIM_FAULTS_H
#define DAS_SIM_FAULTS_H

#include <jansson.h>
#include <stdbool.h>

#include "call.h"
#include "sessions.h"

struct result;

/* What it changes; a NULL member changes nothing. */
struct fault {
    const char *name;
    /* Answers instead of the operation; false lets the call go on. */
    bool (*answer)(struct call *call);
    /* A submit has made a result. */
    void (*prepare)(struct call *call, struct result *result);
    /* The finished answer is about to be made. */
    void (*shape)(struct session_shape *shape);
    /* A reply with Data has been made and is not text yet. */
    void (*respell)(struct call *call, json_t *body);
    /* How the reply, properly made, gets to the wire. */
    void (*deliver)(struct call *call);
    /* The first reply is the finished one. */
    bool answers_at_once;
};

/* NULL: none in this phase. */
const struct fault *faults_find(const struct sim *sim, const char *instance_id, enum phase phase);
/* Whether text is NAME, NAME-submit or NAME-poll. */
bool faults_is_known(const char *text);

#endif
