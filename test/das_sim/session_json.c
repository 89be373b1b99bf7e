#include "session_json.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const statements[] = {
    "SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = 'a\"b'",
    "UPDATE stock SET amount = amount - 1 WHERE item_id = 4711 /* checkout */",
    "INSERT INTO audit_log (body) VALUES ('{\"UserStats\":[{\"Key\":\"intruder\",\"TotalCount\":999}]}')",
    "SELECT SLEEP(3),\n\t'\xe4\xb8\xad\xe6\x96\x87 \\' || name FROM report WHERE day >= '2025-01-01'",
    "COMMIT",
};

enum { STATEMENTS = sizeof(statements) / sizeof(statements[0]) };

static const char *const schemas[] = {"shop", "ledger", ""};
enum { SCHEMAS = sizeof(schemas) / sizeof(schemas[0]) };

struct builder {
    json_t *user_stats;
    json_t *session_list;
    json_t *all_threads;
    json_t *all_users;
    json_t *threads_of[SCHEMAS];
    uint64_t active_of[SCHEMAS];
    uint64_t total;
    uint64_t active;
    size_t list_most;
};

json_t *session_json_entry(const char *user, uint64_t thread, bool active)
{
    const char *schema = schemas[thread % SCHEMAS];
    char *client = xprintf("10.0.%u.%u:%u", (unsigned)(thread % 4), (unsigned)(thread % 250),
                           (unsigned)(40000 + thread % 20000));
    json_t *entry =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I}", "SessionId", (json_int_t)thread, "User", user,
                  "Client", client, "DbName", schema, "Command", active ? "Query" : "Sleep", "State",
                  active ? "Sending data" : "", "SqlText", active ? statements[thread % STATEMENTS] : "",
                  "Time", (json_int_t)(thread % 61), "TrxId", "", "TrxDuration", (json_int_t)0);

    if (entry == NULL)
        abort();
    free(client);
    return entry;
}

/* Takes over threads and users. */
static json_t *make_stat(const char *key, size_t total, uint64_t active, json_t *threads, json_t *users)
{
    return json_pack("{s:s,s:I,s:I,s:o,s:o}", "Key", key, "TotalCount", (json_int_t)total, "ActiveCount",
                     (json_int_t)active, "ThreadIdList", threads, "UserList", users);
}

static void add_session(struct builder *builder, const char *user, uint64_t thread, bool active)
{
    (void)json_array_append_new(builder->all_threads, json_integer((json_int_t)thread));
    (void)json_array_append_new(builder->threads_of[thread % SCHEMAS], json_integer((json_int_t)thread));
    builder->active_of[thread % SCHEMAS] += active;
    if (json_array_size(builder->session_list) < builder->list_most)
        (void)json_array_append_new(builder->session_list, session_json_entry(user, thread, active));
}

static void add_user(struct builder *builder, const struct user_sessions *user)
{
    json_t *threads = json_array();

    for (uint64_t i = 0; i < user->total; i++) {
        uint64_t thread = 100000 + builder->total + i;

        (void)json_array_append_new(threads, json_integer((json_int_t)thread));
        add_session(builder, user->name, thread, i < user->active);
    }
    builder->total += user->total;
    builder->active += user->active;
    (void)json_array_append_new(builder->all_users, json_string(user->name));
    (void)json_array_append_new(builder->user_stats, make_stat(user->name, user->total, user->active, threads,
                                                               json_pack("[s]", user->name)));
}

static void builder_init(struct builder *builder, size_t list_most)
{
    *builder = (struct builder){.user_stats = json_array(),
                                .session_list = json_array(),
                                .all_threads = json_array(),
                                .all_users = json_array(),
                                .list_most = list_most};
    for (size_t i = 0; i < SCHEMAS; i++)
        builder->threads_of[i] = json_array();
}

static json_t *make_db_stats(struct builder *builder)
{
    json_t *stats = json_array();

    for (size_t i = 0; i < SCHEMAS; i++) {
        size_t total = json_array_size(builder->threads_of[i]);

        if (total == 0)
            json_decref(builder->threads_of[i]);
        else
            (void)json_array_append_new(stats,
                                        make_stat(schemas[i], total, builder->active_of[i],
                                                  builder->threads_of[i], json_incref(builder->all_users)));
    }
    return stats;
}

/* Everything in one order or in another. */
static json_t *assemble(struct builder *builder, const struct session_shape *shape, bool list_first)
{
    json_t *data = json_object();
    json_t *clients = json_array();

    if (builder->total > 0)
        (void)json_array_append_new(clients, make_stat("10.0.0.7", builder->total, builder->active,
                                                       json_incref(builder->all_threads),
                                                       json_incref(builder->all_users)));
    (void)json_object_set_new(data, "TimeStamp", json_integer(clock_wall_ms()));
    if (list_first)
        (void)json_object_set(data, "SessionList", builder->session_list);
    (void)json_object_set_new(data, "DbStats", make_db_stats(builder));
    if (shape->null_user_stats)
        (void)json_object_set_new(data, "UserStats", json_null());
    else
        (void)json_object_set(data, "UserStats", builder->user_stats);
    (void)json_object_set_new(data, "ClientStats", clients);
    if (!list_first)
        (void)json_object_set(data, "SessionList", builder->session_list);
    (void)json_object_set_new(data, "TotalSessionCount", json_integer((json_int_t)builder->total));
    (void)json_object_set_new(data, "ActiveSessionCount", json_integer((json_int_t)builder->active));
    (void)json_object_set_new(data, "MaxActiveTime", json_integer(builder->active > 0 ? 60 : 0));
    return data;
}

json_t *session_json_build(const struct session_shape *shape, struct random *random)
{
    struct builder builder;
    size_t most = sessions_user_most(shape);
    json_t *data;

    builder_init(&builder, shape->streamed ? 1 : shape->session_list);
    for (size_t i = 0; i < most; i++) {
        struct user_sessions user;

        if (!sessions_user(shape, i, &user))
            continue;
        add_user(&builder, &user);
        free(user.name);
    }
    data = assemble(&builder, shape, (random_u64(random) & 1) != 0);
    json_decref(builder.user_stats);
    json_decref(builder.session_list);
    json_decref(builder.all_threads);
    json_decref(builder.all_users);
    return data;
}
