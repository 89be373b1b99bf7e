#include "session_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

/* The sessions of one schema or client. */
struct share {
    char *key;
    json_t *threads;
    uint64_t active;
};

struct builder {
    json_t *user_stats;
    json_t *session_list;
    json_t *all_threads;
    json_t *all_users;
    struct share schemas[SCHEMAS];
    struct share *clients; /* one for each address; with ports one for each session */
    size_t client_count;
    size_t client_capacity;
    uint64_t total;
    uint64_t active;
    const struct session_shape *shape;
    size_t list_most;
};

/* Every fifth address is IPv6. */
static char *client_address(uint64_t index)
{
    if (index % 5 == 4)
        return xprintf("2001:db8::%x", (unsigned)index + 1);
    return xprintf("10.0.%u.%u", (unsigned)(index / 250), (unsigned)(index % 250 + 1));
}

static char *client_with_port(uint64_t index, uint64_t thread)
{
    char *address = client_address(index);
    char *text = xprintf(strchr(address, ':') == NULL ? "%s:%u" : "[%s]:%u", address,
                         (unsigned)(40000 + thread % 20000));

    free(address);
    return text;
}

json_t *session_json_entry(const char *user, uint64_t thread, bool active)
{
    const char *schema = schemas[thread % SCHEMAS];
    char *client = client_with_port(thread % 5, thread);
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

static void share_init(struct share *share, char *key)
{
    *share = (struct share){.key = key, .threads = json_array()};
}

static void share_add(struct share *share, uint64_t thread, bool active)
{
    (void)json_array_append_new(share->threads, json_integer((json_int_t)thread));
    share->active += active;
}

static struct share *new_client(struct builder *builder, char *key)
{
    if (builder->client_count == builder->client_capacity) {
        builder->client_capacity = builder->client_capacity == 0 ? 16 : 2 * builder->client_capacity;
        builder->clients = xrealloc(builder->clients, builder->client_capacity, sizeof(*builder->clients));
    }
    share_init(&builder->clients[builder->client_count], key);
    return &builder->clients[builder->client_count++];
}

static void add_client(struct builder *builder, uint64_t thread, bool active)
{
    uint64_t index = thread % builder->shape->clients;

    if (builder->shape->ports)
        share_add(new_client(builder, client_with_port(index, thread)), thread, active);
    else
        share_add(&builder->clients[index], thread, active);
}

static void add_session(struct builder *builder, const char *user, uint64_t thread, bool active)
{
    (void)json_array_append_new(builder->all_threads, json_integer((json_int_t)thread));
    share_add(&builder->schemas[thread % SCHEMAS], thread, active);
    add_client(builder, thread, active);
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

static void builder_init(struct builder *builder, const struct session_shape *shape, size_t list_most)
{
    *builder = (struct builder){.user_stats = json_array(),
                                .session_list = json_array(),
                                .all_threads = json_array(),
                                .all_users = json_array(),
                                .shape = shape,
                                .list_most = list_most};
    for (size_t i = 0; i < SCHEMAS; i++)
        share_init(&builder->schemas[i], xstrdup(schemas[i]));
    for (size_t i = 0; i < shape->clients && !shape->ports; i++)
        (void)new_client(builder, client_address(i));
}

static void builder_release(struct builder *builder)
{
    json_decref(builder->user_stats);
    json_decref(builder->session_list);
    json_decref(builder->all_threads);
    json_decref(builder->all_users);
    free(builder->clients);
}

/* The element of each share that has sessions. Takes over the shares' content. */
static json_t *make_stats(const struct builder *builder, const struct share *shares, size_t count)
{
    json_t *stats = json_array();

    for (size_t i = 0; i < count; i++) {
        size_t total = json_array_size(shares[i].threads);

        if (total == 0)
            json_decref(shares[i].threads);
        else
            (void)json_array_append_new(stats, make_stat(shares[i].key, total, shares[i].active,
                                                         shares[i].threads, json_incref(builder->all_users)));
        free(shares[i].key);
    }
    return stats;
}

static void set_totals(const struct builder *builder, json_t *data)
{
    (void)json_object_set_new(data, "TotalSessionCount", json_integer((json_int_t)builder->total));
    (void)json_object_set_new(data, "ActiveSessionCount", json_integer((json_int_t)builder->active));
    (void)json_object_set_new(data, "MaxActiveTime", json_integer(builder->active > 0 ? 60 : 0));
}

/* What is left of them is null, of another type, negative, or absent. */
static void make_lean(json_t *data)
{
    (void)json_object_set_new(data, "ClientStats", json_null());
    (void)json_object_set_new(data, "DbStats", json_string("none"));
    (void)json_object_set_new(data, "ActiveSessionCount", json_string("many"));
    (void)json_object_set_new(data, "MaxActiveTime", json_integer(-1));
    (void)json_object_del(data, "TotalSessionCount");
}

/* Everything in one order or in another. */
static json_t *assemble(struct builder *builder, bool list_first)
{
    json_t *data = json_object();

    (void)json_object_set_new(data, "TimeStamp", json_integer(clock_wall_ms()));
    if (list_first)
        (void)json_object_set(data, "SessionList", builder->session_list);
    (void)json_object_set_new(data, "DbStats", make_stats(builder, builder->schemas, SCHEMAS));
    if (builder->shape->null_user_stats)
        (void)json_object_set_new(data, "UserStats", json_null());
    else
        (void)json_object_set(data, "UserStats", builder->user_stats);
    (void)json_object_set_new(data, "ClientStats",
                              make_stats(builder, builder->clients, builder->client_count));
    if (!list_first)
        (void)json_object_set(data, "SessionList", builder->session_list);
    set_totals(builder, data);
    if (builder->shape->lean)
        make_lean(data);
    return data;
}

json_t *session_json_build(const struct session_shape *shape, struct random *random)
{
    struct builder builder;
    size_t most = sessions_user_most(shape);
    json_t *data;

    builder_init(&builder, shape, shape->streamed ? 1 : shape->session_list);
    for (size_t i = 0; i < most; i++) {
        struct user_sessions user;

        if (!sessions_user(shape, i, &user))
            continue;
        add_user(&builder, &user);
        free(user.name);
    }
    data = assemble(&builder, (random_u64(random) & 1) != 0);
    builder_release(&builder);
    return data;
}
