#include "collectors/user_limits.h"

struct batch *user_limits_render(const struct user_limits *limits)
{
    struct batch *batch = batch_new();
    const struct user_limit *limit;

    if (batch == NULL)
        return NULL;
    for (limit = limits->limits; limit < limits->limits + limits->count; limit++)
        batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){limit->ins_id, limit->username},
                  limit->max_user_connections);
    if (batch_seal(batch, NULL))
        return batch;
    batch_put(batch);
    return NULL;
}
