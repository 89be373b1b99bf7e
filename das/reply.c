#include "das/reply.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "core/strbuf.h"
#include "core/text.h"
#include "das/peer_address.h"
#include "das/server_error.h"
#include "das/zeroed_memory.h"

#define REPLACEMENT_CHARACTER "\xef\xbf\xbd"

/* A member that is a flag. Null counts as absent. */
enum flag { FLAG_ABSENT, FLAG_FALSE, FLAG_TRUE, FLAG_ODD };

enum group_read { GROUP_READ, GROUP_ODD, GROUP_NO_MEMORY };

struct parser {
    long http_status;
    const struct credentials *credentials;
    json_t *root;
    struct das_reply *reply;
};

void das_reply_global_init(void)
{
    json_set_alloc_funcs(malloc, zeroed_free);
    json_object_seed(0); /* 0: Jansson takes a random seed */
}

static void forget_sessions(struct das_reply *reply)
{
    reply->users = (struct das_group){0};
    reply->clients = (struct das_group){0};
    reply->schemas = (struct das_group){0};
    reply->node = (struct das_node){-1, -1, -1};
}

void das_reply_init(struct das_reply *reply)
{
    *reply = (struct das_reply){.outcome = DAS_FAILED, .result_id = "", .retry_after_ms = -1};
    forget_sessions(reply);
    arena_init(&reply->arena);
}

void das_reply_release(struct das_reply *reply)
{
    arena_release(&reply->arena);
    das_reply_init(reply);
}

/* The member of that name in any case, an exact match first; NULL when absent or null. */
static json_t *member(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);
    const char *key;
    json_t *value;

    if (found == NULL) {
        json_object_foreach(object, key, value)
        {
            if (strcasecmp(key, name) == 0) {
                found = value;
                break;
            }
        }
    }
    return json_is_null(found) ? NULL : found;
}

static const char *text_member(json_t *object, const char *name)
{
    const char *text = json_string_value(member(object, name));

    return text != NULL ? text : "";
}

static enum flag flag_member(json_t *object, const char *name)
{
    json_t *value = member(object, name);
    const char *text = json_string_value(value);

    if (value == NULL)
        return FLAG_ABSENT;
    if (json_is_true(value) || (text != NULL && strcasecmp(text, "true") == 0))
        return FLAG_TRUE;
    if (json_is_false(value) || (text != NULL && strcasecmp(text, "false") == 0))
        return FLAG_FALSE;
    return FLAG_ODD;
}

/* Takes the server's words for what went wrong; `otherwise` stands in when it has none. */
static void fail_as_said(const struct parser *parser, enum error_class class, const char *code,
                         const char *otherwise)
{
    const char *message = text_member(parser->root, "Message");
    const struct server_error said = {
        .http_status = parser->http_status,
        .code = code,
        .message = message[0] != '\0' ? message : otherwise,
        .request_id = text_member(parser->root, "RequestId"),
    };

    parser->reply->outcome = DAS_FAILED;
    server_error_explain(&said, class, parser->credentials, &parser->reply->error);
}

/* `what` is our own text: a body is never repeated. */
static void fail(const struct parser *parser, enum error_class class, const char *what)
{
    const struct server_error said = {
        .http_status = parser->http_status,
        .code = "",
        .message = what,
        .request_id = text_member(parser->root, "RequestId"),
    };

    parser->reply->outcome = DAS_FAILED;
    server_error_explain(&said, class, parser->credentials, &parser->reply->error);
}

static void fail_malformed(const struct parser *parser, const char *what)
{
    fail(parser, ERROR_MALFORMED, what);
}

static void fail_no_memory(const struct parser *parser)
{
    parser->reply->outcome = DAS_FAILED;
    error_set(&parser->reply->error, ERROR_NO_MEMORY, "out of memory while reading a DAS reply");
}

/* A copy in the reply's arena in which NUL bytes are visible. NULL when memory runs out. */
static char *copy_key(const struct parser *parser, json_t *key)
{
    const char *text = json_string_value(key);
    size_t length = json_string_length(key);
    size_t width = sizeof(REPLACEMENT_CHARACTER) - 1;
    size_t used = 0;
    char *copy;

    if (memchr(text, '\0', length) == NULL)
        return arena_copy(&parser->reply->arena, text, length);
    copy = arena_alloc_array(&parser->reply->arena, length + 1, width);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\0') {
            copy[used++] = text[i];
        } else {
            memcpy(copy + used, REPLACEMENT_CHARACTER, width);
            used += width;
        }
    }
    return copy;
}

static bool read_count(json_t *element, const char *name, int64_t *count)
{
    json_t *value = member(element, name);

    *count = json_integer_value(value);
    return json_is_integer(value) && *count >= 0;
}

/* clean_key may change the copy of a key and says where it begins then; NULL: it stays. */
static enum group_read read_element(const struct parser *parser, json_t *element, char *(*clean_key)(char *),
                                    struct das_sessions *sessions)
{
    json_t *key = member(element, "Key");
    char *copy;

    if (!json_is_string(key) || !read_count(element, "TotalCount", &sessions->total) ||
        !read_count(element, "ActiveCount", &sessions->active))
        return GROUP_ODD;
    copy = copy_key(parser, key);
    if (copy == NULL)
        return GROUP_NO_MEMORY;
    sessions->key = clean_key != NULL ? clean_key(copy) : copy;
    return GROUP_READ;
}

/* Fills *group when all of the array can be read. */
static enum group_read read_group(const struct parser *parser, json_t *array, char *(*clean_key)(char *),
                                  struct das_group *group)
{
    size_t count = json_array_size(array);
    struct das_sessions *sessions;
    enum group_read read = GROUP_READ;

    if (!json_is_array(array))
        return GROUP_ODD;
    sessions = arena_alloc_array(&parser->reply->arena, count, sizeof(*sessions));
    if (sessions == NULL)
        return GROUP_NO_MEMORY;
    for (size_t i = 0; i < count && read == GROUP_READ; i++)
        read = read_element(parser, json_array_get(array, i), clean_key, &sessions[i]);
    if (read == GROUP_READ)
        *group = (struct das_group){sessions, count};
    return read;
}

static bool read_users(const struct parser *parser, json_t *user_stats)
{
    switch (read_group(parser, user_stats, NULL, &parser->reply->users)) {
    case GROUP_READ:
        return true;
    case GROUP_NO_MEMORY:
        fail_no_memory(parser);
        return false;
    case GROUP_ODD:
        break;
    }
    fail_malformed(parser, "an element of UserStats lacks Key, TotalCount or ActiveCount, or a count is no "
                           "integer or negative");
    return false;
}

/* The groups that a reply may lack. False when memory runs out. */
static bool read_other_groups(const struct parser *parser, json_t *session_data)
{
    struct das_reply *reply = parser->reply;

    if (read_group(parser, member(session_data, "ClientStats"), peer_address, &reply->clients) ==
            GROUP_NO_MEMORY ||
        read_group(parser, member(session_data, "DbStats"), NULL, &reply->schemas) == GROUP_NO_MEMORY) {
        fail_no_memory(parser);
        return false;
    }
    return true;
}

static void read_node(json_t *session_data, struct das_node *node)
{
    if (!read_count(session_data, "TotalSessionCount", &node->total))
        node->total = -1;
    if (!read_count(session_data, "ActiveSessionCount", &node->active))
        node->active = -1;
    if (!read_count(session_data, "MaxActiveTime", &node->longest_active))
        node->longest_active = -1;
}

static void read_sessions(const struct parser *parser, json_t *session_data, json_t *user_stats)
{
    if (!read_users(parser, user_stats) || !read_other_groups(parser, session_data)) {
        forget_sessions(parser->reply);
        return;
    }
    read_node(session_data, &parser->reply->node);
    parser->reply->outcome = DAS_FINISHED;
}

static void read_finished(const struct parser *parser, json_t *data)
{
    json_t *session_data = member(data, "SessionData");
    json_t *user_stats = member(session_data, "UserStats");

    if (!json_is_object(session_data))
        fail_malformed(parser, "IsFinish is true but there is no SessionData");
    else if (!json_is_array(user_stats))
        fail_malformed(parser, "IsFinish is true but SessionData has no UserStats");
    else
        read_sessions(parser, session_data, user_stats);
}

static void read_running(const struct parser *parser, json_t *data)
{
    const char *result_id = text_member(data, "ResultId");
    const char *copy;

    if (result_id[0] == '\0') {
        fail_malformed(parser, "not finished, and there is no ResultId to ask again with");
        return;
    }
    copy = arena_strdup(&parser->reply->arena, result_id);
    if (copy == NULL) {
        fail_no_memory(parser);
        return;
    }
    parser->reply->result_id = copy;
    parser->reply->outcome = DAS_RUNNING;
}

static void read_data(const struct parser *parser, json_t *data)
{
    enum flag finished = flag_member(data, "IsFinish");
    enum flag failed = flag_member(data, "Fail");

    if (failed == FLAG_TRUE || strcasecmp(text_member(data, "State"), "FAIL") == 0)
        fail(parser, ERROR_REMOTE, "DAS could not collect the sessions (State FAIL)");
    else if (finished == FLAG_ODD || failed == FLAG_ODD)
        fail_malformed(parser, "IsFinish or Fail is neither true nor false");
    else if (finished == FLAG_TRUE)
        read_finished(parser, data);
    else if (finished == FLAG_ABSENT && member(data, "SessionData") != NULL)
        fail_malformed(parser, "SessionData without IsFinish");
    else
        read_running(parser, data);
}

/* The top level's Code: an integer from DAS, a string from the gateway. "" for absent and 200. */
static const char *read_code(json_t *root, char *buffer, size_t size)
{
    json_t *code = member(root, "Code");

    if (json_is_string(code))
        snprintf(buffer, size, "%s", json_string_value(code));
    else if (json_is_integer(code))
        snprintf(buffer, size, "%lld", (long long)json_integer_value(code));
    else
        snprintf(buffer, size, "%s", code != NULL ? "unreadable" : "");
    return strcmp(buffer, "200") == 0 ? "" : buffer;
}

static void read_object(const struct parser *parser)
{
    bool status_ok = parser->http_status >= 200 && parser->http_status <= 299;
    enum flag success = flag_member(parser->root, "Success");
    json_t *data = member(parser->root, "Data");
    char buffer[SERVER_ERROR_TEXT_SIZE];
    const char *code = read_code(parser->root, buffer, sizeof(buffer));

    if (!status_ok || code[0] != '\0' || success == FLAG_FALSE)
        fail_as_said(parser, das_error_class(code, parser->http_status), code, "");
    else if (success == FLAG_ODD)
        fail_malformed(parser, "Success is neither true nor false");
    else if (data == NULL)
        fail(parser, ERROR_REMOTE, "the reply has no Data");
    else if (!json_is_object(data))
        fail_malformed(parser, "Data is no object");
    else
        read_data(parser, data);
}

/*
 * Jansson gives no reason at all in most cases of this. It takes a string it cannot store for a
 * mistake of syntax; then the class is ERROR_MALFORMED.
 */
static bool is_out_of_memory(const json_error_t *error)
{
    return json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0';
}

static const char *describe_json_error(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "the body ends too early";
    case json_error_stack_overflow:
        return "the body is nested too deeply";
    case json_error_numeric_overflow:
        return "a number in the body is too large";
    default:
        return "the body is not JSON; check [das] endpoint and what stands between";
    }
}

/* A body that is no JSON object: a gateway's XML, or whatever a proxy says. */
static void read_foreign(const struct parser *parser, const char *body, size_t length, const char *what)
{
    enum error_class class = das_error_class("", parser->http_status);
    struct server_error_xml xml;

    if (server_error_read_xml(body, length, &xml)) {
        const struct server_error said = {parser->http_status, xml.code, xml.message, xml.request_id};

        server_error_explain(&said, das_error_class(xml.code, parser->http_status), parser->credentials,
                             &parser->reply->error);
    } else if (class == ERROR_REMOTE || class == ERROR_MALFORMED) {
        fail_malformed(parser, what);
    } else {
        fail_as_said(parser, class, "", what);
    }
}

/* The body with U+FFFD for each byte that is no UTF-8. */
static void repair_utf8(const char *body, size_t length, struct strbuf *repaired)
{
    while (length > 0) {
        size_t character = text_utf8_length(body, length);

        if (character == 0)
            strbuf_append_text(repaired, REPLACEMENT_CHARACTER);
        else
            strbuf_append(repaired, body, character);
        body += character == 0 ? 1 : character;
        length -= character == 0 ? 1 : character;
    }
}

/* Names of users are bytes to MySQL: one that is no UTF-8 must not cost those of the others. */
static json_t *load_json(const char *body, size_t length, json_error_t *json_error)
{
    json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, json_error);
    struct strbuf repaired;

    if (root != NULL || json_error_code(json_error) != json_error_invalid_utf8)
        return root;
    strbuf_init(&repaired, 0);
    repair_utf8(body, length, &repaired);
    if (!strbuf_failed(&repaired))
        root = json_loadb(strbuf_text(&repaired), repaired.length, JSON_ALLOW_NUL, json_error);
    else
        json_error->text[0] = '\0'; /* see is_out_of_memory */
    strbuf_release(&repaired);
    return root;
}

static void parse_body(struct parser *parser, const char *body, size_t length)
{
    json_error_t json_error;

    parser->root = load_json(body, length, &json_error);
    if (json_is_object(parser->root))
        read_object(parser);
    else if (parser->root == NULL && is_out_of_memory(&json_error))
        fail_no_memory(parser);
    else
        read_foreign(parser, body, length,
                     parser->root != NULL ? "the body is no JSON object" : describe_json_error(&json_error));
    json_decref(parser->root);
}

void das_reply_parse(long http_status, const char *body, size_t length, int64_t retry_after_ms,
                     const struct credentials *credentials, struct das_reply *reply)
{
    struct parser parser = {.http_status = http_status, .credentials = credentials, .reply = reply};

    arena_release(&reply->arena);
    arena_init(&reply->arena);
    error_clear(&reply->error);
    reply->outcome = DAS_FAILED;
    reply->result_id = "";
    forget_sessions(reply);
    parse_body(&parser, body != NULL ? body : "", length);
    if (reply->outcome == DAS_FAILED && retry_after_ms >= 0 && reply->error.class != ERROR_NO_MEMORY)
        reply->error.class = ERROR_THROTTLED;
}
