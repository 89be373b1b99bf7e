#include "faults.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "faults_wire.h"
#include "operation.h"
#include "reply.h"
#include "sim.h"

static const char mime_json[] = "application/json;charset=utf-8";

static bool answer_html(struct call *call)
{
    reply_text(call, 502, "html", "text/html",
               "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
               "<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n");
    return true;
}

static bool answer_xml(struct call *call)
{
    reply_text(call, 500, "xml", "text/xml",
               "<?xml version='1.0' encoding='UTF-8'?><Error>"
               "<RequestId>00000000-0000-0000-0000-000000000000</RequestId><Code>InternalError</Code>"
               "<Message>The request processing has failed due to some unknown error.</Message></Error>");
    return true;
}

static bool answer_bad_json(struct call *call)
{
    reply_text(call, 200, "badjson", mime_json,
               "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":\"async__00000000000000");
    return true;
}

static bool answer_empty_body(struct call *call)
{
    reply_text(call, 200, "emptybody", mime_json, "");
    return true;
}

static bool answer_deep(struct call *call)
{
    enum { DEPTH = 200000 };
    char *nest = xcalloc(DEPTH, 1);

    reply_text(call, 200, "deep", mime_json,
               "{\"Code\":200,\"Success\":true,\"Data\":{\"IsFinish\":true,\"SessionData\":");
    memset(nest, '[', DEPTH);
    (void)evbuffer_add(call->body, nest, DEPTH);
    memset(nest, ']', DEPTH);
    (void)evbuffer_add(call->body, nest, DEPTH);
    (void)evbuffer_add(call->body, "}}", 2);
    free(nest);
    return true;
}

static bool answer_types(struct call *call)
{
    if (call->phase == PHASE_SUBMIT)
        reply_text(call, 200, "types", mime_json,
                   "{\"Code\":[200],\"Message\":{},\"RequestId\":7,\"Success\":\"yes\",\"Data\":"
                   "{\"ResultId\":12345,\"IsFinish\":\"false\",\"State\":0,\"Complete\":[],"
                   "\"Fail\":null,\"Timestamp\":\"now\"}}");
    else
        reply_text(call, 200, "types", mime_json,
                   "{\"Code\":200,\"Success\":true,\"Data\":{\"ResultId\":{},\"IsFinish\":true,"
                   "\"State\":\"SUCCESS\",\"Complete\":1,\"Fail\":0,\"Timestamp\":1.5e300,"
                   "\"SessionData\":{\"TotalSessionCount\":\"12\",\"ActiveSessionCount\":null,"
                   "\"MaxActiveTime\":-9223372036854775808,\"TimeStamp\":{},\"UserStats\":[1,\"x\",null,[],"
                   "{\"Key\":5,\"TotalCount\":\"many\",\"ActiveCount\":[]},{\"Key\":\"a\"},"
                   "{\"TotalCount\":3},{\"Key\":\"b\",\"TotalCount\":-1.5,\"ActiveCount\":true}],"
                   "\"ClientStats\":{},\"DbStats\":0,\"SessionList\":\"none\"}}}");
    return true;
}

static bool answer_no_data(struct call *call)
{
    reply_json(call, "nodata", operation_envelope(call, NULL));
    return true;
}

static bool answer_no_success(struct call *call)
{
    json_t *body = operation_envelope(call, NULL);

    (void)json_object_set_new(body, "Code", json_string("InternalFailure"));
    (void)json_object_set_new(body, "Success", json_false());
    (void)json_object_set_new(body, "Message", json_string("The instance cannot be reached."));
    reply_json(call, "nosuccess", body);
    return true;
}

static bool answer_forbidden(struct call *call)
{
    reply_error(call, 403, "Forbidden.RAM",
                "User not authorized to operate on the specified resource, or this API doesn't support RAM.");
    return true;
}

static bool answer_flaky(struct call *call)
{
    if (call->target->replies++ % 2 != 0)
        return false;
    reply_error(call, 503, "ServiceUnavailable",
                "The request has failed due to a temporary failure of the server.");
    return true;
}

static void prepare_failed(struct call *call, struct result *result)
{
    (void)call;
    result->failed = true;
}

static void prepare_never(struct call *call, struct result *result)
{
    (void)call;
    result->ready_us = UINT64_MAX;
}

static void prepare_slow(struct call *call, struct result *result)
{
    result->ready_us = call->arrived_us + 5 * (result->ready_us - call->arrived_us);
}

/* The first ResultId of each pair of submits is the lost one. */
static void prepare_lost(struct call *call, struct result *result)
{
    result->lost = call->target->replies++ % 2 == 0;
}

static void shape_null_stats(struct session_shape *shape)
{
    shape->null_user_stats = true;
}

static void shape_empty(struct session_shape *shape)
{
    shape->empty = true;
}

static void shape_huge(struct session_shape *shape)
{
    shape->streamed = true;
}

static void shape_strange(struct session_shape *shape)
{
    shape->strange = true;
}

static void shape_ports(struct session_shape *shape)
{
    shape->ports = true;
}

static void shape_lean(struct session_shape *shape)
{
    shape->lean = true;
}

static void rename_key(json_t *object, const char *old, const char *new)
{
    json_t *value = json_incref(json_object_get(object, old));

    (void)json_object_del(object, old);
    (void)json_object_set_new(object, new, value);
}

/* As some sibling operations spell it; Code is now a number, now a string. */
static void respell_int_code(struct call *call, json_t *body)
{
    json_t *data = json_object_get(body, "Data");
    const char *state = json_string_value(json_object_get(data, "State"));
    char *lower = xstrdup(state);

    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    (void)json_object_set_new(data, "State", json_string(lower));
    rename_key(data, "IsFinish", "isFinish");
    rename_key(data, "Complete", "complete");
    rename_key(data, "Fail", "fail");
    if (call->target->replies++ % 2 == 0)
        (void)json_object_set_new(body, "Code", json_string("200"));
    free(lower);
}

static const struct fault table[] = {
    {.name = "failed", .prepare = prepare_failed},
    {.name = "never", .prepare = prepare_never},
    {.name = "slow", .prepare = prepare_slow},
    {.name = "lost", .prepare = prepare_lost},
    {.name = "first", .answers_at_once = true},
    {.name = "html", .answer = answer_html},
    {.name = "xml", .answer = answer_xml},
    {.name = "badjson", .answer = answer_bad_json},
    {.name = "deep", .answer = answer_deep},
    {.name = "types", .answer = answer_types},
    {.name = "emptybody", .answer = answer_empty_body},
    {.name = "nodata", .answer = answer_no_data},
    {.name = "nosuccess", .answer = answer_no_success},
    {.name = "forbidden", .answer = answer_forbidden},
    {.name = "flaky", .answer = answer_flaky},
    {.name = "nullstats", .shape = shape_null_stats},
    {.name = "empty", .shape = shape_empty},
    {.name = "huge", .shape = shape_huge},
    {.name = "strange", .shape = shape_strange},
    {.name = "ports", .shape = shape_ports},
    {.name = "lean", .shape = shape_lean},
    {.name = "intcode", .respell = respell_int_code},
    {.name = "reset", .deliver = wire_deliver_reset},
    {.name = "truncated", .deliver = wire_deliver_truncated},
    {.name = "hang", .deliver = wire_deliver_hang},
    {.name = "drip", .deliver = wire_deliver_drip},
};

static const char *const phases[] = {[PHASE_SUBMIT] = "submit", [PHASE_POLL] = "poll"};

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

/* Reads NAME[-PHASE][-anything]. *rest is what follows the part that was understood. */
static const struct fault *parse(const char *text, enum phase phase, const char **rest)
{
    size_t size = strcspn(text, "-");
    const struct fault *fault = NULL;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (is_word(text, size, table[i].name))
            fault = &table[i];
    }
    *rest = text + size;
    if (fault == NULL || **rest == '\0')
        return fault;
    text = *rest + 1;
    size = strcspn(text, "-");
    for (size_t i = 0; i < 2; i++) {
        if (!is_word(text, size, phases[i]))
            continue;
        *rest = text + size;
        return i == phase ? fault : NULL;
    }
    return fault;
}

const struct fault *faults_find(const struct sim *sim, const char *instance_id, enum phase phase)
{
    const char *given = json_string_value(json_object_get(sim->instance_faults, instance_id));
    const char *rest;

    return parse(given != NULL ? given : instance_id + 3, phase, &rest);
}

bool faults_is_known(const char *text)
{
    const char *rest;

    for (enum phase phase = PHASE_SUBMIT; phase <= PHASE_POLL; phase++) {
        if (parse(text, phase, &rest) != NULL && *rest == '\0')
            return true;
    }
    return false;
}
