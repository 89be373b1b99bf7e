#include "collectors/user_sessions.h"

#include "collectors/node_samples.h"
#include "collectors/optional_metrics.h"

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
