/*
 * The seam between what is asked and the engine in schedule/, which decides when. A collector asks about one
 * target, step by step: a step is one request, and one call of the account's quota. The first one may be answered
 * with the result; or the source works on it, and the next step asks how far it is.
 *
 * A collector is one row of functions. It never waits, repeats nothing, and knows neither the quota nor the
 * clock of the engine: docs/decisions/collector.md.
 */
#ifndef COLLECTORS_COLLECTOR_H
#define COLLECTORS_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"
#include "core/credentials.h"
#include "core/error.h"
#include "db/inventory.h"
#include "metrics/batch.h"

/* What one step is to ask. Borrowed for its length. */
struct step {
    const struct credentials *credentials;
    const struct target *target;
    const char *continuation; /* what the step before has left; NULL: the first one */
};

enum step_outcome {
    STEP_RUNNING,  /* the source works on it; the next step goes on from the continuation */
    STEP_FINISHED, /* the batch is there */
    STEP_FAILED,   /* error says why; its class decides what follows */
};

/* What came of it. Owned by whoever asked: step_result_release(). */
struct step_result {
    enum step_outcome outcome;
    struct error error;     /* ERROR_NONE unless STEP_FAILED; redacted */
    char *continuation;     /* of STEP_RUNNING; that of the first step of a cycle serves all later ones */
    struct batch *batch;    /* of STEP_FINISHED: sealed, a reference */
    int64_t retry_after_ms; /* the account may not call again for so long; -1: the source did not say */
    int64_t duration;       /* ns of the request */
    bool sent;              /* false: nothing was sent, for want of a client, a signature or time */
    bool answered;          /* false: sent, and no byte came back: the source may still get and count it */
};

struct collector {
    enum metric_id metric; /* its section says how often targets are asked, and how long a result is good */
    int64_t calls_per_result; /* thousandths; what a result costs until it was measured */

    /* What one worker needs for its steps; NULL with *error. `config` is not kept. */
    void *(*open)(const struct config *config, struct error *error);
    void (*close)(void *client);

    /* Makes one request, never two. *result is empty and filled completely. The worker's thread; blocks. */
    void (*step)(void *client, const struct step *step, struct step_result *result);

    /* Makes a running step fail soon, and all later ones at once. Any thread, does not block. */
    void (*abort)(void *client);
};

/* Frees what is left in it and leaves it empty. */
static inline void step_result_release(struct step_result *result)
{
    free(result->continuation);
    batch_put(result->batch);
    *result = (struct step_result){.retry_after_ms = -1};
}

#endif
