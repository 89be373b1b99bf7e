#include "collectors/user_sessions.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/node_samples.h"
#include "collectors/optional_metrics.h"
#include "das/client.h"

struct session_client {
    struct das_client *das;
    struct optional_metrics_config optional;
};

struct batch *user_sessions_render(const struct target *target, const struct das_reply *reply,
                                   const struct optional_metrics_config *optional)
{
    struct batch *batch = batch_new();
    struct node_samples_rest none;

    if (batch != NULL &&
        node_samples_add_keyed(batch, FAMILY_USER_SESSION_COUNT, target, &reply->users,
                               offsetof(struct das_sessions, total), SIZE_MAX, &none) &&
        optional_metrics_add(batch, target, reply, optional) && batch_seal(batch, NULL))
        return batch;
    batch_put(batch);
    return NULL;
}

static void close_client(void *context)
{
    struct session_client *client = context;

    das_client_free(client->das);
    free(client);
}

static void *open_client(const struct config *config, struct error *error)
{
    struct session_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while setting up a DAS client");
        return NULL;
    }
    client->optional = config->optional_metrics;
    client->das = das_client_new(&config->das, optional_metrics_parts(&config->optional_metrics), error);
    if (client->das == NULL) {
        close_client(client);
        return NULL;
    }
    return client;
}

static void abort_client(void *context)
{
    struct session_client *client = context;

    das_client_abort(client->das);
}

/* What the reply says, in the engine's words. */
static void read_reply(const struct session_client *client, const struct target *target,
                       const struct das_reply *reply, struct step_result *result)
{
    *result = (struct step_result){
        .outcome = STEP_FAILED,
        .error = reply->error,
        .retry_after_ms = reply->retry_after_ms,
        .duration = reply->duration,
        .sent = reply->attempted,
        .answered = reply->answered,
    };
    if (reply->outcome == DAS_RUNNING) {
        result->continuation = strdup(reply->result_id);
        if (result->continuation != NULL)
            result->outcome = STEP_RUNNING;
    } else if (reply->outcome == DAS_FINISHED) {
        result->batch = user_sessions_render(target, reply, &client->optional);
        if (result->batch != NULL)
            result->outcome = STEP_FINISHED;
    }
    if (result->outcome == STEP_FAILED && result->error.class == ERROR_NONE)
        error_set(&result->error, ERROR_NO_MEMORY, "out of memory while reading a reply");
}

static void make_step(void *context, const struct step *step, struct step_result *result)
{
    struct session_client *client = context;
    const struct das_call call = {
        .credentials = step->credentials,
        .instance_id = step->target->instance->ins_id,
        .node_id = step->target->node_id,
        .result_id = step->continuation != NULL ? step->continuation : "",
    };
    struct das_reply reply;

    das_reply_init(&reply);
    das_client_call(client->das, &call, &reply);
    read_reply(client, step->target, &reply, result);
    das_reply_release(&reply);
}

const struct collector user_sessions_collector = {
    .metric = METRIC_USER_SESSION_COUNT,
    .calls_per_result = 2100, /* the submit, a poll, and now and then a poll too early */
    .open = open_client,
    .close = close_client,
    .step = make_step,
    .abort = abort_client,
};
