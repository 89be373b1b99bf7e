#include "operation.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "faults_wire.h"
#include "reply.h"
#include "session_json.h"
#include "sim.h"

struct flags {
    const char *state;
    bool finished;
    bool complete;
    bool fail;
};

static const struct flags running = {"RUNNING", false, false, false};
static const struct flags success = {"SUCCESS", true, true, false};
static const struct flags failure = {"FAIL", true, false, true};

void operation_read_params(struct call *call)
{
    const char *result_id = field_list_get(&call->params, "ResultId");

    call->phase = result_id != NULL && *result_id != '\0' ? PHASE_POLL : PHASE_SUBMIT;
    call->instance_id = field_list_get(&call->params, "InstanceId");
    call->node_id = field_list_get(&call->params, "NodeId");
}

static bool coin(struct call *call)
{
    return (random_u64(&call->sim->random) & 1) != 0;
}

/* The order of the keys differs from reply to reply, as it does in DAS. */
json_t *operation_envelope(struct call *call, json_t *data)
{
    char *request_id = reply_request_id(call->sim);
    json_t *body = json_object();
    bool data_first = coin(call);

    if (data == NULL)
        data = json_null();
    if (data_first)
        (void)json_object_set(body, "Data", data);
    (void)json_object_set_new(body, "RequestId", json_string(request_id));
    (void)json_object_set_new(body, "Message", json_string("Successful"));
    if (!data_first)
        (void)json_object_set(body, "Data", data);
    (void)json_object_set_new(body, "Code", json_integer(200));
    (void)json_object_set_new(body, "Success", json_true());
    json_decref(data);
    free(request_id);
    return body;
}

static json_t *make_data(struct call *call, const struct flags *flags, json_t *sessions)
{
    char *id = result_id_format(call->result == NULL ? 0 : call->result->id);
    json_t *data = json_object();
    bool sessions_first = coin(call);

    if (sessions != NULL && sessions_first)
        (void)json_object_set(data, "SessionData", sessions);
    (void)json_object_set_new(data, "ResultId", json_string(id));
    (void)json_object_set_new(data, "State", json_string(flags->state));
    (void)json_object_set_new(data, "IsFinish", json_boolean(flags->finished));
    (void)json_object_set_new(data, "Complete", json_boolean(flags->complete));
    (void)json_object_set_new(data, "Fail", json_boolean(flags->fail));
    (void)json_object_set_new(data, "Timestamp", json_integer(clock_wall_ms()));
    if (sessions != NULL && !sessions_first)
        (void)json_object_set(data, "SessionData", sessions);
    json_decref(sessions);
    free(id);
    return data;
}

/* Takes over sessions; NULL leaves SessionData out. */
static void reply_data(struct call *call, const char *outcome, const struct flags *flags, json_t *sessions)
{
    json_t *body = operation_envelope(call, make_data(call, flags, sessions));

    if (call->fault != NULL && call->fault->respell != NULL)
        call->fault->respell(call, body);
    reply_json(call, outcome, body);
}

static void count_delivery(struct call *call)
{
    struct tally *tally = &call->key->account->tally;
    struct result *result = call->result;

    if (result == NULL || result->delivered)
        return;
    result->delivered = true;
    tally->results_delivered++;
    tally->polls_of_delivered += result->polls;
    call->target->delivered++;
}

/* Jansson refuses broken UTF-8, so a name of the same length is put in its place and
 * exchanged in the finished text. */
static void break_utf8(struct call *call)
{
    unsigned char *text = evbuffer_pullup(call->body, -1);
    size_t size = evbuffer_get_length(call->body);
    size_t name_size = strlen(SESSIONS_BROKEN_STAND_IN);

    for (unsigned char *at = text;
         (at = memmem(at, size - (size_t)(at - text), SESSIONS_BROKEN_STAND_IN, name_size)) != NULL;)
        memcpy(at, SESSIONS_BROKEN_NAME, name_size);
}

static void reply_finished(struct call *call)
{
    const struct options *options = &call->sim->options;
    struct session_shape shape = {.target = call->target->name,
                                  .generation = options->generation,
                                  .users = (size_t)options->users,
                                  .clients = (size_t)options->clients,
                                  .session_list = (size_t)options->session_list};

    if (call->fault != NULL && call->fault->shape != NULL)
        call->fault->shape(&shape);
    reply_data(call, "finished", &success, session_json_build(&shape, &call->sim->random));
    if (shape.strange)
        break_utf8(call);
    if (shape.streamed)
        call->deliver = wire_deliver_huge;
    count_delivery(call);
}

static void submit(struct call *call)
{
    struct sim *sim = call->sim;
    const struct options *options = &sim->options;
    double time =
        random_log_normal(&sim->random, (double)options->completion_median, options->completion_sigma);
    struct result *result;

    do
        result = result_store_create(&sim->results, random_u64(&sim->random), call->arrived_us);
    while (result == NULL);
    result->ready_us = call->arrived_us + (uint64_t)time;
    result->account = call->key->account;
    result->target = call->target;
    call->result = result;
    call->key->account->tally.results_created++;
    if (call->fault != NULL && call->fault->prepare != NULL)
        call->fault->prepare(call, result);
    if (call->fault != NULL && call->fault->answers_at_once)
        reply_finished(call);
    else
        reply_data(call, "submitted", &running, NULL);
}

/* NULL when unknown, expired, of another account or of another target. */
static struct result *find_result(struct call *call)
{
    struct sim *sim = call->sim;
    uint64_t lifetime = (uint64_t)sim->options.result_lifetime;
    struct result *result = NULL;
    uint64_t id;

    if (call->arrived_us > lifetime)
        result_store_expire(&sim->results, call->arrived_us - lifetime);
    if (result_id_parse(field_list_get(&call->params, "ResultId"), &id))
        result = result_store_find(&sim->results, id);
    if (result == NULL || result->account != call->key->account || result->lost)
        return NULL;
    return result->target == call->target ? result : NULL;
}

static void poll_result(struct call *call)
{
    struct result *result = find_result(call);

    if (result == NULL) {
        reply_error(call, 400, "InvalidParameter.ResultId",
                    "The specified parameter ResultId is not valid or has expired.");
        return;
    }
    call->result = result;
    result->polls++;
    if (call->arrived_us < result->ready_us) {
        reply_data(call, "running", &running, NULL);
        return;
    }
    if (!result->finished) {
        result->finished = true;
        call->key->account->tally.results_finished++;
    }
    if (result->failed)
        reply_data(call, "failed", &failure, NULL);
    else
        reply_finished(call);
}

/* False, with the reply made, when there is no such instance. */
static bool find_target(struct call *call)
{
    const char *id = call->instance_id;
    char *name;

    if (id == NULL || *id == '\0') {
        reply_error(call, 400, "InvalidParams", "InstanceId is mandatory for this action.");
        return false;
    }
    if (strncmp(id, "rm-", 3) != 0 && strncmp(id, "pc-", 3) != 0) {
        reply_error(call, 404, "Forbidden.InstanceNotFound", "The instance %s is not found.", id);
        return false;
    }
    name = target_name(id, call->node_id);
    call->target = target_table_get(&call->sim->targets, name);
    free(name);
    return true;
}

void operation_answer(struct call *call)
{
    if (!find_target(call))
        return;
    if (call->phase == PHASE_POLL)
        call->target->polls++;
    else
        call->target->submits++;
    call->fault = faults_find(call->sim, call->instance_id, call->phase);
    if (call->fault != NULL && call->fault->answer != NULL && call->fault->answer(call))
        return;
    if (call->phase == PHASE_POLL)
        poll_result(call);
    else
        submit(call);
    if (call->fault != NULL && call->fault->deliver != NULL)
        call->deliver = call->fault->deliver;
}
