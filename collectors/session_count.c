#include "collectors/session_count.h"

#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "metrics/exposition.h"

/* A user with its name as exported: names that differ only in broken UTF-8 are the same there. */
struct exported_user {
    const char *name;     /* as in the reply */
    size_t offset;        /* of the exported name */
    const char *exported; /* the exported name, once all are there */
    int64_t total;
};

static int compare_users(const void *left, const void *right)
{
    const struct exported_user *a = left;
    const struct exported_user *b = right;

    return strcmp(a->exported, b->exported);
}

/* Fills users, sorted by exported name. The names live in `names`. False when memory runs out. */
static bool export_users(const struct das_reply *reply, struct exported_user *users, struct strbuf *names)
{
    size_t i;

    for (i = 0; i < reply->user_count; i++) {
        users[i].name = reply->users[i].user;
        users[i].total = reply->users[i].total;
        users[i].offset = names->length;
        exposition_label_value(names, users[i].name);
        strbuf_append_char(names, '\0');
    }
    if (strbuf_failed(names))
        return false;
    for (i = 0; i < reply->user_count; i++)
        users[i].exported = names->data + users[i].offset;
    qsort(users, reply->user_count, sizeof(*users), compare_users);
    return true;
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static void add_sample(struct batch *batch, const struct target *target, const char *user, int64_t total)
{
    const struct instance *instance = target->instance;
    const char *values[] = {instance->ins_id,
                            instance->ins_name,
                            instance->ins_type,
                            instance->aliyun_uid,
                            user,
                            target->node_id,
                            node_type_name(target->node_type)};

    batch_add(batch, FAMILY_USER_SESSION_COUNT, values, total);
}

/* Adds one sample for each run of equal users. */
static void add_samples(struct batch *batch, const struct target *target, const struct exported_user *users,
                        size_t count)
{
    int64_t total;
    size_t first;
    size_t i;

    for (first = 0; first < count; first = i) {
        total = users[first].total;
        for (i = first + 1; i < count && compare_users(&users[first], &users[i]) == 0; i++)
            total = add_saturating(total, users[i].total);
        add_sample(batch, target, users[first].name, total);
    }
}

struct batch *session_count_render(const struct target *target, const struct das_reply *reply)
{
    struct batch *batch = batch_new();
    struct exported_user *users = calloc(reply->user_count > 0 ? reply->user_count : 1, sizeof(*users));
    struct strbuf names;
    bool done = false;

    strbuf_init(&names, 0);
    if (batch == NULL || users == NULL || !export_users(reply, users, &names))
        goto out;
    add_samples(batch, target, users, reply->user_count);
    done = batch_seal(batch, NULL);
out:
    strbuf_release(&names);
    free(users);
    if (done)
        return batch;
    batch_put(batch);
    return NULL;
}
